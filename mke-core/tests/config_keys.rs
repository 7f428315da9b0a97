//! Every key, from its own definition: its default, an allowed value at each bound, one just outside, the wrong type
//! and the wrong case.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

use mke_core::config::{
    AzureConfig, Config, Fallback, Format, Interlock, Key, KeyPath, Kind, Problem, Problems, Required,
    Setting, Value, azure_keys, interlock_keys, keys,
};

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
        "cluster_config.calico_mtu = \"1450\"\ncluster_config.ipip_mtu = \"1450\"",
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
struct File {
    keys: &'static [&'static Key],
    parse: fn(&str) -> Result<Vec<Setting>, Problems>,
    /// A line that must be there.
    base: &'static str,
}

fn files() -> [File; 2] {
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
    fn text(&self, key: &Key, name: &str, literal: &str) -> String {
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

    fn problems(&self, text: &str) -> Vec<Problem> {
        (self.parse)(text)
            .err()
            .map_or_else(Vec::new, |problems| problems.0)
    }
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// Allowed values: at each bound, each listed one, a sample of its format.
fn valid(key: &Key) -> Vec<String> {
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
fn outside(key: &Key) -> Vec<String> {
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

fn wrong_types(key: &Key) -> &'static [&'static str] {
    match key.kind {
        Kind::Bool => &["1", "\"true\"", "[]"],
        Kind::Integer => &["\"1\"", "true", "1.5", "1979-05-27"],
        Kind::Text => &["1", "true", "[]", "{}"],
        Kind::List => &["\"a\"", "[1]", "{}", "[[]]"],
        Kind::Map => &["\"a\"", "[]", "{ a = 1 }"],
    }
}

fn swap_case(text: &str) -> String {
    let swap = |c: char| {
        if c.is_ascii_lowercase() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    text.chars().map(swap).collect()
}

/// CFG-005, CFG-006, CFG-007, CFG-009, CFG-010, CFG-012, CFG-014, CFG-015, CFG-017, CFG-018, CFG-019, CFG-021, CFG-022,
/// CFG-025, CFG-027, CFG-028, CFG-030, CFG-031, CFG-032, CFG-033, CFG-035, CFG-037, CFG-038, CFG-039, CFG-040, CFG-042,
/// CFG-043, CFG-044: what each key takes is taken and is what can be read afterwards.
#[test]
fn allowed_values() {
    for file in files() {
        for key in file.keys {
            for literal in valid(key) {
                let text = file.text(key, key.name, &literal);
                let settings = (file.parse)(&text).unwrap_or_else(|problems| panic!("{text}: {problems}"));
                let expected: toml_edit::Value = literal.parse().unwrap();
                let found = settings.iter().any(|setting| {
                    let same_key = std::ptr::eq(setting.key, *key);
                    same_key
                        && setting
                            .value
                            .as_ref()
                            .is_some_and(|value| means(value, &expected))
                });
                assert!(found, "{} = {literal} was read as something else", key.path());
            }
        }
    }
}

fn means(value: &Value, expected: &toml_edit::Value) -> bool {
    match value {
        Value::Bool(value) => expected.as_bool() == Some(*value),
        Value::Integer(value) => expected.as_integer() == Some(*value),
        Value::Text(value) => expected.as_str() == Some(value),
        Value::Secret(value) => expected.as_str() == Some(value.expose()),
        Value::List(values) => expected
            .as_array()
            .is_some_and(|array| array.iter().map(|item| item.as_str().unwrap()).eq(values)),
        Value::Map(values) => expected.as_inline_table().is_some_and(|table| {
            table.len() == values.len()
                && values
                    .iter()
                    .all(|(name, value)| table[name].as_str() == Some(value))
        }),
    }
}

/// The typed default of every key is the one that its definition names.
#[test]
fn defaults() {
    for (settings, all) in [
        (Config::default().settings(), keys()),
        (Interlock::default().settings(), interlock_keys()),
    ] {
        let unique: std::collections::BTreeSet<_> =
            settings.iter().map(|setting| setting.key.path()).collect();
        // Rows and named tables that are not there by default have no values.
        assert!(
            all.iter()
                .filter(|key| !key.table.contains(['[', '<']))
                .all(|key| unique.contains(&key.path()))
        );
        for setting in settings.iter().filter(|setting| !setting.key.table.contains('[')) {
            let declared = setting.key.default_value();
            let empty_list = setting.value == Some(Value::List(Vec::new())) && declared.is_none();
            assert!(
                setting.value == declared || empty_list,
                "{}: {:?}",
                setting.path,
                setting.value
            );
        }
    }
    let config = Config::default();
    let get = |path: &str| config.get(&path.parse::<KeyPath>().unwrap());
    assert_eq!(get("cluster_config.kubelet_max_pods"), Some(Value::Integer(110)));
    assert_eq!(
        get("cluster_config.service_mesh.ingress_exposed_ports[2].node_port"),
        Some(Value::Integer(33002))
    );
    assert_eq!(
        get("user_workload_defaults.swarm_defaults.\"tasktemplate.restartpolicy.delay\".value"),
        Some(Value::Text("5s".into()))
    );
    assert_eq!(
        get("cluster_config.service_mesh.ingress_exposed_ports[3].node_port"),
        None
    );
    assert_eq!(get("cluster_config.nonsense"), None);
}

/// CFG-002: a value just outside of what is allowed is refused, at its line, and the message names the key and the
/// remedy.
#[test]
fn values_just_outside() {
    for file in files() {
        for key in file.keys {
            for literal in outside(key) {
                let text = file.text(key, key.name, &literal);
                let problems = file.problems(&text);
                let hit = problems
                    .iter()
                    .find(|problem| problem.key.contains(key.name) && problem.line == 1);
                let hit = hit.unwrap_or_else(|| panic!("{text}: {problems:?}"));
                assert!(hit.allowed.is_some() && hit.found.is_some(), "{hit:?}");
                let remedy = ["use ", "expected ", "give "]
                    .iter()
                    .any(|word| hit.message.contains(word));
                assert!(remedy, "{hit}");
            }
        }
    }
}

/// CFG-002: a value of another type is refused, and what is expected is said.
#[test]
fn values_of_the_wrong_type() {
    for file in files() {
        for key in file.keys {
            for literal in wrong_types(key) {
                let text = file.text(key, key.name, literal);
                let problems = file.problems(&text);
                let hit = problems
                    .iter()
                    .find(|problem| problem.line == 1 && problem.key.contains(key.name));
                let hit = hit.unwrap_or_else(|| panic!("{text}: {problems:?}"));
                assert!(hit.message.starts_with("expected "), "{hit}");
            }
        }
    }
}

/// CFG-002: a key in the wrong case is unknown, and the right one is named; a word in the wrong case is not allowed.
#[test]
fn the_wrong_case() {
    for file in files() {
        for key in file.keys {
            let text = file.text(key, &swap_case(key.name), &valid(key)[0]);
            let problems = file.problems(&text);
            let hit = problems
                .iter()
                .find(|problem| problem.line == 1 && problem.nearest.is_some());
            let hit = hit.unwrap_or_else(|| panic!("{text}: {problems:?}"));
            assert_eq!(
                hit.nearest
                    .as_deref()
                    .map(|path| path.replace("<name>", "default")),
                Some(key.path().replace("<name>", "default")),
                "{text}"
            );
            for word in key
                .allowed
                .iter()
                .filter(|word| word.chars().any(|c| c.is_ascii_alphabetic()))
            {
                let literal = if key.kind == Kind::List {
                    format!("[\"{}\"]", swap_case(word))
                } else {
                    quoted(&swap_case(word))
                };
                let refused = !file.problems(&file.text(key, key.name, &literal)).is_empty();
                assert_eq!(refused, !key.any_case, "{} = {literal}", key.path());
            }
        }
    }
}

/// No message and no debug output of a secret key holds its value.
#[test]
fn secrets_are_not_shown() {
    let mut seen = 0;
    for file in files() {
        for key in file.keys.iter().filter(|key| key.secret) {
            seen += 1;
            let text = file.text(key, key.name, "[\"hunter2hunter2\"]");
            let shown = format!("{:?}", file.problems(&text));
            assert!(!shown.is_empty() && !shown.contains("hunter2"), "{shown}");
            let text = file.text(key, key.name, "\"hunter2hunter2\"");
            let settings = (file.parse)(&text).unwrap();
            let setting = settings
                .iter()
                .find(|setting| std::ptr::eq(setting.key, *key))
                .unwrap();
            let shown = format!("{settings:?} {}", setting.value.as_ref().unwrap());
            assert!(
                shown.contains("********") && !shown.contains("hunter2"),
                "{shown}"
            );
        }
    }
    assert_eq!(seen, 7);
}

/// The same for `azure.json`: types, missing keys and empty ones.
#[test]
fn azure() {
    let good: serde_json::Value = serde_json::from_str(include_str!("config_files/azure.json")).unwrap();
    assert!(AzureConfig::parse(&good.to_string()).is_ok());
    for key in azure_keys() {
        let mut wrong = good.clone();
        wrong[key.name] = serde_json::json!([1]);
        let problems = AzureConfig::parse(&wrong.to_string()).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{problems}");
        assert_eq!(problems.0[0].key, format!("/{}", key.name));

        let mut absent = good.clone();
        absent.as_object_mut().unwrap().remove(key.name);
        let needed = key.required != Required::No && key.default == Fallback::Unset;
        assert_eq!(
            AzureConfig::parse(&absent.to_string()).is_err(),
            needed,
            "{}",
            key.name
        );

        let mut other_case = absent.clone();
        other_case[swap_case(key.name)] = serde_json::json!("x");
        assert!(
            AzureConfig::parse(&other_case.to_string()).is_err(),
            "{}",
            key.name
        );
        if key.not_empty {
            let mut empty = good.clone();
            empty[key.name] = serde_json::json!("");
            assert!(AzureConfig::parse(&empty.to_string()).is_err(), "{}", key.name);
        }
    }
}
