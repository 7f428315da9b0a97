//! One synchronisation in this process, and the store that it starts from.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mke_auth::accounts::{Accounts, NewOrganization, NewTeam, NewUser, TeamLink};
use mke_auth::directory::Directory;
use mke_auth::ldap::{Before, Options, Settings, TeamSync, apply, check, fetch};
use mke_auth::password::{HashLimits, PasswordHasher};
use mke_auth::records::MemberSync;
use mke_core::config::{Ldap, UserSearch};
use mke_core::secret::Secret;
use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::{KeyRange, Store as _, layout};
use mke_core::time::{Clock as _, SystemClock};
use mke_test_support::READER_PASSWORD;

use super::SUFFIX;
use crate::error::BenchError;

fn open(path: &Path) -> Result<(Arc<SqliteStore>, Accounts), BenchError> {
    let failed = BenchError::no_answer::<mke_core::store::StoreError>;
    let store = Arc::new(SqliteStore::open(path, SqliteOptions::default()).map_err(failed("the store"))?);
    let hasher = PasswordHasher::new(HashLimits::for_processors(NonZeroUsize::MIN))
        .map_err(BenchError::no_answer("the hasher"))?;
    let accounts = Accounts::new(store.clone(), Arc::new(SystemClock), Arc::new(hasher));
    Ok((store, accounts))
}

/// Makes a store with an administrator and an organization whose teams follow the groups.
pub(super) fn prepare(path: &Path, groups: usize, suffix: &str) -> Result<(), BenchError> {
    let make = async {
        let (_store, accounts) = open(path)?;
        let mut rng = UnwrapErr(SysRng);
        let failed = || BenchError::no_answer::<mke_auth::accounts::AccountError>("the accounts");
        accounts
            .ensure_default_organization(&mut rng)
            .await
            .map_err(failed())?;
        let admin = NewUser::local("admin", Secret::new("correct horse battery"));
        accounts
            .create_first_administrator(admin, &mut rng)
            .await
            .map_err(failed())?;
        let new = NewOrganization {
            name: "corp".to_owned(),
            full_name: String::new(),
        };
        let (organization, _) = accounts
            .create_organization(new, &mut rng)
            .await
            .map_err(failed())?;
        for group in 0..groups {
            let new = NewTeam {
                name: format!("team{group:03}"),
                description: String::new(),
            };
            let (team, _) = accounts
                .create_team(&organization.id, new, &mut rng)
                .await
                .map_err(failed())?;
            let sync = MemberSync {
                enabled: true,
                by_group: true,
                group_dn: format!("cn=group{group:03},ou=groups,{suffix}"),
                group_member_attribute: "member".to_owned(),
                allow_others: true,
                ..MemberSync::default()
            };
            accounts
                .link_team(&organization.id, &team.id, &TeamLink::Sync(Some(sync)))
                .await
                .map_err(failed())?;
        }
        Ok(())
    };
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(make))
}

/// Synchronises a store with a server, and prints the seconds of reading, those of everything after it, the greatest
/// memory of this process in megabytes, how many accounts were written, and the memory before it began.
pub(crate) async fn child(store: &Path, url: &str) -> Result<(), BenchError> {
    let (store, accounts) = open(store)?;
    let mut directory = Directory::default();
    let mut range = KeyRange::prefix(layout::ROOT);
    loop {
        let page = store
            .range(range, 1000)
            .await
            .map_err(BenchError::no_answer("the store"))?;
        let last = page.entries.last().map(|entry| entry.key.clone());
        for entry in page.entries {
            directory.apply(&mke_core::store::Event::Put(entry));
        }
        match last {
            Some(last) if page.more => range = KeyRange::prefix(layout::ROOT).after(last),
            _ => break,
        }
    }
    let settings = Settings::read(&Ldap {
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
    })
    .map_err(|problems| BenchError::no_answer::<String>("the settings")(format!("{problems:?}")))?;
    let held = megabytes()?;
    let options = Options::of(&settings);
    let teams = TeamSync::of(&directory)
        .map_err(|problems| BenchError::no_answer::<String>("the teams")(format!("{problems:?}")))?;
    let start = Instant::now();
    let fetched = fetch(&settings, &teams, SystemClock.now());
    let (fetched, before) = tokio::join!(fetched, Before::of_meanwhile(&directory));
    let fetched = fetched.map_err(BenchError::no_answer("the directory"))?;
    let read = start.elapsed();
    let start = Instant::now();
    let plan = before.plan(&fetched, &options);
    let planned = start.elapsed();
    check(&plan, &fetched, &directory, &options)
        .map_err(|refusals| BenchError::no_answer::<String>("the plan")(format!("{refusals:?}")))?;
    let outcome = apply(&plan, &accounts, &mut UnwrapErr(SysRng), &|_| {})
        .await
        .map_err(BenchError::no_answer("the accounts"))?;
    let beyond = start.elapsed();
    if std::env::var_os("MKE_BENCH_VERBOSE").is_some() {
        let _ = writeln!(
            std::io::stderr(),
            "read {read:?}, planned {planned:?}, all {beyond:?}"
        );
    }
    let line = format!(
        "{} {} {} {} {held}\n",
        read.as_secs_f64(),
        beyond.as_secs_f64(),
        megabytes()?,
        outcome.done
    );
    std::io::stdout()
        .write_all(line.as_bytes())
        .map_err(BenchError::file("write to", "standard output"))
}

/// The most memory that this process has held, in megabytes.
fn megabytes() -> Result<f64, BenchError> {
    let status = std::fs::read_to_string("/proc/self/status")
        .map_err(BenchError::file("read", "/proc/self/status"))?;
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix("kB")?
                .trim()
                .parse::<f64>()
                .ok()
        })
        .map(|kilobytes| kilobytes / 1024.0)
        .ok_or(BenchError::Malformed {
            what: "/proc/self/status".to_owned(),
            missing: "VmHWM",
        })
}
