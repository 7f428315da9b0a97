//! Managers come and go, and each gets or loses its member of a real etcd: the cluster agent's part decides, and members are
//! started with exactly the arguments that the managers' agents are told. Machines are addresses of the loopback interface.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mke_agent::agent::cluster::members::{EtcdMembers, Followed, Manager, Members as _};
use mke_agent::agent::node::Sight;
use mke_agent::agent::node::member_data::{Candidate, MemberError, lost_member};
use mke_agent::agent::node::sources::store_members;
use mke_agent::agent::store;
use mke_agent::ca::revocation;
use mke_agent::kv::{Keeper, StoreStatus};
use mke_agent::life::{Roll, SwarmNode};
use mke_agent::node::{Desired, StoreMember};
use mke_core::causes::chain;
use mke_core::config::Config;
use mke_core::pki::Authority;
use mke_core::product::ProductVersion;
use mke_core::secret::Secret;
use mke_core::store::{KeyRange, Store, Txn, TxnOutcome};
use mke_core::time::{Clock as _, SystemClock};
use mke_test_support::Certificates;
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(90);

/// Managers and former managers: their etcd, and what is on their disks. All members end with it.
struct Machines {
    directory: tempfile::TempDir,
    certificates: Certificates,
    config: Arc<Config>,
    /// The first three bytes of all addresses: no two tests share them.
    net: [u8; 3],
    nodes: Vec<SwarmNode>,
    running: BTreeMap<String, Child>,
    /// Machines without power.
    off: BTreeSet<String>,
}

impl Machines {
    fn new(count: u8) -> Self {
        let mut number = [0_u8; 2];
        getrandom::fill(&mut number).unwrap();
        let net = [127, number[0].max(1), number[1]];
        let mut config = Config::default();
        config.cluster.swarm_only = true;
        // Elections within a second.
        config.cluster.stores.kv_timeout = 1_000;
        let machines = Self {
            directory: tempfile::tempdir().unwrap(),
            certificates: Certificates::new("DNS:localhost"),
            config: Arc::new(config),
            net,
            nodes: Vec::new(),
            running: BTreeMap::new(),
            off: BTreeSet::new(),
        };
        let authority = Authority::from_pem(
            &machines.certificates.authority(),
            &Secret::new(machines.certificates.text("ca.key")),
        );
        let (authority, none) = (authority.unwrap(), BTreeSet::new());
        let revoked = authority.revocation_list(&none, SystemClock.now()).unwrap();
        for last in 1..=count {
            let (id, address) = (format!("node{last}"), machines.address(last));
            machines.certificates.issue(
                &id,
                &format!("/OU=ucp-manager/CN={id}"),
                &format!("IP:{address},IP:127.0.0.1,DNS:ucp-manager"),
            );
            let certs = machines.certs(&id);
            fs::create_dir_all(&certs).unwrap();
            for (to, from) in [
                ("ca.pem", "ca.pem".to_owned()),
                ("cert.pem", format!("{id}.pem")),
                ("key.pem", format!("{id}.key")),
            ] {
                fs::write(certs.join(to), machines.certificates.text(&from)).unwrap();
            }
            fs::create_dir_all(machines.volumes(&id).join("ucp-kv-certs")).unwrap();
            fs::write(machines.list(&id), &revoked).unwrap();
        }
        machines
    }

    fn address(&self, last: u8) -> IpAddr {
        let [a, b, c] = self.net;
        Ipv4Addr::new(a, b, c, last).into()
    }

    fn volumes(&self, id: &str) -> PathBuf {
        self.directory.path().join(id)
    }

    fn certs(&self, id: &str) -> PathBuf {
        self.volumes(id).join("ucp-node-certs")
    }

    /// The list of revoked certificates.
    fn list(&self, id: &str) -> PathBuf {
        self.volumes(id).join("ucp-kv-certs").join(revocation::FILE)
    }

    fn data(&self, id: &str) -> PathBuf {
        self.volumes(id).join("ucp-kv")
    }

    /// The role of a machine in the swarm; it joins when it was no part of it.
    fn role(&mut self, last: u8, role: &str) {
        let node = SwarmNode::read(&json!({
            "ID": format!("node{last}"),
            "Spec": { "Role": role },
            "Description": { "Hostname": format!("node{last}"), "Platform": { "OS": "linux" } },
            "Status": { "State": "ready", "Addr": self.address(last).to_string() },
        }))
        .unwrap();
        self.nodes.retain(|known| known.id != node.id);
        self.nodes.push(node);
    }

