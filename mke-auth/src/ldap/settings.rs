//! The settings of the directory, read once and valid by construction: servers, searches, administrators. Which
//! server answers for which part of the tree is decided here (LDAP-003).

use std::fmt;
use std::sync::Arc;

use mke_core::config::{AdminSync, Ldap, LdapDomain, Problem, UserSearch as UserSearchConfig};
use mke_core::ids::{AccountId, TeamId};
use mke_core::secret::Secret;
use rustls::ClientConfig;

use super::dn::{Dn, is_attribute};
use super::filter::Filter;
use super::wire::{Scope, client_config};
use crate::directory::Directory;
use crate::records::MemberSync;

/// Where a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Whether TLS begins at once (`ldaps://`).
    pub(crate) tls: bool,
    /// Name or IP address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    /// Reads `ldap://host[:port]` or `ldaps://host[:port]`.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let (tls, host, port) = scheme_host_port(url.trim_end_matches('/'))?;
        let port = port.unwrap_or(if tls { 636 } else { 389 });
        Some(Self { tls, host, port })
    }
}

/// Takes the start of an LDAP address apart; what follows the host must not be there.
pub(super) fn scheme_host_port(url: &str) -> Option<(bool, String, Option<u16>)> {
    let (scheme, rest) = url.split_once("://")?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "ldap" => false,
        "ldaps" => true,
        _ => return None,
    };
    let (host, port) = match rest.strip_prefix('[') {
        Some(six) => {
            let (host, port) = six.split_once(']')?;
            (host, port.strip_prefix(':').or(port.is_empty().then_some("")))
        }
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, Some("")),
        },
    };
    let port = match port? {
        "" => None,
        digits => Some(digits.parse::<u16>().ok().filter(|port| *port > 0)?),
    };
    let valid = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'%'));
    valid.then(|| (tls, host.to_ascii_lowercase(), port))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "ldaps" } else { "ldap" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

/// A directory server and how to speak with it.
pub(crate) struct Server {
    pub(crate) address: Address,
    pub(crate) start_tls: bool,
    pub(crate) tls: Arc<ClientConfig>,
    /// Whether results come in pages (RFC 2696).
    pub(crate) pages: bool,
    /// Who searches, if anybody in particular.
    pub(crate) reader: Option<(String, Secret)>,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.address)
    }
}

/// One search for users (LDAP-009).
#[derive(Debug, Clone)]
pub(crate) struct UserSearch {
    pub(crate) base: String,
    pub(crate) base_dn: Dn,
    pub(crate) scope: Scope,
    pub(crate) filter: Filter,
    pub(crate) username_attribute: String,
    pub(crate) full_name_attribute: Option<String>,
    pub(crate) group: Option<GroupMatch>,
}

/// Only members of a group are users (LDAP-010).
#[derive(Debug, Clone)]
pub(crate) struct GroupMatch {
    pub(crate) dn: String,
    pub(crate) member_attribute: String,
    /// Whether members are read one by one.
    pub(crate) iterate: bool,
}

/// Which people of the directory are meant: the members of a group, or what a search finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberRule {
    /// The members of a group.
    Group {
        /// Its DN.
        dn: String,
        /// The attribute that lists the DNs of its members.
        attribute: String,
    },
    /// What a search finds.
    Search {
        /// The DN below which to search.
        base: String,
        /// Whether all levels are searched, or the next one only.
        subtree: bool,
        /// The condition on entries.
        filter: Filter,
    },
}

/// What a [`TeamSync`] fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncTarget {
    /// The members of a team.
    Team {
        /// Its organization.
        organization: AccountId,
        /// The team.
        team: TeamId,
    },
    /// The administrators of an organization.
    OrganizationAdmins {
        /// The organization.
        organization: AccountId,
    },
}

/// A team, or the administrators of an organization, and the people of the directory who belong there (LDAP-018).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamSync {
    /// What is filled.
    pub target: SyncTarget,
    /// What it is called in messages.
    pub name: String,
    /// With whom.
    pub rule: MemberRule,
    /// Whether accounts that do not come from the directory stay.
    pub allow_others: bool,
}

