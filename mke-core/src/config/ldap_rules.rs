//! What must hold between keys of `[auth.ldap]`, in the file and in the JSON body.

use super::read::Report;
use super::rules::given;
use super::{AdminSync, Ldap};

/// The rules of `[auth.ldap]`. `prefix` stands before its keys: empty for the JSON body.
pub(super) fn check(ldap: &Ldap, prefix: &str, report: &mut Report<'_>) {
    let mut need = |key: String, value: Option<&str>, allowed: &str, why: String| {
        if given(value).is_none() {
            report.refuse(&key, "nothing", allowed, why);
        }
    };
    need(
        format!("{prefix}server_url"),
        ldap.server_url.as_deref(),
        "an address that starts with ldap:// or ldaps://",
        "must be given while the directory is used".to_owned(),
    );
    for (row, domain) in ldap.additional_domains.iter().enumerate() {
        let at = format!("{prefix}additional_domains[{row}]");
        need(
            format!("{at}.domain"),
            domain.domain.as_deref(),
            "the entry at the root of the domain",
            "must be given, such as `dc=example,dc=com`".to_owned(),
        );
        need(
            format!("{at}.server_url"),
            domain.server_url.as_deref(),
            "an address that starts with ldap:// or ldaps://",
            "must be given for each domain".to_owned(),
        );
    }
    for (row, search) in ldap.user_search_configs.iter().enumerate() {
        let at = format!("{prefix}user_search_configs[{row}]");
        need(
            format!("{at}.base_dn"),
            search.base_dn.as_deref(),
            "the entry below which to search",
            "must be given, such as `ou=people,dc=example,dc=com`".to_owned(),
        );
        need(
            format!("{at}.username_attr"),
            Some(&search.username_attr),
            "an attribute",
            "must name the attribute of the account's name, such as `uid`".to_owned(),
        );
        if search.match_group {
            let why = "must be given while `match_group` is true";
            need(
                format!("{at}.match_group_dn"),
                search.match_group_dn.as_deref(),
                "the group",
                why.to_owned(),
            );
            need(
                format!("{at}.match_group_member_attr"),
                Some(&search.match_group_member_attr),
                "an attribute",
                why.to_owned(),
            );
        }
    }
    let admins = &ldap.admin_sync_opts;
    // A table that says nothing at all is one that nobody filled in: it synchronises nobody.
    if admins.enable_sync && *admins != AdminSync::default() {
        let at = format!("{prefix}admin_sync_opts");
        if admins.select_group_members {
            let why = "must be given while `enable_sync` and `select_group_members` are true";
            need(
                format!("{at}.group_dn"),
                admins.group_dn.as_deref(),
                "the group",
                why.to_owned(),
            );
            need(
                format!("{at}.group_member_attr"),
                Some(&admins.group_member_attr),
                "an attribute",
                why.to_owned(),
            );
        } else {
            need(
                format!("{at}.search_base_dn"),
                admins.search_base_dn.as_deref(),
                "the entry below which to search",
                "must be given while `enable_sync` is true and `select_group_members` false".to_owned(),
            );
        }
    }
}
