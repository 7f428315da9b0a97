//! What a controller does with processors and memory, for administrators, while `cluster_config.profiling_enabled` is on (INST-021).
//! Where it is off these paths are as unknown as any other. Nothing of a request, a user or a secret is shown.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};

/// For how many seconds threads are watched when nobody says.
const USUAL_SECONDS: u64 = 5;
/// The longest time that somebody may wait for an answer.
const MOST_SECONDS: u64 = 60;
/// The kernel counts the time of threads in hundredths of a second (`USER_HZ`, the same on every platform of Linux).
const TICK_MS: u64 = 10;

/// What there is below `/debug`.
pub(super) async fn index(call: Call) -> Result<Response, ApiError> {
    switched_on(&call)?;
    Ok(body::json(
        StatusCode::OK,
        &json!({ "/debug/vars": "memory, descriptors and tasks now", "/debug/threads?seconds=5": "processor time of each thread" }),
    ))
}

/// Memory in kilobytes as the kernel counts it, descriptors, threads and tasks of the runtime.
pub(super) async fn vars(call: Call) -> Result<Response, ApiError> {
    switched_on(&call)?;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let sizes = fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let memory: BTreeMap<&str, u64> = status
        .lines()
        .chain(sizes.lines())
        .filter_map(kilobytes)
        .collect();
    let descriptors = fs::read_dir("/proc/self/fd")
        .map(Iterator::count)
        .unwrap_or_default();
    let runtime = tokio::runtime::Handle::current().metrics();
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "memory_kb": memory,
            "descriptors": descriptors,
            "threads": threads().len(),
            "runtime": {
                "workers": runtime.num_workers(),
                "tasks": runtime.num_alive_tasks(),
                "waiting_for_a_worker": runtime.global_queue_depth(),
            },
        }),
    ))
}

/// Watches all threads for some seconds: what each took of a processor, the busiest first.
pub(super) async fn profile(call: Call) -> Result<Response, ApiError> {
    switched_on(&call)?;
    let seconds = match call.query("seconds")? {
        None => USUAL_SECONDS,
        Some(text) => text
            .parse()
            .ok()
            .filter(|seconds| (1..=MOST_SECONDS).contains(seconds))
            .ok_or_else(|| {
                ApiError::malformed(format!(
                    "query parameter `seconds` is `{text}`, write a whole number from 1 to {MOST_SECONDS}"
                ))
            })?,
    };
    let (begun, before) = (Instant::now(), threads());
    sleep(Duration::from_secs(seconds)).await;
    let after = threads();
    let took = begun.elapsed().as_millis();
    Ok(body::json(
        StatusCode::OK,
        &json!({ "milliseconds": u64::try_from(took).unwrap_or(u64::MAX), "threads": spent(&before, &after) }),
    ))
}

/// Refuses in the words of a path that nobody knows.
fn switched_on(call: &Call) -> Result<(), ApiError> {
    if call.snapshot.config.cluster.profiling_enabled {
        return Ok(());
    }
    Err(ApiError::new(
        Kind::NotFound,
        "page not found; profiling is off, switch `cluster_config.profiling_enabled` on",
    ))
}

/// A line such as `VmRSS: 9276 kB`, with more blanks.
fn kilobytes(line: &str) -> Option<(&str, u64)> {
    let (name, rest) = line.split_once(':')?;
    let number = rest.trim().strip_suffix(" kB")?;
    Some((name, number.trim().parse().ok()?))
}

/// One thread, as `/proc/self/task/ID/stat` tells it (proc(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Thread {
    name: String,
    /// Ticks in the program and in the kernel.
    user: u64,
    system: u64,
}

impl Thread {
    fn read(stat: &str) -> Option<Self> {
        // A name may hold anything, also brackets and spaces.
        let (head, rest) = stat.rsplit_once(") ")?;
        let (_, name) = head.split_once('(')?;
        let mut fields = rest.split_whitespace().skip(11);
        Some(Self {
            name: name.to_owned(),
            user: fields.next()?.parse().ok()?,
            system: fields.next()?.parse().ok()?,
        })
    }
}

fn threads() -> BTreeMap<u64, Thread> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return BTreeMap::new();
    };
    let read = tasks.filter_map(|task| {
        let task = task.ok()?;
        let id = task.file_name().to_str()?.parse().ok()?;
        // One that has just ended is left out.
        let stat = fs::read_to_string(task.path().join("stat")).ok()?;
        Some((id, Thread::read(&stat)?))
    });
    read.collect()
}

/// The difference, in milliseconds, of threads that are there at the end.
fn spent(before: &BTreeMap<u64, Thread>, after: &BTreeMap<u64, Thread>) -> Vec<Value> {
    let mut rows: Vec<(u64, Value)> = after
        .iter()
        .map(|(id, now)| {
            let then = before.get(id).map_or((0, 0), |then| (then.user, then.system));
            let [user, system] = [now.user.saturating_sub(then.0), now.system.saturating_sub(then.1)]
                .map(|ticks| ticks.saturating_mul(TICK_MS));
            let row = json!({ "id": id, "name": now.name, "user_ms": user, "system_ms": system });
            (user.saturating_add(system), row)
        })
        .collect();
    rows.sort_by_key(|(spent, _)| std::cmp::Reverse(*spent));
    rows.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells() {
        assert_eq!(kilobytes("VmRSS:\t    9276 kB"), Some(("VmRSS", 9276)));
        assert_eq!(kilobytes("Threads:\t7"), None);
        let stat = "41 (a) b (c) S 1 1 1 0 -1 4194560 9 0 0 0 120 30 0 0 20 0 7 0 99 1 2 3";
        let thread = Thread::read(stat).unwrap();
        assert_eq!((&*thread.name, thread.user, thread.system), ("a) b (c", 120, 30));
        assert_eq!(Thread::read("41 (a) S 1"), None);
        assert!(!threads().is_empty());
    }

    #[test]
    fn the_busiest_thread_comes_first() {
        let thread = |user, system| Thread {
            name: "t".to_owned(),
            user,
            system,
        };
        let before = [(1, thread(5, 5)), (2, thread(0, 0)), (3, thread(9, 9))].into();
        let after = [(1, thread(6, 5)), (2, thread(3, 4)), (4, thread(1, 1))].into();
        let rows = spent(&before, &after);
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row["id"].as_u64().unwrap(), row["user_ms"].as_u64().unwrap()))
            .collect();
        assert_eq!(shown, [(2, 30), (4, 10), (1, 10)]);
    }
}
