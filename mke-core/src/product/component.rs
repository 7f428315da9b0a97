//! One component of the product: what it is, where it runs and what it needs (ARCH-006, ARCH-007, ARCH-016).

use std::fmt;

use serde::Serialize;

use super::component_table::COMPONENTS;
use super::pod_table::PODS;
use super::{Os, ProductVersion, Role};

/// Managers.
pub(super) const MANAGERS: &[Role] = &[Role::Manager];
/// Workers.
pub(super) const WORKERS: &[Role] = &[Role::Worker];
/// Every node.
pub(super) const ALL: &[Role] = &[Role::Manager, Role::Worker];

/// What a component is made as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A service of the swarm.
    Service,
    /// A container that the agent of the node makes.
    Container,
    /// A container of a pod.
    Pod,
    /// A container that runs before those of a pod.
    Init,
    /// A container that holds the namespaces of a pod.
    Pause,
}

/// How many of a component there are, and on which of the nodes with its roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// One on every node.
    EveryNode,
    /// One on every manager.
    EveryManager,
    /// One, on any manager.
    OneManager,
    /// One in the cluster.
    Once,
    /// As many as the configuration says.
    Replicated,
    /// One beside each layer 7 proxy.
    EveryProxyNode,
    /// Only while there is something to do for it.
    OnDemand,
}

/// What must be switched on for a component to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Layer 7 routing of Swarm services.
    Interlock,
    /// The network of pods is looked after by the product.
    ManagedCni,
    /// The ingress of Kubernetes.
    ServiceMesh,
    /// Encrypted traffic between pods.
    SecureOverlay,
    /// The node takes pods.
    KubernetesOrchestrator,
}

/// One component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Component {
    /// The name of its container or service.
    pub name: &'static str,
    /// What it is made as.
    pub kind: Kind,
    /// The name of its image, when known.
    pub image: Option<&'static str>,
    /// The nodes it may run on.
    pub roles: &'static [Role],
    /// The operating system of those nodes.
    pub os: Os,
    /// How many there are.
    pub placement: Placement,
    /// What it is for.
    pub purpose: &'static str,
    /// The named volumes it sees.
    pub volumes: &'static [&'static str],
    /// The ports of the node that it serves.
    pub ports: &'static [u16],
    /// Components that it needs.
    pub depends_on: &'static [&'static str],
    /// Whether it is also there in clusters without Kubernetes.
    pub swarm_only: bool,
    /// What the same thing is called on Windows, when it has a name there.
    pub windows_name: Option<&'static str>,
    /// What must be switched on for it.
    pub when: Option<Condition>,
    /// The first version that has it.
    pub since: Option<ProductVersion>,
    /// The first version that no longer has it.
    pub until: Option<ProductVersion>,
    /// Whether this product makes it; if not, the name is kept so that it is recognised and never used for anything else.
    pub made: bool,
}

impl Component {
    const fn new(kind: Kind, name: &'static str, purpose: &'static str) -> Self {
        Self {
            name,
            kind,
            image: None,
            roles: &[],
            os: Os::Linux,
            placement: Placement::EveryNode,
            purpose,
            volumes: &[],
            ports: &[],
            depends_on: &[],
            swarm_only: false,
            windows_name: None,
            when: None,
            since: None,
            until: None,
            made: true,
        }
    }

    pub(super) const fn service(name: &'static str, purpose: &'static str) -> Self {
        Self::new(Kind::Service, name, purpose)
    }

    pub(super) const fn container(name: &'static str, purpose: &'static str) -> Self {
        Self::new(Kind::Container, name, purpose)
    }

    pub(super) const fn pod(name: &'static str, purpose: &'static str) -> Self {
        Self::new(Kind::Pod, name, purpose)
    }

    pub(super) const fn init(name: &'static str, purpose: &'static str) -> Self {
        Self::new(Kind::Init, name, purpose)
    }

    pub(super) const fn pause(name: &'static str, purpose: &'static str) -> Self {
        Self::new(Kind::Pause, name, purpose)
    }

    pub(super) const fn image(mut self, image: &'static str) -> Self {
        self.image = Some(image);
        self
    }

    pub(super) const fn on(mut self, roles: &'static [Role]) -> Self {
        self.roles = roles;
        self
    }

    pub(super) const fn windows(mut self) -> Self {
        self.os = Os::Windows;
        self.windows_name = Some(self.name);
        self
    }

    pub(super) const fn placed(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    pub(super) const fn volumes(mut self, volumes: &'static [&'static str]) -> Self {
        self.volumes = volumes;
        self
    }

    pub(super) const fn ports(mut self, ports: &'static [u16]) -> Self {
        self.ports = ports;
        self
    }

    pub(super) const fn after(mut self, others: &'static [&'static str]) -> Self {
        self.depends_on = others;
        self
    }

    pub(super) const fn swarm_only(mut self) -> Self {
        self.swarm_only = true;
        self
    }

    pub(super) const fn windows_name(mut self, name: &'static str) -> Self {
        self.windows_name = Some(name);
        self
    }

    pub(super) const fn when(mut self, condition: Condition) -> Self {
        self.when = Some(condition);
        self
    }

    pub(super) const fn since(mut self, major: u16, minor: u16, patch: u16) -> Self {
        self.since = Some(ProductVersion::new(major, minor, patch));
        self
    }

    pub(super) const fn until(mut self, major: u16, minor: u16, patch: u16) -> Self {
        self.until = Some(ProductVersion::new(major, minor, patch));
        self
    }

    pub(super) const fn never_made(mut self) -> Self {
        self.made = false;
        self
    }

    /// Whether nodes with this role may run it.
    pub fn runs_on(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether a version has it (ARCH-018, ARCH-019).
    pub fn exists_in(&self, version: ProductVersion) -> bool {
        self.since.is_none_or(|since| version >= since) && self.until.is_none_or(|until| version < until)
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What the agents look after themselves: containers and services, in the order of the documents.
pub fn components() -> &'static [Component] {
    COMPONENTS
}

/// The containers of pods that Kubernetes starts for the product, of all versions.
pub fn pods() -> &'static [Component] {
    PODS
}

/// The component with this name, a pod's container or not, under its name on Linux or on Windows.
pub fn component(name: &str) -> Option<&'static Component> {
    let mut all = COMPONENTS.iter().chain(PODS);
    all.clone()
        .find(|component| component.name == name)
        .or_else(|| all.find(|component| component.windows_name == Some(name)))
}

/// Whether a container or service of this name is one of the product's: a component's name, one that carries the node
/// and the task behind it (`ucp-manager-agent.<node>.<task>`), or the one that a component has while it is replaced.
///
/// A name alone makes no object ours: the label with the installation's id must agree.
///
/// ```
/// use mke_core::product::is_component_name;
/// assert!(is_component_name("ucp-kv"));
/// assert!(is_component_name("ucp-kv-next"));
/// assert!(is_component_name("ucp-manager-agent.b4dq.x81c"));
/// assert!(!is_component_name("ucp-kvs"));
/// ```
pub fn is_component_name(name: &str) -> bool {
    let plain = name.split_once('.').map_or(name, |(service, _)| service);
    let plain = plain.strip_suffix(super::objects::NEXT).unwrap_or(plain);
    component(plain).is_some()
}
