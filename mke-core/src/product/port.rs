//! Ports of nodes: who serves them, and who must reach them (NET-009).

use serde::Serialize;

use super::Role;
use super::port_table::PORTS;

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP
    Tcp,
    /// UDP
    Udp,
}

/// From where a port is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// From outside of the cluster.
    External,
    /// From other nodes.
    Internal,
    /// From the node itself only.
    #[serde(rename = "self")]
    Own,
}

/// One port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its number on the node, unless the configuration says another one.
    pub number: u16,
    /// Whether TCP, UDP or both.
    pub protocols: &'static [Protocol],
    /// The nodes that serve it; none when that is not known.
    pub roles: &'static [Role],
    /// From where it is reached; none when that is not known.
    pub scope: &'static [Scope],
    /// What it is for.
    pub purpose: &'static str,
    /// What serves it, when known: a component or part of the engine.
    pub component: Option<&'static str>,
    /// The port inside of the component's container, when it differs or is known.
    pub container: Option<u16>,
    /// The key of the configuration that sets it.
    pub config_key: Option<&'static str>,
    /// The option of the installation that sets it.
    pub install_flag: Option<&'static str>,
    /// Whether clusters without Kubernetes use it.
    pub swarm_only: bool,
    /// Whether the installation asks for it to be open in firewalls.
    pub firewall: bool,
}

impl Port {
    const fn new(number: u16, protocols: &'static [Protocol], purpose: &'static str) -> Self {
        Self {
            number,
            protocols,
            roles: &[],
            scope: &[],
            purpose,
            component: None,
            container: None,
            config_key: None,
            install_flag: None,
            swarm_only: false,
            firewall: false,
        }
    }

    pub(super) const fn tcp(number: u16, purpose: &'static str) -> Self {
        Self::new(number, &[Protocol::Tcp], purpose)
    }

    pub(super) const fn udp(number: u16, purpose: &'static str) -> Self {
        Self::new(number, &[Protocol::Udp], purpose)
    }

    pub(super) const fn both(number: u16, purpose: &'static str) -> Self {
        Self::new(number, &[Protocol::Tcp, Protocol::Udp], purpose)
    }

    pub(super) const fn on(mut self, roles: &'static [Role]) -> Self {
        self.roles = roles;
        self
    }

    pub(super) const fn reached(mut self, scope: &'static [Scope]) -> Self {
        self.scope = scope;
        self
    }

    pub(super) const fn of(mut self, component: &'static str) -> Self {
        self.component = Some(component);
        self
    }

    pub(super) const fn container(mut self, port: u16) -> Self {
        self.container = Some(port);
        self
    }

    pub(super) const fn key(mut self, key: &'static str) -> Self {
        self.config_key = Some(key);
        self
    }

    pub(super) const fn flag(mut self, flag: &'static str) -> Self {
        self.install_flag = Some(flag);
        self
    }

    pub(super) const fn swarm_only(mut self) -> Self {
        self.swarm_only = true;
        self
    }

    pub(super) const fn firewall(mut self) -> Self {
        self.firewall = true;
        self
    }

    /// Whether it can have another number.
    pub const fn configurable(&self) -> bool {
        self.config_key.is_some() || self.install_flag.is_some()
    }

    /// The port inside of the component's container.
    pub const fn inside(&self) -> u16 {
        match self.container {
            Some(port) => port,
            None => self.number,
        }
    }

    /// Whether somebody on another machine must reach it.
    pub fn from_elsewhere(&self) -> bool {
        self.scope.iter().any(|scope| *scope != Scope::Own)
    }
}

/// Every port of the documents, also those of later releases.
pub fn ports() -> &'static [Port] {
    PORTS
}

/// The port with this number.
pub fn port(number: u16) -> Option<&'static Port> {
    PORTS.iter().find(|port| port.number == number)
}

/// The ports that nodes with this role serve, with Kubernetes or without.
pub fn ports_in(role: Role, swarm_only: bool) -> impl Iterator<Item = &'static Port> {
    PORTS
        .iter()
        .filter(move |port| port.roles.contains(&role) && (port.swarm_only || !swarm_only))
}
