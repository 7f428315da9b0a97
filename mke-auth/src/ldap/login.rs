//! Who a name and a password are, according to the directory: search for the entry, bind as it on a connection of
//! its own, then make sure that the server took us for nobody else (ldap-03).
//!
//! Whether somebody may try at all (limits, local accounts, second factor) is decided by whoever calls this, before.

use std::fmt;
use std::time::Duration;

use mke_core::names::AccountName;
use mke_core::secret::Secret;
use mke_core::time::Timestamp;
use tokio::time::timeout;

use super::dn::Dn;
use super::entry::{self, UserEntry};
use super::error::LdapError;
use super::filter::Filter;
use super::name::account_name;
use super::search::Pool;
use super::settings::{MemberRule, Settings, TeamSync, UserSearch};
use super::wire::{Connection, Entry, Scope, Search, WhoAmI};
use crate::records::{Origin, Source};

/// Longest password that is sent, in bytes (ldap-02).
pub const MAX_PASSWORD_BYTES: usize = 4096;

/// How long all of a login may take.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// How many entries with one name are looked at. More than one of them is too many.
const MAX_CANDIDATES: u32 = 10;

/// Result codes.
const SIZE_LIMIT_EXCEEDED: u32 = 4;
const NO_SUCH_ENTRY: u32 = 32;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;

/// Somebody who has proved to be an entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name of the account that belongs to the entry.
    pub name: AccountName,
    /// The name for people; may be empty.
    pub full_name: String,
    /// What identifies the entry, and where it is.
    pub origin: Origin,
    /// Whether the directory makes this person an administrator; `None` when it does not say.
    pub is_admin: Option<bool>,
}

/// Why a login was refused. The caller tells the client none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The password is empty: it would prove nothing.
    EmptyPassword,
    /// The password is longer than [`MAX_PASSWORD_BYTES`], or holds a NUL, where some servers stop reading.
    UnusablePassword,
    /// The name cannot be an account's.
    InvalidName,
    /// No search finds the name.
    NotFound,
    /// One search finds more than one entry of the name.
    Ambiguous,
    /// The directory has switched the person off.
    Disabled,
    /// The server did not accept the password.
    WrongPassword,
    /// The server refused the bind for another reason.
    Refused(String),
    /// The server said yes, but not to this entry.
    SomebodyElse(String),
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyPassword => f.write_str("the password is empty"),
            Self::UnusablePassword => write!(
                f,
                "the password has more than {MAX_PASSWORD_BYTES} bytes or holds a NUL"
            ),
            Self::InvalidName => f.write_str("the name cannot be an account's"),
            Self::NotFound => f.write_str("no user search finds the name"),
            Self::Ambiguous => f.write_str("a user search finds several entries of the name"),
            Self::Disabled => f.write_str("the directory has switched the entry off"),
            Self::WrongPassword => f.write_str("the server does not accept the password"),
            Self::Refused(why) => write!(f, "the server refused the bind: {why}"),
            Self::SomebodyElse(whom) => write!(f, "the server took the login for {whom}"),
        }
    }
}

/// Why nobody has logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginFailure {
    /// Name and password are not right together, or the person may not come in. The message says no more; the
    /// reason is for logs.
    #[error("invalid user name or password")]
    Denied(Denial),
    /// The directory could not be asked.
    #[error("the directory cannot be asked: {0}")]
    Unavailable(#[from] LdapError),
    /// The directory was asked and took too long.
    #[error("the directory did not answer in {} seconds", LOGIN_TIMEOUT.as_secs())]
    TooSlow,
}

impl From<Denial> for LoginFailure {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

/// One step of a trial login.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TestStep {
    /// What was done, in words.
    pub what: String,
    /// Whether it went well.
    pub ok: bool,
}

/// What a trial login came to (LDAP-012).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TestReport {
    /// Whether the person could log in.
    pub ok: bool,
    /// What was done, in order.
    pub steps: Vec<TestStep>,
}

/// Writes down the steps of a login.
struct Steps(Option<Vec<TestStep>>);

impl Steps {
    fn note(&mut self, ok: bool, what: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.0 {
            steps.push(TestStep { what: what(), ok });
        }
    }
}

