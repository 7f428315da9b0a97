//! The definitions of keys say what the documents of the product say. `config_files/facts.tsv` holds those facts: a
//! definition that drifts from them fails here.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use mke_core::config::{Fallback, Key, Kind, Required, Version, azure_keys, interlock_keys, keys};

/// A line of the facts, by column.
struct Fact<'a> {
    file: &'a str,
    path: String,
    columns: Vec<&'a str>,
}

impl Fact<'_> {
    fn column(&self, index: usize) -> Option<&str> {
        self.columns.get(index).copied().filter(|text| *text != "-")
    }
}

fn facts() -> Vec<Fact<'static>> {
    let lines = include_str!("config_files/facts.tsv").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<_> = line.split('\t').collect();
            let path = match columns[1] {
                "-" => columns[2].to_owned(),
                table => format!("{table}.{}", columns[2]),
            };
            // A map whose names the operator chooses is one key here.
            let path = path.strip_suffix(".*").unwrap_or(&path).to_owned();
            Fact {
                file: columns[0],
                path,
                columns,
            }
        })
        .collect()
}

/// Where the definitions differ on purpose, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "auth.default_new_user_role",
        "allowed",
        "the role `none` can be chosen too",
    ),
    (
        "auth.sessions.lifetime_minutes",
        "max",
        "thirty days, a sanity limit",
    ),
    (
        "auth.sessions.renewal_threshold_minutes",
        "max",
        "thirty days, a sanity limit",
    ),
    ("auth.sessions.per_user_limit", "max", "a sanity limit"),
    (
        "log_configuration.level",
        "default",
        "the controller must log at some level",
    ),
    (
        "log_configuration.level",
        "allowed",
        "stored in capitals, taken in any case",
    ),
    (
        "etcd_cleanup_schedule_config.defrag_pause_seconds",
        "min",
        "no time is less than none",
    ),
    (
        "etcd_cleanup_schedule_config.defrag_timeout_seconds",
        "min",
        "no time is less than none",
    ),
    ("cluster_config.networks_quota_per_collection", "min", "a count"),
    (
        "cluster_config.kms_cachesize",
        "min",
        "a cache holds one key at least",
    ),
    (
        "cluster_config.kube_api_server_audit_log_maxage",
        "min",
        "a count",
    ),
    (
        "cluster_config.kube_api_server_audit_log_maxbackup",
        "min",
        "a count",
    ),
    (
        "cluster_config.kube_api_server_audit_log_maxsize",
        "min",
        "a count",
    ),
    (
        "cluster_config.kube_manager_terminated_pod_gc_threshold",
        "min",
        "a count",
    ),
    ("cluster_config.kubelet_event_record_qps", "min", "a count"),
    (
        "cluster_config.ingress_controller.ingress_extra_args.http_port",
        "min",
        "a port",
    ),
    (
        "cluster_config.ingress_controller.ingress_extra_args.http_port",
        "max",
        "a port",
    ),
    (
        "cluster_config.ingress_controller.ingress_extra_args.https_port",
        "min",
        "a port",
    ),
    (
        "cluster_config.ingress_controller.ingress_extra_args.https_port",
        "max",
        "a port",
    ),
    ("Extensions.<name>.Config.MaxConnections", "min", "a count"),
    ("Extensions.<name>.Config.ConnectTimeout", "min", "a count"),
    ("Extensions.<name>.Config.SendTimeout", "min", "a count"),
    ("Extensions.<name>.Config.ReadTimeout", "min", "a count"),
    (
        "Extensions.<name>.Config.SSLDefaultDHParam",
        "min",
        "less is no key",
    ),
    ("Extensions.<name>.Config.WorkerProcesses", "min", "a count"),
    ("Extensions.<name>.Config.RLimitNoFile", "min", "a count"),
    ("Extensions.<name>.Config.UpstreamZoneSize", "min", "a count"),
];

fn version(text: &str) -> Option<Version> {
    let text = text.strip_prefix("UCP ").unwrap_or(text);
    Version::from_text(text.strip_suffix(" template").unwrap_or(text))
}

fn kind(key: &Key) -> &'static str {
    match key.kind {
        Kind::Bool => "bool",
        Kind::Integer => "integer",
        Kind::Text => "string",
        Kind::List => "string[]",
        Kind::Map => "map",
    }
}

fn default(key: &Key) -> Option<serde_json::Value> {
    match key.default {
        Fallback::Unset | Fallback::EmptyMap => None,
        Fallback::Bool(value) => Some(value.into()),
        Fallback::Integer(value) => Some(value.into()),
        Fallback::Text(value) => Some(value.into()),
        Fallback::List(values) => Some(values.to_vec().into()),
    }
}

