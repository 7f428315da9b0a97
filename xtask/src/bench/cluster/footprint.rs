//! What processes cost, summed by component and by kind of node.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::{Times, megabytes};

/// One process of a container at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    node: String,
    component: String,
    pid: u32,
    resident: u64,
    proportional: u64,
    woken: u64,
}

impl Process {
    /// Reads `/NAME PID RESIDENT PROPORTIONAL SWITCHES`, sizes in kB.
    pub(super) fn parse(node: &str, line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let name = words.next()?.trim_start_matches('/');
        let pid = words.next()?.parse().ok()?;
        let mut number = || words.next()?.parse::<u64>().ok();
        Some(Self {
            node: node.to_owned(),
            // Tasks of services are named `service.slot.id`.
            component: name.split('.').next().unwrap_or(name).to_owned(),
            pid,
            resident: number()? * 1024,
            proportional: number()? * 1024,
            woken: number()?,
        })
    }
}

/// What one component costs on one node.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Footprint {
    node: String,
    component: String,
    resident: u64,
    proportional: u64,
    /// A second.
    wakeups: f64,
}

impl Footprint {
    /// Of processes that were there before and after; sizes are those after.
    #[expect(clippy::cast_precision_loss, reason = "counts of a minute are small")]
    pub(super) fn between(before: &[Process], after: &[Process], period: Duration) -> Vec<Self> {
        let mut sums: BTreeMap<(&str, &str), Self> = BTreeMap::new();
        for process in after {
            let earlier = before.iter().find(|earlier| {
                (earlier.pid, &earlier.node, &earlier.component)
                    == (process.pid, &process.node, &process.component)
            });
            let Some(earlier) = earlier else { continue };
            let sum = sums
                .entry((&process.node, &process.component))
                .or_insert_with(|| Self {
                    node: process.node.clone(),
                    component: process.component.clone(),
                    resident: 0,
                    proportional: 0,
                    wakeups: 0.0,
                });
            sum.resident += process.resident;
            sum.proportional += process.proportional;
            sum.wakeups += process.woken.saturating_sub(earlier.woken) as f64 / period.as_secs_f64();
        }
        sums.into_values().collect()
    }
}

/// The tables of a report, as Markdown.
pub(super) fn tables(times: &Times, footprints: &[Footprint], managers: &[String]) -> String {
    let mut text = String::new();
    // Writing into a text does not fail.
    let _ = writeln!(
        text,
        "| step | seconds |\n| --- | ---: |\n| `install`, images present | {:.1} |\n| the others join, until all are healthy | {:.1} |",
        times.install.as_secs_f64(),
        times.join.as_secs_f64()
    );
    for (role, is_manager) in [("manager", true), ("worker", false)] {
        let own: Vec<&Footprint> = footprints
            .iter()
            .filter(|footprint| managers.contains(&footprint.node) == is_manager)
            .collect();
        if own.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "\n| component of a {role} | resident, MB | proportional, MB | wake-ups a second |\n| --- | ---: | ---: | ---: |"
        );
        let mut components: Vec<&str> = own.iter().map(|footprint| footprint.component.as_str()).collect();
        components.sort_unstable();
        components.dedup();
        for component in components {
            let same: Vec<&Footprint> = own
                .iter()
                .copied()
                .filter(|footprint| footprint.component == component)
                .collect();
            row(&mut text, component, &same);
        }
        row(&mut text, "all", &by_node(&own).iter().collect::<Vec<_>>());
    }
    text
}

/// The sums of nodes.
fn by_node(footprints: &[&Footprint]) -> Vec<Footprint> {
    let mut sums: BTreeMap<&str, Footprint> = BTreeMap::new();
    for footprint in footprints {
        sums.entry(&footprint.node)
            .and_modify(|sum| {
                sum.resident += footprint.resident;
                sum.proportional += footprint.proportional;
                sum.wakeups += footprint.wakeups;
            })
            .or_insert_with(|| (*footprint).clone());
    }
    sums.into_values().collect()
}

/// A line with medians over nodes.
fn row(text: &mut String, name: &str, footprints: &[&Footprint]) {
    let middle = |value: fn(&Footprint) -> f64| {
        let mut values: Vec<f64> = footprints.iter().map(|footprint| value(footprint)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let _ = writeln!(
        text,
        "| {name} | {:.1} | {:.1} | {:.2} |",
        middle(|footprint| megabytes(footprint.resident)),
        middle(|footprint| megabytes(footprint.proportional)),
        middle(|footprint| footprint.wakeups)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(node: &str, line: &str) -> Process {
        Process::parse(node, line).unwrap()
    }

    #[test]
    fn lines_are_read() {
        let task = process("n1", "/ucp-manager-agent.abc.def 17 2048 1024 9");
        assert_eq!(
            (task.component.as_str(), task.resident),
            ("ucp-manager-agent", 2 << 20)
        );
        for bad in ["", "/x", "/x 1 2 3", "/x pid 2 3 4"] {
            assert_eq!(Process::parse("n1", bad), None, "{bad}");
        }
    }

    #[test]
    fn processes_are_summed_by_component_and_node() {
        let before = [
            process("n1", "/ucp-kv 1 1000 500 10"),
            process("n1", "/nginx 2 1000 500 0"),
            process("n1", "/nginx 3 1000 500 0"),
            process("n2", "/ucp-kv 1 1000 500 10"),
        ];
        let after = [
            process("n1", "/ucp-kv 1 2000 500 40"),
            process("n1", "/nginx 2 1000 500 5"),
            process("n1", "/nginx 3 1000 500 5"),
            // Started in between: its wake-ups are those of its start.
            process("n2", "/ucp-kv 7 9000 500 1000"),
        ];
        let footprints = Footprint::between(&before, &after, Duration::from_secs(10));
        let seen: Vec<(&str, &str, u64, f64)> = footprints
            .iter()
            .map(|sum| {
                (
                    sum.node.as_str(),
                    sum.component.as_str(),
                    sum.resident / 1024,
                    sum.wakeups,
                )
            })
            .collect();
        assert_eq!(seen, [("n1", "nginx", 2000, 1.0), ("n1", "ucp-kv", 2000, 3.0)]);
        let times = Times {
            install: Duration::from_secs(9),
            join: Duration::from_secs(5),
        };
        let text = tables(&times, &footprints, &["n1".to_owned()]);
        assert!(text.contains("| ucp-kv | 2.0 | 0.5 | 3.00 |"), "{text}");
        assert!(text.contains("| all | 4.1 | 1.5 | 4.00 |"), "{text}");
        assert!(!text.contains("of a worker"), "{text}");
    }
}
