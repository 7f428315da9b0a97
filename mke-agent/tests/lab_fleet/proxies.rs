//! The proxy in front of the engine of each node, with certificates of one authority. Each listens at the node's own
//! address, so that cutting a node off cuts its proxy off.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mke_agent::engine::{EngineClient, NodeWay};
use mke_agent::fleet::PROXY_PORT;
use mke_agent::mtls::{Credentials, MANAGER, WORKER};
use mke_agent::node_proxy::NodeProxy;
use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, KeyPair, Profile, SubjectAltName};
use mke_core::time::{Clock, SystemClock};
use mke_test_support::lab::Lab;
use rand_core::UnwrapErr;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The proxies of all nodes, which end with this value.
pub(crate) struct Proxies {
    _tasks: JoinSet<()>,
    ids: Vec<String>,
    authority: Authority,
    directory: PathBuf,
}

impl Proxies {
    /// Starts one on each node.
    pub(crate) fn start(lab: &Lab, directory: &Path) -> Self {
        let mut random = UnwrapErr(getrandom::SysRng);
        let now = SystemClock.now();
        let authority = Authority::create(AuthorityKind::Cluster, "lab", now, &mut random).unwrap();
        let mut proxies = Self {
            _tasks: JoinSet::new(),
            ids: Vec::new(),
            authority,
            directory: directory.to_owned(),
        };
        for node in lab.nodes() {
            let id = node.docker(&["info", "--format", "{{.Swarm.NodeID}}"]);
            let credentials = proxies.certificate(node.name(), id.trim());
            proxies.ids.push(id.trim().to_owned());
            let address = SocketAddr::new(node.ip().into(), PROXY_PORT);
            let listener = listener_in(node.pid(), address);
            let credentials = Arc::new(Credentials::open(credentials).unwrap());
            let engine = EngineClient::new(node.sock());
            let proxy = Arc::new(NodeProxy::new(engine, credentials, CancellationToken::new()));
            proxies._tasks.spawn(proxy.run(listener));
        }
        proxies
    }

    /// A client for whoever listens at the address of one node, when the node with another number is meant.
    pub(crate) fn client(&self, lab: &Lab, at: usize, meant: usize) -> EngineClient {
        EngineClient::of_node(NodeWay {
            node: self.ids[meant - 1].clone(),
            address: SocketAddr::new(lab.node(at).ip().into(), PROXY_PORT),
            credentials: Arc::new(Credentials::open(self.directory.join("n1")).unwrap()),
        })
    }

    /// Makes the certificate of a node, and returns its directory.
    pub(crate) fn certificate(&self, name: &str, id: &str) -> PathBuf {
        let mut random = UnwrapErr(getrandom::SysRng);
        let key = KeyPair::generate(&mut random).unwrap();
        let role = if name == "n1" { MANAGER } else { WORKER };
        let request = CertificateRequest {
            profile: Profile::Node,
            common_name: id.to_owned(),
            organization: Some("lab".to_owned()),
            organizational_unit: Some(role.to_owned()),
            names: vec![SubjectAltName::Dns(id.to_owned())],
            public_key: key.public_key().clone(),
            validity: Duration::from_secs(3600),
        };
        let certificate = self
            .authority
            .issue(&request, SystemClock.now(), &mut random)
            .unwrap();
        let directory = self.directory.join(name);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("ca.pem"), self.authority.certificate_pem()).unwrap();
        std::fs::write(directory.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(directory.join("key.pem"), key.private_key_pem().expose()).unwrap();
        directory
    }
}

/// A socket that listens in the network namespace of a process. It stays there, whoever uses it.
fn listener_in(pid: i32, address: SocketAddr) -> tokio::net::TcpListener {
    let namespace = std::fs::File::open(format!("/proc/{pid}/ns/net")).unwrap();
    // The thread ends inside of the namespace, so it must be one of its own.
    let listener = std::thread::spawn(move || {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        TcpListener::bind(address).unwrap()
    })
    .join()
    .unwrap();
    listener.set_nonblocking(true).unwrap();
    tokio::net::TcpListener::from_std(listener).unwrap()
}
