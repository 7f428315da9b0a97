//! Where each kind of record lives in the store. Keys are made here, and taken apart here, and nowhere else.
//!
//! A key is a family such as [`MEMBERS`] followed by one part for each id or name, joined by `/`. Valid ids and
//! names hold no `/`, but this module does not count on that, because a caller may look up an id straight from
//! a URL: `/` and `%` inside a part are written `%2F` and `%25`. Hence two different lists of parts never make
//! the same key, and no part can lead out of its family or into a neighbour's folder.

use std::borrow::Cow;

use crate::ids::{AccountId, CollectionId, JobId, KeyId, RoleId, SessionId, TeamId};

/// Everything that the control plane keeps; what a snapshot watches.
pub const ROOT: &str = "/mke/";

fn push_part(key: &mut String, part: &str) {
    for c in part.chars() {
        match c {
            '/' => key.push_str("%2F"),
            '%' => key.push_str("%25"),
            other => key.push(other),
        }
    }
}

/// The prefix of every key of `family` whose first parts are these: what to list the members of one
/// organization with. With no parts it is the family itself.
///
/// ```
/// use mke_core::store::layout;
///
/// assert_eq!(layout::below(layout::MEMBERS, ["o1"]), "/mke/members/o1/");
/// ```
pub fn below<'a>(family: &str, parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut prefix = family.to_owned();
    for part in parts {
        push_part(&mut prefix, part);
        prefix.push('/');
    }
    prefix
}

/// The ids and names in a key of `family`, in order: the inverse of the functions that make keys. `None` when
/// the key is of another family.
///
/// ```
/// use mke_core::store::layout;
///
/// assert_eq!(layout::parts(layout::MEMBERS, "/mke/members/o1/u1"), Some(vec!["o1".into(), "u1".into()]));
/// assert_eq!(layout::parts(layout::TEAMS, "/mke/members/o1/u1"), None);
/// ```
pub fn parts<'k>(family: &str, key: &'k str) -> Option<Vec<Cow<'k, str>>> {
    let rest = key.strip_prefix(family)?;
    Some(rest.split('/').map(unescape).collect())
}

fn unescape(part: &str) -> Cow<'_, str> {
    if part.contains('%') {
        // In this order: an escaped `%` may be followed by the letters `2F`.
        Cow::Owned(part.replace("%2F", "/").replace("%25", "%"))
    } else {
        Cow::Borrowed(part)
    }
}

