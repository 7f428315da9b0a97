//! Programs that run beside the measurement, and programs that are run for their output.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tokio::signal::unix::{SignalKind, signal};

use crate::error::BenchError;

/// An engine with a thousand containers starts in a few seconds; only a broken start takes this long.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What an engine gives itself for its containers before it ends is 15 s.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// How often a condition is looked at. Start-up times are measured with it, so it is their resolution.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Bytes of a log that an error shows.
const LOG_TAIL: usize = 600;

/// A program in the background. It is asked to end when this value is dropped, by its own process id, and
/// waited for.
#[derive(Debug)]
pub(crate) struct Daemon {
    program: &'static str,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it; both its outputs go to the file.
    pub(crate) fn start(
        program: &'static str,
        command: &mut Command,
        log: impl Into<PathBuf>,
    ) -> Result<Self, BenchError> {
        let log = log.into();
        let file = std::fs::File::create(&log).map_err(BenchError::file("create", log.display()))?;
        let twin = file
            .try_clone()
            .map_err(BenchError::file("open", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(twin)
            .spawn()
            .map_err(|source| BenchError::Start {
                program: program.to_owned(),
                source,
            })?;
        Ok(Self { program, child, log })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the condition holds. Fails at once when the program ends before.
    pub(crate) async fn until(
        &mut self,
        what: &'static str,
        mut holds: impl AsyncFnMut() -> bool,
    ) -> Result<(), BenchError> {
        let deadline = Instant::now() + START_LIMIT;
        let mut interval = tokio::time::interval(LOOK_EVERY);
        while !holds().await {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(BenchError::Ended {
                    program: self.program.to_owned(),
                    status,
                    output: self.log_tail(),
                });
            }
            if Instant::now() > deadline {
                return Err(BenchError::Late {
                    program: self.program.to_owned(),
                    what,
                    limit: START_LIMIT,
                    log: self.log_tail(),
                });
            }
            interval.tick().await;
        }
        Ok(())
    }

    /// Processor time that it and its children have used.
    pub(crate) fn processor_time(&self) -> Result<Duration, BenchError> {
        let children = format!("/proc/{0}/task/{0}/children", self.id());
        let children = std::fs::read_to_string(&children).map_err(BenchError::file("read", &children))?;
        let mut sum = Duration::ZERO;
        for id in std::iter::once(self.id().to_string()).chain(children.split_whitespace().map(str::to_owned))
        {
            let path = format!("/proc/{id}/stat");
            let stat = std::fs::read_to_string(&path).map_err(BenchError::file("read", &path))?;
            sum += time_in(&stat).ok_or(BenchError::Malformed {
                what: path,
                missing: "processor time",
            })?;
        }
        Ok(sum)
    }

    fn log_tail(&self) -> String {
        tail(&std::fs::read(&self.log).unwrap_or_default())
    }

    /// Whether it ended in time after being asked to.
    fn ends(&self) -> rustix::io::Result<bool> {
        let id = Pid::from_child(&self.child);
        let process = pidfd_open(id, PidfdFlags::empty())?;
        kill_process(id, Signal::TERM)?;
        let limit = Timespec {
            tv_sec: STOP_LIMIT.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: 0,
        };
        let mut ended = [PollFd::new(&process, PollFlags::IN)];
        Ok(poll(&mut ended, Some(&limit))? > 0)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let running = matches!(self.child.try_wait(), Ok(None));
        if running && !self.ends().unwrap_or(false) {
            // It ignored the request; the id is still its own because nobody has waited for it.
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Runs a program to its end and returns its standard output. An exit code but 0 is an error.
pub(crate) async fn output(
    program: &str,
    command: &mut tokio::process::Command,
) -> Result<String, BenchError> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| BenchError::Start {
            program: program.to_owned(),
            source,
        })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(BenchError::Ended {
        program: program.to_owned(),
        status: output.status,
        output: tail(&output.stderr),
    })
}

/// The first line that a program prints on either output, if it prints one.
pub(crate) async fn first_line(command: &mut tokio::process::Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .map(str::to_owned)
}

/// Completes when somebody wants the run to stop.
pub(crate) async fn interrupted() -> BenchError {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers signals end the program, as ever.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => BenchError::Interrupted,
        _ = terminate.recv() => BenchError::Interrupted,
    }
}

/// User and system time in a `/proc/PID/stat`: the 14th and 15th field, in ticks. The second field is a name in
/// parentheses and may hold spaces. Linux shows a hundred ticks a second to programs on every machine.
fn time_in(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
}

fn tail(bytes: &[u8]) -> String {
    let start = bytes.len().saturating_sub(LOG_TAIL);
    let text = String::from_utf8_lossy(&bytes[start..]);
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_daemon_that_ends_early_is_reported_with_its_log() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such socket >&2; exit 4"]);
        let mut daemon = Daemon::start("sh", &mut command, directory.path().join("log")).unwrap();
        let error = daemon.until("start", async || false).await.unwrap_err();
        assert!(error.to_string().ends_with("no such socket"), "{error}");
    }

    #[tokio::test]
    async fn a_daemon_is_gone_after_its_drop() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sleep");
        let daemon = Daemon::start("sleep", command.arg("1000"), directory.path().join("log")).unwrap();
        let id = Pid::from_child(&daemon.child);
        assert!(rustix::process::test_kill_process(id).is_ok());
        drop(daemon);
        assert!(rustix::process::test_kill_process(id).is_err());
    }

    #[test]
    fn processor_time_is_user_and_system_time() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 9 9 20 0 3 0 100 1 1";
        assert_eq!(time_in(stat), Some(Duration::from_secs(2)));
        assert_eq!(time_in("7 (a) S 1"), None);
    }

    #[tokio::test]
    async fn a_failing_program_has_no_output() {
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", "echo some; echo why >&2; exit 3"]);
        let error = output("sh", &mut command).await.unwrap_err();
        assert!(error.to_string().contains("why"), "{error}");
    }
}
