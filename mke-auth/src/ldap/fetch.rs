//! Reading the directory: users by the searches of the settings, members of teams and administrators by groups or
//! searches. All of it or nothing: any failure is an error of the whole (LDAP-020, ldap-08).
//!
//! Entries are taken up one by one as they come, so what is held is [`Fetched`] and one message. Users and groups are
//! read over connections of their own at the same time.

use mke_core::time::Timestamp;

use super::dn::{Dn, DnKey};
use super::entry;
use super::error::LdapError;
use super::fetched::{Fetched, FetchedTeam, FetchedUser, Notes, SearchFound};
use super::filter::Filter;
use super::search::Pool;
use super::settings::{GroupMatch, MemberRule, Settings, TeamSync, UserSearch};
use super::wire::{Entry, Scope, Search};

/// Asks for no attribute at all (RFC 4511 section 4.5.1.8).
const NO_ATTRIBUTES: [&str; 1] = ["1.1"];

/// Why the directory was not read. Nothing may be concluded from what was.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A user search failed.
    #[error("user search {} below `{base}` failed: {source}", search + 1)]
    Users {
        /// Which search, from 0.
        search: usize,
        /// The DN below which it searches.
        base: String,
        /// Why.
        source: LdapError,
    },
    /// The members of a team could not be read.
    #[error("the members of {name} could not be read: {source}")]
    Team {
        /// The team or organization.
        name: String,
        /// Why.
        source: LdapError,
    },
    /// The administrators could not be read.
    #[error("the administrators could not be read: {source}")]
    Admins {
        /// Why.
        source: LdapError,
    },
}

/// Members of something, not yet looked up among the users.
struct Members {
    dns: Vec<DnKey>,
    notes: Notes,
}

/// Reads everything that a synchronisation needs. `now` decides which entries have expired.
///
/// # Errors
///
/// [`FetchError`]: the first thing that could not be read whole.
pub async fn fetch(settings: &Settings, teams: &[TeamSync], now: Timestamp) -> Result<Fetched, FetchError> {
    let users = fetch_users(settings, now);
    let members = fetch_members(settings, teams);
    let (mut fetched, (admins, members)) = tokio::try_join!(users, members)?;
    fetched.admins = admins.map(|admins| {
        fetched.notes.append(admins.notes);
        fetched.resolve(&admins.dns)
    });
    for (sync, members) in teams.iter().zip(members) {
        // What its owner named is not there: the team stays as it is, and all others go on. Otherwise whoever manages
        // one team could keep everybody who left the directory active.
        let members = match members {
            Ok(members) => members,
            Err(error) => {
                let name = &sync.name;
                fetched
                    .notes
                    .add(|| format!("the members of {name} stay as they are: {error}"));
                continue;
            }
        };
        fetched.notes.append(members.notes);
        let team = FetchedTeam {
            sync: sync.clone(),
            members: fetched.resolve(&members.dns),
        };
        fetched.teams.push(team);
    }
    Ok(fetched)
}

async fn fetch_users(settings: &Settings, now: Timestamp) -> Result<Fetched, FetchError> {
    let mut fetched = Fetched::default();
    let mut pool = Pool::new(settings);
    for (number, search) in settings.searches.iter().enumerate() {
        let found = user_search(&mut pool, search, number, now, &mut fetched)
            .await
            .map_err(|source| FetchError::Users {
                search: number,
                base: search.base.clone(),
                source,
            })?;
        fetched.searches.push(SearchFound {
            base: search.base.clone(),
            entries: found,
            users: 0,
        });
    }
    pool.close().await;
    fetched.settle();
    Ok(fetched)
}

