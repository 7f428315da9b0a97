//! What a node says of itself before anything is made there, and whether its ports can be reached from here.
//!
//! A probe is a container in the host's network: it opens every needed port, prints one line of JSON, and answers whoever
//! connects until it is stopped. Without a swarm there is one, on this engine; in a swarm a global service makes one on
//! every Linux node.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use ipnet::IpNet;
use mke_core::product::labels;
use mke_core::time::Clock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::cloud;
use super::daemon::{Daemon, filters};
use super::error::InstallError;
use super::host::{disk_of, networks, no_new_privileges};
use super::inventory::{Node, RUN};
use super::remover;
use crate::engine::EngineError;

/// Name of the container or the service.
const NAME: &str = "ucp-probe";
/// The variable that tells a task its node's id.
pub const NODE_VARIABLE: &str = "UCP_NODE_ID";
/// Where the engine's socket is on nodes, and in the tasks that see it.
const SOCKET: &str = "/var/run/docker.sock";
/// What a probe answers; anything else at a port is somebody else.
const ANSWER: &[u8] = b"mke probe\n";
/// How long probes may take until all have spoken.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a connection may take. Firewalls that drop are told apart from those that refuse by nothing else.
const CONNECT: Duration = Duration::from_secs(3);
/// How often one looks.
const LOOK: Duration = Duration::from_millis(200);

/// A port that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Wanted {
    /// Whether it is UDP.
    pub udp: bool,
    /// Its number.
    pub port: u16,
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", if self.udp { "udp" } else { "tcp" }, self.port)
    }
}

impl std::str::FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("`{text}` is no port, write tcp/443 or udp/4789");
        let (protocol, port) = text.split_once('/').ok_or_else(refused)?;
        let udp = match protocol {
            "tcp" => false,
            "udp" => true,
            _ => return Err(refused()),
        };
        Ok(Self {
            udp,
            port: port.parse().map_err(|_| refused())?,
        })
    }
}

/// What a probe says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Swarm's id of the node; empty without a swarm.
    pub node: String,
    /// Release of the kernel.
    pub kernel: Option<String>,
    /// Whether processes of containers can gain no privileges.
    pub no_new_privileges: Option<bool>,
    /// Bytes of the file system that holds the engine's data.
    pub disk: Option<u64>,
    /// Free bytes of it.
    pub disk_free: Option<u64>,
    /// Needed ports that something else holds.
    pub in_use: BTreeSet<String>,
    /// Networks that the host reaches without the engine, each with its source.
    pub networks: Vec<(IpNet, String)>,
    /// Its clock when it said this, in milliseconds since 1970.
    #[serde(default)]
    pub clock_ms: Option<i64>,
    /// The cloud that the machine is in, as its firmware says.
    #[serde(default)]
    pub cloud: Option<String>,
    /// Images that were asked for and are not there. Nothing when the engine could not be asked.
    #[serde(default)]
    pub missing_images: Option<BTreeSet<String>>,
}

/// What a probe looks for.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    /// The node's id, which is told back.
    pub node: String,
    /// Needed ports.
    pub ports: Vec<Wanted>,
    /// Images that the node will need, with the engine that is asked for them.
    pub images: Option<(std::path::PathBuf, Vec<String>)>,
}

/// Opens the ports, tells what it sees by `tell`, and answers until `ended` is.
///
/// # Errors
/// When what is seen cannot be written as JSON.
pub async fn run(
    sought: Sought,
    clock: &dyn Clock,
    tell: impl FnOnce(&str),
    ended: impl Future<Output = ()>,
) -> Result<(), InstallError> {
    let mut in_use = BTreeSet::new();
    let mut listeners = JoinSet::new();
    let mut held = Vec::new();
    for wanted in &sought.ports {
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, wanted.port));
        if wanted.udp {
            match UdpSocket::bind(address).await {
                Ok(socket) => held.push(socket),
                Err(_) => drop(in_use.insert(wanted.to_string())),
            }
            continue;
        }
        match TcpListener::bind(address).await {
            Ok(listener) => drop(listeners.spawn(answer(listener))),
            Err(_) => drop(in_use.insert(wanted.to_string())),
        }
    }
    let (disk, disk_free) = disk_of(Path::new("/"));
    let missing_images = match &sought.images {
        Some((socket, images)) => missing(socket, images).await,
        None => None,
    };
    let said = Said {
        node: sought.node,
        kernel: rustix::system::uname().release().to_str().ok().map(str::to_owned),
        no_new_privileges: no_new_privileges(
            &std::fs::read_to_string("/proc/self/status").unwrap_or_default(),
        ),
        disk,
        disk_free,
        in_use,
        networks: networks(),
        missing_images,
        cloud: cloud::detect(Path::new(cloud::FIRMWARE)),
        clock_ms: Some(clock.now().as_millis()),
    };
    let line = serde_json::to_string(&said).map_err(|error| InstallError::System(error.to_string()))?;
    tell(&line);
    ended.await;
    Ok(())
}

