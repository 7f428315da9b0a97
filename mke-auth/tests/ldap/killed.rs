//! A synchronisation that is killed at any moment: what it had done is whole, nobody is out who should not be, and the
//! next one does the rest.
//!
//! The victim is this test program itself, started once more with the test [`victim`] and told by the environment what to
//! synchronise. `MKE_KILLS=200 cargo test -p mke-auth --features ldap --test ldap kills` is the long form.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use mke_auth::accounts::{Accounts, NewUser};
use mke_auth::directory::Directory;
use mke_auth::ldap::{Options, Settings, sync};
use mke_auth::password::{HashLimits, PasswordHasher};
use mke_core::config::{Ldap, UserSearch};
use mke_core::secret::Secret;
use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::{KeyRange, Store as _, layout};
use mke_core::time::SystemClock;
use mke_test_support::{Ldif, READER_PASSWORD, Slapd};

use crate::lab::by_group;
use crate::support::rng;

const STORE: &str = "MKE_LDAP_VICTIM_STORE";
const SERVER: &str = "MKE_LDAP_VICTIM_SERVER";
const SUFFIX: &str = "dc=example,dc=com";

/// How many users there are: enough for several transactions.
const USERS: usize = 3000;

fn settings(url: &str) -> Settings {
    let config = Ldap {
        server_url: Some(url.to_owned()),
        reader_dn: Some(format!("cn=reader,{SUFFIX}")),
        reader_password: Some(Secret::new(READER_PASSWORD)),
        jit_user_provisioning: false,
        user_search_configs: vec![UserSearch {
            base_dn: Some(format!("ou=people,{SUFFIX}")),
            scope_subtree: true,
            filter: "(objectClass=inetOrgPerson)".to_owned(),
            match_group: false,
            ..UserSearch::default()
        }],
        ..Ldap::default()
    };
    Settings::read(&config).unwrap()
}

fn open(path: &Path) -> (Arc<SqliteStore>, Accounts) {
    let store = Arc::new(SqliteStore::open(path, SqliteOptions::default()).unwrap());
    let hasher = PasswordHasher::new(HashLimits::for_processors(NonZeroUsize::MIN)).unwrap();
    let accounts = Accounts::new(store.clone(), Arc::new(SystemClock), Arc::new(hasher));
    (store, accounts)
}

async fn directory(store: &SqliteStore) -> Directory {
    let all = store
        .range(KeyRange::prefix(layout::ROOT), 1_000_000)
        .await
        .unwrap();
    Directory::load(all.entries)
}

async fn synchronise(path: &Path, url: &str) -> usize {
    let (store, accounts) = open(path);
    let directory = directory(&store).await;
    let settings = settings(url);
    let options = Options::of(&settings);
    let outcome = sync(&settings, &accounts, &directory, &options, &mut rng(), &|_| {}).await;
    outcome.unwrap().done
}

/// Not a test by itself: the process that is killed.
#[tokio::test]
#[ignore = "started by `kills_at_any_moment`"]
async fn victim() {
    if let (Ok(store), Ok(server)) = (std::env::var(STORE), std::env::var(SERVER)) {
        synchronise(Path::new(&store), &server).await;
    }
}

/// LDAP-013: killed at moments spread over a whole synchronisation, again and again while the directory changes, nobody
/// who is in the directory is ever inactive here, no account is half made, and the next synchronisation completes.
#[tokio::test]
async fn kills_at_any_moment() {
    let kills: u32 = std::env::var("MKE_KILLS").map_or(40, |text| text.parse().unwrap());
    let mut entries = Ldif::domain(SUFFIX);
    let people: Vec<String> = (0..USERS)
        .map(|number| entries.person(&format!("user{number:04}"), "x"))
        .collect();
    let group = entries.group("ops", &people[..500]);
    let slapd = Slapd::start(&entries);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store");
    {
        let (store, accounts) = open(&path);
        accounts.ensure_default_organization(&mut rng()).await.unwrap();
        let admin = NewUser::local("admin", Secret::new("correct horse battery"));
        accounts
            .create_first_administrator(admin, &mut rng())
            .await
            .unwrap();
        let new = mke_auth::accounts::NewOrganization {
            name: "corp".to_owned(),
            full_name: String::new(),
        };
        let corp = accounts.create_organization(new, &mut rng()).await.unwrap().0.id;
        let new = mke_auth::accounts::NewTeam {
            name: "ops".to_owned(),
            description: String::new(),
        };
        let (team, _) = accounts.create_team(&corp, new, &mut rng()).await.unwrap();
        let link = mke_auth::accounts::TeamLink::Sync(Some(by_group(group)));
        accounts.link_team(&corp, &team.id, &link).await.unwrap();
        drop(store);
    }
    let fresh = home.path().join("fresh");
    let copy = |from: &Path, to: &Path| {
        for suffix in ["", "-wal"] {
            let name =
                |path: &Path| path.with_file_name(format!("{}{suffix}", path.file_name().unwrap().display()));
            let _ = std::fs::remove_file(name(to));
            if name(from).exists() {
                std::fs::copy(name(from), name(to)).unwrap();
            }
        }
    };
    copy(&path, &fresh);
    // How long all of it takes, in a process of its own.
    let begun = Instant::now();
    start(&path, &slapd.url()).wait().await.unwrap();
    let mut whole = begun.elapsed();
    let mut unfinished = 0;
    for kill in 0..kills {
        // Every fifth time from nothing; otherwise the one that was killed goes on.
        if kill % 5 == 0 {
            copy(&fresh, &path);
        }
        let begun = Instant::now();
        let mut process = start(&path, &slapd.url());
        // The moments are spread over the run; nothing tells how far it is.
        let moment = whole.mul_f64(f64::from(kill % 17 + 1) / 17.0);
        // Elapsed is the usual outcome; one that has ended is as good, and tells how long a run takes now.
        let ended = tokio::time::timeout(moment, process.wait()).await.is_ok();
        if ended && kill % 5 == 0 {
            whole = begun.elapsed();
        }
        process.kill().await.unwrap();
        let (store, _) = open(&path);
        let directory = directory(&store).await;
        assert_eq!(directory.damaged().count(), 0, "kill {kill}");
        let imported: Vec<_> = directory
            .accounts()
            .filter(|account| account.origin().is_some())
            .collect();
        assert!(
            imported.iter().all(|account| account.is_active_user()),
            "kill {kill}: somebody is out"
        );
        let names = store
            .range(KeyRange::prefix(layout::ACCOUNT_NAMES), 1_000_000)
            .await
            .unwrap();
        // The administrator and two organizations besides.
        assert_eq!(
            names.entries.len(),
            imported.len() + 3,
            "kill {kill}: an account is half made"
        );
        unfinished += u32::from(imported.len() < USERS);
    }
    assert!(unfinished > 0, "no kill came in between");
    synchronise(&path, &slapd.url()).await;
    let (store, _) = open(&path);
    let directory = directory(&store).await;
    let imported = directory
        .accounts()
        .filter(|account| account.origin().is_some())
        .count();
    let team = directory.teams().next().unwrap();
    assert_eq!((imported, directory.team_members_count(&team.id)), (USERS, 500));
    drop(store);
    assert_eq!(synchronise(&path, &slapd.url()).await, 0, "nothing is left to do");
}

fn start(store: &Path, server: &str) -> tokio::process::Child {
    tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "killed::victim"])
        .env(STORE, store)
        .env(SERVER, server)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