/// The settings of the directory. Its `Debug` shows no password.
pub struct Settings {
    default: Arc<Server>,
    domains: Vec<(Dn, Arc<Server>)>,
    pub(crate) searches: Vec<UserSearch>,
    pub(crate) admins: Option<MemberRule>,
    recovery_admin: Option<String>,
    schedule: String,
    just_in_time: bool,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("default", &self.default.to_string())
            .field("searches", &self.searches)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads the table `[auth.ldap]`, or the JSON body that stands for it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it at once. Nothing is asked of any server.
    pub fn read(config: &Ldap) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let default = server(
            &ServerConfig {
                at: "auth.ldap".to_owned(),
                url: config.server_url.as_deref(),
                start_tls: config.start_tls,
                root_certs: &config.root_certs,
                skip_verify: config.tls_skip_verify,
                pages: !config.no_simple_pagination,
                reader_dn: config.reader_dn.as_deref(),
                reader_password: config.reader_password.as_ref(),
            },
            &mut problems,
        );
        let mut domains = Vec::new();
        for (row, domain) in config.additional_domains.iter().enumerate() {
            domains.extend(additional(row, domain, &mut problems));
        }
        let searches: Vec<UserSearch> = config
            .user_search_configs
            .iter()
            .enumerate()
            .filter_map(|(row, search)| user_search(row, search, &mut problems))
            .collect();
        if config.user_search_configs.is_empty() {
            problems.note(
                "auth.ldap.user_search_configs",
                "at least one search must say where users are",
            );
        }
        let admins = admin_rule(&config.admin_sync_opts, &mut problems);
        match default {
            Some(default) if problems.0.is_empty() => Ok(Self {
                default,
                domains,
                searches,
                admins,
                recovery_admin: config
                    .recovery_admin_username
                    .clone()
                    .filter(|name| !name.is_empty()),
                schedule: config.sync_schedule.clone(),
                just_in_time: config.jit_user_provisioning,
            }),
            _ => Err(problems.0),
        }
    }

    /// Whether accounts are made at their first login, and not by the next synchronisation (LDAP-017).
    pub fn just_in_time(&self) -> bool {
        self.just_in_time
    }

    /// When to synchronise, as cron text; empty is hourly.
    pub fn schedule(&self) -> &str {
        &self.schedule
    }

    /// The local administrator that synchronisation never touches.
    pub fn recovery_admin(&self) -> Option<&str> {
        self.recovery_admin.as_deref()
    }

    /// Whether the directory says who is an administrator.
    pub fn syncs_admins(&self) -> bool {
        self.admins.is_some()
    }

    /// The server that answers for a part of the tree: the one with the longest domain that the DN ends with, or
    /// else the default one.
    pub(crate) fn server_for(&self, dn: &Dn) -> &Arc<Server> {
        self.domains
            .iter()
            .filter(|(domain, _)| dn.is_within(domain))
            .max_by_key(|(domain, _)| domain.depth())
            .map_or(&self.default, |(_, server)| server)
    }

    /// The server at an address that somebody else named, if it is one of ours. Without a port any of the host's.
    pub(crate) fn server_at(&self, host: &str, port: Option<u16>) -> Option<&Arc<Server>> {
        std::iter::once(&self.default)
            .chain(self.domains.iter().map(|(_, server)| server))
            .find(|server| {
                server.address.host.eq_ignore_ascii_case(host)
                    && port.is_none_or(|port| port == server.address.port)
            })
    }
}

impl TeamSync {
    /// Reads the options of one team or organization; `None` when they are off.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them. The keys are those of the API.
    pub fn read(
        target: SyncTarget,
        name: impl Into<String>,
        options: &MemberSync,
    ) -> Result<Option<Self>, Vec<Problem>> {
        if !options.enabled {
            return Ok(None);
        }
        let mut problems = Problems::default();
        let rule = if options.by_group {
            group_rule(
                ("groupDN", &options.group_dn),
                ("groupMemberAttr", &options.group_member_attribute),
                &mut problems,
            )
        } else {
            search_rule(
                ("searchBaseDN", &options.search_base_dn),
                options.search_subtree,
                ("searchFilter", &options.search_filter),
                &mut problems,
            )
        };
        match rule {
            Some(rule) if problems.0.is_empty() => Ok(Some(Self {
                target,
                name: name.into(),
                rule,
                allow_others: options.allow_others,
            })),
            _ => Err(problems.0),
        }
    }

