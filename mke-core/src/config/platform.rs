//! The small tables of the control plane: registries, audit, scheduling, analytics, signatures, logs, licence, headers, hardening, backups.

use super::AuditLevel;
use super::components::{API_SERVER, CONTROL_PLANE, KUBELET, KV};
use super::format::Format;
use super::key::{Key, Kind};
use super::section::section;
use crate::secret::Secret;

section! {
    /// Limits on the components themselves.
    pub struct Hardening at "hardening_configuration" {
        /// Whether the limits of this table hold at all.
        hardening_enabled: bool = Key::bool(false).not_in_3_4().all_nodes(CONTROL_PLANE);
        /// Whether components lose every kernel capability that they do not need.
        limit_kernel_capabilities: bool = Key::bool(false).not_in_3_4().all_nodes(CONTROL_PLANE);
        /// How many processes one component may have.
        pid_limit: i64 = Key::integer(0).not_in_3_4().all_nodes(CONTROL_PLANE);
        /// Whether no such limit holds; off, `pid_limit` does.
        pid_limit_unspecified: bool = Key::bool(true).not_in_3_4().all_nodes(CONTROL_PLANE);
        /// Whether API server, kubelet and etcd speak only ciphers of the CIS benchmark.
        use_strong_tls_ciphers: bool = Key::bool(false).not_in_3_4().all_nodes(&[API_SERVER, KUBELET, KV]);
    }
}

section! {
    /// A trusted registry.
    pub struct Registry at "registries[]" {
        /// Where the registry answers.
        host_address: String = Key::unset(Kind::Text).required().json("hostAddress").not_empty().live();
        /// The identifier of the registry in OpenID Connect.
        service_id: String = Key::unset(Kind::Text).required().live();
        /// The certificates of the registry's authority, as PEM text.
        ca_bundle: String = Key::text("").live();
    }
}

section! {
    /// How much of each request is recorded (AUD-001, AUD-008).
    pub struct AuditLog at "audit_log_configuration" {
        /// How much of each request is recorded; empty records nothing.
        level: AuditLevel = Key::text("").one_of(&["", "metadata", "request"]).json("auditLevel").live();
        /// Whether support bundles keep audit records.
        support_dump_include_audit_logs: bool = Key::bool(false).json("supportDumpIncludeAuditLogs")
            .aliases(&["support_bundle_include_audit_logs"]).live();
    }
}

section! {
    /// Where workloads may run.
    pub struct Scheduling at "scheduling_configuration" {
        /// Whether workloads of administrators may run on managers and registry nodes.
        enable_admin_ucp_scheduling: bool = Key::bool(false).live();
        /// Whether workloads of other users may run on managers.
        enable_user_ucp_scheduling: bool = Key::bool(false).until(2, 2, 0).not_in_3_4().live();
        /// The orchestrator of nodes that join from now on; those that are there keep theirs.
        default_node_orchestrator: String = Key::text("swarm").one_of(&["swarm", "kubernetes"])
            .flag("--default-node-orchestrator").live();
    }
}

section! {
    /// What may be reported about the use of the cluster.
    pub struct Tracking at "tracking_configuration" {
        /// Whether no usage report is made.
        disable_usageinfo: bool = Key::bool(false).flag("--disable-usage").live();
        /// Whether calls of the API are not analysed.
        disable_tracking: bool = Key::bool(false).flag("--disable-tracking").live();
        /// Whether analytics leave out the licence; read and ignored.
        anonymize_tracking: bool = Key::bool(false).until(3, 4, 4).not_in_3_4();
        /// A name for the cluster in analytics.
        cluster_label: String = Key::text("").flag("--cluster-label").live();
        /// Whether the vendor's remote support is on; read and kept, there is none here.
        ops_care: bool = Key::bool(false).not_in_3_4();
    }
}

section! {
    /// Which images may run.
    pub struct Trust at "trust_configuration" {
        /// Whether only signed images may run.
        require_content_trust: bool = Key::bool(false)
            .risk("images without the signatures no longer start").live();
        /// The teams or users who must have signed an image.
        require_signature_from: Vec<String> = Key::list(&[]).live();
        /// The repositories whose images need no signature.
        allow_repos: Vec<String> = Key::list(&[]).live();
    }
}