macro_rules! family {
    ($(#[$doc:meta])* $prefix:ident, $key:ident ( $($arg:ident : $ty:ty),* ) = $folder:literal) => {
        $(#[$doc])*
        pub const $prefix: &str = concat!("/mke/", $folder, "/");

        $(#[$doc])*
        pub fn $key($($arg: $ty),*) -> String {
            let mut key = $prefix.to_owned();
            $(
                push_part(&mut key, $arg.as_ref());
                key.push('/');
            )*
            key.pop();
            key
        }
    };
}

family!(
    /// Accounts (users and organizations) by id.
    ACCOUNTS, account(id: &AccountId) = "accounts"
);
family!(
    /// Account ids by name: what makes names unique.
    ACCOUNT_NAMES, account_name(name: &str) = "account-names"
);
family!(
    /// Account ids by the source that they come from and their id there: what makes origins unique.
    ACCOUNT_ORIGINS, account_origin(source: &str, id: &str) = "account-origins"
);
family!(
    /// Teams by organization and id.
    TEAMS, team(org: &AccountId, id: &TeamId) = "teams"
);
family!(
    /// Team ids by organization and name: what makes names unique within the organization.
    TEAM_NAMES, team_name(org: &AccountId, name: &str) = "team-names"
);
family!(
    /// Members of organizations.
    MEMBERS, member(org: &AccountId, user: &AccountId) = "members"
);
family!(
    /// Members of teams, below their organization.
    TEAM_MEMBERS, team_member(org: &AccountId, team: &TeamId, user: &AccountId) = "team-members"
);
family!(
    /// Public keys by id; the account is in the record.
    PUBLIC_KEYS, public_key(id: &KeyId) = "public-keys"
);
family!(
    /// Sessions by account and id.
    SESSIONS, session(account: &AccountId, id: &SessionId) = "sessions"
);
family!(
    /// The identity provider's sessions behind sessions that SAML began.
    SAML_SESSIONS, saml_session(account: &AccountId, id: &SessionId) = "saml-sessions"
);
family!(
    /// SAML messages that were used and must not be used again, by kind and hash of their id.
    SAML_USED, saml_used(what: &str, id: &str) = "saml-used"
);
family!(
    /// A stamp per account, written anew by whoever makes something that belongs to the account, so that its
    /// deletion notices.
    OWNED, owned(account: &AccountId) = "owned"
);
family!(
    /// When an account logged in, first and last. Every login writes it, so that logins of one account form a
    /// line.
    LOGINS, login(account: &AccountId) = "logins"
);
family!(
    /// Second factors by account.
    SECOND_FACTORS, second_factor(account: &AccountId) = "second-factors"
);
family!(
    /// Failed logins, by the hash of what they are counted by; they live under leases.
    LOGIN_FAILURES, login_failures(of: &str) = "login-failures"
);
family!(
    /// Accounts that failed logins have locked.
    LOGIN_LOCKS, login_lock(account: &AccountId) = "login-locks"
);
family!(
    /// Custom roles by id. Built-in roles are code.
    ROLES, role(id: &RoleId) = "roles"
);
family!(
    /// Collections by id.
    COLLECTIONS, collection(id: &CollectionId) = "collections"
);
family!(
    /// Collection ids by parent and name: what makes names unique within the parent.
    COLLECTION_NAMES, collection_name(parent: &CollectionId, name: &str) = "collection-names"
);
family!(
    /// Grants: subject, object and role are the whole record (R28).
    GRANTS, grant(subject: &str, object: &str, role: &RoleId) = "grants"
);
family!(
    /// Jobs by id.
    JOBS, job(id: &JobId) = "jobs"
);
family!(
    /// What jobs wrote down, in parts of many lines.
    JOB_LOGS, job_log(id: &JobId, part: &str) = "job-logs"
);
family!(
    /// Who asked a running job to stop.
    JOB_CANCELS, job_cancel(id: &JobId) = "job-cancels"
);
family!(
    /// The job that runs, by action; lives under the lease of the manager that runs it.
    JOB_LOCKS, job_lock(action: &str) = "job-locks"
);
family!(
    /// When the schedule of an action was last looked at in vain or with success.
    JOB_SCHEDULES, job_schedule(action: &str) = "job-schedules"
);
family!(
    /// The default collection of a user, where it was chosen (R13).
    DEFAULT_COLLECTIONS, default_collection(user: &AccountId) = "default-collections"
);
family!(
    /// Versions of the configuration by number, all of one length.
    CONFIG_HISTORY, config_version(version: &str) = "config-history"
);
family!(
    /// The inventory of nodes, by the swarm's id.
    NODES, node(id: &str) = "nodes"
);
family!(
    /// What the agent of a node last said of it.
    NODE_REPORTS, node_report(id: &str) = "node-reports"
);
family!(
    /// Nodes whose agents are heard of; they live under leases.
    NODE_BEATS, node_beat(id: &str) = "node-beats"
);
family!(
    /// Managers whose controllers are heard of; they live under leases.
    CONTROLLER_BEATS, controller_beat(id: &str) = "controller-beats"
);
family!(
    /// Certificates that open the store, by the node that has them and their serial number.
    STORE_CERTIFICATES, store_certificate(node: &str, serial: &str) = "store-certificates"
);

/// Whether a key belongs to the inventory of nodes or to what is said of them.
pub fn of_nodes(key: &str) -> bool {
    [NODES, NODE_REPORTS, NODE_BEATS, CONTROLLER_BEATS]
        .iter()
        .any(|family| key.starts_with(family))
}

/// The members that the replicated store has or is about to have.
pub const STORE_MEMBERS: &str = "/mke/store-members";

/// The manager that reconciles its components now; lives under its lease.
pub const MANAGER_TURN: &str = "/mke/manager-turn";

/// The configuration in force.
pub const CONFIG: &str = "/mke/config/current";

/// What is known of the SAML identity provider.
pub const SAML_PROVIDER: &str = "/mke/saml/provider";

/// The cluster's identity: id, when it was made, by which version.
pub const CLUSTER: &str = "/mke/cluster";

/// Exists once the first administrator was made; its value is that account's id.
pub const FIRST_ADMINISTRATOR: &str = "/mke/first-administrator";

/// The token of the SCIM client, as a hash.
pub const SCIM_TOKEN: &str = "/mke/scim-token";

/// The certificate authorities and the server certificate, private keys sealed.
pub const PKI: &str = "/mke/pki/";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::KeyRange;
    use proptest::prelude::*;

    #[test]
    fn keys_are_families_and_parts() {
        assert_eq!(account(&"7f1b".into()), "/mke/accounts/7f1b");
        assert_eq!(member(&"o1".into(), &"u1".into()), "/mke/members/o1/u1");
        assert_eq!(
            grant("team:t1", "swarm", &"fullcontrol".into()),
            "/mke/grants/team:t1/swarm/fullcontrol"
        );
        assert_eq!(account_name("100%"), "/mke/account-names/100%25");
    }

    /// Each family is found by its prefix, and by that of no other.
    #[test]
    fn families_do_not_overlap() {
        let families = [
            ACCOUNTS,
            ACCOUNT_NAMES,
            ACCOUNT_ORIGINS,
            TEAMS,
            TEAM_NAMES,
            MEMBERS,
            TEAM_MEMBERS,
            PUBLIC_KEYS,
            SESSIONS,
            SAML_SESSIONS,
            SAML_USED,
            SAML_PROVIDER,
            OWNED,
            LOGINS,
            SECOND_FACTORS,
            LOGIN_FAILURES,
            LOGIN_LOCKS,
            ROLES,
            COLLECTIONS,
            COLLECTION_NAMES,
            GRANTS,
            JOBS,
            JOB_LOGS,
            JOB_CANCELS,
            JOB_LOCKS,
            JOB_SCHEDULES,
            DEFAULT_COLLECTIONS,
            NODES,
            NODE_REPORTS,
            NODE_BEATS,
            CONTROLLER_BEATS,
            STORE_CERTIFICATES,
            MANAGER_TURN,
            STORE_MEMBERS,
            PKI,
            CONFIG,
            CONFIG_HISTORY,
            CLUSTER,
            FIRST_ADMINISTRATOR,
            SCIM_TOKEN,
        ];
        for a in families {
            assert!(a.starts_with(ROOT), "{a} must be below the root");
            for b in families.iter().filter(|b| **b != a) {
                assert!(!b.starts_with(a), "{b} must not be inside {a}");
            }
        }
    }

    /// An id from a URL cannot name a record of another family, owner or kind.
    #[test]
    fn parts_cannot_escape() {
        assert_ne!(grant("a/b", "c", &"d".into()), grant("a", "b/c", &"d".into()));
        assert_ne!(grant("", "a", &"d".into()), grant("a", "", &"d".into()));
        assert_ne!(account_name("a%2Fb"), account_name("a/b"));
        let sneaky = session(&"u1/s1".into(), &"x".into());
        assert!(!KeyRange::prefix(below(SESSIONS, ["u1"])).contains(&sneaky));
        assert!(!KeyRange::prefix(below(MEMBERS, ["o1/u1"])).contains(&member(&"o1".into(), &"u1".into())));
        assert!(!KeyRange::prefix(below(MEMBERS, ["o1"])).contains(&member(&"o10".into(), &"u1".into())));
    }

    proptest! {
        /// What was put together comes apart again, whatever it holds; so no two lists share a key.
        #[test]
        fn parts_round_trip(org in "[a-z/%2F5.]{0,8}", team in any::<String>(), user in any::<String>()) {
            let key = team_member(&org.as_str().into(), &team.as_str().into(), &user.as_str().into());
            prop_assert_eq!(parts(TEAM_MEMBERS, &key), Some(vec![org.as_str().into(), team.as_str().into(), user.into()]));
            prop_assert!(key.starts_with(&below(TEAM_MEMBERS, [org.as_str(), team.as_str()])));
        }
    }
}
