//! How the settings are read: what each key must be, and everything that is wrong at once.

use std::fmt;
use std::sync::Arc;

use mke_core::config::{AdminSync, LdapDomain, Problem, UserSearch as UserSearchConfig};
use mke_core::secret::Secret;

use super::address::Address;
use super::{GroupMatch, MemberRule, Server, UserSearch};
use crate::ldap::dn::{Dn, is_attribute};
use crate::ldap::filter::Filter;
use crate::ldap::wire::{Scope, client_config};

/// Problems that are collected.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<Problem>);

impl Problems {
    pub(super) fn note(&mut self, key: impl Into<String>, message: impl fmt::Display) {
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

pub(super) struct ServerConfig<'a> {
    pub(super) at: String,
    pub(super) url: Option<&'a str>,
    pub(super) start_tls: bool,
    pub(super) root_certs: &'a str,
    pub(super) skip_verify: bool,
    pub(super) pages: bool,
    pub(super) reader_dn: Option<&'a str>,
    pub(super) reader_password: Option<&'a Secret>,
}

pub(super) fn server(config: &ServerConfig<'_>, problems: &mut Problems) -> Option<Arc<Server>> {
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

pub(super) fn additional(
    row: usize,
    domain: &LdapDomain,
    problems: &mut Problems,
) -> Option<(Dn, Arc<Server>)> {
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

pub(super) fn user_search(
    row: usize,
    config: &UserSearchConfig,
    problems: &mut Problems,
) -> Option<UserSearch> {
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

pub(super) fn admin_rule(config: &AdminSync, problems: &mut Problems) -> Option<MemberRule> {
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

pub(super) fn group_rule(
    dn: (&str, &str),
    attribute: (&str, &str),
    problems: &mut Problems,
) -> Option<MemberRule> {
    let valid = problems.dn(dn.0, dn.1);
    let attribute = problems.attribute(attribute.0, attribute.1);
    valid.zip(attribute).map(|(_, attribute)| MemberRule::Group {
        dn: dn.1.to_owned(),
        attribute,
    })
}

pub(super) fn search_rule(
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
