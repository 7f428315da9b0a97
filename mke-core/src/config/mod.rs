//! The configuration file: TOML text in, a [`Config`] that is valid by construction out, and back.
//!
//! Every key is declared once, in [`keys`]: name, type, bounds, default and purpose. Reading ([`Config::parse`])
//! reports all problems at once; writing ([`Config::to_toml`]) lists every key, so that scripts which edit
//! the export line by line find what they look for. The file holds the keys that the controller uses today;
//! unknown keys are refused, never dropped.

mod keys;
mod problem;
mod read;
mod write;

pub use keys::{KEYS, Key, Kind, Scalar};
pub use problem::{Problem, Problems};

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What the control plane is told to do. Obtained by [`Config::parse`] or [`Config::default`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[auth]`
    pub auth: Auth,
    /// `[audit_log_configuration]`
    pub audit_log: AuditLog,
    /// `[scheduling_configuration]`
    pub scheduling: Scheduling,
    /// `[log_configuration]`
    pub log: Log,
    /// `[[custom_api_server_headers]]`, added to every API response in this order.
    pub custom_api_server_headers: Vec<CustomHeader>,
    /// `[cluster_config]`
    pub cluster: Cluster,
}

/// Who may log in and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// Where passwords are checked. Only `managed` exists so far.
    pub backend: String,
    /// The role of each user on its private collection (R14).
    pub default_new_user_role: String,
    /// `[auth.sessions]`
    pub sessions: SessionSettings,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            backend: "managed".to_owned(),
            default_new_user_role: "restrictedcontrol".to_owned(),
            sessions: SessionSettings::default(),
        }
    }
}

/// How long sessions live (SESS-001 to SESS-004).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSettings {
    /// Minutes that a session lives, at least 10.
    pub lifetime_minutes: u32,
    /// A session used within this many minutes of its end is renewed for a whole lifetime; 0 never renews. At
    /// most the lifetime less 5.
    pub renewal_threshold_minutes: u32,
    /// Sessions that one account may hold; one more ends the least recently used. 0 is no limit.
    pub per_user_limit: u32,
    /// Whether the web page keeps its token for the browser session only.
    pub store_token_per_session: bool,
}

impl SessionSettings {
    /// [`Self::lifetime_minutes`] as a duration.
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.lifetime_minutes) * 60)
    }

    /// [`Self::renewal_threshold_minutes`] as a duration; zero never renews.
    pub fn renewal_threshold(&self) -> Duration {
        Duration::from_secs(u64::from(self.renewal_threshold_minutes) * 60)
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            lifetime_minutes: 60,
            renewal_threshold_minutes: 20,
            per_user_limit: 10,
            store_token_per_session: false,
        }
    }
}

/// How much of each request is recorded (AUD-001, AUD-008).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct AuditLog {
    /// The level.
    pub level: AuditLevel,
    /// Whether support bundles keep the records.
    pub support_dump_include_audit_logs: bool,
}

/// How much of a request an audit record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum AuditLevel {
    /// No records.
    #[default]
    #[serde(rename = "")]
    Off,
    /// Who did what, when, with which result.
    Metadata,
    /// The same and the body.
    Request,
}

impl AuditLevel {
    /// The level as the file spells it; `Off` is empty.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "",
            Self::Metadata => "metadata",
            Self::Request => "request",
        }
    }

    /// Reads a level, exactly as spelled.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "" => Some(Self::Off),
            "metadata" => Some(Self::Metadata),
            "request" => Some(Self::Request),
            _ => None,
        }
    }
}

/// Where workloads may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Scheduling {
    /// Whether administrators' workloads may run on managers (R45).
    pub enable_admin_ucp_scheduling: bool,
}

/// What the control plane logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Verbosity, in capitals.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "INFO".to_owned(),
        }
    }
}

/// A header for every API response (DAPI-013).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomHeader {
    /// The header's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Settings of the control plane itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// Leaves out the headers `X-Server-Ip` and `X-Server-Name` (DAPI-012).
    pub exclude_server_identity_headers: bool,
}
