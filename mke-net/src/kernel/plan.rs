//! What is wrong with the parameters of a node, what that means, who made them so, and what would be written. Pure.

use std::collections::BTreeSet;
use std::fmt;

use mke_core::config::{Config, port_range};
use serde::{Deserialize, Serialize};

use super::catalogue::{Need, Parameter, parameter, parameters};
use super::effects::{self, Values};
use super::key::{Key, normal};
use super::observe::{Observation, RESERVED_PORTS, State};
use crate::finding::{Finding, Severity};
use crate::ports::{PortRanges, reserve_node_ports};

/// What a cluster wants of its nodes' kernels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Intent {
    /// Whether the cluster has no Kubernetes.
    pub swarm_only: bool,
    /// `kube_protect_kernel_defaults`: kubelets find their parameters as they are, and nobody sets them.
    pub protect_defaults: bool,
    /// Ports of Kubernetes services, first and last, which nobody shall take by chance (NET-015).
    pub node_ports: Option<(u16, u16)>,
    /// Whether parameters that the documents only list shall get the listed values too.
    pub whole: bool,
    /// Values of the operator, in the catalogue or not; they go before everything.
    pub named: Vec<(Key, String)>,
}

impl Intent {
    /// What a configuration wants.
    pub fn of(config: &Config) -> Self {
        let cluster = &config.cluster;
        Self {
            swarm_only: cluster.swarm_only,
            protect_defaults: cluster.kubelet.kube_protect_kernel_defaults,
            node_ports: port_range(&cluster.network.nodeport_range).filter(|_| !cluster.swarm_only),
            whole: false,
            named: Vec::new(),
        }
    }

    /// The parameters that the operator names.
    pub fn keys(&self) -> Vec<Key> {
        self.named.iter().map(|(key, _)| key.clone()).collect()
    }
}

/// One value that would be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The parameter.
    pub key: Key,
    /// Its value now.
    pub from: String,
    /// Its value then.
    pub to: String,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} becomes {}",
            self.key,
            shown(&self.from),
            shown(&self.to)
        )
    }
}

/// What would be written and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The writes, in their order.
    pub steps: Vec<Step>,
    /// What is wrong, and what is worth knowing; the id of each is `kernel-` and the parameter.
    pub findings: Vec<Finding>,
    /// Values of everything that the writes may change.
    #[serde(skip)]
    pub(super) values: Values,
}

/// What is wanted of one parameter.
enum Wanted {
    Exactly(String),
    AtLeast(u64),
}

impl Plan {
    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// Plans what leads from what is there to what is wanted.
pub fn plan(observation: &Observation, intent: &Intent) -> Plan {
    let values: Values = observation
        .states
        .iter()
        .filter_map(|(key, state)| match state {
            State::Value(value) => Some((key.clone(), value.clone())),
            _ => None,
        })
        .collect();
    let mut planner = Planner {
        observation,
        values: values.clone(),
        steps: Vec::new(),
        findings: Vec::new(),
    };
    let named: BTreeSet<&Key> = intent.named.iter().map(|(key, _)| key).collect();
    // The switch first: it changes others, which then need no write of their own.
    let mut known: Vec<(&Parameter, Key)> = parameters()
        .filter_map(|known| Some((known, known.name.parse().ok()?)))
        .collect();
    known.sort_by_key(|(known, _)| known.name != "net.ipv4.ip_forward");
    for (known, key) in &known {
        if !named.contains(key) {
            planner.known(known, key, intent);
        }
    }
    if let Some(ports) = intent.node_ports {
        planner.reserve(ports, &named);
    }
    for (key, value) in &intent.named {
        planner.named(key, &normal(value));
    }
    Plan {
        steps: planner.steps,
        findings: planner.findings,
        values,
    }
}

struct Planner<'a> {
    observation: &'a Observation,
    /// What the values would be after the steps so far.
    values: Values,
    steps: Vec<Step>,
    findings: Vec<Finding>,
}