    /// The managers, as the cluster agent sees them.
    fn managers(&self) -> Vec<Manager> {
        let managers = self
            .nodes
            .iter()
            .filter(|node| node.role == mke_core::product::Role::Manager);
        managers
            .map(|node| Manager {
                id: node.id.clone(),
                address: node.address,
                present: true,
                lost: lost_member(&self.certs(&node.id)).and_then(|id| u64::from_str_radix(&id, 16).ok()),
            })
            .collect()
    }

    /// The members that a node's agent is told of and the arguments of its store, when it is told to run one.
    fn arguments(
        &self,
        id: &str,
        members: Option<&[StoreMember]>,
    ) -> Option<(Vec<StoreMember>, Vec<String>)> {
        let roll = Roll::default();
        let sight = Sight {
            cluster_id: "cluster",
            version: ProductVersion::new(3, 4, 15),
            organisation: "mirantis",
            config: &self.config,
            nodes: &self.nodes,
            roll: &roll,
            store_members: members,
            turn: None,
        };
        let spec = sight.of(id)?;
        let wanted = Desired::of(&spec.cluster, &spec.node);
        let store = wanted
            .containers
            .into_iter()
            .find(|container| container.name == "ucp-kv")?;
        let (certs, data, list) = (self.certs(id), self.data(id), self.list(id));
        let address = spec.node.address;
        let outside = |argument: &String| {
            argument
                .replace("/v/ucp-kv-certs/crl.pem", &list.display().to_string())
                .replace("/v/ucp-kv-certs", &certs.display().to_string())
                .replace("/v/ucp-kv", &data.display().to_string())
                .replace("https://0.0.0.0:2379", &format!("https://{address}:12379"))
                .replace("https://0.0.0.0:12380", &format!("https://{address}:12380"))
                .replace("https://0.0.0.0:2380", &format!("https://{address}:12380"))
        };
        let arguments = store.command.iter().chain(&store.first_start).map(outside);
        Some((spec.cluster.store_members, arguments.collect()))
    }

    /// What the agents of all nodes do now: start what is wanted and does not run, if its data allows it, end what is not
    /// wanted and empty its volume. Why members were not started.
    async fn agents(&mut self, members: Option<&[StoreMember]>) -> Vec<String> {
        let ids: Vec<String> = self.nodes.iter().map(|node| node.id.clone()).collect();
        let mut told = Vec::new();
        for id in ids
            .into_iter()
            .filter(|id| !self.off.contains(id))
            .collect::<Vec<_>>()
        {
            match (self.arguments(&id, members), self.runs(&id)) {
                (Some((known, arguments)), false) => {
                    match self.vet(&id, &known, members.is_none(), false).await {
                        Ok(()) => self.start(&id, &arguments),
                        Err(error) => told.push(chain(&error)),
                    }
                }
                // Agents of managers keep what they have while the store does not count on them yet.
                (None, _) if self.is_manager(&id) => {}
                (None, _) => {
                    self.kill(&id);
                    self.lose_data(&id);
                }
                (Some(_), true) => {}
            }
        }
        told
    }

    /// What `ucp-reconcile` does before it starts a member.
    async fn vet(
        &self,
        id: &str,
        members: &[StoreMember],
        founding: bool,
        ends: bool,
    ) -> Result<(), MemberError> {
        let node = self.nodes.iter().find(|node| node.id == id).unwrap();
        Candidate {
            volumes: &self.volumes(id),
            node_id: id,
            address: node.address.unwrap(),
            members,
            founding,
            ends,
            reads_list: true,
        }
        .vet()
        .await
    }

    fn is_manager(&self, id: &str) -> bool {
        self.managers().iter().any(|manager| manager.id == id)
    }

