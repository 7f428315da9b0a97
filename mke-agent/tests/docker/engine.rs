//! Real Docker Engines for tests: each in namespaces of its own, so that swarms, networks and mounts of different tests
//! never meet, and nothing is left behind when a test dies.
//!
//! The first process of an engine's namespaces waits for the end of its standard input. That is a pipe to this
//! process: when the test ends, in whatever way, the pipe closes, and the kernel ends everything inside.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a fault of the harness is a failure of the test"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mke_agent::engine::EngineClient;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, interval, timeout};

/// How long anything may take that depends on an engine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// A program with a shell in it, in an image of the same name.
pub(crate) const IMAGE: &str = "busybox";

/// What runs as the first process of an engine's namespaces. `$1` is its directory, `$2` its host name, `$3` its
/// address or nothing, the rest are options of the engine.
///
/// Root of a test machine may lack CAP_SYS_RESOURCE, without which runc refuses every privileged container. The
/// runtime here leaves out just that.
const BOOT: &str = r#"
set -e
dir=$1 name=$2 address=$3; shift 3
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/lock
hostname "$name"
ip link set lo up
if [ -n "$address" ]; then
  read -r linked
  ip addr add "$address/24" dev eth0
  ip link set eth0 up
fi
cat > /run/runc-test <<'RUNTIME'
#!/bin/sh
prev=
for a in "$@"; do
  f=
  case $prev in --bundle|-b) f=$a/config.json ;; --process|-p) f=$a ;; esac
  [ -n "$f" ] && [ -f "$f" ] && sed -i -e 's/"CAP_SYS_RESOURCE",//g; s/,"CAP_SYS_RESOURCE"//g; s/"CAP_SYS_RESOURCE"//g' \
    -e 's/"oomScoreAdj":-[0-9]*/"oomScoreAdj":0/g' "$f"
  prev=$a
done
exec runc "$@"
RUNTIME
chmod +x /run/runc-test
dockerd --data-root "$dir/data" --exec-root /run/docker --pidfile /run/docker.pid -H "unix://$dir/sock" \
  --add-runtime test=/run/runc-test --default-runtime test \
  --exec-opt native.cgroupdriver=cgroupfs "$@" >"$dir/log" 2>&1 </dev/null &
exec cat >/dev/null
"#;

/// A running engine.
pub(crate) struct Engine {
    directory: TempDir,
    cgroup: String,
    outer: Child,
}

impl Engine {
    /// Starts an engine and waits until it answers.
    pub(crate) async fn start() -> Self {
        let engine = Self::launch("manager1", None);
        engine.ready().await;
        engine
    }

    /// Starts an engine that is a swarm of one, and has [`IMAGE`].
    pub(crate) async fn start_swarm() -> Self {
        let engine = Self::start().await;
        engine.docker(&["swarm", "init", "--advertise-addr", "127.0.0.1"]);
        engine.build_image();
        engine
    }

    /// Starts an engine without waiting. With an address it waits for [`Engine::linked`] before it starts.
    pub(crate) fn launch(name: &str, address: Option<&str>) -> Self {
        for program in ["dockerd", "docker", "docker-init"] {
            assert!(
                installed(program),
                "`{program}` is missing: install package docker.io"
            );
        }
        let directory = tempfile::Builder::new()
            .prefix("mke-engine-")
            .tempdir_in("/tmp")
            .unwrap();
        let cgroup = format!("/mke-test-{}-{name}", std::process::id());
        let outer = Command::new("unshare")
            .args([
                "--net",
                "--mount",
                "--pid",
                "--uts",
                "--ipc",
                "--fork",
                "--kill-child",
                "--",
            ])
            .args(["docker-init", "-g", "--", "bash", "-c", BOOT, "boot"])
            .arg(directory.path())
            .args([name, address.unwrap_or_default()])
            .args(["--cgroup-parent", &cgroup])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("`unshare` starts: install package util-linux");
        Self {
            directory,
            cgroup,
            outer,
        }
    }

    /// Waits until the engine answers.
    pub(crate) async fn ready(&self) {
        let client = EngineClient::new(self.socket());
        until("the engine answers", || async {
            client.get_bytes("/_ping").await.ok().map(drop)
        })
        .await;
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("sock")
    }

    /// The process, as this machine sees it, whose namespaces are those of the engine.
    pub(crate) fn pid(&self) -> Option<u32> {
        let outer = self.outer.id();
        let children = std::fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// Tells the engine that its namespace has a network link `eth0`.
    pub(crate) fn linked(&mut self) {
        self.outer.stdin.as_mut().unwrap().write_all(b"linked\n").unwrap();
    }

    /// Runs the client directly on the engine, past the controller.
    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        let output = Command::new("/usr/bin/docker")
            .arg("-H")
            .arg(format!("unix://{}", self.socket().display()))
            .args(arguments)
            .env("DOCKER_BUILDKIT", "0")
            .env("DOCKER_CONFIG", self.directory.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "docker {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// What the engine says about an object.
    pub(crate) fn inspect(&self, arguments: &[&str]) -> Value {
        let text = self.docker(&[arguments, &["--format", "{{json .}}"]].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Makes [`IMAGE`] from the static busybox of this machine.
    pub(crate) fn build_image(&self) {
        let context = self.directory.path().join("image");
        write_context(&context);
        self.docker(&["build", "-q", "-t", IMAGE, context.to_str().unwrap()]);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.outer.stdin.take());
        // It ends within milliseconds of its input.
        let _ = self.outer.wait();
        remove_cgroup(&self.cgroup);
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

fn installed(program: &str) -> bool {
    ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/bin", "/sbin"]
        .iter()
        .any(|directory| Path::new(directory).join(program).exists())
}

/// Empty control groups stay behind when their processes end.
fn remove_cgroup(name: &str) {
    let Ok(hierarchies) = std::fs::read_dir("/sys/fs/cgroup") else {
        return;
    };
    for hierarchy in hierarchies.flatten() {
        let group = hierarchy.path().join(name.trim_start_matches('/'));
        for inner in std::fs::read_dir(&group).into_iter().flatten().flatten() {
            let _ = std::fs::remove_dir(inner.path());
        }
        let _ = std::fs::remove_dir(group);
    }
}
