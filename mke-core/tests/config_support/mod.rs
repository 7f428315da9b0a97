//! Values and files that follow from the definitions of the keys: what is allowed, what is just outside, other types, and
//! the file around one key.

#![allow(dead_code, reason = "each test binary uses its own part")]

use mke_core::config::{
    Config, Fallback, Format, Interlock, Key, Kind, Problem, Problems, Required, Setting, interlock_keys,
    keys,
};

pub(crate) mod generate;

/// What else a file must say so that a value can stand in it: key, value (any when empty), lines.
const CONTEXT: &[(&str, &str, &str)] = &[
    ("auth.backend", "\"ldap\"", "auth.ldap.server_url = \"ldap://h\""),
    (
        "auth.samlEnabled",
        "true",
        "auth.saml.idpMetadataURL = \"https://h\"",
    ),
    (
        "auth.sessions.lifetime_minutes",
        "",
        "auth.sessions.renewal_threshold_minutes = 0",
    ),
    (
        "auth.sessions.renewal_threshold_minutes",
        "",
        "auth.sessions.lifetime_minutes = 43200",
    ),
    (
        "auth.samlProxy.enabled",
        "true",
        "auth.samlProxy.proxy_url = \"http://h\"",
    ),
    (
        "auth.account_lock.enabled",
        "true",
        "auth.account_lock.failureTrigger = 3",
    ),
    (
        "hardening_configuration.limit_kernel_capabilities",
        "true",
        "hardening_configuration.hardening_enabled = true",
    ),
    (
        "hardening_configuration.use_strong_tls_ciphers",
        "true",
        "hardening_configuration.hardening_enabled = true",
    ),
    (
        "hardening_configuration.pid_limit_unspecified",
        "false",
        "hardening_configuration.hardening_enabled = true\nhardening_configuration.pid_limit = 9",
    ),
    (
        "cluster_config.secure_overlay",
        "true",
        "cluster_config.calico_vxlan = false\ncluster_config.calico_mtu = \"1450\"\ncluster_config.ipip_mtu = \"1450\"",
    ),
    (
        "cluster_config.calico_ebpf_enabled",
        "true",
        "cluster_config.kube_proxy_mode = \"disabled\"",
    ),
    (
        "cluster_config.kms_enabled",
        "true",
        "cluster_config.kms_name = \"v\"\ncluster_config.kms_endpoint = \"/v\"",
    ),
    (
        "cluster_config.kube_api_server_auditing",
        "true",
        "audit_log_configuration.level = \"metadata\"",
    ),
    (
        "cluster_config.KubeAPIServerEnableCustomAuditPolicy",
        "true",
        "cluster_config.KubeAPIServerCustomAuditPolicyYaml = \"kind: Policy\"",
    ),
    (
        "cluster_config.metallb_config.enabled",
        "true",
        "cluster_config.metallb_config.metallb_ip_addr_pool = [{ name = \"p\", external_ip = [\"192.0.2.0/28\"] }]",
    ),
    (
        "backup_schedule_config.enabled",
        "true",
        "backup_schedule_config.path = \"/b\"\nbackup_schedule_config.cron_spec = \"@daily\"\n\
         backup_schedule_config.passphrase = \"p\"\nbackup_schedule_config.include_logs = true\n\
         backup_schedule_config.backups_limit = 3",
    ),
    (
        "etcd_cleanup_schedule_config.cleanup_enabled",
        "true",
        "etcd_cleanup_schedule_config.cron_expression = \"@weekly\"",
    ),
    (
        "cluster_config.calico_controller_probes_tuning",
        "true",
        "cluster_config.calico_controller_liveness_probe_failure_threshold = 1\n\
         cluster_config.calico_controller_liveness_probe_initial_delay_seconds = 1\n\
         cluster_config.calico_controller_liveness_probe_period_seconds = 1\n\
         cluster_config.calico_controller_liveness_probe_success_threshold = 1\n\
         cluster_config.calico_controller_liveness_probe_timeout_seconds = 1\n\
         cluster_config.calico_controller_readiness_probe_failure_threshold = 1\n\
         cluster_config.calico_controller_readiness_probe_initial_delay_seconds = 1\n\
         cluster_config.calico_controller_readiness_probe_period_seconds = 1\n\
         cluster_config.calico_controller_readiness_probe_success_threshold = 1\n\
         cluster_config.calico_controller_readiness_probe_timeout_seconds = 1",
    ),
];

/// One of the two TOML files.
pub(crate) struct File {
    pub(crate) keys: &'static [&'static Key],
    pub(crate) parse: fn(&str) -> Result<Vec<Setting>, Problems>,
    /// A line that must be there.
    pub(crate) base: &'static str,
}

pub(crate) fn files() -> [File; 2] {
    [
        File {
            keys: keys(),
            parse: |text| Config::parse(text).map(|config| config.settings()),
            base: "",
        },
        File {
            keys: interlock_keys(),
            parse: |text| Interlock::parse(text).map(|file| file.settings()),
            base: "Extensions.default.Config.User = \"nginx\"",
        },
    ]
}