    fn runs(&mut self, id: &str) -> bool {
        self.running
            .get_mut(id)
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    fn start(&mut self, id: &str, arguments: &[String]) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file(id))
            .unwrap();
        let etcd = Path::new("/usr/bin/etcd");
        assert!(
            etcd.exists(),
            "etcd is missing; install Debian package etcd-server"
        );
        let child = Command::new(etcd)
            .args(arguments)
            .arg("--logger=zap")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.running.insert(id.to_owned(), child);
    }

    fn log_file(&self, id: &str) -> PathBuf {
        self.directory.path().join(format!("{id}.log"))
    }

    /// The end of what the members wrote.
    fn logs(&self) -> String {
        let end = |node: &SwarmNode| {
            let log = fs::read_to_string(self.log_file(&node.id)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let end = lines.get(lines.len().saturating_sub(8)..).unwrap_or_default();
            format!("{}:\n{}", node.id, end.join("\n"))
        };
        self.nodes.iter().map(end).collect::<Vec<_>>().join("\n")
    }

    fn kill(&mut self, id: &str) {
        if let Some(mut child) = self.running.remove(id) {
            // It may have ended by itself, when it was taken out.
            let _ = child.kill();
            child.wait().unwrap();
        }
    }

    fn lose_data(&self, id: &str) {
        let _ = fs::remove_dir_all(self.data(id));
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        let ids: Vec<String> = self.running.keys().cloned().collect();
        for id in ids {
            self.kill(&id);
        }
    }
}

/// Follows until there is one member on each manager and every one runs. What was done, and what was refused or waited for.
async fn settle(
    machines: &mut Machines,
    members: &EtcdMembers,
    store: &dyn Store,
) -> (Vec<String>, Vec<String>) {
    let deadline = Instant::now() + LIMIT;
    let (mut done, mut told) = (Vec::new(), Vec::<String>::new());
    loop {
        match members.follow(&machines.managers()).await {
            Ok(Followed::Done(what)) => done.push(what),
            Ok(Followed::Waiting(why)) => told.push(why),
            Ok(Followed::Settled) => return (done, told),
            // Just after a change a member may not follow its leader yet.
            Err(error) => told.push(chain(&error)),
        }
        // While a leader is elected nobody is told anything new.
        if let Ok(written) = store_members(store).await {
            told.extend(machines.agents(written.as_deref()).await);
        }
        told.dedup();
        assert!(
            Instant::now() < deadline,
            "done {done:?}, told {told:?}\n{}",
            machines.logs()
        );
        tokio::task::yield_now().await;
    }
}

/// The store of a cluster that begins on the first machine.
async fn installed(machines: &mut Machines, addresses: &[IpAddr]) -> Arc<dyn Store> {
    // The installation starts the first member before anything is written down.
    let told = machines.agents(None).await;
    assert_eq!(told, Vec::<String>::new());
    let deadline = Instant::now() + LIMIT;
    loop {
        match store::open(&machines.certs("node1"), addresses.iter().copied()).await {
            Ok(store) => match store.range(KeyRange::prefix("w/"), 1).await {
                Ok(_) => return store,
                Err(error) => assert!(Instant::now() < deadline, "{error}\n{}", machines.logs()),
            },
            Err(error) => assert!(Instant::now() < deadline, "{error}\n{}", machines.logs()),
        }
    }
}

async fn put(store: &dyn Store, key: &str) {
    let outcome = store.txn(Txn::new().put(key, "x")).await;
    assert!(
        matches!(outcome, Ok(TxnOutcome::Committed(_))),
        "{key}: {outcome:?}"
    );
}

async fn status(machines: &Machines, addresses: &[IpAddr]) -> StoreStatus {
    let options = store::options(&machines.certs("node1"), addresses.iter().copied()).unwrap();
    StoreStatus::of(&Keeper::new(&options).await.unwrap().observe().await.unwrap())
}

