//! A cluster of etcd on free ports of the loopback interface, with certificates when asked for. Members are killed, frozen and
//! started again one by one; all are gone when the handle is dropped.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Certificates, free_port};

/// How long a cluster may take to elect a leader.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The name of the client's certificate in [`Etcd::certificates`].
pub const CLIENT: &str = "client";

/// How a cluster is set up.
#[derive(Debug, Clone, Default)]
pub struct EtcdSetup {
    /// Members to begin with.
    pub members: usize,
    /// Whether clients and members must show certificates of this authority; see [`authority`].
    pub certificates: Option<Arc<Certificates>>,
    /// More flags for every member, such as `--quota-backend-bytes=16777216`. They win over those that are set here.
    pub flags: Vec<String>,
}

/// A member, whether it runs or not.
#[derive(Debug)]
struct Member {
    name: String,
    client: u16,
    peer: u16,
    /// Answers `/health` and `/metrics` without encryption.
    metrics: u16,
    process: Option<Child>,
}

/// A running cluster.
#[derive(Debug)]
pub struct Etcd {
    directory: tempfile::TempDir,
    certificates: Option<Arc<Certificates>>,
    flags: Vec<String>,
    members: Vec<Member>,
}

fn program(name: &str) -> PathBuf {
    ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/bin"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is missing; install Debian packages etcd-server and etcd-client"))
}

/// An authority with certificates for as many members, and for [`CLIENT`]. Several clusters may use it, one after the other.
pub fn authority(members: usize) -> Arc<Certificates> {
    let certificates = Certificates::new("DNS:localhost,IP:127.0.0.1");
    certificates.issue(CLIENT, "/OU=ucp-manager/CN=client", "DNS:client");
    for index in 0..members {
        let (name, subject) = (name(index), format!("/OU=ucp-manager/CN={}", name(index)));
        certificates.issue(&name, &subject, "DNS:localhost,IP:127.0.0.1");
    }
    Arc::new(certificates)
}

fn name(index: usize) -> String {
    format!("n{}", index + 1)
}

impl Etcd {
    /// A cluster without certificates.
    pub fn start(members: usize) -> Self {
        Self::start_with(&EtcdSetup {
            members,
            ..EtcdSetup::default()
        })
    }

    /// A cluster in which everybody shows a certificate.
    pub fn start_tls(members: usize) -> Self {
        Self::start_with(&EtcdSetup {
            members,
            certificates: Some(authority(members)),
            ..EtcdSetup::default()
        })
    }

    /// A cluster; returns when it has a leader and every member answers.
    pub fn start_with(setup: &EtcdSetup) -> Self {
        // Another test may take a free port before etcd does.
        for _ in 0..5 {
            let mut cluster = Self::prepare(setup);
            let initial = cluster.initial_cluster();
            for index in 0..cluster.members.len() {
                cluster.spawn(index, &initial, "new");
            }
            if cluster.wait_until_healthy() {
                return cluster;
            }
            let log = cluster.log(0);
            assert!(
                log.contains("address already in use"),
                "etcd does not start:\n{log}"
            );
        }
        panic!("etcd finds no free ports");
    }

    fn prepare(setup: &EtcdSetup) -> Self {
        let mut cluster = Self {
            directory: tempfile::tempdir().expect("a directory for etcd"),
            certificates: setup.certificates.clone(),
            flags: setup.flags.clone(),
            members: Vec::new(),
        };
        for _ in 0..setup.members {
            cluster.reserve();
        }
        cluster
    }

    /// Chooses name and ports of one more member, which is not started. Its index; the authority needs a certificate for it.
    pub fn reserve(&mut self) -> usize {
        let index = self.members.len();
        let name = name(index);
        let [client, peer, metrics] = std::array::from_fn(|_| free_port());
        self.members.push(Member {
            name,
            client,
            peer,
            metrics,
            process: None,
        });
        index
    }

