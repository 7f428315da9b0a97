//! The configuration file: TOML text in, a [`Config`] that is valid by construction out, and back.
//!
//! Every key is declared once, beside the field that holds it (see [`section`]): name, type, default, what is
//! allowed, version, effect of a change, and one sentence. From that follow reading ([`Config::parse`], every problem
//! at once), the export ([`Config::to_toml`]), the example file, the JSON Schema, the reference page and
//! [`explain`]. Rules between keys are in `rules.rs`.
//!
//! | to | use |
//! | --- | --- |
//! | read a file | [`Config::parse`], [`Config::read`] |
//! | look at one value, or at all | [`Config::get`], [`Config::settings`] |
//! | know what a key takes and touches | [`keys()`], [`find_key`], [`Key`] |
//! | change a file and keep its comments | [`Document`] |
//! | keep an operator's file, and show it without secrets | [`Kept`] |
//! | explain a key, or all of them | [`explain`], [`reference_page`] |
//! | read the other files | [`Interlock::parse`], [`AzureConfig::parse`], [`Ldap::parse_json`] |
//!
//! # What is stored
//!
//! `Config` is stored as the text of a file ([`stored`]), never as the fields of a struct: keys that come later do not
//! break records that are there, and records are what an operator would export. Whoever must keep comments and order of
//! the operator's file stores its text in the same place; both are read by [`Config`]'s
//! `Deserialize`. The stored text holds secrets and belongs into the store only.

mod acting;
mod auth;
mod azure;
mod check;
mod cluster;
mod cluster_parts;
mod components;
mod cron;
mod diff;
mod document;
mod edits;
mod format;
mod identity;
mod ingress;
mod interlock;
mod json;
mod json_form;
mod kept;
mod key;
mod keys;
mod kubernetes;
mod ldap;
mod ldap_passwords;
mod ldap_rules;
pub mod mke4;
mod nearest;
mod network;
mod path;
mod platform;
mod problem;
mod raw;
mod read;
mod reference;
mod rules;
mod schema;
pub mod section;
pub mod stored;
mod value;
mod walk;
mod workload;
mod write;

pub use acting::{ACTING, Acting, Topic, acting_topics, without_effect};
pub use auth::{Auth, SessionSettings};
pub use azure::AzureConfig;
pub use cluster::Cluster;
pub use cluster_parts::{ImagePruneFilter, Metrics, Privileges, Storage, Stores};
pub use components::CONTROLLER;
pub use cron::Cron;
pub use diff::{Change, Difference, Impact};
pub use document::{Document, EditError};
pub use format::{Cidr, Format, duration, port_range};
pub use identity::{
    AccountLock, AdminRoleRule, ExternalIdentityProvider, Saml, SamlProxy, SamlProxyBasic,
    SamlProxyCredentials, SignInRule,
};
pub use ingress::{
    IngressAffinity, IngressController, IngressExtraArgs, IngressPort, IngressToleration, Metallb,
    MetallbPool, ServiceMesh, ServiceMeshAffinity, ServiceMeshPort, ServiceMeshToleration,
};
pub use interlock::{Extension, ExtensionConfig, Interlock};
pub use kept::{Accepted, Kept, MASK};
pub use key::{Effect, Fallback, Key, Kind, Required, Version};
pub use keys::{Setting, azure_keys, find_key, interlock_keys, keys};
pub use kubernetes::{
    ApiServer, Controllers, CoreDnsLameduck, EventRateLimit, Gatekeeper, Kubelet, PolicyEnforcement,
};
pub use ldap::{AdminSync, Ldap, LdapDomain, UserSearch};
pub use network::{CalicoProbes, KubeProxy, Network};
pub use path::{KeyPath, PathError, Step};
pub use platform::{
    AuditLog, BackupSchedule, CustomHeader, EtcdCleanup, Hardening, License, Log, Pki, Registry, Scheduling,
    Tracking, Trust,
};
pub use problem::{Problem, Problems};
pub use raw::{MAX_BYTES, MAX_DEPTH, MAX_TEXT, RawConfig, Syntax};
pub use read::{ReadOptions, Reading, Report, Root};
pub use reference::{Explanation, UnknownKey, explain, page as reference_page};
pub use rules::RESERVED_HEADERS;
pub use section::{Child, ChildMut, ChildRef, Section};
pub use value::Value;
pub use workload::{RestartAttempts, RestartDelay, SwarmDefaults, UserWorkloadDefaults};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use section::section;

section! {
    /// What the control plane is told to do. Obtained by [`Config::parse`] or [`Config::default`].
    pub struct Config at "" {}
    tables {
        /// Who may log in and for how long.
        auth("auth"): Auth;
        /// Limits on the components themselves.
        hardening("hardening_configuration"): Hardening;
        /// How much of each request is recorded.
        audit_log("audit_log_configuration"): AuditLog;
        /// Where workloads may run.
        scheduling("scheduling_configuration"): Scheduling;
        /// What may be reported about the use of the cluster.
        tracking("tracking_configuration"): Tracking;
        /// Which images may run.
        trust("trust_configuration"): Trust;
        /// What the control plane logs, and where to.
        log("log_configuration"): Log;
        /// The licence.
        license("license_configuration"): License;
        /// What services get that say nothing themselves.
        user_workload_defaults("user_workload_defaults"): UserWorkloadDefaults;
        /// The cluster itself.
        cluster("cluster_config"): Cluster;
        /// Backups on a schedule.
        backup_schedule("backup_schedule_config"): BackupSchedule;
        /// Removal of old events from etcd on a schedule.
        etcd_cleanup("etcd_cleanup_schedule_config"): EtcdCleanup;
        /// Who else may vouch for clients.
        pki("pki"): Pki;
    }
    rows {
        /// The trusted registries.
        registries("registries"): Registry;
        /// Headers of every API response, added in this order.
        custom_api_server_headers("custom_api_server_headers"): CustomHeader;
    }
}