/// Which images an engine does not have; nothing when it does not say.
async fn missing(socket: &Path, images: &[String]) -> Option<BTreeSet<String>> {
    let daemon = Daemon::open(socket).await.ok()?;
    let there = super::images::there(&daemon).await.ok()?;
    let missing = images.iter().filter(|image| !there.contains(*image));
    Some(missing.cloned().collect())
}

async fn answer(listener: TcpListener) {
    loop {
        if let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(ANSWER).await;
        }
    }
}

/// What was found out on all nodes.
#[derive(Debug, Clone, Default)]
pub struct Probed {
    /// By node: its swarm id, or nothing without a swarm.
    pub said: BTreeMap<String, Said>,
    /// Nodes that did not say anything, and why.
    pub silent: BTreeMap<String, String>,
    /// Ports that were open there and did not answer from here.
    pub unreachable: BTreeMap<String, BTreeSet<String>>,
    /// By how many milliseconds clocks differ at least from the one here, less than nothing when they are behind.
    pub clocks: BTreeMap<String, i64>,
}

/// By how much a clock differs at least that said `said` at some moment between two of ours. All in milliseconds.
fn apart(before: i64, said: i64, after: i64) -> i64 {
    said - said.clamp(before, after.max(before))
}

/// Whether the engine does something else with the object at this moment.
fn is_conflict(error: &InstallError) -> bool {
    matches!(
        error,
        InstallError::Engine { source: EngineError::Refused { status, .. }, .. } if *status == StatusCode::CONFLICT
    )
}

/// Without a swarm nobody can leave a mark: two runs see each other by the one container that both make.
fn not_alone() -> InstallError {
    InstallError::AlreadyThere(format!(
        "another run checks this engine at the same moment, with container `{NAME}`; wait until it has ended, then run this again"
    ))
}

/// How probes are made.
pub struct Probing<'a> {
    /// The engine.
    pub daemon: &'a Daemon,
    /// The image with the agents' programs.
    pub image: &'a str,
    /// The instance, where it is known: what a killed run leaves is then found.
    pub instance: &'a str,
    /// The run.
    pub run: &'a str,
    /// Needed ports of managers and of workers.
    pub managers: &'a [Wanted],
    /// Needed ports of workers.
    pub workers: &'a [Wanted],
    /// Images of managers and of workers; where there are none nobody looks for any.
    pub images: [&'a [String]; 2],
    /// The clock with which others are compared.
    pub clock: &'a dyn Clock,
}

