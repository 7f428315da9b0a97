//! Starts `ucp serve` and waits until it is ready.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use serde::Deserialize;

use super::engine::{detached, tail};
use super::places::{Places, create_private};
use super::record::{Record, Serving};
use crate::failure::{Failure, Outcome};
use crate::process::Process;
use crate::{say, wait};

/// The first start makes keys and certificates and hashes a password; in a build without optimisation that takes
/// seconds.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// What `ucp serve` writes once, on its first start.
#[derive(Debug, Deserialize)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: String,
}

/// What `ucp serve` writes when it answers.
#[derive(Debug, Deserialize)]
struct Ready {
    pid: u32,
    url: String,
}

/// Starts the control plane. Returns the administrator's credentials when this was the first start.
pub(super) fn start(
    places: &Places,
    record: &mut Record,
    ucp: &Path,
    socket: &Path,
    port: u16,
) -> Outcome<Option<Credentials>> {
    let again = places.data.join("store.db").exists();
    say::step(&format!(
        "starting ucp serve (log: {})",
        places.serve_log.display()
    ));
    if again {
        say::detail(&format!(
            "with the data of an earlier run in {}",
            places.data.display()
        ));
    }
    create_private(&places.data)?;
    let ready_file = places.data.join("ready.json");
    // An earlier run's file must not be taken for this one's.
    let _ = std::fs::remove_file(&ready_file);
    let credentials_file = places.base.join("initial-credentials.json");

    // The log holds no secret, yet nobody else needs to read it.
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&places.serve_log);
    let log = log.map_err(Failure::file("open", &places.serve_log))?;
    let log_too = log
        .try_clone()
        .map_err(Failure::file("open", &places.serve_log))?;
    let mut command = detached(ucp);
    command.arg("serve").arg("--data-dir").arg(&places.data);
    command.args([
        "--listen",
        &format!("127.0.0.1:{port}"),
        "--host-address",
        "127.0.0.1",
        "--san",
        "localhost",
    ]);
    command
        .arg("--engine")
        .arg(format!("unix://{}", socket.display()));
    command.arg("--initial-credentials").arg(&credentials_file);
    command.arg("--admin-bundle").arg(&places.bundle);
    let child = command.stdout(log).stderr(log_too).spawn();
    let mut child =
        child.map_err(|error| Failure::Broken(format!("cannot start {}: {error}", ucp.display())))?;

    let process = Process::observe(child.id()).ok_or_else(|| {
        Failure::Broken(format!(
            "ucp serve ended at once; its log says:\n{}",
            tail(&places.serve_log)
        ))
    })?;
    let url = format!("https://127.0.0.1:{port}");
    record.serve = Some(Serving {
        process,
        url,
        program: ucp.to_owned(),
        socket: socket.to_owned(),
    });
    record.write(places)?;

    let ready = await_ready(&mut child, &ready_file, &places.serve_log)?;
    if let Some(serving) = &mut record.serve {
        serving.url = ready.url;
    }
    record.write(places)?;
    take_credentials(&credentials_file)
}

fn await_ready(child: &mut Child, file: &Path, log: &Path) -> Outcome<Ready> {
    let pid = child.id();
    let seen = wait::until(READY_LIMIT, || {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(Err(Failure::Broken(format!(
                "ucp serve ended with {status}; its log says:\n{}",
                tail(log)
            ))));
        }
        let ready: Ready = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        (ready.pid == pid).then_some(Ok(ready))
    });
    let late = || {
        format!(
            "ucp serve is not ready after {} s; its log says:\n{}",
            READY_LIMIT.as_secs(),
            tail(log)
        )
    };
    seen.unwrap_or_else(|| Err(Failure::Broken(late())))
}

/// Reads the credentials and removes them: they are shown once, and only the password's hash is kept.
fn take_credentials(path: &Path) -> Outcome<Option<Credentials>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file("read", path)(error)),
    };
    std::fs::remove_file(path).map_err(Failure::file("remove", path))?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| Failure::Broken(format!("cannot read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.json");
        assert!(take_credentials(&file).unwrap().is_none());
        std::fs::write(&file, r#"{"url": "u", "username": "admin", "password": "p"}"#).unwrap();
        assert_eq!(take_credentials(&file).unwrap().unwrap().username, "admin");
        assert!(!file.exists());
    }
}
