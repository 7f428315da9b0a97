//! Users made over SCIM, beside `scim2-server` from PyPI, and users found by name among a hundred thousand.
//!
//! The peer keeps its users in memory; here every answer means that the user is on the disk and in force. Both get the
//! same requests from the same client, a connection for each caller; the peer closes its connections after each answer,
//! so its callers connect anew.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use http::Method;
use mke_auth::accounts::{Accounts, Provisioned};
use mke_auth::directory::Directory;
use mke_auth::password::{HashLimits, PasswordHasher};
use mke_auth::records::ScimPerson;
use mke_auth::scim::{MEDIA_TYPE, Request, Scim};
use mke_core::store::sqlite::SqliteStore;
use mke_core::store::{KeyRange, Store, layout};
use mke_core::time::SystemClock;
use mke_test_support::free_port;
use serde_json::json;

use super::directory;
use crate::args::Args;
use crate::client::{Client, text};
use crate::error::BenchError;
use crate::peers::ucp::Ucp;
use crate::process::Daemon;
use crate::report::Table;
use crate::stats::{Spread, micros, quantile};

/// Callers at once.
const CALLERS: usize = 64;
/// Users that the peer is asked to make in a round. Its time for each grows with their number.
const PEER_USERS: usize = 1_000;
/// Users that are made here in a round.
const USERS: usize = 20_000;
/// Users among which one is found.
const CROWD: usize = 100_000;
/// Times that one is looked for.
const FINDS: usize = 5_000;

const BASE: &str = "/enzi/v0/scim/v2";

pub(super) async fn run(program: &Path, args: &Args) -> Result<Vec<Table>, BenchError> {
    let (mut ours, mut theirs, mut same) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        theirs.push(peer_rate().await?);
        // The same number of users, and then many more.
        let place = Place::start(program).await?;
        same.push(place.make(0, PEER_USERS).await?);
        ours.push(place.make(PEER_USERS, USERS).await?);
    }
    let place = Place::start(program).await?;
    let crowd_rate = place.make(0, CROWD).await?;
    let mut over_http = place.find().await?;
    let mut in_process = found_in_process().await?;
    let mut made = Table::new(
        "Users made over SCIM, a second",
        &["server", "kept", "users", "users/s", "× scim2-server", "aim"],
    );
    made.row([
        "scim2-server".into(),
        "in memory".into(),
        (PEER_USERS as f64).into(),
        Spread::of(theirs.iter().copied()).into(),
        "1".into(),
        "".into(),
    ]);
    for (users, rates) in [(PEER_USERS, &same), (USERS, &ours)] {
        made.row([
            "`ucp serve`, TLS".into(),
            "synced to disk, in force".into(),
            (users as f64).into(),
            Spread::of(rates.iter().copied()).into(),
            Spread::of_ratios(rates, &theirs).into(),
            "≥ 20".into(),
        ]);
    }
    made.note(format!(
        "{CALLERS} callers at once. {CROWD} users into one empty cluster: {crowd_rate:.0} users/s."
    ));
    let mut found = Table::new(
        format!("`userName eq` among {CROWD} users"),
        &["where", "median, µs", "99 %, µs", "aim"],
    );
    for (place, times, aim) in [
        ("in the process: `Scim::handle`", &mut in_process, "≤ 100"),
        ("over HTTP and TLS, one connection", &mut over_http, ""),
    ] {
        found.row([
            place.into(),
            quantile(times, 0.5).into(),
            quantile(times, 0.99).into(),
            aim.into(),
        ]);
    }
    Ok(vec![made, found])
}

/// A control plane with SCIM switched on.
struct Place {
    ucp: Ucp,
    token: String,
    _directory: tempfile::TempDir,
}

impl Place {
    async fn start(program: &Path) -> Result<Self, BenchError> {
        let directory = directory()?;
        let ucp = Ucp::start(
            program,
            &directory.path().join("data"),
            &directory.path().join("none.sock"),
        )
        .await?;
        let session = ucp.log_in_administrator().await?;
        let mut admin = ucp.client().await?.with_token(&session);
        let settings = "/api/ucp/config/auth/scim";
        admin
            .json(Method::PUT, settings, &json!({ "enabled": true }))
            .await?;
        let made = admin
            .json(Method::POST, &format!("{settings}/token"), &json!({}))
            .await?;
        Ok(Self {
            token: text(&made, "token")?,
            ucp,
            _directory: directory,
        })
    }

    /// Makes users and returns how many a second.
    async fn make(&self, first: usize, count: usize) -> Result<f64, BenchError> {
        let mut callers = Vec::new();
        for _ in 0..CALLERS {
            callers.push(self.ucp.client().await?.with_token(&self.token));
        }
        let begun = Instant::now();
        let work = callers.into_iter().enumerate().map(|(caller, mut client)| {
            tokio::spawn(async move {
                for number in (first + caller..first + count).step_by(CALLERS) {
                    let path = format!("{BASE}/Users");
                    client.call(Method::POST, &path, MEDIA_TYPE, user(number)).await?;
                }
                Ok::<_, BenchError>(())
            })
        });
        for caller in work.collect::<Vec<_>>() {
            caller.await.map_err(BenchError::no_answer("a caller"))??;
        }
        Ok(count as f64 / begun.elapsed().as_secs_f64())
    }

