//! Every scalar key of the file, declared once.

use super::{AuditLevel, Config};

/// The value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    /// true or false
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// true or false
    Bool,
    /// A whole number within bounds, both inclusive.
    Integer {
        /// Smallest allowed value.
        min: i64,
        /// Largest allowed value.
        max: i64,
    },
    /// One of a few words.
    OneOf {
        /// The words.
        allowed: &'static [&'static str],
        /// Whether other capitalisation is accepted; it is stored as declared.
        any_case: bool,
    },
}

/// One key of the file.
pub struct Key {
    /// The table, as it stands between brackets.
    pub table: &'static str,
    /// The key's own name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Reads it from a configuration.
    pub get: fn(&Config) -> Scalar,
    /// Writes it into a configuration. The value was checked against [`Key::kind`] before.
    pub(super) set: fn(&mut Config, Scalar),
}

/// Day-long limits that keep minute counts sane: 30 days for a session.
const MAX_SESSION_MINUTES: i64 = 30 * 24 * 60;

macro_rules! bool_key {
    ($table:literal, $name:literal, $about:literal, $($field:ident).+) => {
        Key {
            table: $table,
            name: $name,
            kind: Kind::Bool,
            about: $about,
            get: |config| Scalar::Bool(config.$($field).+),
            set: |config, value| {
                if let Scalar::Bool(value) = value {
                    config.$($field).+ = value;
                }
            },
        }
    };
}

macro_rules! integer_key {
    ($table:literal, $name:literal, $min:expr, $max:expr, $about:literal, $($field:ident).+) => {
        Key {
            table: $table,
            name: $name,
            kind: Kind::Integer { min: $min, max: $max },
            about: $about,
            get: |config| Scalar::Integer(i64::from(config.$($field).+)),
            set: |config, value| {
                if let Scalar::Integer(value) = value {
                    config.$($field).+ = u32::try_from(value).unwrap_or(u32::MAX);
                }
            },
        }
    };
}

macro_rules! word_key {
    ($table:literal, $name:literal, $allowed:expr, $any_case:literal, $about:literal, $($field:ident).+) => {
        Key {
            table: $table,
            name: $name,
            kind: Kind::OneOf { allowed: $allowed, any_case: $any_case },
            about: $about,
            get: |config| Scalar::Text(config.$($field).+.clone()),
            set: |config, value| {
                if let Scalar::Text(value) = value {
                    config.$($field).+ = value;
                }
            },
        }
    };
}

/// The keys in the order in which the file lists them.
pub static KEYS: &[Key] = &[
    word_key!(
        "auth",
        "backend",
        &["managed"],
        false,
        "Where passwords are checked; only accounts managed here exist so far.",
        auth.backend
    ),
    word_key!(
        "auth",
        "default_new_user_role",
        &[
            "none",
            "viewonly",
            "scheduler",
            "restrictedcontrol",
            "fullcontrol",
            "admin"
        ],
        false,
        "The role of every user on its own private collection.",
        auth.default_new_user_role
    ),
    integer_key!(
        "auth.sessions",
        "lifetime_minutes",
        10,
        MAX_SESSION_MINUTES,
        "Minutes that a login session lives.",
        auth.sessions.lifetime_minutes
    ),
    integer_key!(
        "auth.sessions",
        "renewal_threshold_minutes",
        0,
        MAX_SESSION_MINUTES,
        "A session used this many minutes before its end is renewed; 0 never renews.",
        auth.sessions.renewal_threshold_minutes
    ),
    integer_key!(
        "auth.sessions",
        "per_user_limit",
        0,
        100_000,
        "Sessions that one account may hold, the least recently used goes; 0 is no limit.",
        auth.sessions.per_user_limit
    ),
    bool_key!(
        "auth.sessions",
        "store_token_per_session",
        "Whether the web page keeps its token for the browser session only.",
        auth.sessions.store_token_per_session
    ),
    Key {
        table: "audit_log_configuration",
        name: "level",
        kind: Kind::OneOf {
            allowed: &["", "metadata", "request"],
            any_case: false,
        },
        about: "How much of each request is recorded; empty records nothing.",
        get: |config| Scalar::Text(config.audit_log.level.as_str().to_owned()),
        set: |config, value| {
            if let Scalar::Text(text) = value {
                config.audit_log.level = AuditLevel::from_text(&text).unwrap_or_default();
            }
        },
    },
    bool_key!(
        "audit_log_configuration",
        "support_dump_include_audit_logs",
        "Whether support bundles keep audit records.",
        audit_log.support_dump_include_audit_logs
    ),
    bool_key!(
        "scheduling_configuration",
        "enable_admin_ucp_scheduling",
        "Whether workloads of administrators may run on managers.",
        scheduling.enable_admin_ucp_scheduling
    ),
    word_key!(
        "log_configuration",
        "level",
        &[
            "DEBUG", "INFO", "NOTICE", "WARNING", "ERR", "CRIT", "ALERT", "EMERG"
        ],
        true,
        "How much the control plane logs.",
        log.level
    ),
    bool_key!(
        "cluster_config",
        "exclude_server_identity_headers",
        "Leaves out the response headers X-Server-Ip and X-Server-Name.",
        cluster.exclude_server_identity_headers
    ),
];
