//! What components are started with: flags, files and environment, from a [`Config`] and what is known about a node.
//!
//! Rendering is pure and total: the same inputs give the same result, and what cannot be right is refused with every
//! reason at once. Every flag says where it comes from. No result of [`render`] holds a secret; the one file that
//! does is made by [`encryption::render`] and is of another type.
//!
//! ```
//! use mke_core::config::Config;
//! use mke_core::render::{Component, NodeFacts, render};
//!
//! let config = Config::parse("[cluster_config]\n  nodeport_range = \"32768-33768\"\n")?;
//! let facts = NodeFacts::single_manager("node-1", "10.0.0.1".parse()?);
//! let api_server = render(Component::KubeApiserver, &config, &facts)?;
//! let flag = api_server.flag("service-node-port-range").ok_or("no such flag")?;
//! assert_eq!(flag.to_string(), "--service-node-port-range=32768-33768");
//! assert_eq!(flag.origin.to_string(), "cluster_config.nodeport_range");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Flags are those of the public references of Kubernetes, etcd, Calico and CoreDNS. Where the product's documents leave
//! a choice open, the file of the component says what was chosen.

mod api_server;
mod calico;
mod controllers;
mod coredns;
pub mod encryption;
mod etcd;
mod facts;
mod flags;
mod kube_proxy;
mod kubelet;
mod nvidia;
mod problem;
mod tls;

pub use coredns::address as dns_address;
pub use etcd::{STORE_LIMITS, size_in_bytes};
pub use facts::{NodeFacts, NodeRole, OperatingSystem, Orchestrator, Paths};
pub use flags::{Flag, Origin, Override};
pub use kubelet::pod_limit;
pub use problem::{RenderProblem, RenderProblems};

use std::fmt;

use serde::Serialize;

use crate::config::Config;
use flags::Flags;

/// What can be rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// The Kubernetes API server, `ucp-kube-apiserver`.
    KubeApiserver,
    /// Kubernetes' controller manager, `ucp-kube-controller-manager`.
    KubeControllerManager,
    /// Kubernetes' scheduler, `ucp-kube-scheduler`.
    KubeScheduler,
    /// What runs pods on a node, `ucp-kubelet`.
    Kubelet,
    /// What takes traffic to services, `ucp-kube-proxy`.
    KubeProxy,
    /// The key-value store, `ucp-kv`.
    Etcd,
    /// The network of pods, `calico-node` and `calico-kube-controllers`.
    Calico,
    /// Names of services and pods, `coredns`.
    Coredns,
    /// What offers GPUs to pods.
    NvidiaDevicePlugin,
}

impl Component {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::KubeApiserver,
        Self::KubeControllerManager,
        Self::KubeScheduler,
        Self::Kubelet,
        Self::KubeProxy,
        Self::Etcd,
        Self::Calico,
        Self::Coredns,
        Self::NvidiaDevicePlugin,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::KubeScheduler => "kube-scheduler",
            Self::Kubelet => "kubelet",
            Self::KubeProxy => "kube-proxy",
            Self::Etcd => "etcd",
            Self::Calico => "calico",
            Self::Coredns => "coredns",
            Self::NvidiaDevicePlugin => "nvidia-device-plugin",
        }
    }

    /// The component of this name, with the product's prefix or without.
    ///
    /// ```
    /// use mke_core::render::Component;
    /// assert_eq!(Component::from_name("ucp-kubelet"), Some(Component::Kubelet));
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.strip_prefix("ucp-").unwrap_or(name);
        let name = if name == "kv" { "etcd" } else { name };
        Self::ALL.into_iter().find(|component| component.name() == name)
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A variable of the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Something of the host that the component's container sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// The path on the host.
    pub source: String,
    /// The path in the container.
    pub target: String,
    /// Whether the container may only read.
    pub read_only: bool,
    /// Where it comes from.
    pub origin: Origin,
}

/// A file that the component reads. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Where the component looks for it.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// What one component is started with on one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    /// Which component.
    pub component: Component,
    /// Why it does not run on this node; then there is nothing else.
    pub absent: Option<String>,
    /// Its flags, in order.
    pub flags: Vec<Flag>,
    /// What custom flags do to flags before them.
    pub overrides: Vec<Override>,
    /// Its environment.
    pub environment: Vec<Variable>,
    /// What it sees of the host besides the volumes of the product.
    pub mounts: Vec<Mount>,
    /// Files that it reads.
    pub files: Vec<File>,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl Rendered {
    /// The flag of this name that counts: the last one.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().rev().find(|flag| flag.name == name)
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let mut all = self.environment.iter();
        Some(all.find(|variable| variable.name == name)?.value.as_str())
    }
}