impl Probing<'_> {
    fn words(wanted: &[Wanted], images: &[String]) -> Vec<String> {
        let mut words = vec!["probe".to_owned()];
        words.extend(wanted.iter().map(|wanted| format!("--port={wanted}")));
        words.extend(images.iter().map(|image| format!("--image={image}")));
        words
    }

    fn labels(&self) -> Value {
        json!({ RUN: self.run, labels::INSTANCE_ID: self.instance })
    }

    /// Probes the engine itself, which is in no swarm.
    ///
    /// # Errors
    /// The engine's, and [`InstallError::BrokenOff`] when `stop` comes first.
    pub async fn this_engine(
        &self,
        address: Option<IpAddr>,
        stop: impl Future<Output = ()>,
    ) -> Result<Probed, InstallError> {
        let daemon = self.daemon;
        daemon
            .delete(
                "cannot remove an old probe",
                &format!("/containers/{NAME}?force=1"),
            )
            .await?;
        let body = json!({
            "Image": self.image,
            "Entrypoint": ["/bin/ucp-agent"],
            "Cmd": Self::words(self.managers, &[]),
            "Labels": self.labels(),
            "HostConfig": { "NetworkMode": "host" },
        });
        let made = daemon
            .post(
                "cannot create the container that checks this node",
                &format!("/containers/create?name={NAME}"),
                &body,
            )
            .await
            .map_err(|error| match is_conflict(&error) {
                true => not_alone(),
                false => error,
            })?;
        let id = made.get("Id").and_then(Value::as_str).unwrap_or(NAME).to_owned();
        let probed = tokio::select! {
            probed = self.local(&id, address) => probed,
            () = stop => Err(InstallError::BrokenOff),
        };
        let removed = daemon
            .delete("cannot remove the probe", &format!("/containers/{id}?force=1"))
            .await;
        match (probed, removed) {
            (Err(InstallError::BrokenOff), removed) => removed.and(Err(InstallError::BrokenOff)),
            // Whoever begins here removes what an earlier run may have left.
            (Err(_), Ok(false)) => Err(not_alone()),
            (_, Err(error)) if is_conflict(&error) => Err(not_alone()),
            (probed, Ok(_)) => probed,
            (probed, Err(error)) => probed.and(Err(error)),
        }
    }

    async fn local(&self, id: &str, address: Option<IpAddr>) -> Result<Probed, InstallError> {
        self.daemon
            .post(
                "cannot start the container that checks this node",
                &format!("/containers/{id}/start"),
                &Value::Null,
            )
            .await?;
        let end = Instant::now() + PATIENCE;
        let said = loop {
            let log = self.daemon.log("containers", id, 50).await?;
            if let Some(said) = log
                .lines()
                .find_map(|line| serde_json::from_str::<Said>(line).ok())
            {
                break said;
            }
            let state = self.daemon.get(&format!("/containers/{id}/json")).await?;
            let running = state.pointer("/State/Running") == Some(&Value::Bool(true));
            if !running || Instant::now() > end {
                return Err(InstallError::Program {
                    what: "the check of this node".to_owned(),
                    code: state
                        .pointer("/State/ExitCode")
                        .and_then(Value::as_i64)
                        .unwrap_or(-1),
                    log,
                });
            }
            sleep(LOOK).await;
        };
        let mut probed = Probed::default();
        if let Some(address) = address {
            let missing = unreachable(address, self.managers, &said.in_use).await;
            probed.unreachable.insert(String::new(), missing);
        }
        probed.said.insert(String::new(), said);
        Ok(probed)
    }

    /// Probes every Linux node of a swarm that is seen.
    ///
    /// # Errors
    /// The engine's, and [`InstallError::BrokenOff`] when `stop` comes first.
    pub async fn nodes(
        &self,
        nodes: &[Node],
        credentials: Option<&str>,
        stop: impl Future<Output = ()>,
    ) -> Result<Probed, InstallError> {
        let mut stop = std::pin::pin!(stop);
        let nodes: Vec<&Node> = nodes
            .iter()
            .filter(|node| node.ready && node.os == "linux")
            .collect();
        let mut probed = Probed::default();
        let [of_managers, of_workers] = self.images;
        for (role, wanted, images) in [
            ("manager", self.managers, of_managers),
            ("worker", self.workers, of_workers),
        ] {
            let these: Vec<&Node> = nodes
                .iter()
                .copied()
                .filter(|node| node.manager == (role == "manager"))
                .collect();
            if these.is_empty() {
                continue;
            }
            let name = format!("{NAME}-{role}");
            remover::service(self.daemon, &name).await?;
            let begun = self.clock.now().as_millis();
            let body = self.service(&name, role, wanted, images);
            let made = self.daemon.post_with(
                "cannot create the service that checks nodes",
                "/services/create",
                &body,
                credentials,
            );
            let probing = match made.await {
                Ok(_) => tokio::select! {
                    listened = self.listen(&name, &these, wanted, begun, &mut probed) => listened,
                    () = &mut stop => Err(InstallError::BrokenOff),
                },
                Err(error) => Err(error),
            };
            remover::service(self.daemon, &name).await?;
            probing?;
        }
        Ok(probed)
    }

    fn service(&self, name: &str, role: &str, wanted: &[Wanted], images: &[String]) -> Value {
        let mounts = match images {
            [] => json!([]),
            _ => json!([{ "Type": "bind", "Source": SOCKET, "Target": SOCKET }]),
        };
        json!({
            "Name": name,
            "Labels": self.labels(),
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": self.image,
                    "Command": ["/bin/ucp-agent"],
                    "Args": Self::words(wanted, images),
                    // The swarm fills this in, which it does not do in arguments.
                    "Env": [format!("{NODE_VARIABLE}={{{{.Node.ID}}}}")],
                    "Labels": self.labels(),
                    "Mounts": mounts,
                },
                "Placement": { "Constraints": [format!("node.role=={role}"), "node.platform.os==linux"] },
                "RestartPolicy": { "Condition": "none" },
                "Networks": [{ "Target": "host" }],
            },
            "Mode": { "Global": {} },
        })
    }

    async fn listen(
        &self,
        name: &str,
        nodes: &[&Node],
        wanted: &[Wanted],
        begun: i64,
        probed: &mut Probed,
    ) -> Result<(), InstallError> {
        let end = Instant::now() + PATIENCE;
        let mut waiting: BTreeMap<&str, &Node> = nodes.iter().map(|node| (node.id.as_str(), *node)).collect();
        while !waiting.is_empty() {
            let log = self.daemon.log("services", name, 500).await?;
            let read = self.clock.now().as_millis();
            for said in log
                .lines()
                .filter_map(|line| serde_json::from_str::<Said>(line).ok())
            {
                if let Some(node) = waiting.remove(said.node.as_str()) {
                    if let Ok(address) = node.address.parse() {
                        let missing = unreachable(address, wanted, &said.in_use).await;
                        probed.unreachable.insert(node.id.clone(), missing);
                    }
                    if let Some(clock) = said.clock_ms {
                        probed.clocks.insert(node.id.clone(), apart(begun, clock, read));
                    }
                    probed.said.insert(node.id.clone(), said);
                }
            }
            let tasks = filters(&json!({ "service": [name] }));
            for task in self.daemon.list(&format!("/tasks?filters={tasks}")).await? {
                let text = |pointer: &str| task.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                if matches!(text("/Status/State"), "failed" | "rejected" | "orphaned") {
                    let id = text("/NodeID");
                    if waiting.remove(id).is_some() {
                        let reason = [text("/Status/Err"), text("/Status/Message")];
                        let reason = reason
                            .into_iter()
                            .find(|reason| !reason.is_empty())
                            .unwrap_or("unknown");
                        probed.silent.insert(id.to_owned(), reason.to_owned());
                    }
                }
            }
            if Instant::now() > end {
                for id in waiting.keys() {
                    let reason = format!("no answer within {} s", PATIENCE.as_secs());
                    probed.silent.insert((*id).to_owned(), reason);
                }
                return Ok(());
            }
            if !waiting.is_empty() {
                sleep(LOOK).await;
            }
        }
        Ok(())
    }
}

/// The ports that were opened there and do not answer from here.
async fn unreachable(address: IpAddr, wanted: &[Wanted], in_use: &BTreeSet<String>) -> BTreeSet<String> {
    let mut asked = JoinSet::new();
    for wanted in wanted.iter().copied() {
        // Whether a datagram arrives cannot be told from here.
        if !wanted.udp && !in_use.contains(&wanted.to_string()) {
            asked.spawn(async move {
                // Whoever else is at that address does not answer as a probe does.
                let answered = async {
                    let mut stream = TcpStream::connect((address, wanted.port)).await?;
                    let mut said = [0; ANSWER.len()];
                    stream.read_exact(&mut said).await?;
                    io::Result::Ok(said == ANSWER)
                };
                (wanted, matches!(timeout(CONNECT, answered).await, Ok(Ok(true))))
            });
        }
    }
    let answers = asked.join_all().await;
    answers
        .into_iter()
        .filter(|(_, reached)| !reached)
        .map(|(wanted, _)| wanted.to_string())
        .collect()
}

#[cfg(test)]
mod tests;