/// Reads the users of one search and says how many entries it found.
async fn user_search(
    pool: &mut Pool<'_>,
    search: &UserSearch,
    number: usize,
    now: Timestamp,
    fetched: &mut Fetched,
) -> Result<usize, LdapError> {
    let attributes = entry::attributes(search);
    let group = match &search.group {
        Some(group) => Some((
            group,
            group_members(pool, &group.dn, &group.member_attribute).await?,
        )),
        None => None,
    };
    let base = Search {
        base: &search.base,
        scope: search.scope,
        filter: &search.filter,
        attributes: &attributes,
        size_limit: 0,
    };
    if let Some((GroupMatch { iterate: true, .. }, members)) = &group {
        return one_by_one(pool, search, &base, members, number, now, fetched).await;
    }
    let members = group.map(|(_, members)| {
        let mut keys: Vec<DnKey> = members.iter().filter_map(|dn| DnKey::of(dn).ok()).collect();
        keys.sort_unstable();
        keys
    });
    let mut found = 0;
    let searched = pool
        .search(&base, |entry| {
            let Ok(key) = DnKey::of(entry.dn) else {
                fetched
                    .notes
                    .add(|| format!("`{}` is left out: it is no DN", shown(entry.dn)));
                return Ok(());
            };
            if members
                .as_ref()
                .is_none_or(|members| members.binary_search(&key).is_ok())
            {
                found += 1;
                take(entry, key, search, number, now, fetched)?;
            }
            Ok(())
        })
        .await?;
    note_left_alone(&mut fetched.notes, &searched.left_alone);
    Ok(found)
}