/// Checks a name and a password against the directory. `now` decides whether the entry has expired.
///
/// # Errors
///
/// [`LoginFailure`].
pub async fn login(
    settings: &Settings,
    name: &str,
    password: &Secret,
    now: Timestamp,
) -> Result<Person, LoginFailure> {
    timeout(
        LOGIN_TIMEOUT,
        prove(settings, name, password, now, &mut Steps(None)),
    )
    .await
    .map_err(|_| LoginFailure::TooSlow)?
}

/// Who has a name in the directory, without a password: for an administrator who makes an account for somebody.
///
/// # Errors
///
/// [`LoginFailure`].
pub async fn look_up(settings: &Settings, name: &str, now: Timestamp) -> Result<Person, LoginFailure> {
    let looked = async {
        let wanted = account_name(name).map_err(|_| Denial::InvalidName)?;
        let mut pool = Pool::new(settings);
        let mut steps = Steps(None);
        let candidate = the_one(&mut pool, settings, name, &wanted, now, &mut steps).await?;
        let person = person(&mut pool, settings, wanted, candidate, &mut steps).await?;
        pool.close().await;
        Ok(person)
    };
    timeout(LOGIN_TIMEOUT, looked)
        .await
        .map_err(|_| LoginFailure::TooSlow)?
}

/// Tries settings before they are saved: the same as [`login`], with each step in words (LDAP-012).
pub async fn test_login(settings: &Settings, name: &str, password: &Secret, now: Timestamp) -> TestReport {
    let mut steps = Steps(Some(Vec::new()));
    let outcome = timeout(LOGIN_TIMEOUT, prove(settings, name, password, now, &mut steps)).await;
    let outcome = outcome.unwrap_or(Err(LoginFailure::TooSlow));
    let ok = outcome.is_ok();
    match outcome {
        Ok(person) => steps.note(true, || format!("`{}` may log in", person.name)),
        Err(LoginFailure::Denied(denial)) => steps.note(false, || format!("refused: {denial}")),
        Err(failure) => steps.note(false, || failure.to_string()),
    }
    TestReport {
        ok,
        steps: steps.0.unwrap_or_default(),
    }
}

/// Which of these teams the person belongs to, so that somebody whom a login makes has the right teams at once.
///
/// # Errors
///
/// [`LdapError`] when the directory cannot say about all of them.
pub async fn memberships(
    settings: &Settings,
    person: &Person,
    teams: &[TeamSync],
) -> Result<Vec<bool>, LdapError> {
    let mut pool = Pool::new(settings);
    let dn = person.origin.dn.as_deref().unwrap_or_default();
    let mut belong = Vec::with_capacity(teams.len());
    for team in teams {
        belong.push(belongs(&mut pool, &team.rule, dn).await?);
    }
    pool.close().await;
    Ok(belong)
}

async fn prove(
    settings: &Settings,
    name: &str,
    password: &Secret,
    now: Timestamp,
    steps: &mut Steps,
) -> Result<Person, LoginFailure> {
    if password.is_empty() {
        return Err(Denial::EmptyPassword.into());
    }
    if password.expose().len() > MAX_PASSWORD_BYTES || password.expose().contains('\0') {
        return Err(Denial::UnusablePassword.into());
    }
    let wanted = account_name(name).map_err(|_| Denial::InvalidName)?;
    let mut pool = Pool::new(settings);
    let candidate = the_one(&mut pool, settings, name, &wanted, now, steps).await?;
    let Candidate { dn, entry, search } = &candidate;
    confirm(settings, dn, entry, search, password, now, steps).await?;
    let person = person(&mut pool, settings, wanted, candidate, steps).await?;
    pool.close().await;
    Ok(person)
}

/// The entry that a name belongs to, which must be let in.
async fn the_one<'s>(
    pool: &mut Pool<'_>,
    settings: &'s Settings,
    name: &str,
    wanted: &AccountName,
    now: Timestamp,
    steps: &mut Steps,
) -> Result<Candidate<'s>, LoginFailure> {
    match find(pool, settings, name, wanted, now, steps).await? {
        None => Err(Denial::NotFound.into()),
        Some(candidate) if !candidate.entry.enabled => Err(Denial::Disabled.into()),
        Some(candidate) => Ok(candidate),
    }
}