impl File {
    /// A file with one key in it, and what must stand beside it.
    pub(crate) fn text(&self, key: &Key, name: &str, literal: &str) -> String {
        let mut text = match key.table.strip_suffix("[]") {
            Some(table) => {
                let siblings = self
                    .keys
                    .iter()
                    .filter(|other| other.table == key.table && other.name != key.name);
                let needed = siblings
                    .filter(|other| other.default == Fallback::Unset)
                    .map(|other| {
                        let value = valid(other).into_iter().next().unwrap();
                        format!(", {} = {value}", other.name)
                    });
                format!(
                    "{table} = [{{ {name} = {literal}{} }}]\n",
                    needed.collect::<String>()
                )
            }
            None if key.table.is_empty() => format!("{name} = {literal}\n"),
            None => format!("{}.{name} = {literal}\n", key.table.replace("<name>", "default")),
        };
        let path = key.path();
        for (_, _, lines) in CONTEXT
            .iter()
            .filter(|(of, value, _)| *of == path && (value.is_empty() || *value == literal))
        {
            text = format!("{text}{lines}\n");
        }
        if !key.table.ends_with("[]") {
            let siblings = self
                .keys
                .iter()
                .filter(|other| other.table == key.table && other.name != key.name);
            let always =
                |other: &&&Key| other.required == Required::Always && other.default == Fallback::Unset;
            for other in siblings.filter(always) {
                text = format!("{text}{}.{} = {}\n", key.table, other.name, valid(other)[0]);
            }
        }
        if key.table.starts_with("auth.external_identity_provider.") {
            text.push_str("auth.external_identity_provider.clientID = \"c\"\n");
            let url = Format::DiscoveryUrl.sample();
            text = format!("{text}auth.external_identity_provider.wellKnownConfigUrl = \"{url}\"\n");
        }
        if key.name.starts_with("ipvs_") {
            text.push_str("cluster_config.kube_proxy_mode = \"ipvs\"\n");
        }
        if key.name != "User" {
            text = format!("{text}{}\n", self.base);
        }
        text
    }

    pub(crate) fn problems(&self, text: &str) -> Vec<Problem> {
        (self.parse)(text)
            .err()
            .map_or_else(Vec::new, |problems| problems.0)
    }
}

pub(crate) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// Allowed values: at each bound, each listed one, a sample of its format.
pub(crate) fn valid(key: &Key) -> Vec<String> {
    let word = |text: &str| match key.kind {
        Kind::List => format!("[{}]", quoted(text)),
        Kind::Map => format!("{{ one = {} }}", quoted(text)),
        Kind::Integer => text.to_owned(),
        _ => quoted(text),
    };
    if !key.allowed.is_empty() {
        return key.allowed.iter().map(|text| word(text)).collect();
    }
    match (key.kind, key.format) {
        (Kind::Bool, _) => vec!["true".into(), "false".into()],
        (Kind::Integer, _) => {
            let bounds: Vec<_> = [key.min, key.max]
                .iter()
                .flatten()
                .map(ToString::to_string)
                .collect();
            if bounds.is_empty() {
                vec!["0".into()]
            } else {
                bounds
            }
        }
        (_, Format::Number { min, max }) => vec![word(&min.to_string()), word(&max.to_string())],
        (Kind::List, format) if key.not_empty => vec![word(format.sample())],
        (Kind::List, format) => vec!["[]".into(), word(format.sample())],
        (Kind::Map, format) => vec!["{}".into(), word(format.sample())],
        (Kind::Text, format) => {
            let mut values = vec![word(format.sample())];
            if !key.not_empty {
                values.push("\"\"".into());
            }
            values
        }
    }
}

/// Values that are just outside of what is allowed.
pub(crate) fn outside(key: &Key) -> Vec<String> {
    let word = |text: &str| match key.kind {
        Kind::List => format!("[{}]", quoted(text)),
        Kind::Map => format!("{{ one = {} }}", quoted(text)),
        _ => quoted(text),
    };
    let mut values = Vec::new();
    if key.kind == Kind::Integer {
        values.extend(key.min.map(|min| (min - 1).to_string()));
        values.extend(key.max.map(|max| (max + 1).to_string()));
        values.push("9223372036854775808".into());
        if !key.allowed.is_empty() {
            values.push("99".into());
        }
        return values;
    }
    if key.kind == Kind::Bool {
        return values;
    }
    if !key.allowed.is_empty() {
        values.push(word("no-such-word"));
    } else if let Format::Number { min, max } = key.format {
        values.push(word(&(i64::from(min) - 1).to_string()));
        values.push(word(&(i64::from(max) + 1).to_string()));
    } else if let Some(bad) = key.format.bad_sample() {
        values.push(word(bad));
    }
    if key.not_empty {
        values.push(word(""));
        values.extend((key.kind == Kind::List).then(|| "[]".to_owned()));
    }
    values
}

pub(crate) fn wrong_types(key: &Key) -> &'static [&'static str] {
    match key.kind {
        Kind::Bool => &["1", "\"true\"", "[]"],
        Kind::Integer => &["\"1\"", "true", "1.5", "1979-05-27"],
        Kind::Text => &["1", "true", "[]", "{}"],
        Kind::List => &["\"a\"", "[1]", "{}", "[[]]"],
        Kind::Map => &["\"a\"", "[]", "{ a = 1 }"],
    }
}

pub(crate) fn swap_case(text: &str) -> String {
    let swap = |c: char| {
        if c.is_ascii_lowercase() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    text.chars().map(swap).collect()
}
