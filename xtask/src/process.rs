//! Processes that outlive this program: remembered by id and start time, because ids are used again.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::wait;

/// One process, told apart from a later one with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pid: i32,
    /// Clock ticks after boot at which it started: field 22 of `/proc/PID/stat`.
    started: u64,
}

impl Process {
    /// The process that has this id now.
    pub(crate) fn observe(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, started) = parse_stat(&stat)?;
        // A zombie has ended; only its parent has not looked yet.
        (state != 'Z').then_some(Self { pid, started })
    }

    /// Its process id.
    pub(crate) fn id(self) -> i32 {
        self.pid
    }

    /// Whether it still runs.
    pub(crate) fn runs(self) -> bool {
        u32::try_from(self.pid).ok().and_then(Self::observe) == Some(self)
    }

    /// Asks it to end, waits, and ends it by force after `patience`. Returns whether it ended by itself.
    pub(crate) fn end(self, patience: Duration) -> bool {
        self.signal(Signal::TERM);
        if wait::until(patience, || (!self.runs()).then_some(())).is_some() {
            return true;
        }
        self.signal(Signal::KILL);
        wait::until(Duration::from_secs(5), || (!self.runs()).then_some(()));
        false
    }

    fn signal(self, signal: Signal) {
        if self.runs()
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            // It may have ended since we looked; then there is nothing to do.
            let _ = kill_process(pid, signal);
        }
    }
}

/// State letter and start time. The name in parentheses may itself hold spaces and parentheses.
fn parse_stat(stat: &str) -> Option<(char, u64)> {
    let rest = stat.rsplit_once(") ")?.1;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    // Field 3 is the state, so field 22 is the nineteenth after it.
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// Name of the program that runs as `pid`, for messages.
pub(crate) fn program(pid: &str) -> Option<String> {
    let name = std::fs::read_to_string(Path::new("/proc").join(pid).join("comm")).ok()?;
    Some(name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_time_is_found_behind_an_odd_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 10 20 30";
        assert_eq!(parse_stat(stat), Some(('S', 987_654)));
        assert_eq!(parse_stat("7 (a"), None);
        assert_eq!(parse_stat("7 (a) S 1 2"), None);
    }

    #[test]
    fn a_reused_id_is_another_process() {
        let own = Process::observe(std::process::id()).unwrap();
        assert!(own.runs());
        let earlier = Process {
            started: own.started - 1,
            ..own
        };
        assert!(!earlier.runs());
    }

    #[test]
    fn ending_is_seen() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::observe(child.id()).unwrap();
        assert!(process.end(Duration::from_secs(5)));
        assert!(!process.runs());
        child.wait().unwrap();
    }
}