    /// All teams and organizations of a directory whose options are on.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with any of them; the key starts with the name of the team or organization.
    pub fn of(directory: &Directory) -> Result<Vec<Self>, Vec<Problem>> {
        let mut found = Vec::new();
        let mut problems = Vec::new();
        let mut take =
            |target, name: String, options: &MemberSync| match Self::read(target, name.clone(), options) {
                Ok(sync) => found.extend(sync),
                Err(wrong) => problems.extend(wrong.into_iter().map(|problem| Problem {
                    key: format!("{name}: {}", problem.key),
                    ..problem
                })),
            };
        for organization in directory.organizations() {
            if let Some(options) = &organization.admin_sync {
                let target = SyncTarget::OrganizationAdmins {
                    organization: organization.id.clone(),
                };
                take(
                    target,
                    format!("administrators of {}", organization.name),
                    options,
                );
            }
        }
        for team in directory.teams() {
            if let Some(options) = &team.sync {
                let organization = directory.account(&team.organization);
                let target = SyncTarget::Team {
                    organization: team.organization.clone(),
                    team: team.id.clone(),
                };
                let owner = organization.map_or("?", |organization| organization.name.as_str());
                take(target, format!("{owner}/{}", team.name), options);
            }
        }
        if problems.is_empty() {
            Ok(found)
        } else {
            Err(problems)
        }
    }
}

/// Problems that are collected.
#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn note(&mut self, key: impl Into<String>, message: impl fmt::Display) {
        self.0.push(Problem {
            key: key.into(),
            message: message.to_string(),
            ..Problem::default()
        });
    }

    fn dn(&mut self, key: &str, text: &str) -> Option<Dn> {
        match Dn::parse(text) {
            Ok(dn) if dn.depth() > 0 => Some(dn),
            Ok(_) => {
                self.note(key, "must be given, such as `ou=people,dc=example,dc=com`");
                None
            }
            Err(error) => {
                self.note(key, error);
                None
            }
        }
    }

    fn attribute(&mut self, key: &str, text: &str) -> Option<String> {
        if is_attribute(text) {
            return Some(text.to_owned());
        }
        self.note(key, "must name an attribute, such as `member`");
        None
    }

    fn filter(&mut self, key: &str, text: &str) -> Option<Filter> {
        if text.trim().is_empty() {
            return Some(Filter::everything());
        }
        match Filter::parse(text.trim()) {
            Ok(filter) => Some(filter),
            Err(error) => {
                self.note(key, error);
                None
            }
        }
    }
}

struct ServerConfig<'a> {
    at: String,
    url: Option<&'a str>,
    start_tls: bool,
    root_certs: &'a str,
    skip_verify: bool,
    pages: bool,
    reader_dn: Option<&'a str>,
    reader_password: Option<&'a Secret>,
}

fn server(config: &ServerConfig<'_>, problems: &mut Problems) -> Option<Arc<Server>> {
    let at = &config.at;
    let address = config.url.and_then(Address::parse);
    if address.is_none() {
        problems.note(
            format!("{at}.server_url"),
            "must be an address such as `ldaps://ldap.example.com`",
        );
    }
    let tls = client_config(config.root_certs, config.skip_verify)
        .map_err(|error| problems.note(format!("{at}.root_certs"), error))
        .ok();
    let reader = match (
        config.reader_dn.filter(|dn| !dn.is_empty()),
        config.reader_password,
    ) {
        (None, _) => None,
        (Some(dn), Some(password)) if !password.is_empty() => Some((dn.to_owned(), password.clone())),
        (Some(_), _) => {
            problems.note(
                format!("{at}.reader_password"),
                "must be given: with an empty one the server would let anybody in as nobody",
            );
            None
        }
    };
    Some(Arc::new(Server {
        start_tls: config.start_tls,
        pages: config.pages,
        address: address?,
        tls: tls?,
        reader,
    }))
}