fn compare(fact: &Fact<'_>, key: &Key, differences: &mut BTreeSet<(String, &'static str, String)>) {
    let mut differ = |what: &'static str, ours: String, theirs: String| {
        if ours != theirs {
            differences.insert((fact.path.clone(), what, format!("{ours} is not {theirs}")));
        }
    };
    let json = |index| {
        fact.column(index)
            .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap())
    };
    let text = |value: Option<String>| value.unwrap_or_default();
    differ(
        "type",
        kind(key).to_owned(),
        text(fact.column(3).map(str::to_owned)),
    );
    differ("default", format!("{:?}", default(key)), format!("{:?}", json(4)));
    let allowed = json(5).map_or_else(Vec::new, |list| {
        let words = list.as_array().unwrap().iter();
        words
            .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
            .collect()
    });
    differ("allowed", format!("{:?}", key.allowed), format!("{allowed:?}"));
    differ(
        "min",
        text(key.min.map(|n| n.to_string())),
        text(fact.column(6).map(str::to_owned)),
    );
    differ(
        "max",
        text(key.max.map(|n| n.to_string())),
        text(fact.column(7).map(str::to_owned)),
    );
    let unit = fact
        .column(8)
        .map(|unit| unit.split(" (").next().unwrap_or(unit).to_owned());
    differ("unit", text(key.unit.map(str::to_owned)), text(unit));
    differ(
        "required",
        (key.required != Required::No).to_string(),
        (fact.column(9) == Some("yes")).to_string(),
    );
    differ(
        "since",
        format!("{:?}", key.since),
        format!("{:?}", fact.column(10).and_then(version)),
    );
    differ(
        "until",
        format!("{:?}", key.until),
        format!("{:?}", fact.column(11).and_then(version)),
    );
    if let Some(in_3_4) = fact.column(12) {
        differ("in 3.4", key.in_3_4.to_string(), (in_3_4 == "yes").to_string());
    }
    differ(
        "flag",
        text(key.install_flag.map(str::to_owned)),
        text(fact.column(13).map(str::to_owned)),
    );
    differ(
        "install only",
        key.install_only().to_string(),
        (fact.column(14) == Some("no")).to_string(),
    );
    differ(
        "secret",
        key.secret.to_string(),
        (fact.column(15) == Some("yes")).to_string(),
    );
    differ(
        "json",
        text(key.json.map(str::to_owned)),
        text(fact.column(16).map(str::to_owned)),
    );
}

/// The names, types, defaults, bounds, versions, flags and marks of all keys are those of the documents.
#[test]
fn definitions_do_not_drift() {
    let mut differences = BTreeSet::new();
    let mut counted = BTreeMap::<&str, usize>::new();
    for (file, defined) in [
        ("config", keys()),
        ("interlock", interlock_keys()),
        ("azure", azure_keys()),
    ] {
        let by_path: BTreeMap<_, _> = defined.iter().map(|key| (key.path(), *key)).collect();
        assert_eq!(by_path.len(), defined.len(), "{file}: a key is defined twice");
        let mut named = BTreeSet::new();
        for fact in facts().iter().filter(|fact| fact.file == file) {
            if matches!(fact.path.as_str(), "Extensions" | "Extensions.<name>.Config") {
                // Tables, not keys.
                continue;
            }
            named.insert(fact.path.clone());
            *counted.entry(file).or_default() += 1;
            match by_path.get(&fact.path) {
                Some(key) => compare(fact, key, &mut differences),
                None => {
                    differences.insert((fact.path.clone(), "missing", String::new()));
                }
            }
        }
        for path in by_path.keys().filter(|path| !named.contains(*path)) {
            differences.insert((path.clone(), "undocumented", String::new()));
        }
    }
    let meant = |path: &str, what: &str| DIFFERENCES.iter().any(|(p, w, _)| *p == path && *w == what);
    let drift: Vec<_> = differences
        .iter()
        .filter(|(path, what, _)| !meant(path, what))
        .collect();
    assert!(drift.is_empty(), "{drift:#?}");
    for (path, what, why) in DIFFERENCES {
        let there = differences.iter().any(|(p, w, _)| p == path && w == what);
        assert!(
            there,
            "{path} does not differ in {what} any more ({why}): take it off the list"
        );
    }
    assert_eq!(
        counted,
        BTreeMap::from([("config", 301), ("interlock", 74), ("azure", 23)])
    );
    assert_eq!(keys().iter().filter(|key| key.in_3_4).count(), 163);
}

/// The JSON body of the directory has the names of the documents.
#[test]
fn names_of_the_directorys_json() {
    let known: BTreeSet<_> = keys()
        .iter()
        .filter(|key| key.table.starts_with("auth.ldap"))
        .filter_map(|key| Some((key.path(), key.json?)))
        .collect();
    for fact in facts().iter().filter(|fact| fact.file == "ldap") {
        let (toml, json) = (fact.columns[1], fact.columns[2]);
        if toml == "-" {
            // Old fields: one has a key of its own, the other is a password that is written only.
            assert!(
                ["recoveryAdminUsername", "recoveryAdminPassword"].contains(&json),
                "{json}"
            );
            continue;
        }
        let own = json.rsplit('.').next().unwrap();
        assert!(
            known.contains(&(toml.to_owned(), own)),
            "{toml} is not {own} in JSON"
        );
    }
}

/// Every key says something about itself, in one sentence.
#[test]
fn every_key_is_described() {
    for key in keys().iter().chain(interlock_keys()).chain(azure_keys()) {
        assert!(
            key.about.ends_with('.') && key.about.len() >= 10,
            "{}: {:?}",
            key.path(),
            key.about
        );
        assert!(
            !key.about.starts_with(' ') && key.about.len() < 130,
            "{}: {:?}",
            key.path(),
            key.about
        );
    }
}
