//! The way to MKE 4: `mke4.yaml` from a 3.x configuration, what could not come along, and what speaks against the
//! upgrade.
//!
//! [`convert`] is pure: the same configuration gives the same file. Nothing is widened on the way: where the field
//! of MKE 4 allows more than the key of MKE 3 did, the key is left for a person to decide, and named.

mod checks;
mod flags;
mod hosts;
mod ingress;
mod kubelet;
mod ldap;
mod mapping;
mod summary;
mod tree;
mod upgrade;

pub use checks::{Cluster3, Obstacle, obstacles, stale_kubeconf};
pub use hosts::{Host, HostProblem, Hosts, MAX_HOSTS_BYTES};
pub use summary::{Access, UNUSED_PORTS, UpgradeSummary};
pub use upgrade::{CONSEQUENCES, DatastoreMove, FlagProblem, UpgradeFlags, reminders};

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::{Config, KeyPath, MASK, Setting, Value};
use mapping::{ROWS, Turn};

/// A key that has a field in MKE 4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Converted {
    /// The key of the 3.x file.
    pub key: String,
    /// The field below `spec`.
    pub field: String,
}

/// A key, or a part of its value, that did not come along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The key of the 3.x file, or what of accounts and rights it is.
    pub key: String,
    /// What it says; stars for a secret, empty where there is nothing more to say.
    pub found: String,
    /// Why it did not come along, and what a person can do.
    pub why: String,
}

/// `key = found: why`, or without what was found where there is nothing to show.
impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if !self.found.is_empty() {
            write!(f, " = {}", self.found)?;
        }
        write!(f, ": {}", self.why)
    }
}

/// What became of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    spec: Map<String, Json>,
    /// What came along.
    pub converted: Vec<Converted>,
    /// What did not. Keys that are off, empty or at the default of MKE 3 are not listed.
    pub left: Vec<Left>,
}

impl Conversion {
    /// The object below `spec`. It holds the secrets of the 3.x file.
    pub const fn spec(&self) -> &Map<String, Json> {
        &self.spec
    }

    /// The text of `mke4.yaml`. It holds the secrets of the 3.x file.
    ///
    /// # Errors
    /// When the tree cannot be written as YAML, which no conversion makes.
    pub fn to_yaml(&self) -> Result<String, serde_yaml_ng::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct File<'s> {
            api_version: &'static str,
            kind: &'static str,
            metadata: Json,
            spec: &'s Map<String, Json>,
        }
        serde_yaml_ng::to_string(&File {
            api_version: "mke.mirantis.com/v1alpha1",
            kind: "MkeConfig",
            metadata: json!({ "name": "mke", "namespace": "mke" }),
            spec: &self.spec,
        })
    }
}

/// Converts a configuration (M4-009, M4-010, M4-016). Values that are on, or differ from the default of MKE 3, come
/// along where MKE 4 has a field for them, and are listed in [`Conversion::left`] where it has none.
pub fn convert(config: &Config) -> Conversion {
    let mut work = Work {
        config,
        default: Config::default(),
        spec: Map::new(),
        converted: Vec::new(),
        left: Vec::new(),
        seen: BTreeSet::new(),
    };
    for row in ROWS {
        work.row(row);
    }
    work.ciphers();
    work.calico();
    work.profiles();
    work.cloud_provider();
    ingress::convert(&mut work);
    ldap::convert(&mut work);
    work.rest();
    Conversion {
        spec: work.spec,
        converted: work.converted,
        left: work.left,
    }
}

/// A conversion under way.
struct Work<'c> {
    config: &'c Config,
    /// What MKE 3 says by itself.
    default: Config,
    spec: Map<String, Json>,
    converted: Vec<Converted>,
    left: Vec<Left>,
    /// Keys that were looked at.
    seen: BTreeSet<String>,
}

