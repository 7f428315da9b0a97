//! The settings of the directory, read once and valid by construction: servers, searches, administrators. Which
//! server answers for which part of the tree is decided here (LDAP-003).

mod address;
mod read;

pub(crate) use address::Address;
pub(super) use address::scheme_host_port;

use std::fmt;
use std::sync::Arc;

use mke_core::config::{Ldap, Problem};
use mke_core::ids::{AccountId, TeamId};
use mke_core::secret::Secret;
use rustls::ClientConfig;

use self::read::{
    Problems, ServerConfig, additional, admin_rule, group_rule, search_rule, server, user_search,
};
use super::dn::Dn;
use super::filter::Filter;
use super::wire::Scope;
use crate::directory::Directory;
use crate::records::MemberSync;

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

#[cfg(test)]
mod tests {
    use mke_core::config::{LdapDomain, UserSearch as UserSearchConfig};

    use super::*;

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
