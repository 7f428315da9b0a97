//! Accounts in a store of their own: in memory, or in one file.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mke_auth::accounts::{Accounts, NewOrganization, NewTeam, NewUser, TeamLink};
use mke_auth::directory::Directory;
use mke_auth::password::{HashLimits, PasswordHasher};
use mke_auth::records::{Account, MemberSync, Membership, Team};
use mke_core::ids::AccountId;
use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::{KeyRange, Revision, Store, StoreError, layout};
use mke_core::time::SystemClock;
use pyo3::prelude::*;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::config::SecretText;
use crate::convert::{from_python, records};
use crate::errors::{OrRaise as _, invalid};
use crate::runtime::wait;

/// Entries that are read at once.
const AT_ONCE: usize = 10_000;

/// A store with its accounts, shared by everything that writes to them.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) accounts: Accounts,
    store: Arc<dyn Store>,
    known: Arc<Mutex<Option<(Revision, Directory)>>>,
    /// The store works in threads, which a forked process does not have.
    process: u32,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // Closing would wait for threads that are not here. What is held twice is never closed; the process that made it does.
            std::mem::forget((Arc::clone(&self.store), self.accounts.clone()));
        }
    }
}

impl Shared {
    /// Another handle, in the process that opened the store.
    pub(super) fn here(&self) -> PyResult<Self> {
        if self.process == std::process::id() {
            return Ok(self.clone());
        }
        Err(invalid(
            "store",
            "it was opened before this process was forked: open a store in each process",
        ))
    }

    async fn open(path: Option<PathBuf>) -> PyResult<Self> {
        let store: Arc<dyn Store> = match path {
            Some(path) => Arc::new(SqliteStore::open(path, SqliteOptions::default()).or_raise()?),
            None => Arc::new(SqliteStore::in_memory().or_raise()?),
        };
        let processors = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
        let hasher = PasswordHasher::new(HashLimits::for_processors(processors)).or_raise()?;
        let accounts = Accounts::new(Arc::clone(&store), Arc::new(SystemClock), Arc::new(hasher));
        accounts
            .ensure_default_organization(&mut UnwrapErr(SysRng))
            .await
            .or_raise()?;
        Ok(Self {
            accounts,
            store,
            known: Arc::default(),
            process: std::process::id(),
        })
    }

    /// Everybody who exists, as of now. It is read anew only when something was written.
    pub(super) async fn directory(&self) -> Result<Directory, StoreError> {
        let mut known = self.known.lock().await;
        let now = self.store.range(KeyRange::key(layout::ROOT), 1).await?.revision;
        if let Some((revision, directory)) = &*known
            && *revision == now
        {
            return Ok(directory.clone());
        }
        loop {
            let mut entries = Vec::new();
            let mut range = KeyRange::prefix(layout::ROOT);
            let (first, last) = loop {
                let page = self.store.range(range.clone(), AT_ONCE).await?;
                let first = entries.first().map_or(page.revision, |(revision, _)| *revision);
                let end = page.entries.last().map(|entry| entry.key.clone());
                entries.extend(page.entries.into_iter().map(|entry| (page.revision, entry)));
                match end {
                    Some(key) if page.more => range = range.after(key),
                    _ => break (first, page.revision),
                }
            };
            // Pages of different moments make no picture.
            if first == last {
                let directory = Directory::load(entries.into_iter().map(|(_, entry)| entry));
                *known = Some((last, directory.clone()));
                return Ok(directory);
            }
        }
    }

    async fn organization(&self, name: &str) -> PyResult<AccountId> {
        let directory = self.directory().await.or_raise()?;
        let account = directory.account_by_name(name);
        account
            .map(|account| account.id.clone())
            .ok_or_else(|| invalid("organization", &format!("there is no account `{name}`")))
    }

    async fn team(&self, organization: &str, name: &str) -> PyResult<Arc<Team>> {
        let owner = self.organization(organization).await?;
        let directory = self.directory().await.or_raise()?;
        let team = directory.resolve_team(&owner, name).cloned();
        team.ok_or_else(|| {
            invalid(
                "team",
                &format!("organization `{organization}` has no team `{name}`"),
            )
        })
    }
}