impl Work<'_> {
    /// The value of a key that says something: it is on, or not what MKE 3 says by itself. The key counts as seen.
    fn value(&mut self, key: &str) -> Option<Value> {
        self.seen.insert(key.to_owned());
        let path: KeyPath = key.parse().ok()?;
        let value = self.config.get(&path)?;
        let default = self.default.get(&path);
        (is_on(&value) || default.as_ref() != Some(&value)).then_some(value)
    }

    /// Every key whose path begins so counts as seen.
    fn see_below(&mut self, prefix: &str) {
        let paths = self
            .config
            .settings()
            .into_iter()
            .map(|setting| setting.path.to_string());
        self.seen.extend(paths.filter(|path| path.starts_with(prefix)));
    }

    fn put(&mut self, key: &str, field: &str, value: Json) {
        tree::put(&mut self.spec, field, value);
        self.converted.push(Converted {
            key: key.to_owned(),
            field: field.to_owned(),
        });
    }

    fn leave(&mut self, key: &str, found: impl ToString, why: impl Into<String>) {
        self.left.push(Left {
            key: key.to_owned(),
            found: found.to_string(),
            why: why.into(),
        });
    }

    fn row(&mut self, row: &mapping::Row) {
        let Some(value) = self.value(row.from) else { return };
        let value = match (row.turn, value) {
            (_, Value::Secret(secret)) if secret.expose() == MASK => {
                return self.leave(row.from, MASK, MASKED);
            }
            (Turn::Not, Value::Bool(on)) => Json::Bool(!on),
            (Turn::Minutes, Value::Integer(minutes)) => Json::String(format!("{minutes}m")),
            (Turn::Resources, Value::Text(text)) => resources(&text),
            (Turn::Flags, Value::List(list)) => {
                let read = flags::to_map(list.iter().map(String::as_str));
                for (flag, why) in read.left {
                    self.leave(row.from, flag, why);
                }
                if read.args.is_empty() {
                    return;
                }
                Json::Object(read.args)
            }
            (_, value) => plain(value),
        };
        self.put(row.from, row.to, value);
    }

    /// Cipher suites have no fields of their own; the compatibility check calls them supported, and they are flags of their
    /// components. A custom flag that says the same already came along, and counts.
    fn ciphers(&mut self) {
        for (key, component) in [
            ("cluster_config.cipher_suites_for_kube_api_server", "apiServer"),
            ("cluster_config.cipher_suites_for_kubelet", "kubelet"),
        ] {
            const FLAG: &str = "tls-cipher-suites";
            let Some(value) = self.value(key) else { continue };
            let args = self
                .spec
                .get(component)
                .and_then(|fields| fields.get("extraArgs"));
            if args.is_some_and(|args| args.get(FLAG).is_some()) {
                self.leave(
                    key,
                    value,
                    "a custom flag of the component says it already, and that one counts",
                );
            } else {
                self.put(key, &format!("{component}.extraArgs.{FLAG}"), plain(value));
            }
        }
    }

    /// Calico is the provider unless somebody else installs the network plugin.
    fn calico(&mut self) {
        let network = &self.config.cluster.network;
        self.seen.insert("cluster_config.calico_kdd".to_owned());
        self.seen.insert("cluster_config.unmanaged_cni".to_owned());
        let (provider, on) = if network.unmanaged_cni {
            ("custom", "cluster_config.unmanaged_cni")
        } else {
            ("calico", "cluster_config.calico_kdd")
        };
        let field = format!("network.providers[provider={provider}].enabled");
        self.put(on, &field, Json::Bool(true));
    }

    /// Profiles of kubelet flags, as far as they have fields (M4-010).
    fn profiles(&mut self) {
        const KEY: &str = "cluster_config.custom_kubelet_flags_profiles";
        self.seen.insert(KEY.to_owned());
        let mut profiles = Vec::new();
        for (name, text) in &self.config.cluster.kubelet.custom_kubelet_flags_profiles {
            let read = kubelet::fields(text);
            for (flag, why) in read.left {
                self.leave(&format!("{KEY}.{name}"), flag, why);
            }
            profiles.push(json!({ "name": name, "values": read.args }));
        }
        if !profiles.is_empty() {
            self.put(KEY, "kubelet.customProfiles", Json::Array(profiles));
        }
    }

    fn cloud_provider(&mut self) {
        const KEY: &str = "cluster_config.cloud_provider";
        let Some(Value::Text(provider)) = self.value(KEY) else {
            return;
        };
        match provider.as_str() {
            "aws" | "external" => {
                self.put(KEY, "cloudProvider.enabled", Json::Bool(true));
                self.put(KEY, "cloudProvider.provider", provider.into());
            }
            _ => self.leave(
                KEY,
                provider,
                "only `aws` and `external` exist; use `external` with the cloud's own controller",
            ),
        }
    }

    /// Everything that no rule was about.
    fn rest(&mut self) {
        for Setting { path, key, value } in self.config.settings() {
            let Some(value) = value else { continue };
            let name = path.to_string();
            let untouched = self.default.get(&path).as_ref() == Some(&value);
            if self.seen.contains(&name) || untouched || !is_on(&value) {
                continue;
            }
            let found = if key.secret {
                "***".to_owned()
            } else {
                value.to_string()
            };
            let why = why_left(&name);
            self.leave(&name, found, why);
        }
    }
}

