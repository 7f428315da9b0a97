//! Counters of the controller in the Prometheus text format.
//!
//! Label values come from small fixed sets, never from a request, so that nobody can make the page grow
//! (audit-11).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::StatusCode;

use super::live::SyslogCounts;

/// Which part of the API a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Accounts, roles, collections, grants, configuration, …
    Control,
    /// The Engine API.
    Engine,
}

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0];
/// Answers by the first digit of their status.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A histogram of durations.
#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS.len()],
    count: AtomicU64,
    sum_micros: AtomicU64,
}

impl Histogram {
    fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        if let Some(bucket) = BUCKETS
            .iter()
            .position(|bound| seconds <= *bound)
            .and_then(|at| self.buckets.get(at))
        {
            bucket.fetch_add(1, Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.sum_micros.fetch_add(micros, Relaxed);
    }

    fn write(&self, text: &mut Exposition, name: &str, help: &str, label: &str) {
        text.header(name, help, "histogram");
        let mut below = 0;
        for (bound, bucket) in BUCKETS.iter().zip(&self.buckets) {
            below += bucket.load(Relaxed);
            text.line(format_args!("{name}_bucket{{{label},le=\"{bound}\"}} {below}"));
        }
        let count = self.count.load(Relaxed);
        text.line(format_args!("{name}_bucket{{{label},le=\"+Inf\"}} {count}"));
        let sum = Duration::from_micros(self.sum_micros.load(Relaxed)).as_secs_f64();
        text.line(format_args!("{name}_sum{{{label}}} {sum}"));
        text.line(format_args!("{name}_count{{{label}}} {count}"));
    }
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub struct Metrics {
    control: [AtomicU64; CLASSES.len()],
    engine: [AtomicU64; CLASSES.len()],
    allowed: AtomicU64,
    denied: AtomicU64,
    logins: AtomicU64,
    failed_logins: AtomicU64,
    connections: AtomicU64,
    upkeep: AtomicU64,
    engine_polls: AtomicU64,
    snapshot_build: Histogram,
    engine_time: Histogram,
}

/// Values that are looked up when the page is made.
#[derive(Debug, Default, Clone)]
pub struct Gauges {
    /// The revision of the snapshot in use.
    pub revision: u64,
    /// Users, organizations, teams, collections, grants.
    pub counts: Vec<(&'static str, usize)>,
    /// What became of messages for the remote syslog.
    pub syslog: SyslogCounts,
    /// Bytes of memory that the process holds.
    pub resident_bytes: Option<u64>,
    /// Containers that the engine reports, by state.
    pub containers: Vec<(&'static str, u64)>,
}

impl Metrics {
    /// Counts an answer.
    pub fn answered(&self, part: Part, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        let counters = match part {
            Part::Control => &self.control,
            Part::Engine => &self.engine,
        };
        if let Some(counter) = counters.get(class) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// Counts a decision.
    pub fn decided(&self, allowed: bool) {
        if allowed { &self.allowed } else { &self.denied }.fetch_add(1, Relaxed);
    }

    /// Counts an attempt to log in.
    pub fn login(&self, success: bool) {
        if success {
            &self.logins
        } else {
            &self.failed_logins
        }
        .fetch_add(1, Relaxed);
    }

    /// Counts a connection until the guard is dropped.
    pub fn connection(self: &std::sync::Arc<Self>) -> ConnectionGuard {
        self.connections.fetch_add(1, Relaxed);
        ConnectionGuard(self.clone())
    }

    /// Counts a round of upkeep.
    pub fn upkeep(&self) {
        self.upkeep.fetch_add(1, Relaxed);
    }

    /// Counts a look at the engine that nobody asked for.
    pub fn engine_polled(&self) {
        self.engine_polls.fetch_add(1, Relaxed);
    }

    /// How long it took to build a snapshot.
    pub fn snapshot_built(&self, duration: Duration) {
        self.snapshot_build.observe(duration);
    }

    /// How long the engine took until its answer began.
    pub fn engine_answered(&self, duration: Duration) {
        self.engine_time.observe(duration);
    }

    /// The page.
    pub fn expose(&self, gauges: &Gauges) -> String {
        let mut text = Exposition::default();
        let name = "ucp_controller_http_responses_total";
        text.header(name, "answers by part of the API and class of status", "counter");
        for (part, counters) in [("control", &self.control), ("engine", &self.engine)] {
            for (class, counter) in CLASSES.iter().zip(counters) {
                let count = counter.load(Relaxed);
                text.line(format_args!(
                    "{name}{{part=\"{part}\",class=\"{class}\"}} {count}"
                ));
            }
        }
        let name = "ucp_controller_decisions_total";
        text.header(name, "access decisions", "counter");
        for (outcome, counter) in [("allowed", &self.allowed), ("denied", &self.denied)] {
            text.line(format_args!(
                "{name}{{outcome=\"{outcome}\"}} {}",
                counter.load(Relaxed)
            ));
        }
        let name = "ucp_controller_logins_total";
        text.header(name, "attempts to log in", "counter");
        for (outcome, counter) in [("success", &self.logins), ("failure", &self.failed_logins)] {
            text.line(format_args!(
                "{name}{{outcome=\"{outcome}\"}} {}",
                counter.load(Relaxed)
            ));
        }
        let name = "ucp_controller_connections";
        text.header(name, "open client connections", "gauge");
        text.line(format_args!("{name} {}", self.connections.load(Relaxed)));
        for (name, help, counter) in [
            ("ucp_controller_upkeep_total", "rounds of upkeep", &self.upkeep),
            (
                "ucp_controller_engine_polls_total",
                "looks at the engine that nobody asked for",
                &self.engine_polls,
            ),
        ] {
            text.header(name, help, "counter");
            text.line(format_args!("{name} {}", counter.load(Relaxed)));
        }
        let name = "ucp_controller_store_revision";
        text.header(name, "revision of the store that decisions are made on", "gauge");
        text.line(format_args!("{name} {}", gauges.revision));
        let name = "ucp_controller_objects";
        text.header(name, "objects of the control plane by kind", "gauge");
        for (kind, count) in &gauges.counts {
            text.line(format_args!("{name}{{kind=\"{kind}\"}} {count}"));
        }
        let name = "ucp_controller_syslog_messages_total";
        text.header(
            name,
            "messages for the remote syslog by what became of them",
            "counter",
        );
        let syslog = &gauges.syslog;
        for (outcome, count) in [
            ("sent", syslog.sent),
            ("dropped", syslog.dropped),
            ("refused", syslog.refused),
            ("cut", syslog.cut),
        ] {
            text.line(format_args!("{name}{{outcome=\"{outcome}\"}} {count}"));
        }
        let name = "ucp_controller_syslog_failures_total";
        text.header(name, "connections to the remote syslog that failed", "counter");
        text.line(format_args!("{name} {}", syslog.failures));
        let name = "ucp_controller_syslog_waiting";
        text.header(name, "messages that wait for the remote syslog", "gauge");
        text.line(format_args!("{name} {}", syslog.waiting));
        if let Some(bytes) = gauges.resident_bytes {
            let name = "process_resident_memory_bytes";
            text.header(name, "resident memory", "gauge");
            text.line(format_args!("{name} {bytes}"));
        }
        if !gauges.containers.is_empty() {
            let name = "ucp_engine_containers";
            text.header(name, "containers of the engine by state", "gauge");
            for (state, count) in &gauges.containers {
                text.line(format_args!("{name}{{state=\"{state}\"}} {count}"));
            }
        }
        self.snapshot_build.write(
            &mut text,
            "ucp_controller_snapshot_build_seconds",
            "time to build a snapshot after a change",
            "what=\"policy\"",
        );
        self.engine_time.write(
            &mut text,
            "ucp_controller_engine_seconds",
            "time until the engine's answer begins",
            "engine=\"local\"",
        );
        text.0
    }
}

/// Counts a connection as open while it lives.
#[derive(Debug)]
pub struct ConnectionGuard(std::sync::Arc<Metrics>);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}

#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn header(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.0.write_fmt(line);
        self.0.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// audit-11: the set of series does not depend on what was asked.
    #[test]
    fn sec_audit_11_series_are_fixed() {
        let metrics = Metrics::default();
        let before = metrics.expose(&Gauges::default()).lines().count();
        for code in [100, 200, 302, 403, 404, 500, 599] {
            metrics.answered(Part::Engine, StatusCode::from_u16(code).unwrap());
        }
        metrics.decided(false);
        metrics.snapshot_built(Duration::from_secs(100));
        metrics.snapshot_built(Duration::from_millis(3));
        let text = metrics.expose(&Gauges::default());
        assert_eq!(text.lines().count(), before);
        assert!(text.contains("ucp_controller_http_responses_total{part=\"engine\",class=\"4xx\"} 2\n"));
        assert!(text.contains("ucp_controller_decisions_total{outcome=\"denied\"} 1\n"));
        assert!(
            text.contains("ucp_controller_snapshot_build_seconds_bucket{what=\"policy\",le=\"0.005\"} 1\n")
        );
        assert!(
            text.contains("ucp_controller_snapshot_build_seconds_bucket{what=\"policy\",le=\"+Inf\"} 2\n")
        );
    }
}
