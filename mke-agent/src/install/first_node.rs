//! Whether the first node could run everything that the configuration asks for: found out before anything is made, from the
//! same description that its reconciler will carry out. Pure.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use mke_core::config::{Config, Problem, Problems};
use mke_core::product::{Os, Role};

use super::error::InstallError;
use super::facts;
use super::own::Own;
use super::probe::Wanted;
use crate::node::{ClusterSpec, Desired, EngineFacts, ManagerFacts, NodeFacts, StoreMember};

/// A node stands for every node: nothing that is asked here depends on who it is.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const NAME: &str = "first";

/// Refuses a configuration with which a component could not be described, and a swarm whose port is taken by the product.
///
/// # Errors
/// [`InstallError::Configuration`] with every such component, and [`InstallError::Flag`].
pub(super) fn check(own: &Own, config: &Config, new_swarm: Option<u16>) -> Result<(), InstallError> {
    if let Some(port) = new_swarm {
        check_port(config, port)?;
    }
    let spec = ClusterSpec {
        cluster_id: NAME.to_owned(),
        version: own.version,
        organisation: own.organisation.clone(),
        config: Arc::new(config.clone()),
        managers: vec![ManagerFacts {
            id: NAME.to_owned(),
            hostname: NAME.to_owned(),
            address: ADDRESS,
            sans: String::new(),
        }],
        store_members: vec![StoreMember {
            id: NAME.to_owned(),
            address: ADDRESS,
            member: None,
        }],
        interlock: false,
        store_alone: false,
    };
    let node = NodeFacts {
        id: NAME.to_owned(),
        hostname: NAME.to_owned(),
        role: Role::Manager,
        os: Os::Linux,
        address: ADDRESS,
        labels: Default::default(),
        engine: EngineFacts::default(),
        cores: None,
    };
    let waiting = Desired::of(&spec, &node).waiting;
    let problems: Vec<Problem> = waiting
        .into_iter()
        .map(|wanting| Problem {
            message: format!("{} could not run: {}", wanting.component, wanting.why),
            ..Problem::default()
        })
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(InstallError::Configuration(Problems(problems)))
}

/// The swarm's own port, where this run makes the swarm.
fn check_port(config: &Config, port: u16) -> Result<(), InstallError> {
    let refused = |reason: String| InstallError::Flag {
        flag: "--swarm-grpc-port".to_owned(),
        reason,
    };
    if port == 0 {
        return Err(refused("0 is no port, use one from 1 to 65535".to_owned()));
    }
    let others = facts::wanted_ports(config, Role::Manager, true, port);
    if others.contains(&Wanted { udp: false, port }) || [4789, 7946].contains(&port) {
        return Err(refused(format!(
            "{port} is a port of another part of MKE or of the swarm, choose another one"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::configuration::{Given, begin};
    use mke_core::product::ProductVersion;

    fn checked(given: &[Given], swarm: Option<u16>) -> Result<(), String> {
        let own = Own {
            organisation: "mirantis".to_owned(),
            version: ProductVersion::new(3, 4, 15),
            container: None,
        };
        let given = [&[Given::one("--swarm-only", "true")], given].concat();
        let config = begin(None, &given).unwrap().config;
        check(&own, &config, swarm).map_err(|error| error.to_string())
    }

    /// INST-001, INST-013: a time-out that etcd refuses, and a port of the swarm that something else needs, stop the installation before
    /// it makes anything; usual values do not.
    #[test]
    fn what_could_not_run() {
        assert_eq!(checked(&[], Some(2377)), Ok(()));
        assert_eq!(checked(&[], None), Ok(()));
        assert_eq!(checked(&[Given::one("--kv-timeout", "10000")], None), Ok(()));
        let refused = checked(&[Given::one("--kv-timeout", "99999999999999")], None).unwrap_err();
        assert!(
            refused.contains("ucp-kv could not run") && refused.contains("kv_timeout"),
            "{refused}"
        );
        for port in [0, 443, 2376, 12379, 7946] {
            let refused = checked(&[], Some(port)).unwrap_err();
            assert!(refused.contains("--swarm-grpc-port: "), "{port}: {refused}");
            assert_eq!(checked(&[], None), Ok(()));
        }
        let moved = [Given::one("--controller-port", "8443")];
        assert_eq!(checked(&moved, Some(443)), Ok(()));
        assert!(checked(&moved, Some(8443)).is_err());
    }
}
