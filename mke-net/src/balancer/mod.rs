//! Load balancers in front of the managers: TCP passed through, health asked of each manager (LB-001, LB-002).
//!
//! TLS always ends in the manager, so that client certificates reach it. A balancer that only watches connections
//! cannot tell a manager that answers badly from a healthy one, so each form asks `GET /_ping` where it can.

mod aws;
mod haproxy;
mod nginx;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use aws::aws;
pub use haproxy::haproxy;
pub use nginx::nginx;

/// A port that is balanced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Where the balancer listens.
    pub port: u16,
    /// Where the managers listen.
    pub target_port: u16,
    /// How a healthy manager is told.
    pub health: Health,
}

/// How a healthy manager is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// It answers `GET /_ping` over TLS with 200.
    Ping,
    /// It takes connections. The Kubernetes API asks for a certificate before it says anything.
    Connect,
}

/// What is balanced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balancer {
    listeners: Vec<Listener>,
    managers: Vec<String>,
    name: String,
}

/// Why nothing sensible can be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BalancerProblem {
    /// Nobody to pass connections to.
    #[error("no manager is named")]
    NoManager,
    /// A name that would not survive in a configuration file.
    #[error("`{0}` is no host name or address")]
    Address(String),
    /// The same manager twice would get twice the load.
    #[error("manager `{0}` is named twice")]
    Twice(String),
    /// Two listeners on one port (LB-003).
    #[error(
        "{one} and {other} both listen on port {port}: give one of them another port, or use two balancers or two \
         virtual addresses"
    )]
    SamePort {
        /// The port.
        port: u16,
        /// Who.
        one: String,
        /// And who else.
        other: String,
    },
    /// A port that nobody can listen on.
    #[error("port 0 cannot be balanced")]
    NoPort,
}

impl Balancer {
    /// The control plane's own ports: the API, and the Kubernetes API unless the cluster has none.
    ///
    /// `name` is the name by which clients reach the balancer; it must be among the names of the managers'
    /// certificates (LB-004, [`missing_name`]).
    ///
    /// # Errors
    /// Every [`BalancerProblem`].
    pub fn new(
        name: &str,
        managers: &[String],
        controller_port: u16,
        kubernetes_port: Option<u16>,
    ) -> Result<Self, Vec<BalancerProblem>> {
        let mut problems = Vec::new();
        if managers.is_empty() {
            problems.push(BalancerProblem::NoManager);
        }
        let mut seen = BTreeSet::new();
        for manager in managers {
            if !plain(manager) {
                problems.push(BalancerProblem::Address(manager.clone()));
            } else if !seen.insert(manager.to_ascii_lowercase()) {
                problems.push(BalancerProblem::Twice(manager.clone()));
            }
        }
        if !plain(name) {
            problems.push(BalancerProblem::Address(name.to_owned()));
        }
        let api = Listener {
            port: controller_port,
            target_port: controller_port,
            health: Health::Ping,
        };
        let kubernetes = kubernetes_port.map(|port| Listener {
            port,
            target_port: port,
            health: Health::Connect,
        });
        let listeners: Vec<_> = std::iter::once(api).chain(kubernetes).collect();
        if listeners.iter().any(|listener| listener.port == 0) {
            problems.push(BalancerProblem::NoPort);
        }
        if kubernetes_port == Some(controller_port) {
            problems.push(BalancerProblem::SamePort {
                port: controller_port,
                one: "the API".to_owned(),
                other: "the Kubernetes API".to_owned(),
            });
        }
        match problems.is_empty() {
            true => Ok(Self {
                listeners,
                managers: managers.to_vec(),
                name: name.to_owned(),
            }),
            false => Err(problems),
        }
    }

    /// Whether something else behind the same address takes one of these ports: a registry's 443 beside the API's (LB-003).
    ///
    /// # Errors
    /// [`BalancerProblem::SamePort`].
    pub fn beside(&self, other: &str, port: u16) -> Result<(), BalancerProblem> {
        match self.listeners.iter().any(|listener| listener.port == port) {
            false => Ok(()),
            true => Err(BalancerProblem::SamePort {
                port,
                one: "the control plane".to_owned(),
                other: other.to_owned(),
            }),
        }
    }

    /// Moves a listener of the balancer; the managers keep their port.
    ///
    /// # Errors
    /// [`BalancerProblem`] when the new port is taken or is none.
    pub fn listen(mut self, target_port: u16, port: u16) -> Result<Self, BalancerProblem> {
        if port == 0 {
            return Err(BalancerProblem::NoPort);
        }
        if self
            .listeners
            .iter()
            .any(|listener| listener.port == port && listener.target_port != target_port)
        {
            return Err(BalancerProblem::SamePort {
                port,
                one: format!("the listener for {target_port}"),
                other: "another one".to_owned(),
            });
        }
        for listener in self
            .listeners
            .iter_mut()
            .filter(|listener| listener.target_port == target_port)
        {
            listener.port = port;
        }
        Ok(self)
    }

    /// The ports.
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// The managers' names or addresses.
    pub fn managers(&self) -> &[String] {
        &self.managers
    }

    /// The name that clients use.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The warning when the balancer's name is not among the names of the managers' certificates (LB-004).
pub fn missing_name(name: &str, names: &[String]) -> Option<String> {
    let known = names.iter().any(|known| {
        known.eq_ignore_ascii_case(name)
            || known.strip_prefix("*.").is_some_and(|domain| {
                name.split_once('.')
                    .is_some_and(|(host, rest)| !host.is_empty() && rest.eq_ignore_ascii_case(domain))
            })
    });
    (!known).then(|| {
        format!(
            "clients that come through `{name}` will refuse the certificate: add the name with `--san {name}` or node \
             label com.docker.ucp.SANs"
        )
    })
}

/// Names and addresses that mean only themselves in every configuration file.
fn plain(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
        || (!text.is_empty()
            && text.len() <= 253
            && !text.starts_with(['-', '.'])
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.'))
}

/// `host:port`, with brackets around an address of IPv6.
struct Target<'a>(&'a str, u16);

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.contains(':') {
            true => write!(f, "[{}]:{}", self.0, self.1),
            false => write!(f, "{}:{}", self.0, self.1),
        }
    }
}

#[cfg(test)]
mod tests;
