//! `[auth.ldap]`: the directory that users, teams and administrators come from, also as the JSON body of its API.

use super::format::Format;
use super::key::{Key, Kind};
use super::section::section;
use crate::secret::Secret;

section! {
    /// The directory that users come from.
    pub struct Ldap at "auth.ldap" {
        /// Where the directory answers that no additional domain is meant for.
        server_url: Option<String> = Key::unset(Kind::Text).json("serverURL").format(Format::LdapUrl)
            .rule("must be given while `auth.backend` is `ldap`").live();
        /// Whether the server cannot send results in pages (RFC 2696).
        no_simple_pagination: bool = Key::bool(false).json("noSimplePagination").live();
        /// Whether a plain connection turns to TLS before anything is sent; an ldaps:// address always does.
        start_tls: bool = Key::bool(false).json("startTLS").live();
        /// The certificates, as PEM text, that the server's own must descend from.
        root_certs: String = Key::text("").json("rootCerts").live();
        /// Whether any certificate of the server is trusted.
        tls_skip_verify: bool = Key::bool(false).json("tlsSkipVerify")
            .risk("whoever stands between can read and change what the directory says").live();
        /// The entry that searches bind as.
        reader_dn: Option<String> = Key::unset(Kind::Text).json("readerDN").live();
        /// The password of that entry.
        reader_password: Option<Secret> = Key::unset(Kind::Text).secret().json("readerPassword").live();
        /// When users and teams are read anew; empty is hourly.
        sync_schedule: String = Key::text("@hourly").unit("cron").json("syncSchedule")
            .format(Format::CronSecondsZero).rule("with six fields the first, for seconds, is 0").live();
        /// Whether an account is made at its first login instead of by the next synchronisation.
        jit_user_provisioning: bool = Key::bool(true).json("jitUserProvisioning")
            .risk("off, accounts that the directory does not list become inactive with the next synchronisation")
            .live();
        /// The local administrator who can still log in while the directory cannot be reached.
        recovery_admin_username: Option<String> = Key::unset(Kind::Text).json("recoveryAdminUsername").live();
    }
    tables {
        /// Which users of the directory are administrators.
        admin_sync_opts("admin_sync_opts", "adminSyncOpts"): AdminSync;
    }
    rows {
        /// Further directory servers, each for the part of the tree below its domain.
        additional_domains("additional_domains", "additionalDomains"): LdapDomain;
        /// Where users are looked for; of two entries with one name the first search wins.
        user_search_configs("user_search_configs", "userSearchConfigs"): UserSearch;
    }
}

section! {
    /// A directory server for a part of the tree.
    pub struct LdapDomain at "auth.ldap.additional_domains[]" {
        /// The entry at the root of what this server answers for; the longest match is asked.
        domain: Option<String> = Key::unset(Kind::Text).json("domain").live();
        /// Where this server answers.
        server_url: Option<String> = Key::unset(Kind::Text).json("serverURL").format(Format::LdapUrl).live();
        /// Whether this server cannot send results in pages (RFC 2696).
        no_simple_pagination: bool = Key::bool(false).json("noSimplePagination").live();
        /// Whether a plain connection to this server turns to TLS first.
        start_tls: bool = Key::bool(false).json("startTLS").live();
        /// The certificates, as PEM text, that this server's own must descend from.
        root_certs: String = Key::text("").json("rootCerts").live();
        /// Whether any certificate of this server is trusted.
        tls_skip_verify: bool = Key::bool(false).json("tlsSkipVerify")
            .risk("whoever stands between can read and change what the directory says").live();
        /// The entry that searches on this server bind as.
        reader_dn: Option<String> = Key::unset(Kind::Text).json("readerDN").live();
        /// The password of that entry.
        reader_password: Option<Secret> = Key::unset(Kind::Text).secret().json("readerPassword").live();
    }
}

section! {
    /// One search for users.
    pub struct UserSearch at "auth.ldap.user_search_configs[]" {
        /// The entry below which users are looked for.
        base_dn: Option<String> = Key::unset(Kind::Text).json("baseDN").live();
        /// Whether all levels below that entry are searched and not only the next.
        scope_subtree: bool = Key::bool(false).json("scopeSubtree").live();
        /// The attribute that names the account.
        username_attr: String = Key::text("uid").json("usernameAttr").live();
        /// The attribute that holds the full name; empty keeps none.
        full_name_attr: String = Key::text("cn").json("fullNameAttr").live();
        /// The condition that entries must meet, as an LDAP filter.
        filter: String = Key::text("").json("filter").live();
        /// Whether only members of one group are taken.
        match_group: bool = Key::bool(true).json("matchGroup").live();
        /// That group.
        match_group_dn: Option<String> = Key::unset(Kind::Text).json("matchGroupDN")
            .rule("must be given while `match_group` is on").live();
        /// The attribute of the group that lists its members.
        match_group_member_attr: String = Key::text("member").json("matchGroupMemberAttr")
            .rule("must be given while `match_group` is on").live();
        /// Whether members are fetched one by one, for servers that cannot search them all.
        match_group_iterate: bool = Key::bool(false).json("matchGroupIterate").live();
    }
}

section! {
    /// Which users of the directory are administrators.
    pub struct AdminSync at "auth.ldap.admin_sync_opts" {
        /// Whether the directory says who is an administrator; off, the rest of the table means nothing.
        enable_sync: bool = Key::bool(true).json("enableSync").live();
        /// Whether administrators are the members of a group, and not what a search finds.
        select_group_members: bool = Key::bool(true).json("selectGroupMembers").live();
        /// The group whose members are administrators.
        group_dn: Option<String> = Key::unset(Kind::Text).json("groupDN")
            .rule("must be given while `enable_sync` and `select_group_members` are on").live();
        /// The attribute of that group that lists its members.
        group_member_attr: String = Key::text("member").json("groupMemberAttr")
            .rule("must be given while `enable_sync` and `select_group_members` are on").live();
        /// The entry below which administrators are looked for.
        search_base_dn: Option<String> = Key::unset(Kind::Text).json("searchBaseDN")
            .rule("must be given while `enable_sync` is on and `select_group_members` off").live();
        /// Whether that search goes through all levels.
        search_scope_subtree: bool = Key::bool(false).json("searchScopeSubtree").live();
        /// The condition that entries of administrators must meet.
        search_filter: String = Key::text("").json("searchFilter").live();
    }
}