/// Why a secret of an exported file does not come along.
const MASKED: &str = "an export masks secrets: write it into the new file by hand";

/// Whether a value chooses anything: off, zero and empty do not.
fn is_on(value: &Value) -> bool {
    match value {
        Value::Bool(on) => *on,
        Value::Integer(number) => *number != 0,
        Value::Text(text) => !text.is_empty(),
        Value::Secret(secret) => !secret.expose().is_empty(),
        Value::List(list) => !list.is_empty(),
        Value::Map(map) => !map.is_empty(),
    }
}

fn plain(value: Value) -> Json {
    match value {
        Value::Bool(on) => on.into(),
        Value::Integer(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Secret(secret) => secret.expose().into(),
        Value::List(list) => list.into(),
        Value::Map(map) => map
            .into_iter()
            .map(|(name, value)| (name, Json::String(value)))
            .collect(),
    }
}

/// `cpu=250m,memory=2Gi` as a map.
fn resources(text: &str) -> Json {
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), Json::from(value.trim())))
        .collect::<Map<_, _>>()
        .into()
}

/// Why a key without a row stays behind. The first prefix that fits counts.
fn why_left(key: &str) -> &'static str {
    const REASONS: &[(&str, &str)] = &[
        (
            "cluster_config.priv_attributes",
            "the field of MKE 4 exempts whole users and namespaces from every check, which is more than was allowed; decide in apiServer.ucpauthz",
        ),
        (
            "cluster_config.metallb_config",
            "address pools are not carried over; make them again by hand",
        ),
        ("auth.scimEnabled", "MKE 4 has no SCIM"),
        (
            "auth.samlProxy",
            "MKE 4 reaches identity providers without a proxy",
        ),
        (
            "auth.sessions.renewal_threshold_minutes",
            "MKE 4 has lifetimes of tokens in authentication.expiry.refreshTokens instead, which renew otherwise",
        ),
        ("auth.", "MKE 4 has no field for it"),
        (
            "cluster_config.calico_",
            "the documents print no field for it; set it in the values of the Calico provider",
        ),
        ("cluster_config.ipvs", "MKE 4 runs kube-proxy with iptables only"),
        (
            "cluster_config.swarm",
            "MKE 4 has no Swarm; workloads of Swarm end with the upgrade",
        ),
        (
            "user_workload_defaults",
            "MKE 4 has no Swarm; workloads of Swarm end with the upgrade",
        ),
        (
            "license_configuration",
            "MKE 4 takes its licence as an object of its own",
        ),
    ];
    let found = REASONS.iter().find(|(prefix, _)| key.starts_with(prefix));
    found.map_or("MKE 4 has no field for it", |(_, why)| why)
}
