//! Which configuration a new cluster begins with: the defaults or an existing file, with what flags say on top. Pure.

use mke_core::config::{
    Config, Document, Kept, Key, KeyPath, Kind, Problem, Problems, ReadOptions, Value, keys,
};
use mke_core::pki::SubjectAltName;

use super::error::InstallError;

/// A flag that somebody gave, with the texts behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its name, such as `--pod-cidr`.
    pub flag: String,
    /// Its values; a switch that is on has `true`.
    pub values: Vec<String>,
}

impl Given {
    /// A flag with one value.
    pub fn one(flag: &str, value: impl Into<String>) -> Self {
        Self {
            flag: flag.to_owned(),
            values: vec![value.into()],
        }
    }
}

/// What a cluster begins with.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// The file.
    pub text: String,
    /// What it means.
    pub config: Config,
}

/// The keys that a flag sets. None for flags that are no setting of the cluster.
pub fn keys_of(flag: &str) -> Vec<&'static Key> {
    keys()
        .iter()
        .copied()
        .filter(|key| {
            key.install_flag
                .is_some_and(|flags| flags.split(" | ").any(|one| one == flag))
        })
        .collect()
}

/// Puts flags on top of a file, or of the defaults. Comments and order of an existing file stay.
///
/// # Errors
/// Everything that is wrong at once: with the file, and with flags.
pub fn begin(existing: Option<(&str, &str)>, given: &[Given]) -> Result<Beginning, InstallError> {
    let (name, text) = match existing {
        Some((name, text)) => (Some(name), text.to_owned()),
        None => (None, Kept::of(&Config::default()).text),
    };
    let options = ReadOptions {
        file: name,
        ..ReadOptions::default()
    };
    let mut document = Document::parse(&text).map_err(InstallError::Configuration)?;
    // What the file alone says decides which of two keys a flag means.
    let before = document
        .read(&options)
        .map_err(InstallError::Configuration)?
        .value;
    let vxlan = given
        .iter()
        .find(|given| given.flag == "--calico-vxlan")
        .map_or(before.cluster.network.calico_vxlan, |given| {
            given.values.first().is_none_or(|value| value != "false")
        });
    let mut problems = Vec::new();
    for given in given {
        for key in keys_of(&given.flag) {
            if given.flag == "--cni-mtu" && (key.name == "calico_vxlan_mtu") != vxlan {
                continue;
            }
            let path = format!("{}.{}", key.table, key.name);
            let set = path
                .parse::<KeyPath>()
                .map_err(|error| error.to_string())
                .and_then(|path| {
                    let value = value(key, given)?;
                    document.set(&path, &value).map_err(|error| error.to_string())
                });
            if let Err(message) = set {
                problems.push(Problem {
                    key: given.flag.clone(),
                    message,
                    found: given.values.first().cloned(),
                    ..Problem::default()
                });
            }
        }
    }
    if !problems.is_empty() {
        return Err(InstallError::Configuration(Problems(problems)));
    }
    let config = document
        .read(&options)
        .map_err(|problems| InstallError::Configuration(of_flags(problems, given, existing.is_some())))?
        .value;
    // A name that no certificate can hold would be left out of it without a word.
    let unnamed = config.cluster.shared_sans.iter().filter_map(|name| {
        let fault = name.parse::<SubjectAltName>().err()?;
        Some(Problem {
            key: "cluster_config.shared_sans".to_owned(),
            message: format!("{fault}, use host names and addresses such as mke.example.com"),
            found: Some(name.clone()),
            ..Problem::default()
        })
    });
    let unnamed: Vec<Problem> = unnamed.collect();
    if !unnamed.is_empty() {
        return Err(InstallError::Configuration(of_flags(
            Problems(unnamed),
            given,
            existing.is_some(),
        )));
    }
    Ok(Beginning {
        text: document.to_string(),
        config,
    })
}

