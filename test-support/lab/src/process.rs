//! Processes that somebody else may have started: remembered by id and start time, because ids are used again.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::wait;

/// One process, told apart from a later one with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pid: i32,
    /// Clock ticks after boot at which it started: field 22 of `/proc/PID/stat`.
    started: u64,
}

impl Process {
    /// The process that has this id now. A zombie has ended.
    pub fn observe(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, started) = parse_stat(&stat)?;
        (state != 'Z').then_some(Self { pid, started })
    }

    /// Its process id.
    pub fn id(self) -> i32 {
        self.pid
    }

    /// Whether it still runs.
    pub fn runs(self) -> bool {
        u32::try_from(self.pid).ok().and_then(Self::observe) == Some(self)
    }

    /// Its only child, such as what `unshare --fork` runs.
    pub(crate) fn child(self) -> Option<Self> {
        let pid = self.pid;
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        Self::observe(children.split_whitespace().next()?.parse().ok()?)
    }

    /// Its program's name.
    pub(crate) fn name(self) -> Option<String> {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", self.pid)).ok()?;
        Some(name.trim_end().to_owned())
    }

    /// Kills it and waits until it is gone. Returns whether it is.
    pub(crate) fn kill(self, patience: Duration) -> bool {
        self.signal(Signal::KILL);
        wait::until(patience, || (!self.runs()).then_some(())).is_some()
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
        assert!(
            earlier.kill(Duration::ZERO),
            "it is gone, and nobody else was killed"
        );
    }
}