impl Planner<'_> {
    fn find(&mut self, key: &Key, severity: Severity, title: String, evidence: String, remedy: String) {
        let mut finding = Finding::new("", severity, title, evidence, remedy);
        finding.id = format!("kernel-{key}").into();
        self.findings.push(finding);
    }

    fn write(&mut self, key: &Key, to: &str) {
        let Some(from) = self.values.get(key).cloned() else {
            return;
        };
        effects::write(&mut self.values, key, to);
        self.steps.push(Step {
            key: key.clone(),
            from,
            to: to.to_owned(),
        });
    }

    fn known(&mut self, known: &Parameter, key: &Key, intent: &Intent) {
        let needed = match known.need {
            Need::Always => true,
            Need::Kubernetes | Need::AtLeast => !intent.swarm_only,
            Need::Kubelet => !intent.swarm_only && !intent.protect_defaults,
            Need::Module => intent.whole,
            Need::Never => false,
        };
        let Some(product) = known.product.value().filter(|_| known.need != Need::Never) else {
            return;
        };
        let wanted = match (known.need, product.parse()) {
            (Need::AtLeast, Ok(least)) => Wanted::AtLeast(least),
            _ => Wanted::Exactly(product.to_owned()),
        };
        let severity = match known.need {
            _ if !needed => Severity::Info,
            Need::Always if !known.name.ends_with("redirects") => Severity::Error,
            Need::Module => Severity::Info,
            _ => Severity::Warning,
        };
        let value = match self.observation.states.get(key) {
            Some(State::Value(value)) => value.clone(),
            Some(State::HostWide) | None => return,
            Some(state) => return self.without_value(known, key, state, needed),
        };
        let fits = match &wanted {
            Wanted::Exactly(wanted) => value == *wanted,
            // What is no number is not judged: it never came from this parameter.
            Wanted::AtLeast(least) => value.parse::<u64>().map_or(true, |value| value >= *least),
        };
        let origin = self.origin(key, &value, known.before.value());
        if !fits {
            let protected = known.need == Need::Kubelet && intent.protect_defaults && !intent.swarm_only;
            // A protecting kubelet refuses to start on a difference instead of setting it.
            let severity = if protected { Severity::Warning } else { severity };
            let remedy = if protected {
                format!(
                    "set {key} = {product} yourself: `kube_protect_kernel_defaults` keeps everybody else from it, and kubelets wait for it"
                )
            } else if needed {
                format!(
                    "`ucp kernel apply` sets {key} = {product}; usually that is done by {}",
                    known.set_by
                )
            } else {
                format!("nothing is to be done; `ucp kernel apply --all` would set {key} = {product}")
            };
            let title = format!("{key} is {} and not {product}", shown(&value));
            self.find(
                key,
                severity,
                title,
                format!("{}; {origin}", known.meaning.trim_end_matches('.')),
                remedy,
            );
            if needed && self.values.get(key).is_some_and(|now| now != product) {
                self.write(key, product);
            }
        } else if needed {
            self.next_start(key, product);
        }
    }

    /// A value that is right now and will be another one after the next start.
    fn next_start(&mut self, key: &Key, product: &str) {
        if let Some(setting) = self.observation.settings.about(key)
            && let Some(value) = setting.value.clone()
            && value != product
            && !matches!((value.parse::<u64>(), product.parse::<u64>()), (Ok(a), Ok(b)) if a > b && key.to_string().ends_with("conntrack_max"))
        {
            let evidence = format!(
                "{}:{} asks for {}",
                setting.file.display(),
                setting.line,
                shown(&value)
            );
            self.find(
                key,
                Severity::Warning,
                format!("{key} will not stay {product}"),
                evidence,
                "take that line away, or give it this value".to_owned(),
            );
        }
    }

    fn without_value(&mut self, known: &Parameter, key: &Key, state: &State, needed: bool) {
        let (severity, title, remedy) = match state {
            State::ModuleAbsent(module) if needed => (
                Severity::Warning,
                format!("{key} is not there, because module {module} is not loaded"),
                format!(
                    "`modprobe {module}`, and a line `{module}` in a file below /etc/modules-load.d; components load it when they start"
                ),
            ),
            State::Absent if needed && known.module.is_none() => (
                Severity::Warning,
                format!("this kernel has no {key}"),
                "boot a kernel of the distribution".to_owned(),
            ),
            State::Unreadable(_) => (
                Severity::Warning,
                format!("{key} cannot be read"),
                "look as root, and see whether a security module forbids it".to_owned(),
            ),
            // A module that nobody needs, and what this kernel left behind, is nothing to talk about.
            _ => return,
        };
        let evidence = match state {
            State::Unreadable(reason) => reason.clone(),
            _ => known.meaning.trim_end_matches('.').to_owned(),
        };
        self.find(key, severity, title, evidence, remedy);
    }

    /// Who gave a parameter its value, as far as files tell.
    fn origin(&self, key: &Key, value: &str, before: Option<&str>) -> String {
        match self.observation.settings.about(key) {
            Some(setting) if setting.value.as_deref() == Some(value) => {
                format!("{}:{} sets it", setting.file.display(), setting.line)
            }
            Some(setting) => format!(
                "{}:{} asks for {}, something has changed it since",
                setting.file.display(),
                setting.line,
                shown(setting.value.as_deref().unwrap_or_default())
            ),
            None if before == Some(value) => "that is the kernel's default".to_owned(),
            None => "no file sets it".to_owned(),
        }
    }

    fn reserve(&mut self, ports: (u16, u16), named: &BTreeSet<&Key>) {
        let Ok(key) = RESERVED_PORTS.parse::<Key>() else {
            return;
        };
        let Some(value) = self.values.get(&key).filter(|_| !named.contains(&key)).cloned() else {
            return;
        };
        let wanted = PortRanges::one(ports.0, ports.1);
        match reserve_node_ports(&value, ports) {
            Ok(None) => {}
            Ok(Some(all)) => {
                self.find(
                    &key,
                    Severity::Warning,
                    format!("programs may take node ports {wanted} by chance"),
                    format!("{key} is {}", shown(&value)),
                    format!(
                        "`ucp kernel apply` sets {key} = {all}; usually that is done when the kubelet starts"
                    ),
                );
                self.write(&key, &all.to_string());
            }
            Err(error) => self.find(
                &key,
                Severity::Warning,
                "the reserved ports are not understood, and left alone".to_owned(),
                error.to_string(),
                format!("see that {wanted} are among them"),
            ),
        }
    }

    fn named(&mut self, key: &Key, value: &str) {
        let title = match self.observation.states.get(key) {
            Some(State::Value(now)) => {
                let now = now.clone();
                if now != value {
                    let meaning = parameter(&key.to_string())
                        .map_or("it is no parameter of the documents", |known| known.meaning);
                    let origin = self.origin(key, &now, None);
                    self.find(
                        key,
                        Severity::Info,
                        format!("{key} is {} and shall be {}", shown(&now), shown(value)),
                        format!("{}; {origin}", meaning.trim_end_matches('.')),
                        "`ucp kernel apply` sets it, because it was named".to_owned(),
                    );
                }
                if self.values.get(key).is_some_and(|now| now != value) {
                    self.write(key, value);
                }
                return;
            }
            Some(State::ModuleAbsent(module)) => {
                format!("{key} is not there, because module {module} is not loaded")
            }
            Some(State::HostWide) => format!("{key} is one of the whole machine, not of a namespace"),
            Some(State::Unreadable(reason)) => format!("{key} cannot be read: {reason}"),
            Some(State::Absent) | None => format!("this kernel has no {key}"),
        };
        let remedy = "leave it out, or make it appear first".to_owned();
        self.find(key, Severity::Error, title, format!("{} was named", key), remedy);
    }
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "empty" } else { value }
}