impl Config {
    /// Reads a configuration file. Absent keys have their defaults.
    ///
    /// # Errors
    /// Every problem with its line and column: faulty TOML, unknown tables and keys, wrong types, values out
    /// of bounds, and combinations that cannot be.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        Self::read(text, &ReadOptions::default()).map(|reading| reading.value)
    }

    /// Reads a configuration file, with a say in how.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn read(text: &str, options: &ReadOptions<'_>) -> Result<Reading<Self>, Problems> {
        read_toml(text, options)
    }

    /// Reads a file as a control plane gives it out: `[auth.ldap]` never stands in it, so a directory may be in use without
    /// being described.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn read_export(text: &str, options: &ReadOptions<'_>) -> Result<Reading<Self>, Problems> {
        let raw = RawConfig::from_toml(text).map_err(|problems| problems.in_file_of(options))?;
        raw.read_as(options, true)
    }

    /// The value at a path such as `auth.sessions.lifetime_minutes`; `None` when it is unset or no key.
    pub fn get(&self, path: &KeyPath) -> Option<Value> {
        keys::value_at(self, path)
    }

    /// Every key with its value, rows one by one, in the order of the exported file.
    pub fn settings(&self) -> Vec<Setting> {
        keys::settings(self)
    }

    /// What does not go together, for a configuration that was put together by hand. [`Self::parse`] asks this too.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.check(&mut Report::without_file(&mut problems));
        problems
    }
}

impl Root for Config {
    const MOVED: &'static [(&'static str, &'static str)] = &[("pre_logon_message", "cluster_config")];

    fn check(&self, report: &mut Report<'_>) {
        rules::check(self, report);
    }
}

impl Interlock {
    /// Reads an Interlock file (TOML).
    ///
    /// # Errors
    /// As [`Config::parse`].
    pub fn parse(text: &str) -> Result<Self, Problems> {
        Self::read(text, &ReadOptions::default()).map(|reading| reading.value)
    }

    /// Reads an Interlock file, with a say in how.
    ///
    /// # Errors
    /// As [`Config::parse`].
    pub fn read(text: &str, options: &ReadOptions<'_>) -> Result<Reading<Self>, Problems> {
        read_toml(text, options)
    }

    /// Every key with its value.
    pub fn settings(&self) -> Vec<Setting> {
        keys::settings(self)
    }
}

impl Root for Interlock {
    fn check(&self, report: &mut Report<'_>) {
        rules::check_interlock(self, report);
    }
}

impl AzureConfig {
    /// Reads `azure.json`.
    ///
    /// # Errors
    /// As [`Config::parse`]; keys are named by JSON pointers.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        Self::read(text, &ReadOptions::default()).map(|reading| reading.value)
    }

    /// Reads `azure.json`, with a say in how.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn read(text: &str, options: &ReadOptions<'_>) -> Result<Reading<Self>, Problems> {
        read_json(text, options)
    }
}

impl Root for AzureConfig {
    fn check(&self, _: &mut Report<'_>) {}
}

impl Ldap {
    /// Reads the body of the directory's API, which spells the keys of `[auth.ldap]` in JSON.
    ///
    /// # Errors
    /// As [`Config::parse`]; keys are named by JSON pointers.
    pub fn parse_json(text: &str) -> Result<Self, Problems> {
        read_json(text, &ReadOptions::default()).map(|reading| reading.value)
    }
}

impl Root for Ldap {
    fn check(&self, report: &mut Report<'_>) {
        ldap_rules::check(self, "", report);
    }
}

fn read_toml<T: Root>(text: &str, options: &ReadOptions<'_>) -> Result<Reading<T>, Problems> {
    let raw = RawConfig::from_toml(text).map_err(|problems| problems.in_file_of(options))?;
    raw.read(options)
}

fn read_json<T: Root>(text: &str, options: &ReadOptions<'_>) -> Result<Reading<T>, Problems> {
    let raw = RawConfig::from_json(text).map_err(|problems| problems.in_file_of(options))?;
    raw.read(options)
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

impl ServiceMeshPort {
    fn new(name: &str, port: u16, node_port: u16) -> Self {
        Self {
            name: name.to_owned(),
            port,
            node_port: Some(node_port),
            ..Self::default()
        }
    }
}

impl IngressPort {
    fn new(name: &str, port: u16, node_port: u16) -> Self {
        Self {
            name: name.to_owned(),
            port,
            node_port: Some(node_port),
            ..Self::default()
        }
    }
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
