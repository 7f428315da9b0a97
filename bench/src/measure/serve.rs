//! How fast `ucp serve` starts, and how much memory it then holds.

use std::path::Path;

use super::directory;
use crate::error::BenchError;
use crate::facts::value_of;
use crate::peers::ucp::{Ucp, set_audit_level};
use crate::report::Table;
use crate::stats::Spread;

/// Starts of each kind.
const STARTS: usize = 10;

/// Requests before memory is looked at again.
const REQUESTS: usize = 1000;

/// Resident and proportional memory of a process, in MB.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Memory {
    resident: f64,
    proportional: f64,
}

pub(super) async fn run(program: &Path) -> Result<Vec<Table>, BenchError> {
    let mut first = Vec::new();
    let mut again = Vec::new();
    let mut idle = Vec::new();
    let mut used = Vec::new();
    for _ in 0..STARTS {
        let directory = directory()?;
        let data = directory.path().join("data");
        // Nothing listens there: what is measured is the control plane alone.
        let engine = directory.path().join("none.sock");
        let ucp = Ucp::start(program, &data, &engine).await?;
        first.push(ucp.started_in().as_secs_f64() * 1e3);
        drop(ucp);
        let ucp = Ucp::start(program, &data, &engine).await?;
        again.push(ucp.started_in().as_secs_f64() * 1e3);
        idle.push(Memory::of(&ucp)?);
        make_requests(&ucp).await?;
        used.push(Memory::of(&ucp)?);
    }
    Ok(vec![starts(&first, &again), memory(&idle, &used)])
}

fn starts(first: &[f64], again: &[f64]) -> Table {
    let mut table = Table::new(
        "Start of `ucp serve`",
        &["start", "time to the first answer, ms", "aim"],
    );
    for (start, times) in [
        ("first: makes authorities and the store", first),
        ("again", again),
    ] {
        table.row([
            start.into(),
            Spread::of(times.iter().copied()).into(),
            "< 200".into(),
        ]);
    }
    table.note(format!(
        "Median of {STARTS}, from starting the process to the first answer of `/ca` through TLS."
    ));
    table
}

fn memory(idle: &[Memory], used: &[Memory]) -> Table {
    let mut table = Table::new(
        "Memory of `ucp serve`",
        &["state", "resident, MB", "proportional, MB", "aim"],
    );
    for (state, samples, aim) in [
        ("idle after its start", idle, "< 40"),
        ("after 1,000 audited requests", used, ""),
    ] {
        table.row([
            state.into(),
            Spread::of(samples.iter().map(|memory| memory.resident)).into(),
            Spread::of(samples.iter().map(|memory| memory.proportional)).into(),
            aim.into(),
        ]);
    }
    table
}

/// A log-in hashes a password, which takes memory on purpose; the requests are audited whole.
async fn make_requests(ucp: &Ucp) -> Result<(), BenchError> {
    let token = ucp.log_in_administrator().await?;
    let mut client = ucp.client().await?.with_token(&token);
    set_audit_level(&mut client, "request").await?;
    for _ in 0..REQUESTS {
        client.get("/accounts/?limit=10").await?;
    }
    Ok(())
}

impl Memory {
    fn of(ucp: &Ucp) -> Result<Self, BenchError> {
        let path = format!("/proc/{}/smaps_rollup", ucp.daemon().id());
        let text = std::fs::read_to_string(&path).map_err(BenchError::file("read", &path))?;
        Self::parse(&text).ok_or(BenchError::Malformed {
            what: path,
            missing: "Rss and Pss",
        })
    }

    fn parse(rollup: &str) -> Option<Self> {
        let megabytes = |name| {
            let kibibytes: f64 = value_of(rollup, name)?.strip_suffix("kB")?.trim().parse().ok()?;
            Some(kibibytes * 1024.0 / 1e6)
        };
        Some(Self {
            resident: megabytes("Rss")?,
            proportional: megabytes("Pss")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_megabytes() {
        let text = "55d2-7ffd ---p 00000000 00:00 0    [rollup]\nRss:      31250 kB\nPss:      15625 kB\nPss_Dirty:  12 kB\n";
        let memory = Memory::parse(text).unwrap();
        assert_eq!((memory.resident, memory.proportional), (32.0, 16.0));
        assert_eq!(Memory::parse("Rss: 12 kB\n"), None);
    }
}