/// A short text for people: flags and variables with their origins behind them, then the files.
impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = &self.absent {
            return writeln!(f, "{} is not started: {why}", self.component);
        }
        let flags = self.flags.iter().map(|flag| (flag.to_string(), &flag.origin));
        let variables = self.environment.iter();
        let variables =
            variables.map(|variable| (format!("{}={}", variable.name, variable.value), &variable.origin));
        for (text, origin) in flags.chain(variables) {
            writeln!(f, "{text}  # {origin}")?;
        }
        for mount in &self.mounts {
            let mode = if mount.read_only { "read-only" } else { "writable" };
            writeln!(
                f,
                "mount {} at {} ({mode})  # {}",
                mount.source, mount.target, mount.origin
            )?;
        }
        for change in &self.overrides {
            writeln!(f, "note: {change}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for file in &self.files {
            write!(f, "\n# {} ({})\n{}", file.path, file.origin, file.text)?;
            if !file.text.ends_with('\n') {
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

/// What a component is started with.
///
/// # Errors
/// Every reason why the configuration and the facts do not make sense for this component.
pub fn render(component: Component, config: &Config, facts: &NodeFacts) -> Result<Rendered, RenderProblems> {
    let mut work = Work::new(config, facts);
    facts.check(&mut work.problems);
    if component != Component::Etcd && config.cluster.swarm_only {
        work.absent = Some("the cluster runs without Kubernetes (cluster_config.swarm_only)".to_owned());
    }
    if work.absent.is_none() {
        match component {
            Component::KubeApiserver => api_server::render(&mut work),
            Component::KubeControllerManager => controllers::controller_manager(&mut work),
            Component::KubeScheduler => controllers::scheduler(&mut work),
            Component::Kubelet => kubelet::render(&mut work),
            Component::KubeProxy => kube_proxy::render(&mut work),
            Component::Etcd => etcd::render(&mut work),
            Component::Calico => calico::render(&mut work),
            Component::Coredns => coredns::render(&mut work),
            Component::NvidiaDevicePlugin => nvidia::render(&mut work),
        }
    }
    work.finish(component)
}

/// A rendering under way.
struct Work<'c> {
    config: &'c Config,
    facts: &'c NodeFacts,
    absent: Option<String>,
    flags: Flags,
    environment: Vec<Variable>,
    mounts: Vec<Mount>,
    files: Vec<File>,
    notes: Vec<String>,
    problems: RenderProblems,
}

impl<'c> Work<'c> {
    fn new(config: &'c Config, facts: &'c NodeFacts) -> Self {
        Self {
            config,
            facts,
            absent: None,
            flags: Flags::default(),
            environment: Vec::new(),
            mounts: Vec::new(),
            files: Vec::new(),
            notes: Vec::new(),
            problems: RenderProblems::default(),
        }
    }

    /// The component does not run, for this reason. Says whether there is one.
    fn is_absent(&mut self, why: Option<impl Into<String>>) -> bool {
        self.absent = why.map(Into::into);
        self.absent.is_some()
    }

    fn variable(&mut self, name: &str, value: impl ToString, origin: Origin) {
        self.environment.push(Variable {
            name: name.to_owned(),
            value: value.to_string(),
            origin,
        });
    }

    /// A file in the directory of the component's configuration; the answer is its path.
    fn file(&mut self, name: &str, text: String, origin: Origin) -> String {
        let path = self.config_path(name);
        self.files.push(File {
            path: path.clone(),
            text,
            origin,
        });
        path
    }

    fn config_path(&self, name: &str) -> String {
        format!("{}/{name}", self.facts.paths.config)
    }

    /// The flags of one TLS identity.
    fn certificates(&mut self, directory: &str, flags: [(&str, &str); 3], fact: &'static str) {
        for (flag, file) in flags {
            self.flags.fact(flag, format!("{directory}/{file}"), fact);
        }
    }

    /// Custom flags of a key.
    fn custom(&mut self, key: &'static str, flags: &[String]) {
        let origin = |item| Origin::Custom { key, item };
        let flags = flags.iter().map(String::as_str);
        self.flags.custom(key, flags, origin, &mut self.problems);
    }

    fn finish(self, component: Component) -> Result<Rendered, RenderProblems> {
        let rendered = match self.absent {
            Some(why) => Rendered {
                component,
                absent: Some(why),
                flags: Vec::new(),
                overrides: Vec::new(),
                environment: Vec::new(),
                mounts: Vec::new(),
                files: Vec::new(),
                notes: Vec::new(),
            },
            None => Rendered {
                component,
                absent: None,
                flags: self.flags.list,
                overrides: self.flags.overrides,
                environment: self.environment,
                mounts: self.mounts,
                files: self.files,
                notes: self.notes,
            },
        };
        let controls = rendered.flags.iter().filter_map(|flag| flag.value.as_deref());
        let mut problems = self.problems;
        for value in controls.filter(|value| value.chars().any(char::is_control)) {
            problems.add("flags", format!("{value:?} holds a control character: remove it"));
        }
        problems.or(rendered)
    }
}