fn additional(row: usize, domain: &LdapDomain, problems: &mut Problems) -> Option<(Dn, Arc<Server>)> {
    let at = format!("auth.ldap.additional_domains[{row}]");
    let dn = problems.dn(
        &format!("{at}.domain"),
        domain.domain.as_deref().unwrap_or_default(),
    );
    let server = server(
        &ServerConfig {
            at,
            url: domain.server_url.as_deref(),
            start_tls: domain.start_tls,
            root_certs: &domain.root_certs,
            skip_verify: domain.tls_skip_verify,
            pages: !domain.no_simple_pagination,
            reader_dn: domain.reader_dn.as_deref(),
            reader_password: domain.reader_password.as_ref(),
        },
        problems,
    );
    Some((dn?, server?))
}

fn user_search(row: usize, config: &UserSearchConfig, problems: &mut Problems) -> Option<UserSearch> {
    let at = format!("auth.ldap.user_search_configs[{row}]");
    let base = config.base_dn.as_deref().unwrap_or_default();
    let base_dn = problems.dn(&format!("{at}.base_dn"), base);
    let filter = problems.filter(&format!("{at}.filter"), &config.filter);
    let username_attribute = problems.attribute(&format!("{at}.username_attr"), &config.username_attr);
    let full_name_attribute = if config.full_name_attr.is_empty() {
        None
    } else {
        problems.attribute(&format!("{at}.full_name_attr"), &config.full_name_attr)
    };
    let group = if config.match_group {
        let dn = config.match_group_dn.as_deref().unwrap_or_default();
        let valid = problems.dn(&format!("{at}.match_group_dn"), dn);
        let attribute = problems.attribute(
            &format!("{at}.match_group_member_attr"),
            &config.match_group_member_attr,
        );
        valid.zip(attribute).map(|(_, member_attribute)| GroupMatch {
            dn: dn.to_owned(),
            member_attribute,
            iterate: config.match_group_iterate,
        })
    } else {
        None
    };
    Some(UserSearch {
        base: base.to_owned(),
        base_dn: base_dn?,
        scope: Scope::below(config.scope_subtree),
        filter: filter?,
        username_attribute: username_attribute?,
        full_name_attribute,
        group,
    })
}

fn admin_rule(config: &AdminSync, problems: &mut Problems) -> Option<MemberRule> {
    // A table that says nothing at all is one that nobody filled in: it synchronises nobody.
    if !config.enable_sync || *config == AdminSync::default() {
        return None;
    }
    let at = "auth.ldap.admin_sync_opts";
    if config.select_group_members {
        group_rule(
            (
                &format!("{at}.group_dn"),
                config.group_dn.as_deref().unwrap_or_default(),
            ),
            (&format!("{at}.group_member_attr"), &config.group_member_attr),
            problems,
        )
    } else {
        search_rule(
            (
                &format!("{at}.search_base_dn"),
                config.search_base_dn.as_deref().unwrap_or_default(),
            ),
            config.search_scope_subtree,
            (&format!("{at}.search_filter"), &config.search_filter),
            problems,
        )
    }
}

fn group_rule(dn: (&str, &str), attribute: (&str, &str), problems: &mut Problems) -> Option<MemberRule> {
    let valid = problems.dn(dn.0, dn.1);
    let attribute = problems.attribute(attribute.0, attribute.1);
    valid.zip(attribute).map(|(_, attribute)| MemberRule::Group {
        dn: dn.1.to_owned(),
        attribute,
    })
}