/// What the directory says about an entry.
async fn person(
    pool: &mut Pool<'_>,
    settings: &Settings,
    name: AccountName,
    candidate: Candidate<'_>,
    steps: &mut Steps,
) -> Result<Person, LdapError> {
    let Candidate { dn, entry, .. } = candidate;
    let is_admin = match &settings.admins {
        Some(rule) => {
            let is_admin = belongs(pool, rule, &dn).await?;
            steps.note(true, || {
                format!(
                    "an administrator by the directory: {}",
                    if is_admin { "yes" } else { "no" }
                )
            });
            Some(is_admin)
        }
        None => None,
    };
    let origin = Origin {
        dn: Some(dn),
        ..Origin::new(Source::Ldap, entry.id)
    };
    Ok(Person {
        name,
        full_name: entry.full_name,
        origin,
        is_admin,
    })
}

/// The entry that a name belongs to.
struct Candidate<'s> {
    dn: String,
    entry: UserEntry,
    search: &'s UserSearch,
}

async fn find<'s>(
    pool: &mut Pool<'_>,
    settings: &'s Settings,
    name: &str,
    wanted: &AccountName,
    now: Timestamp,
    steps: &mut Steps,
) -> Result<Option<Candidate<'s>>, LoginFailure> {
    for search in &settings.searches {
        let server = settings.server_for(&search.base_dn);
        let found = candidates(pool, search, name, wanted, now).await;
        match &found {
            Ok(found) => steps.note(found.len() == 1, || {
                format!(
                    "search below `{}` on {server} for `{}`: {} entries",
                    search.base,
                    search.username_attribute,
                    found.len()
                )
            }),
            Err(_) => steps.note(false, || format!("search below `{}` on {server}", search.base)),
        }
        let mut found = found?;
        if found.len() > 1 {
            return Err(Denial::Ambiguous.into());
        }
        let Some((dn, entry)) = found.pop() else { continue };
        steps.note(true, || format!("found `{}`", super::fetch::shown(&dn)));
        if let Some(group) = &search.group {
            let rule = MemberRule::Group {
                dn: group.dn.clone(),
                attribute: group.member_attribute.clone(),
            };
            let member = belongs(pool, &rule, &dn).await?;
            steps.note(member, || {
                format!("look for it among the members of `{}`", group.dn)
            });
            if !member {
                continue;
            }
        }
        return Ok(Some(Candidate { dn, entry, search }));
    }
    Ok(None)
}

/// The entries of one search whose account has this name.
async fn candidates(
    pool: &mut Pool<'_>,
    search: &UserSearch,
    name: &str,
    wanted: &AccountName,
    now: Timestamp,
) -> Result<Vec<(String, UserEntry)>, LoginFailure> {
    let attribute = &search.username_attribute;
    let mut named = Filter::equals(attribute, wanted.as_str());
    if name != wanted.as_str() {
        named = Filter::Or(vec![named, Filter::equals(attribute, name)]);
    }
    let filter = search.filter.clone().and(named);
    let attributes = entry::attributes(search);
    let one = Search {
        base: &search.base,
        scope: search.scope,
        filter: &filter,
        attributes: &attributes,
        size_limit: MAX_CANDIDATES,
    };
    let mut found: Vec<(String, UserEntry)> = Vec::new();
    let outcome = pool
        .search(&one, |mut entry: Entry<'_>| {
            let dn = entry.dn.to_owned();
            let read = entry::read(&mut entry, search, now).map_err(|source| LdapError::Malformed {
                server: format!("the server of `{}`", search.base),
                source,
            })?;
            // What the server takes for equal may be another name here.
            if read.name.as_ref() == Ok(wanted) && !found.iter().any(|(_, other)| other.id == read.id) {
                found.push((dn, read));
            }
            Ok(())
        })
        .await;
    match outcome {
        Ok(_) => Ok(found),
        Err(LdapError::Refused {
            code: SIZE_LIMIT_EXCEEDED,
            ..
        }) => Err(Denial::Ambiguous.into()),
        Err(error) => Err(error.into()),
    }
}