/// Accounts, organizations and teams in an embedded store: `AccountStore()` in memory, `AccountStore(path)` in a file, for tests, dry
/// runs and single hosts. It is a context manager, which closes it.
///
/// Methods that change something raise `AccountError`; names and ids are those of the store.
///
///     >>> with mke.identity.AccountStore() as store:
///     ...     jane = store.create_user("jane", password="correct horse battery", full_name="Jane Doe")
///     ...     [row["name"] for row in store.accounts()]
///     ['docker-datacenter', 'jane']
#[pyclass(module = "mke.identity", frozen, skip_from_py_object)]
pub(crate) struct AccountStore(std::sync::Mutex<Option<Shared>>);

impl AccountStore {
    /// The store, while it is open.
    pub(super) fn open(&self) -> PyResult<Shared> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref()
            .ok_or_else(|| invalid("store", "it is closed: open another one"))?
            .here()
    }
}

#[pymethods]
impl AccountStore {
    #[new]
    #[pyo3(signature = (path=None))]
    fn new(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Self> {
        let shared = wait(py, Shared::open(path))?;
        Ok(Self(std::sync::Mutex::new(Some(shared))))
    }

    /// Makes a user and gives its id. `password` is text or a `Secret`.
    #[pyo3(signature = (name, *, password, full_name="", is_admin=false, is_active=true))]
    fn create_user(
        &self,
        py: Python<'_>,
        name: &str,
        password: SecretText,
        full_name: &str,
        is_admin: bool,
        is_active: bool,
    ) -> PyResult<String> {
        let new = NewUser {
            full_name: full_name.to_owned(),
            is_admin,
            is_active,
            ..NewUser::local(name, password.0)
        };
        let shared = self.open()?;
        wait(py, async {
            let made = shared.accounts.create_user(new, &mut UnwrapErr(SysRng)).await;
            Ok(made.or_raise()?.0.id.to_string())
        })
    }

    /// Makes an organization and gives its id.
    #[pyo3(signature = (name, *, full_name=""))]
    fn create_organization(&self, py: Python<'_>, name: &str, full_name: &str) -> PyResult<String> {
        let new = NewOrganization {
            name: name.to_owned(),
            full_name: full_name.to_owned(),
        };
        let shared = self.open()?;
        wait(py, async {
            let made = shared
                .accounts
                .create_organization(new, &mut UnwrapErr(SysRng))
                .await;
            Ok(made.or_raise()?.0.id.to_string())
        })
    }

    /// Makes a team of an organization and gives its id.
    #[pyo3(signature = (organization, name, *, description=""))]
    fn create_team(
        &self,
        py: Python<'_>,
        organization: &str,
        name: &str,
        description: &str,
    ) -> PyResult<String> {
        let new = NewTeam {
            name: name.to_owned(),
            description: description.to_owned(),
        };
        let shared = self.open()?;
        wait(py, async {
            let owner = shared.organization(organization).await?;
            let made = shared
                .accounts
                .create_team(&owner, new, &mut UnwrapErr(SysRng))
                .await;
            Ok(made.or_raise()?.0.id.to_string())
        })
    }

    /// Makes a user a member of a team, or changes how it is one.
    #[pyo3(signature = (organization, team, user, *, is_admin=false))]
    fn add_team_member(
        &self,
        py: Python<'_>,
        organization: &str,
        team: &str,
        user: &str,
        is_admin: bool,
    ) -> PyResult<()> {
        let shared = self.open()?;
        wait(py, async {
            let found = shared.team(organization, team).await?;
            let directory = shared.directory().await.or_raise()?;
            let user = directory
                .account_by_name(user)
                .ok_or_else(|| invalid("user", &format!("there is no account `{user}`")))?;
            let membership = Membership { is_admin };
            let accounts = &shared.accounts;
            accounts
                .put_team_member(&found.organization, &found.id, &user.id, membership)
                .await
                .or_raise()
                .map(drop)
        })
    }

    /// Says which people of the directory are the members of a team: `{"groupDn": …, "groupMemberAttribute": …}` for those of a group,
    /// `{"searchBaseDn": …, "searchSubtree": …, "searchFilter": …}` for what a search finds; `None` ends it.
    fn link_team_with_ldap(
        &self,
        py: Python<'_>,
        organization: &str,
        team: &str,
        members: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let sync = members.map(member_sync).transpose()?;
        let shared = self.open()?;
        wait(py, async {
            let found = shared.team(organization, team).await?;
            let accounts = &shared.accounts;
            accounts
                .link_team(&found.organization, &found.id, &TeamLink::Sync(sync))
                .await
                .or_raise()
                .map(drop)
        })
    }

    /// Every account by name: `id`, `name`, `full_name`, `is_organization`, `is_admin`, `is_active`, and for those from elsewhere their
    /// `source` (`ldap`, `saml`, `scim`) and `dn`.
    fn accounts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let shared = self.open()?;
        let directory = wait(py, async { shared.directory().await.or_raise() })?;
        let rows: Vec<Row<'_>> = directory.accounts().map(|account| Row::of(account)).collect();
        let columns = [
            "name",
            "full_name",
            "is_organization",
            "is_admin",
            "is_active",
            "source",
            "dn",
            "id",
        ];
        records(py, &rows, &columns)
    }