/// Problems of keys that flags set are those of the flags, and without a file of somebody no line is named: nobody has seen the one
/// that they were put into.
fn of_flags(mut problems: Problems, given: &[Given], is_file: bool) -> Problems {
    for problem in &mut problems.0 {
        let is_of = |given: &&Given| {
            keys_of(&given.flag).iter().any(|key| {
                let path = format!("{}.{}", key.table, key.name);
                problem
                    .key
                    .strip_prefix(&path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
            })
        };
        if let Some(given) = given.iter().find(is_of) {
            problem.key.clone_from(&given.flag);
            (problem.file, problem.line, problem.column) = (None, 0, 0);
        }
        if !is_file {
            (problem.line, problem.column) = (0, 0);
        }
    }
    problems
}

fn value(key: &Key, given: &Given) -> Result<Value, String> {
    let text = given.values.last().cloned().unwrap_or_default();
    Ok(match (given.flag.as_str(), key.kind) {
        ("--binpack", _) => Value::Text("binpack".to_owned()),
        ("--random", _) => Value::Text("random".to_owned()),
        (_, Kind::Bool) => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err("must be true or false".to_owned()),
        },
        (_, Kind::Integer) => Value::Integer(text.parse().map_err(|_| "must be a whole number".to_owned())?),
        (_, Kind::List) => Value::List(given.values.clone()),
        _ => Value::Text(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(flag: &str, values: &[&str]) -> Given {
        Given {
            flag: flag.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        }
    }

    /// INST-011, INST-018: each flag
    /// lands in its key.
    #[test]
    fn flags_are_settings() {
        let beginning = begin(
            None,
            &[
                given("--dns", &["10.0.0.2", "10.0.0.3"]),
                given("--dns-opt", &["ndots:2"]),
                given("--dns-search", &["example.com"]),
                given("--external-service-lb", &["10.0.0.9"]),
                given("--cni-installer-url", &["https://example.com/cni.yaml"]),
                given("--kv-timeout", &["7000"]),
                given("--kv-snapshot-count", &["30000"]),
                given("--nodeport-range", &["32768-34000"]),
                given("--binpack", &["true"]),
                given("--kubelet-data-root", &["/data/kubelet"]),
                given("--containerd-root", &["/data/containerd"]),
                given("--default-node-orchestrator", &["kubernetes"]),
                given("--disable-tracking", &["true"]),
                given("--disable-usage", &["true"]),
                given("--cluster-label", &["blue"]),
                given("--enable-profiling", &["true"]),
                given("--san", &["mke.example.com"]),
                given("--swarm-only", &["true"]),
            ],
        )
        .unwrap();
        let value = |path: &str| beginning.config.get(&path.parse().unwrap()).unwrap();
        let text = |text: &str| Value::Text(text.to_owned());
        for (path, wanted) in [
            (
                "cluster_config.dns",
                Value::List(vec!["10.0.0.2".to_owned(), "10.0.0.3".to_owned()]),
            ),
            ("cluster_config.dns_opt", Value::List(vec!["ndots:2".to_owned()])),
            (
                "cluster_config.dns_search",
                Value::List(vec!["example.com".to_owned()]),
            ),
            ("cluster_config.external_service_lb", text("10.0.0.9")),
            (
                "cluster_config.cni_installer_url",
                text("https://example.com/cni.yaml"),
            ),
            ("cluster_config.kv_timeout", Value::Integer(7000)),
            ("cluster_config.kv_snapshot_count", Value::Integer(30000)),
            ("cluster_config.nodeport_range", text("32768-34000")),
            ("cluster_config.swarm_strategy", text("binpack")),
            ("cluster_config.kubelet_data_root", text("/data/kubelet")),
            ("cluster_config.containerd_root", text("/data/containerd")),
            (
                "scheduling_configuration.default_node_orchestrator",
                text("kubernetes"),
            ),
            ("tracking_configuration.disable_tracking", Value::Bool(true)),
            ("tracking_configuration.disable_usageinfo", Value::Bool(true)),
            ("tracking_configuration.cluster_label", text("blue")),
            ("cluster_config.profiling_enabled", Value::Bool(true)),
            (
                "cluster_config.shared_sans",
                Value::List(vec!["mke.example.com".to_owned()]),
            ),
            ("cluster_config.swarm_only", Value::Bool(true)),
        ] {
            assert_eq!(value(path), wanted, "{path}");
        }
    }

    /// INST-006: an existing file keeps what no flag says, and its comments.
    #[test]
    fn flags_on_top_of_a_file() {
        let file =
            "# ours\n[cluster_config]\n  controller_port = 8443 # behind a proxy\n  swarm_only = true\n";
        let beginning = begin(
            Some(("com.docker.ucp.config", file)),
            &[given("--swarm-port", &["2476"])],
        )
        .unwrap();
        assert_eq!(beginning.config.cluster.controller_port, 8443);
        assert_eq!(beginning.config.cluster.swarm_port, 2476);
        assert!(beginning.text.contains("# behind a proxy"));
        assert!(beginning.text.starts_with("# ours\n"));
    }

    /// Both of two data planes have their own key for the size of packets.
    #[test]
    fn packets_of_the_data_plane_that_is_used() {
        let mtu = |others: &[Given]| {
            let mut given = vec![Given::one("--cni-mtu", "1400")];
            given.extend_from_slice(others);
            let config = begin(None, &given).unwrap().config;
            let get = |path: &str| config.get(&path.parse().unwrap()).unwrap();
            (
                get("cluster_config.calico_mtu"),
                get("cluster_config.calico_vxlan_mtu"),
            )
        };
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(mtu(&[]), (text("1480"), text("1400")));
        assert_eq!(mtu(&[Given::one("--calico-vxlan", "false")]).0, text("1400"));
    }

    /// INST-014, INST-017: what a key does not take is refused, by the flag or by the key's own rule.
    #[test]
    fn values_that_no_key_takes() {
        for (flag, value) in [
            ("--default-node-orchestrator", "mesos"),
            ("--nodeport-range", "40000-30000"),
            ("--controller-port", "no"),
            ("--controller-port", "70000"),
            ("--pod-cidr", "10.0.0.0/99"),
            ("--vxlan-vni", "9999"),
            ("--kv-timeout", "soon"),
            ("--swarm-only", "perhaps"),
            ("--san", "%%%"),
            ("--san", "a..b"),
            ("--san", "-"),
            ("--dns", "x"),
            ("--dns-search", "a b"),
            ("--external-service-lb", "a;b"),
            ("--swarm-port", "443"),
        ] {
            let refused = begin(None, &[Given::one(flag, value)]).unwrap_err().to_string();
            // The flag is named, and no line of a file that nobody wrote.
            assert!(
                refused.contains(&format!("`{flag}`: ")) && !refused.contains("line "),
                "{flag} {value}: {refused}"
            );
        }
        // The range is fine, and ports of other parts lie in it.
        let refused = begin(None, &[Given::one("--nodeport-range", "2000-13000")])
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("swarm_port`: 2376 lies in") && !refused.contains("line "),
            "{refused}"
        );
        assert!(begin(Some(("x", "[auth]\nbackend = \"no\"\n")), &[]).is_err());
    }

    #[test]
    fn flags_that_are_no_settings() {
        for flag in [
            "--admin-username",
            "--host-address",
            "--force-minimums",
            "--debug",
        ] {
            assert!(keys_of(flag).is_empty(), "{flag}");
        }
    }
}