/// HA-003: one manager becomes three; while one is down no further manager's member is added, and it is said why; one that lost
/// its data is taken out and in again when its node is demoted and promoted; then three managers become two and one. Writes go
/// on in between, what is written down always tells members how to start, and nothing that was written is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_follow_the_managers() {
    let mut machines = Machines::new(4);
    let addresses: Vec<IpAddr> = (1..=4).map(|last| machines.address(last)).collect();
    machines.role(1, "manager");
    let store = installed(&mut machines, &addresses).await;
    let members = EtcdMembers::new(store.clone(), machines.certs("node1"));
    let (done, _) = settle(&mut machines, &members, &*store).await;
    assert_eq!(done, ["they are node1"]);
    put(&*store, "w/1").await;

    machines.role(2, "manager");
    machines.role(3, "manager");
    let (done, _) = settle(&mut machines, &members, &*store).await;
    let net = Ipv4Addr::new(machines.net[0], machines.net[1], machines.net[2], 0).to_bits();
    let of = |last: u32| {
        let address = Ipv4Addr::from_bits(net + last);
        format!("add node{last} at https://{address}:12380 as a learner")
    };
    assert_eq!(
        done,
        [
            of(2),
            "they are node1, node2".to_owned(),
            "give node2 its vote".to_owned(),
            of(3),
            "they are node1, node2, node3".to_owned(),
            "give node3 its vote".to_owned(),
        ]
    );
    put(&*store, "w/3").await;
    let three = status(&machines, &addresses).await;
    assert_eq!(
        (three.well, three.needed, three.writable),
        (3, 2, true),
        "{three}"
    );

    // One is down: a fourth manager has to wait, and is told for whom.
    machines.kill("node3");
    machines.role(4, "manager");
    let deadline = Instant::now() + LIMIT;
    loop {
        match members.follow(&machines.managers()).await {
            Err(error) => {
                let text = chain(&error);
                if text.contains("member node3 of the store is not well: bring back") {
                    break;
                }
                assert!(Instant::now() < deadline, "{text}");
            }
            Ok(other) => assert!(Instant::now() < deadline, "{other:?}"),
        }
    }
    let text = status(&machines, &addresses).await.to_string();
    assert!(!text.contains(&machines.address(4).to_string()), "{text}");
    machines.nodes.retain(|node| node.id != "node4");
    put(&*store, "w/down").await;

    // It lost its data: its node is demoted and promoted again, which takes the dead member out and a new one in.
    machines.lose_data("node3");
    machines.role(3, "worker");
    let (done, _) = settle(&mut machines, &members, &*store).await;
    assert_eq!(done, ["remove node3", "they are node1, node2"]);
    machines.role(3, "manager");
    let (done, _) = settle(&mut machines, &members, &*store).await;
    assert_eq!(
        done,
        [
            of(3),
            "they are node1, node2, node3".to_owned(),
            "give node3 its vote".to_owned()
        ]
    );
    put(&*store, "w/again").await;

    machines.role(2, "worker");
    let (done, _) = settle(&mut machines, &members, &*store).await;
    assert_eq!(done, ["remove node2", "they are node1, node3"]);
    put(&*store, "w/2").await;
    // The first goes: it leaves the swarm altogether.
    machines.nodes.retain(|node| node.id != "node1");
    let (done, _) = settle(&mut machines, &members, &*store).await;
    assert_eq!(done, ["remove node1", "they are node3"]);
    machines.kill("node1");
    put(&*store, "w/last").await;
    let page = store.range(KeyRange::prefix("w/"), 100).await.unwrap();
    let keys: Vec<&str> = page.entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["w/1", "w/2", "w/3", "w/again", "w/down", "w/last"]);
    let alone = status(&machines, &addresses).await;
    assert_eq!((alone.well, alone.servers.len()), (1, 1), "{alone}");
}

/// The members that are written down.
async fn written(store: &dyn Store) -> Vec<StoreMember> {
    store_members(store).await.unwrap().unwrap()
}

/// Waits until a machine has a log of etcd.
fn has_log(machines: &Machines, id: &str) {
    let deadline = Instant::now() + LIMIT;
    let logs = machines.data(id).join("member/wal");
    let is_log = |entry: fs::DirEntry| entry.path().extension().is_some_and(|kind| kind == "wal");
    while !fs::read_dir(&logs).is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(is_log))) {
        assert!(Instant::now() < deadline, "{}", machines.logs());
        std::thread::yield_now();
    }
}