fn search_rule(
    base: (&str, &str),
    subtree: bool,
    filter: (&str, &str),
    problems: &mut Problems,
) -> Option<MemberRule> {
    let valid = problems.dn(base.0, base.1);
    let filter = problems.filter(filter.0, filter.1);
    valid.zip(filter).map(|(_, filter)| MemberRule::Search {
        base: base.1.to_owned(),
        subtree,
        filter,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Option<String> {
        Address::parse(url).map(|address| address.to_string())
    }

    #[test]
    fn addresses() {
        for (url, read) in [
            ("ldap://a.example", Some("ldap://a.example:389")),
            ("LDAPS://A.Example/", Some("ldaps://a.example:636")),
            ("ldap://127.0.0.1:3890", Some("ldap://127.0.0.1:3890")),
            ("ldaps://[::1]:1636", Some("ldaps://[::1]:1636")),
            ("ldap://[::1]", Some("ldap://[::1]:389")),
            ("ldap://", None),
            ("ldap://a:0", None),
            ("ldap://a:99999", None),
            ("ldap://a/dc=x", None),
            ("ldap://a b", None),
            ("ldap://user@a", None),
            ("http://a", None),
        ] {
            assert_eq!(address(url).as_deref(), read, "{url}");
        }
    }

    fn domain(dn: &str, url: &str) -> LdapDomain {
        LdapDomain {
            domain: Some(dn.to_owned()),
            server_url: Some(url.to_owned()),
            tls_skip_verify: true,
            ..LdapDomain::default()
        }
    }

    fn plain() -> Ldap {
        Ldap {
            server_url: Some("ldap://main".to_owned()),
            tls_skip_verify: true,
            user_search_configs: vec![UserSearchConfig {
                base_dn: Some("dc=example,dc=com".to_owned()),
                match_group: false,
                ..UserSearchConfig::default()
            }],
            ..Ldap::default()
        }
    }

    /// LDAP-003, LDAP-008: the example of the documentation, and what only looks like a suffix.
    #[test]
    fn the_longest_domain_answers() {
        let config = Ldap {
            additional_domains: vec![
                domain("dc=subsidiary1,dc=com", "ldap://one"),
                domain("dc=subsidiary2,dc=subsidiary1,dc=com", "ldap://two"),
            ],
            ..plain()
        };
        let settings = Settings::read(&config).unwrap();
        for (base, host) in [
            ("ou=people,dc=subsidiary1,dc=com", "one"),
            ("ou=product,dc=subsidiary2,dc=subsidiary1,dc=com", "two"),
            ("OU=product, DC=Subsidiary2,DC=subsidiary1, dc=com", "two"),
            ("ou=eng,dc=example,dc=com", "main"),
            ("dc=com", "main"),
            ("dc=subsidiary1\\,dc=com", "main"),
            ("dc=xsubsidiary1,dc=com", "main"),
        ] {
            let server = settings.server_for(&Dn::parse(base).unwrap());
            assert_eq!(server.address.host, host, "{base}");
        }
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let config = Ldap {
            server_url: Some("ldap://".to_owned()),
            root_certs: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
            reader_dn: Some("cn=reader".to_owned()),
            additional_domains: vec![domain("x", "ldap://one")],
            user_search_configs: vec![UserSearchConfig {
                base_dn: Some("dc".to_owned()),
                filter: "(uid=".to_owned(),
                username_attr: "u d".to_owned(),
                match_group_dn: None,
                ..UserSearchConfig::default()
            }],
            ..Ldap::default()
        };
        let problems = Settings::read(&config).unwrap_err();
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        for key in [
            "auth.ldap.server_url",
            "auth.ldap.root_certs",
            "auth.ldap.reader_password",
            "auth.ldap.additional_domains[0].domain",
            "auth.ldap.user_search_configs[0].base_dn",
            "auth.ldap.user_search_configs[0].filter",
            "auth.ldap.user_search_configs[0].username_attr",
            "auth.ldap.user_search_configs[0].match_group_dn",
        ] {
            assert!(keys.contains(&key), "{key} is missing from {keys:?}");
        }
        assert!(Settings::read(&Ldap::default()).is_err());
    }

    /// ldap-17: the settings do not show the password of the reader.
    #[test]
    fn sec_ldap_17_settings_show_no_password() {
        let config = Ldap {
            reader_dn: Some("cn=reader".to_owned()),
            reader_password: Some(Secret::new("hunter2")),
            ..plain()
        };
        assert!(!format!("{:?}", Settings::read(&config).unwrap()).contains("hunter2"));
    }
}
