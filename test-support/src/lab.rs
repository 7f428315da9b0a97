//! A lab for tests: [`mke_lab`], with a panic where something does not work.
//!
//! A lab is heavy. A test that starts one of several nodes has `lab_` at the beginning of its name or of its module's name: such tests
//! run one after another (`.config/nextest.toml`), and it does all that it shows with one lab.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub use mke_lab::{Builder, Ended, LabError, Role};

/// How long anything may take that depends on engines.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Several engines on one machine. They end with this value.
#[derive(Debug)]
pub struct Lab(mke_lab::Lab);

impl Lab {
    /// This many nodes, `n1` and so on, whose engines are in no swarm.
    pub fn up(nodes: usize) -> Self {
        Self::start(Self::builder().nodes(nodes))
    }

    /// This many nodes that make a swarm, the first of them as managers.
    pub fn swarm(nodes: usize, managers: usize) -> Self {
        Self::start(Self::builder().nodes(nodes).swarm(managers))
    }

    /// How a lab is set up, for [`Lab::start`].
    pub fn builder() -> Builder {
        mke_lab::Lab::builder()
    }

    /// Starts what was described.
    pub fn start(builder: Builder) -> Self {
        Self(builder.start().unwrap_or_else(|error| panic!("{error}")))
    }

    /// A node by its number, counted from 1.
    pub fn node(&self, number: usize) -> Node<'_> {
        Node(self.0.node(number).unwrap_or_else(|error| panic!("{error}")))
    }

    /// All nodes, in their order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.0.nodes().map(Node)
    }

    /// The host's address on the lab's net: what nodes reach the host at.
    pub fn gateway(&self) -> Ipv4Addr {
        self.0.gateway()
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        self.0.directory()
    }

    /// Loads images from an archive of `docker save` on every node that runs.
    pub fn load_images(&self, archive: &Path) {
        self.0
            .load_images(archive)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Lets a node join the swarm of the first.
    pub fn join(&self, number: usize, role: Role) {
        self.0
            .join(number, role)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Waits until the swarm of the first node has this many nodes that are ready, and managers that are reachable.
    pub fn swarm_ready(&self, nodes: usize, managers: usize) {
        self.0
            .swarm_ready(nodes, managers)
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A node of a lab.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a>(mke_lab::Node<'a>);

impl Node<'_> {
    /// Its host name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Its address, which the host reaches too.
    pub fn ip(&self) -> Ipv4Addr {
        self.0.ip()
    }

    /// Its engine's socket as the host sees it.
    pub fn sock(&self) -> PathBuf {
        self.0.sock()
    }

    /// The log of its engine.
    pub fn log(&self) -> PathBuf {
        self.0.log()
    }

    /// The id, as the host sees it, of a process whose namespaces are those of the node.
    pub fn pid(&self) -> i32 {
        self.0.init().unwrap_or_else(|error| panic!("{error}")).id()
    }

    /// A program in the node, to be started by the caller.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.0.command(program).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs a program in the node, which must end with 0, and returns its standard output.
    pub fn exec<S: AsRef<OsStr>>(&self, words: &[S]) -> String {
        self.0.exec(words).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs a program in the node; any exit status is fine.
    pub fn try_exec<S: AsRef<OsStr>>(&self, words: &[S]) -> Ended {
        self.0
            .try_exec(words, PATIENCE)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The docker client for this node's engine, to be started by the caller.
    pub fn docker_command(&self) -> Command {
        self.0.docker_command()
    }

    /// Runs the docker client on this node's engine, which must succeed, and returns its standard output.
    pub fn docker<S: AsRef<OsStr>>(&self, arguments: &[S]) -> String {
        self.0.docker(arguments).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs the docker client on this node's engine; any exit status is fine.
    pub fn try_docker<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ended {
        self.0
            .try_docker(arguments, PATIENCE)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Pulls its cable; everything in it goes on.
    pub fn partition(&self) {
        self.0.partition().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Plugs the cable in again.
    pub fn heal(&self) {
        self.0.heal().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Cuts the power.
    pub fn kill(&self) {
        self.0.kill().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Stops the engine in an orderly way, then switches off.
    pub fn stop(&self) {
        self.0.stop().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Switches on, and waits until the engine answers.
    pub fn start(&self) {
        self.0.start().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Whether it is switched on.
    pub fn runs(&self) -> bool {
        self.0.runs()
    }

    /// Loads images from an archive of `docker save`.
    pub fn load_images(&self, archive: &Path) {
        self.0
            .load_images(archive)
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Looks until something is found, and panics when that takes longer than [`PATIENCE`].
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, || look().ok_or_else(|| "nothing".to_owned()))
}

/// Looks until something is found, and panics with what was seen last when that takes longer.
pub fn until_within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let mut last = String::new();
    let found = mke_lab::until(limit, || match look() {
        Ok(found) => Some(found),
        Err(seen) => {
            last = seen;
            None
        }
    });
    found.unwrap_or_else(|| panic!("in vain, after {} s: {what}; last seen: {last}", limit.as_secs()))
}
