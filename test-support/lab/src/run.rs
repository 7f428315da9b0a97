//! Runs other programs to their end, with a deadline: what hangs in a node that is cut off must not hang a test.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::LabError;

/// How a program ended, and what it wrote.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ended {
    /// Whether it ended with 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }
}

/// Runs a program without standard input until it ends. At the deadline its whole process group is killed.
///
/// # Errors
/// When it cannot be started or does not end in time. Any exit status is fine.
pub fn run(command: &mut Command, limit: Duration) -> Result<Ended, LabError> {
    let shown = shown(command);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| LabError::Failed {
            command: shown.clone(),
            status: "no start".to_owned(),
            stderr: source.to_string(),
        })?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait_with_output()));
    let output = match end.recv_timeout(limit) {
        Ok(Ok(output)) => output,
        Ok(Err(source)) => {
            return Err(LabError::Failed {
                command: shown,
                status: "an unknown status".to_owned(),
                stderr: source.to_string(),
            });
        }
        Err(_) => {
            if let Some(group) = group {
                // Nobody has waited for the child yet, so its id is still its own.
                let _ = kill_process_group(group, Signal::KILL);
            }
            return Err(LabError::Late {
                command: shown,
                limit,
            });
        }
    };
    Ok(Ended {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Like [`run`], and any exit status but 0 is an error. Returns the standard output without the last line feed.
pub(crate) fn must(command: &mut Command, limit: Duration) -> Result<String, LabError> {
    let ended = run(command, limit)?;
    if ended.success() {
        return Ok(ended.stdout.trim_end().to_owned());
    }
    Err(LabError::Failed {
        command: shown(command),
        status: ended.status.to_string(),
        stderr: ended.stderr.trim_end().to_owned(),
    })
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_status_come_back() {
        let ended = run(
            Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]),
            Duration::from_secs(60),
        )
        .unwrap();
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("out\n", "err\n"));
        assert_eq!(ended.status.code(), Some(3));
        let error = must(
            Command::new("sh").args(["-c", "echo why >&2; false"]),
            Duration::from_secs(60),
        );
        assert!(error.unwrap_err().to_string().ends_with("exit status: 1: why"));
    }

    #[test]
    fn what_does_not_end_is_killed_with_its_children() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        let error = run(Command::new("sh").args(["-c", &script]), Duration::from_secs(1));
        assert!(matches!(error, Err(LabError::Late { .. })));
        let pid: u32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        let gone = crate::until(Duration::from_secs(10), || {
            crate::Process::observe(pid).is_none().then_some(())
        });
        assert!(gone.is_some());
    }
}
