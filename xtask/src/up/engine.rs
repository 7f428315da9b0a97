//! Finds a Docker Engine or starts a private one.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::places::{Places, create_private};
use super::record::Record;
use crate::failure::{Failure, Outcome};
use crate::process::Process;
use crate::{packages, say, wait};

/// Where an engine of the distribution listens.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// A cold start on a busy machine takes some seconds.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The socket of an engine that answers: this machine's own, the private one of an earlier run, or a new one.
pub(super) fn ensure(places: &Places, record: &mut Record) -> Outcome<PathBuf> {
    say::step("looking for a Docker Engine");
    let own = places.engine_socket();
    if record.engine().is_some() && answers(&own) {
        say::detail(&format!(
            "using the private engine that already runs at {}",
            own.display()
        ));
        return Ok(own);
    }
    let default = PathBuf::from(DEFAULT_SOCKET);
    if answers(&default) {
        say::detail(&format!("using the engine at {}", default.display()));
        return Ok(default);
    }
    say::detail(&format!("none answers at {DEFAULT_SOCKET}"));
    start(places, record)?;
    Ok(own)
}

fn start(places: &Places, record: &mut Record) -> Outcome {
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::Precondition(
            "no Docker Engine runs and only root may start one; start it (`sudo systemctl start docker`) or run \
             `sudo cargo xtask up`"
                .to_owned(),
        ));
    }
    let socket = places.engine_socket();
    say::step(&format!(
        "starting a private Docker Engine (log: {})",
        places.engine_log.display()
    ));
    create_private(&places.engine_data)?;
    create_private(&places.engine_run)?;
    let log = File::create(&places.engine_log).map_err(Failure::file("create", &places.engine_log))?;
    let log_too = log
        .try_clone()
        .map_err(Failure::file("open", &places.engine_log))?;
    let dockerd = packages::find("dockerd").unwrap_or_else(|| "dockerd".into());
    let mut command = detached(&dockerd);
    command.arg("--data-root").arg(&places.engine_data);
    command.arg("--exec-root").arg(&places.engine_run);
    command
        .arg("--pidfile")
        .arg(places.engine_run.join("dockerd.pid"));
    command.arg("--host").arg(format!("unix://{}", socket.display()));
    // Without systemd there is no other driver, and with it this one works too.
    command.args(["--exec-opt", "native.cgroupdriver=cgroupfs"]);
    command.env("PATH", path_with_system_directories());
    let mut child = command
        .stdout(log)
        .stderr(log_too)
        .spawn()
        .map_err(|error| Failure::Broken(format!("cannot start {}: {error}", dockerd.display())))?;
    record.engine = Process::observe(child.id());
    record.write(places)?;
    let ready = wait::until(START_LIMIT, || {
        let ended = child.try_wait().ok().flatten();
        if ended.is_some() {
            Some(false)
        } else {
            answers(&socket).then_some(true)
        }
    });
    match ready {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::Broken(format!(
            "the engine ended; its log says:\n{}",
            tail(&places.engine_log)
        ))),
        None => Err(Failure::Broken(format!(
            "the engine does not answer after {} s; its log says:\n{}",
            START_LIMIT.as_secs(),
            tail(&places.engine_log)
        ))),
    }
}

/// A command in a session of its own: it lives on when this program and the terminal end. `setsid` keeps the
/// process id, because the new process leads no group yet.
pub(super) fn detached(program: &Path) -> Command {
    let mut command = Command::new("setsid");
    command.arg(program).stdin(Stdio::null());
    command
}

/// The engine starts iptables, containerd and runc by name.
fn path_with_system_directories() -> std::ffi::OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/usr/bin:/sbin:/bin");
    path
}

/// Whether an engine answers a ping at the socket.
pub(super) fn answers(socket: &Path) -> bool {
    ping(socket).is_ok_and(|answer| answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200"))
}

fn ping(socket: &Path) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")?;
    let mut answer = [0; 64];
    let read = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(answer.get(..read).unwrap_or_default()).into_owned())
}

/// The last lines of a log.
pub(super) fn tail(path: &Path) -> String {
    const LINES: usize = 15;
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
    kept.iter().map(|line| format!("    {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_engine_answers() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        assert!(!answers(&socket), "nothing there");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let server = std::thread::spawn(move || {
            for answer in ["HTTP/1.0 200 OK\r\n\r\nOK", "HTTP/1.0 503 No\r\n\r\n"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 256];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        assert!(answers(&socket));
        assert!(!answers(&socket));
        server.join().unwrap();
        assert!(!answers(&socket), "the socket is there, but nobody listens");
    }

    #[test]
    fn the_tail_of_a_log_is_short() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        std::fs::write(&log, (0..100).map(|n| format!("line {n}\n")).collect::<String>()).unwrap();
        assert_eq!(tail(&log).lines().count(), 15);
        assert!(tail(&log).ends_with("line 99\n"));
        assert_eq!(tail(&dir.path().join("none")), "");
    }
}