/// HA-003: a member that lost its data is not started under its old id but replaced, whether that is found before its start or
/// because the engine started it with nothing; a node that was demoted while it was off and is promoted again with old data
/// becomes a new member, with the old data kept aside; and without a majority nobody is replaced, and whoever has data starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_without_their_data() {
    let mut machines = Machines::new(3);
    let addresses: Vec<IpAddr> = (1..=3).map(|last| machines.address(last)).collect();
    machines.role(1, "manager");
    let store = installed(&mut machines, &addresses).await;
    let members = EtcdMembers::new(store.clone(), machines.certs("node1"));
    machines.role(2, "manager");
    machines.role(3, "manager");
    settle(&mut machines, &members, &*store).await;
    put(&*store, "w/1").await;
    let of_third = |members: &[StoreMember]| {
        members
            .iter()
            .find(|member| member.id == "node3")
            .unwrap()
            .member
            .clone()
    };
    let anew = |done: &[String]| {
        assert_eq!(done.first().map(String::as_str), Some("remove node3"), "{done:?}");
        assert_eq!(
            done.last().map(String::as_str),
            Some("give node3 its vote"),
            "{done:?}"
        );
    };

    // Wiped while it is stopped.
    let first = of_third(&written(&*store).await);
    machines.kill("node3");
    machines.lose_data("node3");
    let known = written(&*store).await;
    let lost = machines.vet("node3", &known, false, false).await.unwrap_err();
    assert!(matches!(lost, MemberError::Lost(_)), "{lost:?}");
    assert_eq!(lost_member(&machines.certs("node3")), first);
    assert!(lost.to_string().contains("lost its data"), "{lost}");
    let (done, _) = settle(&mut machines, &members, &*store).await;
    anew(&done);
    assert_eq!(lost_member(&machines.certs("node3")), None);
    let second = of_third(&written(&*store).await);
    assert_ne!(first, second);
    put(&*store, "w/2").await;

    // Wiped, and started by the engine before anybody looked.
    machines.kill("node3");
    machines.lose_data("node3");
    let known = written(&*store).await;
    let (_, arguments) = machines.arguments("node3", Some(&known)).unwrap();
    machines.start("node3", &arguments);
    has_log(&machines, "node3");
    machines.kill("node3");
    let lost = machines.vet("node3", &known, false, true).await.unwrap_err();
    assert!(matches!(lost, MemberError::Lost(_)), "{lost:?}");
    let (done, _) = settle(&mut machines, &members, &*store).await;
    anew(&done);
    let third = of_third(&written(&*store).await);
    assert_ne!(second, third);
    put(&*store, "w/3").await;

    // Without a list of revoked certificates it would let nobody in.
    let (list, known) = (machines.list("node3"), written(&*store).await);
    let whole = fs::read(&list).unwrap();
    fs::write(&list, &whole[..whole.len() / 2]).unwrap();
    for broken in ["half of it", "nothing"] {
        let refused = machines.vet("node3", &known, false, false).await.unwrap_err();
        assert!(
            matches!(refused, MemberError::NoList { .. }),
            "{broken}: {refused:?}"
        );
        let _ = fs::remove_file(&list);
    }
    fs::write(&list, whole).unwrap();
    machines.vet("node3", &known, false, false).await.unwrap();

    // Off while it is demoted, and promoted with what it had.
    machines.off.insert("node3".to_owned());
    machines.kill("node3");
    machines.role(3, "worker");
    let (done, _) = settle(&mut machines, &members, &*store).await;
    assert_eq!(done, ["remove node3", "they are node1, node2"]);
    put(&*store, "w/4").await;
    machines.off.clear();
    machines.role(3, "manager");
    let (done, _) = settle(&mut machines, &members, &*store).await;
    assert_eq!(
        done.last().map(String::as_str),
        Some("give node3 its vote"),
        "{done:?}"
    );
    assert!(machines.data("node3").join("member.former/wal").is_dir());
    put(&*store, "w/5").await;

    // Without a majority nobody can say who is lost; whoever has data starts, and then it is said.
    let known = written(&*store).await;
    assert_ne!(of_third(&known), third);
    machines.kill("node2");
    machines.kill("node3");
    machines.lose_data("node3");
    let held = machines.vet("node3", &known, false, false).await.unwrap_err();
    assert!(
        held.to_string().contains("no majority of the other members"),
        "{held}"
    );
    machines.vet("node2", &known, false, true).await.unwrap();
    let (_, arguments) = machines.arguments("node2", Some(&known)).unwrap();
    machines.start("node2", &arguments);
    let deadline = Instant::now() + LIMIT;
    loop {
        match machines.vet("node3", &known, false, false).await {
            Err(MemberError::Lost(_)) => break,
            other => assert!(Instant::now() < deadline, "{other:?}\n{}", machines.logs()),
        }
    }
    let (done, _) = settle(&mut machines, &members, &*store).await;
    anew(&done);
    let page = store.range(KeyRange::prefix("w/"), 100).await.unwrap();
    let keys: Vec<&str> = page.entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["w/1", "w/2", "w/3", "w/4", "w/5"]);
    let three = status(&machines, &addresses).await;
    assert_eq!((three.well, three.servers.len()), (3, 3), "{three}");
}
