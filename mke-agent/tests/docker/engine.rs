//! Real Docker Engines for tests, each a node of a lab, so that swarms, networks and mounts of different tests never meet, and
//! nothing is left behind when a test dies.

#![expect(
    clippy::unwrap_used,
    reason = "a fault of the harness is a failure of the test"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mke_test_support::lab::{Lab, Node};
use serde_json::Value;
use tokio::time::{Instant, interval, timeout};

/// How long anything may take that depends on an engine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// A program with a shell in it, in an image of the same name.
pub(crate) const IMAGE: &str = "busybox";

/// A running engine.
pub(crate) struct Engine {
    lab: Arc<Lab>,
    number: usize,
}

impl Engine {
    /// Starts an engine and waits until it answers.
    pub(crate) async fn start() -> Self {
        let lab = Lab::start(Lab::builder().names(["manager1"]));
        Self::of(&Arc::new(lab), 1)
    }

    /// Starts an engine that is a swarm of one, and has [`IMAGE`].
    pub(crate) async fn start_swarm() -> Self {
        let engine = Self::start().await;
        engine.docker(&["swarm", "init", "--advertise-addr", "127.0.0.1"]);
        engine.build_image();
        engine
    }

    /// The engine of a node of a lab.
    pub(crate) fn of(lab: &Arc<Lab>, number: usize) -> Self {
        Self {
            lab: Arc::clone(lab),
            number,
        }
    }

    fn node(&self) -> Node<'_> {
        self.lab.node(self.number)
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.node().sock()
    }

    #[allow(dead_code, reason = "each test crate uses a part of the harness")]
    /// The process, as this machine sees it, whose namespaces are those of the engine.
    pub(crate) fn pid(&self) -> i32 {
        self.node().pid()
    }

    /// Runs the client directly on the engine, past the controller.
    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        self.node().docker(arguments)
    }

    /// What the engine says about an object.
    pub(crate) fn inspect(&self, arguments: &[&str]) -> Value {
        let text = self.docker(&[arguments, &["--format", "{{json .}}"]].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Makes [`IMAGE`] from the static busybox of this machine.
    pub(crate) fn build_image(&self) {
        let context = self.lab.directory().join(format!("image{}", self.number));
        write_context(&context);
        self.docker(&["build", "-q", "-t", IMAGE, context.to_str().unwrap()]);
    }
}

/// Writes what [`IMAGE`] is built from.
pub(crate) fn write_context(directory: &Path) {
    let busybox = Path::new("/bin/busybox");
    assert!(
        busybox.exists(),
        "`/bin/busybox` is missing: install package busybox-static"
    );
    std::fs::create_dir_all(directory).unwrap();
    std::fs::copy(busybox, directory.join("busybox")).unwrap();
    let mut file = std::fs::File::create(directory.join("Dockerfile")).unwrap();
    file.write_all(b"FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\nCMD [\"sh\"]\n")
        .unwrap();
}

/// Waits until the look finds something.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let started = Instant::now();
    let mut ticks = interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        if let Ok(Some(found)) = timeout(PATIENCE, look()).await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
    }
}