    /// Finds users by name, one after the other; the times in microseconds.
    async fn find(&self) -> Result<Vec<f64>, BenchError> {
        let mut client = self.ucp.client().await?.with_token(&self.token);
        let mut times = Vec::with_capacity(FINDS);
        for number in 0..FINDS {
            let path = format!(
                "{BASE}/Users?filter=userName%20eq%20%22{}%22",
                name(spread(number))
            );
            let begun = Instant::now();
            let answer = client.get(&path).await?;
            times.push(micros(begun.elapsed()));
            must_be_one(&answer)?;
        }
        Ok(times)
    }
}

fn name(number: usize) -> String {
    format!("user{number}@example.com")
}

/// Numbers of users all over the crowd.
const fn spread(number: usize) -> usize {
    (number * 7_919) % CROWD
}

fn user(number: usize) -> String {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name(number),
        "name": { "givenName": "User", "familyName": number.to_string() },
        "emails": [{ "value": name(number), "type": "work", "primary": true }],
        "active": true,
    })
    .to_string()
}

fn must_be_one(answer: &[u8]) -> Result<(), BenchError> {
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    if answer.get("totalResults") == Some(&json!(1)) {
        return Ok(());
    }
    Err(BenchError::Malformed {
        what: "a list of users".to_owned(),
        missing: "single user",
    })
}

/// The same, without HTTP.
async fn found_in_process() -> Result<Vec<f64>, BenchError> {
    let failed = || BenchError::Malformed {
        what: "a store in memory".to_owned(),
        missing: "users",
    };
    let store = Arc::new(SqliteStore::in_memory().map_err(|_| failed())?);
    let hasher =
        PasswordHasher::new(HashLimits::for_processors(std::num::NonZeroUsize::MIN)).map_err(|_| failed())?;
    let accounts = Accounts::new(store.clone(), Arc::new(SystemClock), Arc::new(hasher));
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    for number in 0..CROWD {
        let new = Provisioned {
            name: name(number),
            full_name: format!("User {number}"),
            is_active: true,
            external_id: None,
            person: ScimPerson::default(),
        };
        accounts
            .create_provisioned(&new, &mut rng)
            .await
            .map_err(|_| failed())?;
    }
    let mut entries = Vec::new();
    let mut range = KeyRange::prefix(layout::ROOT);
    loop {
        let page = store.range(range.clone(), 10_000).await.map_err(|_| failed())?;
        let last = page.entries.last().map(|entry| entry.key.clone());
        entries.extend(page.entries);
        match last {
            Some(last) if page.more => range = range.after(last),
            _ => break,
        }
    }
    let directory = Directory::load(entries);
    let service = Scim::new(accounts);
    let path = ["Users".to_owned()];
    let mut times = Vec::with_capacity(FINDS);
    for number in 0..FINDS {
        let query = [(
            "filter".to_owned(),
            format!("userName eq \"{}\"", name(spread(number))),
        )];
        let request = Request {
            method: mke_auth::scim::Method::Get,
            path: &path,
            query: &query,
            content_type: None,
            content_encoding: None,
            if_match: None,
            if_none_match: None,
            body: b"",
            base: "https://127.0.0.1/enzi/v0/scim/v2",
        };
        let begun = Instant::now();
        let answer = service.handle(&directory, &request, &mut rng).await;
        let answer = answer.body.unwrap_or_default().to_string();
        times.push(micros(begun.elapsed()));
        must_be_one(answer.as_bytes())?;
    }
    Ok(times)
}

/// Users that `scim2-server` makes a second.
async fn peer_rate() -> Result<f64, BenchError> {
    const TOKEN: &str = "bench-token-of-the-peer";
    let directory = directory()?;
    let port = free_port();
    let mut command = Command::new(peer()?);
    command
        .args(["--hostname", "127.0.0.1", "--port", &port.to_string()])
        .args(["--bearer-token", TOKEN]);
    let mut daemon = Daemon::start("scim2-server", &mut command, directory.path().join("log"))?;
    daemon
        .until("listen", async || Client::plain(port).await.is_ok())
        .await?;
    let begun = Instant::now();
    let work = (0..CALLERS).map(|caller| {
        tokio::spawn(async move {
            for number in (caller..PEER_USERS).step_by(CALLERS) {
                let mut client = Client::plain(port).await?.with_token(TOKEN);
                client
                    .call(Method::POST, "/v2/Users", MEDIA_TYPE, user(number))
                    .await?;
            }
            Ok::<_, BenchError>(())
        })
    });
    for caller in work.collect::<Vec<_>>() {
        caller.await.map_err(BenchError::no_answer("a caller"))??;
    }
    Ok(PEER_USERS as f64 / begun.elapsed().as_secs_f64())
}

/// The peer, in the environment that `cargo xtask` makes beside this program.
fn peer() -> Result<PathBuf, BenchError> {
    let program = std::env::current_exe().map_err(BenchError::file("find", "this program"))?;
    let target = program.ancestors().nth(2).unwrap_or_else(|| Path::new("target"));
    let peer = target.join("python/bin/scim2-server");
    if peer.is_file() {
        Ok(peer)
    } else {
        Err(BenchError::NoPython { path: peer })
    }
}