/// Binds as the entry and makes sure that the server took us for it.
async fn confirm(
    settings: &Settings,
    dn: &str,
    entry: &UserEntry,
    search: &UserSearch,
    password: &Secret,
    now: Timestamp,
    steps: &mut Steps,
) -> Result<(), LoginFailure> {
    let parsed = Dn::parse(dn).map_err(|_| Denial::NotFound)?;
    // The root is nobody's entry, and a bind with an empty name is nobody's.
    if parsed.depth() == 0 {
        return Err(Denial::NotFound.into());
    }
    let server = settings.server_for(&parsed);
    let mut connection = Connection::open(server).await?;
    let bound = connection.bind(dn, password).await;
    steps.note(matches!(bound, Ok(true)), || {
        format!("bind as that entry on {server}")
    });
    match bound {
        Ok(true) => {}
        Ok(false) => return Err(Denial::WrongPassword.into()),
        Err(LdapError::Refused { code, meaning, .. }) if code != BUSY && code != UNAVAILABLE => {
            return Err(Denial::Refused(format!("{meaning} (code {code})")).into());
        }
        Err(error) => return Err(error.into()),
    }
    let who = connection.who_am_i().await?;
    let confirmed = match who {
        WhoAmI::Dn(whom) if Dn::parse(&whom).as_ref() == Ok(&parsed) => true,
        WhoAmI::Dn(whom) => {
            return Err(Denial::SomebodyElse(format!("`{}`", super::fetch::shown(&whom))).into());
        }
        WhoAmI::Anonymous => return Err(Denial::SomebodyElse("nobody in particular".to_owned()).into()),
        WhoAmI::Other | WhoAmI::Unsupported => reread(&mut connection, dn, entry, search, now).await?,
    };
    steps.note(confirmed, || "ask whom the server took the login for".to_owned());
    connection.close().await;
    if confirmed {
        Ok(())
    } else {
        Err(Denial::SomebodyElse("somebody who cannot see this entry".to_owned()).into())
    }
}

/// Whether the entry can be read over its own connection, and is still the same.
async fn reread(
    connection: &mut Connection,
    dn: &str,
    entry: &UserEntry,
    search: &UserSearch,
    now: Timestamp,
) -> Result<bool, LdapError> {
    let attributes = entry::attributes(search);
    let everything = Filter::everything();
    let own = Search {
        base: dn,
        scope: Scope::Base,
        filter: &everything,
        attributes: &attributes,
        size_limit: 0,
    };
    let mut same = false;
    let mut on_entry = |mut found: Entry<'_>| {
        if let Ok(found) = entry::read(&mut found, search, now) {
            same = found.id == entry.id;
        }
        Ok(())
    };
    match connection.search(&own, None, &mut on_entry).await {
        Ok(_) => Ok(same),
        Err(LdapError::Refused { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether an entry is one of those that a rule means.
async fn belongs(pool: &mut Pool<'_>, rule: &MemberRule, dn: &str) -> Result<bool, LdapError> {
    let (base, filter) = match rule {
        MemberRule::Group { dn: group, attribute } => (group.as_str(), Filter::equals(attribute, dn)),
        MemberRule::Search {
            base,
            subtree,
            filter,
        } => {
            let inside = Dn::parse(base)
                .ok()
                .zip(Dn::parse(dn).ok())
                .is_some_and(|(base, dn)| {
                    if *subtree {
                        dn.is_within(&base)
                    } else {
                        dn.is_child_of(&base)
                    }
                });
            if !inside {
                return Ok(false);
            }
            (dn, filter.clone())
        }
    };
    let search = Search {
        base,
        scope: Scope::Base,
        filter: &filter,
        attributes: &["1.1"],
        size_limit: 0,
    };
    let mut found = false;
    let outcome = pool
        .search(&search, |_| {
            found = true;
            Ok(())
        })
        .await;
    match (outcome, rule) {
        (Ok(_), _) => Ok(found),
        (
            Err(LdapError::Refused {
                server,
                code: NO_SUCH_ENTRY,
                ..
            }),
            MemberRule::Group { dn, .. },
        ) => Err(LdapError::NoGroup {
            server,
            group: dn.clone(),
        }),
        (
            Err(LdapError::Refused {
                code: NO_SUCH_ENTRY, ..
            }),
            MemberRule::Search { .. },
        ) => Ok(false),
        (Err(error), _) => Err(error),
    }
}