    /// The teams of an organization: `id`, `name`, `description`, and the names of its `members`.
    fn teams<'py>(&self, py: Python<'py>, organization: &str) -> PyResult<Bound<'py, PyAny>> {
        let shared = self.open()?;
        let (directory, owner) = wait(py, async {
            let owner = shared.organization(organization).await?;
            Ok((shared.directory().await.or_raise()?, owner))
        })?;
        let teams = directory.teams_of_organization(&owner);
        let rows: Vec<TeamRow<'_>> = teams
            .map(|team| TeamRow {
                id: team.id.as_str(),
                name: team.name.as_str(),
                description: &team.description,
                members: directory
                    .team_members(&team.id)
                    .map(|member| member.account.name.to_string())
                    .collect(),
            })
            .collect();
        records(py, &rows, &["name", "description", "members", "id"])
    }

    /// Closes it, as the end of a `with` block does. Its file is closed when no SCIM service uses it any more. Twice does no harm.
    fn close(&self, py: Python<'_>) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(held));
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: Option<&Bound<'_, PyAny>>,
        _error: Option<&Bound<'_, PyAny>>,
        _trace: Option<&Bound<'_, PyAny>>,
    ) {
        self.close(py);
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __repr__(&self) -> &'static str {
        "<AccountStore>"
    }
}

/// An account as plain data.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    name: &'a str,
    full_name: &'a str,
    is_organization: bool,
    is_admin: bool,
    is_active: bool,
    source: Option<&'static str>,
    dn: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(account: &'a Account) -> Self {
        let origin = account.origin();
        Self {
            id: account.id.as_str(),
            name: account.name.as_str(),
            full_name: &account.full_name,
            is_organization: account.is_organization(),
            is_admin: account.is_active_admin(),
            is_active: account.is_active_user(),
            source: origin.map(|origin| origin.source.as_str()),
            dn: origin.and_then(|origin| origin.dn.as_deref()),
        }
    }
}

/// A team as plain data.
#[derive(Serialize)]
struct TeamRow<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    members: Vec<String>,
}

/// Which people are meant, from the fields of the way that is chosen.
fn member_sync(given: &Bound<'_, PyAny>) -> PyResult<MemberSync> {
    #[derive(serde::Deserialize, Default)]
    #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
    struct Given {
        group_dn: String,
        group_member_attribute: String,
        search_base_dn: String,
        search_subtree: bool,
        search_filter: String,
        allow_others: bool,
    }
    let given: Given = from_python("members", given)?;
    if given.group_dn.is_empty() == given.search_base_dn.is_empty() {
        return Err(invalid("members", "give either `groupDn` or `searchBaseDn`"));
    }
    Ok(MemberSync {
        enabled: true,
        by_group: !given.group_dn.is_empty(),
        group_dn: given.group_dn,
        group_member_attribute: given.group_member_attribute,
        search_base_dn: given.search_base_dn,
        search_subtree: given.search_subtree,
        search_filter: given.search_filter,
        allow_others: given.allow_others,
    })
}
