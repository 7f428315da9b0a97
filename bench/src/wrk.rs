//! Load with `wrk`, and reading what it prints.

use std::time::Duration;

use crate::error::BenchError;
use crate::{process, tools};

/// One round of load.
#[derive(Debug)]
pub(crate) struct Load<'l> {
    pub(crate) url: &'l str,
    /// Sent as `Authorization: Bearer`.
    pub(crate) token: &'l str,
    pub(crate) connections: u32,
    pub(crate) duration: Duration,
}

/// What a round of load gave.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// Answers.
    pub(crate) count: f64,
    /// Answers a second.
    pub(crate) rate: f64,
    /// Time of an answer that half of them did not exceed.
    pub(crate) median: Duration,
    /// Time of an answer that 99 of 100 did not exceed.
    pub(crate) p99: Duration,
}

/// Runs one round. Any answer but success is an error: the rate of refusals is not of interest.
pub(crate) async fn run(load: &Load<'_>) -> Result<Outcome, BenchError> {
    let mut wrk = tokio::process::Command::from(tools::command("wrk"));
    wrk.args(["--threads", "2", "--latency", "--timeout", "30s"])
        .arg("--connections")
        .arg(load.connections.to_string())
        .arg("--duration")
        .arg(format!("{}s", load.duration.as_secs()))
        .arg("--header")
        .arg(format!("Authorization: Bearer {}", load.token))
        .arg(load.url);
    parse(&process::output("wrk", &mut wrk).await?, load.url)
}

fn parse(text: &str, url: &str) -> Result<Outcome, BenchError> {
    if let Some(line) = text.lines().map(str::trim).find(|line| is_failure(line)) {
        return Err(BenchError::FailedLoad {
            url: url.to_owned(),
            failures: line.to_owned(),
        });
    }
    let value = |label: &'static str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(label))
            .map(str::trim)
            .ok_or_else(|| malformed(label))
    };
    let time = |label| value(label).and_then(|text| duration(text).ok_or_else(|| malformed(label)));
    // "  35401 requests in 3.01s, 5.30MB read"
    let count = text
        .lines()
        .find_map(|line| line.trim().split_once(" requests in "))
        .and_then(|(count, _)| count.parse().ok())
        .ok_or_else(|| malformed("count of requests"))?;
    Ok(Outcome {
        count,
        rate: value("Requests/sec:")?
            .parse()
            .map_err(|_| malformed("Requests/sec:"))?,
        median: time("50%")?,
        p99: time("99%")?,
    })
}

fn malformed(missing: &'static str) -> BenchError {
    BenchError::Malformed {
        what: "the output of wrk".to_owned(),
        missing,
    }
}

/// Connections that the server closed are counted as read errors by wrk, and are failures here too.
fn is_failure(line: &str) -> bool {
    line.starts_with("Non-2xx or 3xx responses:") || line.starts_with("Socket errors:")
}

/// Times as wrk prints them: `950.00us`, `1.23ms`, `2.01s`, `1.50m`.
fn duration(text: &str) -> Option<Duration> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let (number, seconds) = units
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
Running 3s test @ https://127.0.0.1:8443/
  2 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.75ms    1.22ms  29.49ms   86.41%
    Req/Sec     5.92k   497.14     6.95k    68.33%
  Latency Distribution
     50%    2.49ms
     75%    3.16ms
     90%    4.04ms
     99%  950.00us
  35401 requests in 3.01s, 5.30MB read
Requests/sec:  11767.33
Transfer/sec:      1.76MB
";

    #[test]
    fn reads_rate_and_latency() {
        let outcome = parse(GOOD, "u").unwrap();
        assert_eq!((outcome.count, outcome.rate), (35401.0, 11767.33));
        assert_eq!(outcome.median, Duration::from_micros(2490));
        assert_eq!(outcome.p99, Duration::from_micros(950));
    }

    #[test]
    fn a_load_with_failures_has_no_rate() {
        for line in [
            "  Non-2xx or 3xx responses: 35401\n",
            "  Socket errors: connect 0, read 12, write 0, timeout 0\n",
        ] {
            let error = parse(&format!("{GOOD}{line}"), "https://x/y").unwrap_err();
            let text = format!("the load on https://x/y had {}", line.trim());
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn other_output_is_refused() {
        assert!(parse("", "u").is_err());
        assert!(parse(&GOOD.replace("11767.33", "many"), "u").is_err());
        assert!(parse(&GOOD.replace("50%", "51%"), "u").is_err());
    }

    #[test]
    fn times_carry_their_unit() {
        assert_eq!(duration("1.50m"), Some(Duration::from_secs(90)));
        assert_eq!(duration("2.01s"), Some(Duration::from_millis(2010)));
        for bad in ["", "ms", "12", "-1ms", "NaNms", "1 parsec"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