section! {
    /// What the control plane logs, and where to.
    pub struct Log at "log_configuration" {
        /// How log lines travel to the remote syslog.
        protocol: String = Key::text("tcp").one_of(&["tcp", "udp"]).live();
        /// The remote syslog, as host and port (514 unless given); empty logs to standard error only.
        host: String = Key::text("").format(Format::Host)
            .risk("messages and audit records travel in the clear").live();
        /// How much the components of the control plane log.
        level: String = Key::text("INFO")
            .one_of(&["DEBUG", "INFO", "NOTICE", "WARNING", "ERR", "CRIT", "ALERT", "EMERG"]).json("logLevel")
            .any_case().live();
    }
}

section! {
    /// The licence.
    pub struct License at "license_configuration" {
        /// Whether the licence is renewed before it ends.
        auto_refresh: bool = Key::bool(true).live();
        /// Whether a renewal sends no usage figures; nothing is ever sent here.
        omit_telemetry: bool = Key::bool(false).not_in_3_4();
    }
}

section! {
    /// A header for every API response (DAPI-013).
    pub struct CustomHeader at "custom_api_server_headers[]" {
        /// The name of the header.
        name: String = Key::unset(Kind::Text).required().format(Format::HeaderName).not_empty()
            .rule("none that belongs to the answer itself, such as Content-Type").live();
        /// The value of the header.
        value: String = Key::unset(Kind::Text).required().format(Format::HeaderValue).live();
    }
}

section! {
    /// Who else may vouch for clients.
    pub struct Pki at "pki" {
        /// Further authorities, as PEM text, whose client certificates are trusted.
        client_ca_bundle: String = Key::text("").not_in_3_4().live();
    }
}

section! {
    /// Backups on a schedule.
    pub struct BackupSchedule at "backup_schedule_config" {
        /// Whether backups are made on a schedule.
        enabled: bool = Key::bool(false).required().not_in_3_4().live();
        /// After how many days without a backup a notice appears; -1 never.
        notification_delay: i64 = Key::integer(7).min(-1).unit("days").required().not_in_3_4()
            .aliases(&["notification-delay"]).live();
        /// The directory on the manager that backups are written to.
        path: Option<String> = Key::unset(Kind::Text).required_when("enabled").not_in_3_4()
            .format(Format::AbsolutePath).live();
        /// Whether backups are not encrypted.
        no_passphrase: bool = Key::bool(false).required().not_in_3_4().rule("off while `passphrase` is given")
            .risk("a backup that is not encrypted holds every key of the cluster in the clear").live();
        /// What backups are encrypted with.
        passphrase: Secret = Key::text("").required().not_in_3_4().secret()
            .rule("empty while `no_passphrase` is on").live();
        /// When backups are made.
        cron_spec: Option<String> = Key::unset(Kind::Text).unit("cron with seconds, or @descriptor")
            .required_when("enabled").not_in_3_4().format(Format::Cron).live();
        /// Whether each backup has a log beside it.
        include_logs: Option<bool> = Key::unset(Kind::Bool).required_when("enabled").not_in_3_4().live();
        /// How many backups are kept; -1 keeps all.
        backups_limit: Option<i64> = Key::unset(Kind::Integer).min(-1).required_when("enabled").not_in_3_4()
            .aliases(&["backup_limits"]).live();
    }
}

section! {
    /// Removal of old events from etcd on a schedule.
    pub struct EtcdCleanup at "etcd_cleanup_schedule_config" {
        /// Whether old events are removed from etcd on a schedule.
        cleanup_enabled: bool = Key::bool(false).required().not_in_3_4().live();
        /// Events that live at least this many more seconds are kept.
        min_ttl_to_keep_seconds: i64 = Key::integer(0).min(0).unit("seconds").not_in_3_4().live();
        /// When events are removed.
        cron_expression: Option<String> = Key::unset(Kind::Text).unit("cron with seconds, or @descriptor")
            .required_when("cleanup_enabled").not_in_3_4().format(Format::Cron)
            .rule("at least 72 hours between two runs").live();
        /// Whether etcd is defragmented afterwards.
        defrag_enabled: bool = Key::bool(false).not_in_3_4().live();
        /// How many seconds lie between two members.
        defrag_pause_seconds: i64 = Key::integer(60).unit("seconds").not_in_3_4().min(0).live();
        /// How many seconds a member may take before the whole run is given up.
        defrag_timeout_seconds: i64 = Key::integer(300).unit("seconds").not_in_3_4().min(1).live();
    }
}