/// One query for each member of the group that lies where the search would look (LDAP-010).
async fn one_by_one(
    pool: &mut Pool<'_>,
    search: &UserSearch,
    base: &Search<'_>,
    members: &[String],
    number: usize,
    now: Timestamp,
    fetched: &mut Fetched,
) -> Result<usize, LdapError> {
    let mut found = 0;
    for member in members {
        let Ok(dn) = Dn::parse(member) else { continue };
        let inside = match search.scope {
            Scope::OneLevel => dn.is_child_of(&search.base_dn),
            Scope::Base | Scope::Subtree => dn.is_within(&search.base_dn),
        };
        if !inside {
            continue;
        }
        let one = Search {
            base: member,
            scope: Scope::Base,
            ..*base
        };
        let outcome = pool
            .search(&one, |entry| {
                let key = DnKey::of(entry.dn).unwrap_or_else(|_| dn.key());
                found += 1;
                take(entry, key, search, number, now, fetched)
            })
            .await;
        match outcome {
            Ok(searched) => note_left_alone(&mut fetched.notes, &searched.left_alone),
            // A group may name who is no more.
            Err(LdapError::Refused {
                code: NO_SUCH_ENTRY, ..
            }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

const NO_SUCH_ENTRY: u32 = 32;

/// Takes up one user.
fn take(
    mut entry: Entry<'_>,
    key: DnKey,
    search: &UserSearch,
    number: usize,
    now: Timestamp,
    fetched: &mut Fetched,
) -> Result<(), LdapError> {
    let dn = entry.dn;
    let read = entry::read(&mut entry, search, now).map_err(|source| LdapError::Malformed {
        server: format!("the server of `{}`", search.base),
        source,
    })?;
    match &read.name {
        Ok(name) => {
            let user = FetchedUser {
                name: name.as_str(),
                full_name: &read.full_name,
                id: &read.id,
                dn,
                enabled: read.enabled,
            };
            fetched.push(user, key, number).map_err(|_| LdapError::TooMuch {
                server: format!("the server of `{}`", search.base),
                what: "bytes of users",
                max: usize::try_from(u32::MAX).unwrap_or(usize::MAX),
            })?;
        }
        Err(why) => fetched
            .notes
            .add(|| format!("`{}` is left out: {why}", shown(dn))),
    }
    Ok(())
}

/// The members of a team, or that its group or base is not there.
type TeamMembers = Result<Members, LdapError>;

async fn fetch_members(
    settings: &Settings,
    teams: &[TeamSync],
) -> Result<(Option<Members>, Vec<TeamMembers>), FetchError> {
    let mut pool = Pool::new(settings);
    let admins = match &settings.admins {
        Some(rule) => {
            let members = rule_members(&mut pool, rule).await;
            Some(members.map_err(|source| FetchError::Admins { source })?)
        }
        None => None,
    };
    let mut members = Vec::with_capacity(teams.len());
    for team in teams {
        members.push(match rule_members(&mut pool, &team.rule).await {
            Err(source) if !is_not_there(&source) => {
                return Err(FetchError::Team {
                    name: team.name.clone(),
                    source,
                });
            }
            found => found,
        });
    }
    pool.close().await;
    Ok((admins, members))
}

/// Whether the directory answered, and said that there is no such group or base.
fn is_not_there(error: &LdapError) -> bool {
    matches!(
        error,
        LdapError::NoGroup { .. }
            | LdapError::Refused {
                code: NO_SUCH_ENTRY,
                ..
            }
    )
}

async fn rule_members(pool: &mut Pool<'_>, rule: &MemberRule) -> Result<Members, LdapError> {
    let mut members = Members {
        dns: Vec::new(),
        notes: Notes::default(),
    };
    match rule {
        MemberRule::Group { dn, attribute } => {
            each_member(pool, dn, attribute, |member| {
                members.dns.extend(DnKey::of(member).ok())
            })
            .await?;
        }
        MemberRule::Search {
            base,
            subtree,
            filter,
        } => {
            let search = Search {
                base,
                scope: Scope::below(*subtree),
                filter,
                attributes: &NO_ATTRIBUTES,
                size_limit: 0,
            };
            let dns = &mut members.dns;
            let searched = pool
                .search(&search, |entry| {
                    dns.extend(DnKey::of(entry.dn).ok());
                    Ok(())
                })
                .await?;
            note_left_alone(&mut members.notes, &searched.left_alone);
        }
    }
    Ok(members)
}

async fn group_members(pool: &mut Pool<'_>, dn: &str, attribute: &str) -> Result<Vec<String>, LdapError> {
    let mut members = Vec::new();
    each_member(pool, dn, attribute, |member| members.push(member.to_owned())).await?;
    Ok(members)
}

/// Calls `on_member` with each member of a group. Only direct members count: a group in a group is no user. A group
/// without members is as good as any (LDAP-021); one that is not there is an error.
async fn each_member(
    pool: &mut Pool<'_>,
    dn: &str,
    attribute: &str,
    mut on_member: impl FnMut(&str),
) -> Result<(), LdapError> {
    let everything = Filter::everything();
    // Active Directory sends at most 1500 values at once and says so in the attribute (range retrieval).
    let mut wanted = attribute.to_owned();
    let mut last = 0;
    loop {
        let attributes = [wanted.as_str()];
        let search = Search {
            base: dn,
            scope: Scope::Base,
            filter: &everything,
            attributes: &attributes,
            size_limit: 0,
        };
        let mut next = None;
        let mut found = false;
        let searched = pool
            .search(&search, |mut group| {
                found = true;
                let malformed = |source| LdapError::Malformed {
                    server: format!("the server of `{dn}`"),
                    source,
                };
                while let Some((name, mut values)) = group.next().map_err(malformed)? {
                    let mut options = name.split(';');
                    if !options
                        .next()
                        .is_some_and(|name| name.eq_ignore_ascii_case(attribute))
                    {
                        continue;
                    }
                    next = options.find_map(next_range).or(next);
                    while let Some(value) = values.next().map_err(malformed)? {
                        if let Ok(member) = std::str::from_utf8(value) {
                            on_member(member);
                        }
                    }
                }
                Ok(())
            })
            .await;
        let no_group = || LdapError::NoGroup {
            server: "the directory".to_owned(),
            group: dn.to_owned(),
        };
        match searched {
            Ok(_) if !found => return Err(no_group()),
            Ok(_) => {}
            Err(LdapError::Refused {
                server,
                code: NO_SUCH_ENTRY,
                ..
            }) => {
                return Err(LdapError::NoGroup {
                    server,
                    group: dn.to_owned(),
                });
            }
            Err(error) => return Err(error),
        }
        match next {
            // Otherwise it would go on for ever.
            Some(from) if from > last => {
                last = from;
                wanted = format!("{attribute};range={from}-*");
            }
            _ => return Ok(()),
        }
    }
}

/// Where the next range begins after `range=0-1499`; none after `range=1500-*`.
fn next_range(option: &str) -> Option<u64> {
    let (name, range) = option.split_once('=')?;
    let (from, to) = range.split_once('-')?;
    let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
    (name.eq_ignore_ascii_case("range") && to >= from).then(|| to.saturating_add(1))
}

fn note_left_alone(notes: &mut Notes, addresses: &[String]) {
    for address in addresses {
        notes.add(|| {
            format!(
                "the referral to `{}` is not followed: it is no configured server",
                shown(address)
            )
        });
    }
}

/// A text of a server for people: of bounded length and without control characters.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