    fn scheme(&self) -> &'static str {
        if self.certificates.is_some() {
            "https"
        } else {
            "http"
        }
    }

    fn initial_cluster(&self) -> String {
        let members = self.members.iter().enumerate();
        let members: Vec<_> = members
            .map(|(index, member)| format!("{}={}", member.name, self.peer_url(index)))
            .collect();
        members.join(",")
    }

    /// Starts a reserved member as one of a running cluster, whose members `name=peer URL` are listed with itself.
    pub fn join(&mut self, index: usize, initial_cluster: &str) {
        self.spawn(index, initial_cluster, "existing");
    }

    fn spawn(&mut self, index: usize, initial_cluster: &str, state: &str) {
        let (scheme, directory) = (self.scheme(), self.directory.path().to_owned());
        let certificates = self.certificates.as_ref().map(|made| made.directory().to_owned());
        let flags = self.flags.clone();
        let member = self.members.get_mut(index).expect("such a member");
        let log = File::options()
            .create(true)
            .append(true)
            .open(directory.join(format!("{}.log", member.name)))
            .expect("the log is opened");
        let (client, peer) = (
            format!("{scheme}://127.0.0.1:{}", member.client),
            format!("{scheme}://127.0.0.1:{}", member.peer),
        );
        let mut command = Command::new(program("etcd"));
        command
            .arg(format!("--name={}", member.name))
            .arg(format!("--data-dir={}", directory.join(&member.name).display()))
            .arg(format!("--listen-client-urls={client}"))
            .arg(format!("--advertise-client-urls={client}"))
            .arg(format!("--listen-peer-urls={peer}"))
            .arg(format!("--initial-advertise-peer-urls={peer}"))
            .arg(format!(
                "--listen-metrics-urls=http://127.0.0.1:{}",
                member.metrics
            ))
            .arg(format!("--initial-cluster={initial_cluster}"))
            .arg(format!("--initial-cluster-state={state}"))
            .arg("--initial-cluster-token=test")
            // Elections in half a second, and leases of one.
            .args(["--heartbeat-interval=50", "--election-timeout=500"])
            .args(["--max-txn-ops=10240", "--max-request-bytes=4194304"])
            .args(["--logger=zap", "--log-level=warn"]);
        if let Some(at) = certificates {
            for (flag, file) in [
                ("trusted-ca-file", "ca.pem".to_owned()),
                ("cert-file", format!("{}.pem", member.name)),
                ("key-file", format!("{}.key", member.name)),
            ] {
                command.arg(format!("--{flag}={}", at.join(&file).display()));
                command.arg(format!("--peer-{flag}={}", at.join(&file).display()));
            }
            command.args(["--client-cert-auth", "--peer-client-cert-auth"]);
        }
        let child = command
            .args(flags)
            .env_remove("ETCDCTL_API")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("etcd runs");
        member.process = Some(child);
    }

    fn get(&self, index: usize) -> &Member {
        self.members.get(index).expect("such a member")
    }

    /// Where clients reach a member.
    pub fn endpoint(&self, index: usize) -> String {
        format!("{}://127.0.0.1:{}", self.scheme(), self.get(index).client)
    }

    /// Where all members are reached.
    pub fn endpoints(&self) -> Vec<String> {
        (0..self.members.len())
            .map(|index| self.endpoint(index))
            .collect()
    }

    /// Where other members reach a member.
    pub fn peer_url(&self, index: usize) -> String {
        format!("{}://127.0.0.1:{}", self.scheme(), self.get(index).peer)
    }

    /// The name of a member.
    pub fn name(&self, index: usize) -> &str {
        &self.get(index).name
    }

    /// The authority, and [`CLIENT`]'s certificate and key.
    pub fn certificates(&self) -> &Certificates {
        self.certificates.as_ref().expect("a cluster with certificates")
    }

    /// Ends a member at once, as if its machine had lost power.
    pub fn kill(&mut self, index: usize) {
        let member = self.members.get_mut(index).expect("such a member");
        if let Some(mut process) = member.process.take() {
            process.kill().expect("etcd is killed");
            process.wait().expect("etcd ends");
        }
    }

    /// Starts a member again with what it has on disk.
    pub fn revive(&mut self, index: usize) {
        let initial = self.initial_cluster();
        self.spawn(index, &initial, "existing");
    }

    /// Starts a member again as the only one of a new cluster that holds what this one had: the way out when most are lost.
    pub fn revive_alone(&mut self, index: usize) {
        let flags = self.flags.clone();
        self.flags.push("--force-new-cluster".to_owned());
        let initial = format!("{}={}", self.name(index), self.peer_url(index));
        self.spawn(index, &initial, "existing");
        self.flags = flags;
    }

    /// Starts every member again, all ended first.
    pub fn restart(&mut self) {
        for index in 0..self.members.len() {
            self.kill(index);
        }
        for index in 0..self.members.len() {
            self.revive(index);
        }
        assert!(
            self.wait_until_healthy(),
            "etcd does not start again:\n{}",
            self.log(0)
        );
    }

    /// Freezes a member: it keeps its connections and answers nobody.
    pub fn freeze(&self, index: usize) {
        self.signal(index, "STOP");
    }

    /// Lets a frozen member go on.
    pub fn thaw(&self, index: usize) {
        self.signal(index, "CONT");
    }

    fn signal(&self, index: usize, signal: &str) {
        let id = self.get(index).process.as_ref().expect("it runs").id();
        let done = Command::new("sh")
            .args(["-c", &format!("kill -{signal} {id}")])
            .status()
            .expect("a shell runs");
        assert!(done.success(), "etcd gets its signal");
    }

    /// Whether a member knows a leader and answers reads.
    pub fn healthy(&self, index: usize) -> bool {
        self.ask(index, "/health")
            .is_some_and(|answer| answer.contains("\"health\":\"true\""))
    }

    /// Waits until every member that was started is healthy; false when one has ended.
    pub fn wait_until_healthy(&mut self) -> bool {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let mut waiting = false;
            for index in 0..self.members.len() {
                let Some(member) = self.members.get_mut(index) else {
                    continue;
                };
                if let Some(process) = &mut member.process {
                    if !matches!(process.try_wait(), Ok(None)) {
                        return false;
                    }
                    waiting |= !self.healthy(index);
                }
            }
            if !waiting {
                return true;
            }
            assert!(Instant::now() < deadline, "etcd is not healthy:\n{}", self.log(0));
            std::thread::yield_now();
        }
    }

    /// The member that leads.
    pub fn leader(&self) -> usize {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let leads = |index: &usize| {
                let metrics = self.ask(*index, "/metrics").unwrap_or_default();
                metrics.lines().any(|line| line == "etcd_server_is_leader 1")
            };
            let running = (0..self.members.len()).filter(|index| self.get(*index).process.is_some());
            if let Some(leader) = running.into_iter().find(leads) {
                return leader;
            }
            assert!(
                Instant::now() < deadline,
                "no leader is elected:\n{}",
                self.log(0)
            );
            std::thread::yield_now();
        }
    }

    /// A figure of a member's metrics, such as `grpc_server_started_total{grpc_method="Put"`: the sum of the lines that begin so.
    pub fn metric(&self, index: usize, beginning: &str) -> f64 {
        let metrics = self.ask(index, "/metrics").expect("it answers");
        let lines = metrics.lines().filter(|line| line.starts_with(beginning));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum()
    }

    /// A plain HTTP request to a member's port for metrics.
    fn ask(&self, index: usize, path: &str) -> Option<String> {
        let limit = Some(Duration::from_secs(2));
        let mut stream = TcpStream::connect(("127.0.0.1", self.get(index).metrics)).ok()?;
        stream.set_read_timeout(limit).ok()?;
        stream.set_write_timeout(limit).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// What etcdctl prints when it is asked with the client's certificate at the first member.
    pub fn etcdctl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(program("etcdctl"));
        command
            .env("ETCDCTL_API", "3")
            .arg(format!("--endpoints={}", self.endpoint(0)))
            .arg("--command-timeout=60s");
        if let Some(certificates) = &self.certificates {
            let at = certificates.directory();
            command
                .arg(format!("--cacert={}", at.join("ca.pem").display()))
                .arg(format!("--cert={}", at.join(format!("{CLIENT}.pem")).display()))
                .arg(format!("--key={}", at.join(format!("{CLIENT}.key")).display()));
        }
        let output = command.args(arguments).output().expect("etcdctl runs");
        assert!(
            output.status.success(),
            "etcdctl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        // Some of its reports are written where errors are.
        [output.stdout, output.stderr]
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .concat()
    }

    /// What a member wrote to its log.
    pub fn log(&self, index: usize) -> String {
        let path = self
            .directory
            .path()
            .join(format!("{}.log", self.get(index).name));
        fs::read_to_string(path).unwrap_or_default()
    }

    /// The size of a member's data on disk.
    pub fn data_size(&self, index: usize) -> u64 {
        let file = self
            .directory
            .path()
            .join(self.name(index))
            .join("member/snap/db");
        fs::metadata(file).map_or(0, |data| data.len())
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for member in &mut self.members {
            if let Some(mut process) = member.process.take() {
                // Nothing is left to say to a member that is gone already.
                let _ = process.kill();
                let _ = process.wait();
            }
        }
    }
}
