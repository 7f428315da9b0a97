//! What the engine says of itself and of its swarm, and making a swarm.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::daemon::Daemon;
use super::error::InstallError;

/// The place of an engine in a swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swarm {
    /// In none.
    None,
    /// Its keys are locked.
    Locked,
    /// It cannot say; the engine's words.
    Unclear(String),
    /// A worker.
    Worker,
    /// A manager.
    Manager {
        /// The swarm's id, which is the id of the instance.
        cluster_id: String,
        /// The node's id.
        node_id: String,
        /// The address at which others reach it.
        address: String,
        /// Pools of overlay networks.
        pools: Vec<String>,
    },
}

/// What `GET /info` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmInfo {
    /// Its place in a swarm.
    pub swarm: Swarm,
    /// The whole answer, for facts that only one place looks at.
    pub info: Value,
}

impl SwarmInfo {
    /// Asks the engine.
    ///
    /// # Errors
    /// The engine's.
    pub async fn read(daemon: &Daemon) -> Result<Self, InstallError> {
        Ok(Self::of(daemon.get("/info").await?))
    }

    /// Reads an answer.
    pub fn of(info: Value) -> Self {
        let text = |pointer: &str| {
            info.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let swarm = match text("/Swarm/LocalNodeState").as_str() {
            "inactive" | "" => Swarm::None,
            "locked" => Swarm::Locked,
            "active" if info.pointer("/Swarm/ControlAvailable") == Some(&Value::Bool(true)) => {
                Swarm::Manager {
                    cluster_id: text("/Swarm/Cluster/ID"),
                    node_id: text("/Swarm/NodeID"),
                    address: text("/Swarm/NodeAddr"),
                    pools: info
                        .pointer("/Swarm/Cluster/DefaultAddrPool")
                        .and_then(Value::as_array)
                        .into_iter()
                        .flatten()
                        .filter_map(|pool| pool.as_str().map(str::to_owned))
                        .collect(),
                }
            }
            "active" => Swarm::Worker,
            other => Swarm::Unclear(format!("{other} {}", text("/Swarm/Error")).trim().to_owned()),
        };
        Self { swarm, info }
    }

    /// A text of the answer.
    pub fn text(&self, pointer: &str) -> &str {
        self.info
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The address at which the node is reached, once it is in a swarm.
    pub fn address(&self) -> Option<IpAddr> {
        match &self.swarm {
            Swarm::Manager { address, .. } => address.parse().ok(),
            _ => None,
        }
    }
}

/// Refuses an address that is not the one by which the swarm knows this node: nodes find each other by the swarm's. The name
/// of an interface cannot be compared from within a container and passes.
///
/// # Errors
/// [`InstallError::Flag`] for `--host-address`.
pub fn must_be_known_as(known: &str, asked: Option<&str>) -> Result<(), InstallError> {
    let address = |text: &str| text.parse::<IpAddr>().ok();
    match asked.and_then(address) {
        Some(asked) if Some(asked) != address(known) => Err(InstallError::Flag {
            flag: "--host-address".to_owned(),
            reason: format!(
                "the swarm knows this node as {known}; leave the flag out, or let the node leave the swarm and come back \
                 with `docker swarm join --advertise-addr {asked}`, where it is the only one with `docker swarm init`"
            ),
        }),
        _ => Ok(()),
    }
}

/// How a swarm is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewSwarm {
    /// Address or interface that others reach; the engine chooses when there is one candidate.
    pub address: Option<String>,
    /// Address or interface of data traffic.
    pub data_path: Option<String>,
    /// Port of the swarm's own traffic.
    pub port: u16,
    /// Pools of overlay networks; none for the engine's own.
    pub pools: Vec<String>,
}

impl NewSwarm {
    /// What is being done, with what somebody may have to mend.
    fn doing(&self) -> String {
        let given = [
            ("--host-address", &self.address),
            ("--data-path-addr", &self.data_path),
        ];
        let given: Vec<String> = given
            .iter()
            .filter_map(|(flag, value)| Some(format!("`{flag} {}`", value.as_deref()?)))
            .collect();
        if given.is_empty() {
            return "cannot make a swarm; name this machine's address or interface with `--host-address`"
                .to_owned();
        }
        format!("cannot make a swarm with {}", given.join(" and "))
    }
}

/// Makes a swarm.
///
/// # Errors
/// The engine's: most often several addresses of which none was chosen.
pub async fn init(daemon: &Daemon, new: &NewSwarm) -> Result<(), InstallError> {
    let mut body = json!({
        "ListenAddr": format!("0.0.0.0:{}", new.port),
        "AdvertiseAddr": new.address.clone().unwrap_or_default(),
        "DataPathAddr": new.data_path.clone().unwrap_or_default(),
        "Spec": {},
    });
    if let (false, Some(body)) = (new.pools.is_empty(), body.as_object_mut()) {
        body.insert("DefaultAddrPool".to_owned(), json!(new.pools));
        body.insert("SubnetSize".to_owned(), json!(24));
    }
    let Err(error) = daemon.post(&new.doing(), "/swarm/init", &body).await else {
        return Ok(());
    };
    // Somebody was faster: whoever tells about flags now would be wrong.
    match SwarmInfo::read(daemon).await?.swarm {
        Swarm::None | Swarm::Unclear(_) => Err(error),
        _ => Err(InstallError::Swarm(
            "another run made a swarm of this engine meanwhile; wait until it has ended, then run this again"
                .to_owned(),
        )),
    }
}

/// Unlocks the keys of a swarm.
///
/// # Errors
/// The engine's.
pub async fn unlock(daemon: &Daemon, key: &str) -> Result<(), InstallError> {
    daemon
        .post(
            "cannot unlock the swarm with `--unlock-key`",
            "/swarm/unlock",
            &json!({ "UnlockKey": key }),
        )
        .await
        .map(drop)
}

/// Ends the swarm that this engine alone is.
///
/// # Errors
/// The engine's.
pub async fn leave(daemon: &Daemon) -> Result<(), InstallError> {
    daemon
        .post(
            "cannot leave the swarm that was made for this installation",
            "/swarm/leave?force=1",
            &Value::Null,
        )
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UPG-009: only another address than the swarm's is refused, however it is written.
    #[test]
    fn the_address_of_this_node() {
        for (known, asked, refused) in [
            ("10.0.0.1", None, false),
            ("10.0.0.1", Some("10.0.0.1"), false),
            ("fd00::1", Some("fd00:0::1"), false),
            ("10.0.0.1", Some("eth0"), false),
            ("10.0.0.1", Some("10.0.0.2"), true),
            ("", Some("10.0.0.2"), true),
        ] {
            let judged = must_be_known_as(known, asked);
            assert_eq!(judged.is_err(), refused, "{known} {asked:?}");
            if let Err(error) = judged {
                assert!(error.to_string().contains("--advertise-addr 10.0.0.2"), "{error}");
            }
        }
    }

    /// INST-001: what somebody gave is named when the engine refuses it, and nothing else.
    #[test]
    fn what_made_no_swarm() {
        let mut new = NewSwarm::default();
        assert!(new.doing().contains("`--host-address`"));
        new.data_path = Some("nowhere".to_owned());
        assert_eq!(new.doing(), "cannot make a swarm with `--data-path-addr nowhere`");
    }

    #[test]
    fn places_in_a_swarm() {
        for (info, wanted) in [
            (json!({ "Swarm": { "LocalNodeState": "inactive" } }), Swarm::None),
            (json!({}), Swarm::None),
            (json!({ "Swarm": { "LocalNodeState": "locked" } }), Swarm::Locked),
            (json!({ "Swarm": { "LocalNodeState": "active" } }), Swarm::Worker),
            (
                json!({ "Swarm": { "LocalNodeState": "error", "Error": "no leader" } }),
                Swarm::Unclear("error no leader".to_owned()),
            ),
            (
                json!({ "Swarm": {
                    "LocalNodeState": "active", "ControlAvailable": true, "NodeID": "n", "NodeAddr": "10.0.0.1",
                    "Cluster": { "ID": "c", "DefaultAddrPool": ["10.0.0.0/8"] },
                } }),
                Swarm::Manager {
                    cluster_id: "c".to_owned(),
                    node_id: "n".to_owned(),
                    address: "10.0.0.1".to_owned(),
                    pools: vec!["10.0.0.0/8".to_owned()],
                },
            ),
        ] {
            assert_eq!(SwarmInfo::of(info.clone()).swarm, wanted, "{info}");
        }
    }
}
