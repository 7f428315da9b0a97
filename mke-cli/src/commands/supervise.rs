//! `ucp serve --restart`: starts the control plane again whenever it dies.
//!
//! The supervisor is this same program without that flag as a child. A child that stops because it was told
//! to (exit code 0) or cannot start (usage and configuration, exit code 2) is not started again. A child
//! never outlives its supervisor.

use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::error::CliError;

/// Set for the child, so that it knows to end with its supervisor.
const SUPERVISED: &str = "MKE_SUPERVISED";

/// The flag that the child must not see.
const FLAG: &str = "--restart";

/// First pause before a new start; doubled while children die before they are ready.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// In a child: end when the supervisor does.
pub(super) fn follow_supervisor() -> Result<(), CliError> {
    if std::env::var_os(SUPERVISED).is_none() {
        return Ok(());
    }
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))
        .map_err(|error| CliError::Failed(format!("cannot follow the supervisor: {error}")))
}

/// Runs the control plane as a child until it ends by its own will or this process is told to stop.
///
/// `ready_file` is where the child writes its process id once it serves.
pub(super) async fn run(args: impl IntoIterator<Item = OsString>, ready_file: &Path) -> Result<(), CliError> {
    let failed = |what: &str, error: std::io::Error| CliError::Failed(format!("{what}: {error}"));
    let program = std::env::current_exe().map_err(|error| failed("cannot find this program", error))?;
    let args: Vec<_> = args.into_iter().filter(|arg| arg != FLAG).collect();
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| failed("cannot wait for signals", error))?;
    let mut interrupt =
        signal(SignalKind::interrupt()).map_err(|error| failed("cannot wait for signals", error))?;
    let mut pause = FIRST_PAUSE;
    loop {
        let mut child = Command::new(&program)
            .args(&args)
            .env(SUPERVISED, "1")
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| failed("cannot start the control plane", error))?;
        let pid = child.id();
        let told_to_stop = tokio::select! {
            _ = terminate.recv() => true,
            _ = interrupt.recv() => true,
            status = child.wait() => {
                let status = status.map_err(|error| failed("cannot wait for the control plane", error))?;
                match status.code() {
                    Some(0) => return Ok(()),
                    Some(2) => return Err(CliError::Usage("the control plane cannot start, see above".to_owned())),
                    _ => tracing::warn!(%status, "the control plane died, starting it again"),
                }
                false
            }
        };
        if told_to_stop {
            return stop(&mut child).await.map(drop);
        }
        if pid.is_some() && pid == ready_pid(ready_file) {
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The process that last became ready.
fn ready_pid(ready_file: &Path) -> Option<u32> {
    let ready: serde_json::Value = serde_json::from_slice(&std::fs::read(ready_file).ok()?).ok()?;
    ready.get("pid")?.as_u64()?.try_into().ok()
}

/// Passes the request to stop on, and waits: the child limits its own graceful stop.
async fn stop(child: &mut Child) -> Result<ExitStatus, CliError> {
    let pid = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        rustix::process::kill_process(pid, Signal::TERM)
            .map_err(|error| CliError::Failed(format!("cannot stop the control plane: {error}")))?;
    }
    child
        .wait()
        .await
        .map_err(|error| CliError::Failed(format!("cannot wait for the control plane: {error}")))
}
