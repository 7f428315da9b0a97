//! The figures as Markdown: ratios first, then what was aimed at, then everything.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::facts::Facts;
use crate::kubernetes;
use crate::peers::{MAKERS, casbin, cedar, ours, rego};
use crate::plot::{Line, Panel};
use crate::rounds::Series;
use crate::swarm::{self, Further};

/// Bytes that stay allocated for each grant or binding, by shape and engine.
pub type Memory = BTreeMap<(String, String), f64>;

/// The lines between which the figures stand in the document.
pub const BEGIN: &str = "<!-- authz: begin -->";
/// See [`BEGIN`].
pub const END: &str = "<!-- authz: end -->";

/// Everything that a run found.
pub struct Report {
    /// The machine.
    pub facts: Facts,
    /// Shapes of users, teams and grants.
    pub swarm: Vec<swarm::Comparison>,
    /// What only this engine is asked.
    pub further: Further,
    /// Clusters.
    pub kubernetes: Vec<kubernetes::Comparison>,
    /// Bytes.
    pub memory: Memory,
}

/// What a reader must know of a run beside other work.
const BUSY: &str = "Other work kept every processor busy during the run. It takes caches and memory away from decisions of \
                    nanoseconds, and what takes milliseconds also holds the time of waiting for a processor: ratios above a \
                    thousand are then upper bounds, and times of lists look longer than they are.\n\n";

/// The shape with the largest peers, and the one with the most grants.
const LARGE: &str = "100k/10k";
const LARGEST: &str = "ucp-100k";

impl Report {
    /// The text between the markers.
    pub fn markdown(&self, picture: &str) -> String {
        let mut text = String::new();
        let [before, after] = &self.facts.load;
        let _ = writeln!(
            text,
            "{}, on {}. {}. `cargo xtask bench authz`; load {before} before the run, {after} after it.\n",
            self.facts.date,
            self.facts.machine,
            self.facts.peers.join(", ")
        );
        if self.facts.busy() {
            text.push_str(BUSY);
        }
        let _ = writeln!(text, "![Median time of one decision]({picture})\n");
        self.ratios(&mut text);
        self.aims(&mut text);
        self.engines(&mut text);
        self.clusters(&mut text);
        self.questions(&mut text);
        text
    }

    fn ratios(&self, text: &mut String) {
        text.push_str("### How many times as long a decision takes elsewhere\n\n");
        text.push_str("Median over rounds of the ratio of medians (least–greatest).\n\n");
        let others: Vec<_> = MAKERS.iter().skip(1).map(|maker| maker.name).collect();
        table_head(text, &[&["data"], &others[..]].concat());
        for comparison in &self.swarm {
            let ours = comparison.rows.first().map(|row| &row.series);
            let cells = others.iter().map(|name| {
                let row = comparison.rows.iter().find(|row| row.series.name == **name);
                ratio(row.map(|row| &row.series), ours)
            });
            table_row(text, std::iter::once(comparison.shape.to_owned()).chain(cells));
        }
        text.push('\n');
        table_head(text, &["bindings", kubernetes::UPSTREAM]);
        for comparison in &self.kubernetes {
            let [ours, _, theirs] = &comparison.series;
            table_row(
                text,
                [comparison.shape.to_owned(), ratio(Some(theirs), Some(ours))],
            );
        }
        text.push('\n');
    }

    fn aims(&self, text: &mut String) {
        text.push_str("### What is aimed at\n\n");
        table_head(text, &["aim", "measured", ""]);
        for (aim, measured, shown, met) in self.aim_rows() {
            let verdict = match (measured.is_finite(), met) {
                (false, _) => "not measured",
                (true, true) => "met",
                (true, false) => "**missed**",
            };
            table_row(text, [aim, shown, verdict.to_owned()]);
        }
        text.push('\n');
    }

    /// Each aim, what was measured, in words, and whether it is met.
    fn aim_rows(&self) -> Vec<(String, f64, String, bool)> {
        let mut rows = Vec::new();
        let mut at_most = |aim: &str, value: f64, most: f64, shown: String| {
            rows.push((aim.to_owned(), value, shown, value <= most));
        };
        let largest = self.row(LARGEST, ours::NAME);
        let p50 = largest.map_or(f64::NAN, |row| row.series.median());
        let p99 = largest.and_then(|row| row.series.tail()).unwrap_or(f64::NAN);
        at_most("verdict at ucp-100k, median ≤ 250 ns", p50, 250.0, time(p50));
        at_most(
            "verdict at ucp-100k, 99th percentile ≤ 2 µs",
            p99,
            2000.0,
            time(p99),
        );
        for (of, to) in [("allowed", "decision, allowed"), ("denied", "decision, denied")] {
            let cost = self.answer(to, &format!("verdict, {of}"));
            let aim = format!("decision with its evidence ≤ 2 × the verdict, {of}");
            at_most(&aim, cost, 2.0, format!("{} ×", figures(cost)));
        }
        let bytes = self
            .memory
            .get(&(LARGEST.to_owned(), ours::NAME.to_owned()))
            .copied()
            .unwrap_or(f64::NAN);
        at_most(
            "memory at ucp-100k ≤ 96 bytes a grant",
            bytes,
            96.0,
            format!("{} bytes", figures(bytes)),
        );
        let change = largest.map_or(f64::NAN, |row| row.change);
        at_most(
            "one grant changed at ucp-100k ≤ 20 µs",
            change,
            20_000.0,
            time(change),
        );
        let Further { filter, who_can, .. } = self.further;
        at_most("10,000 listed objects filtered ≤ 1 ms", filter, 1e6, time(filter));
        at_most("who-can over 100,000 users ≤ 10 ms", who_can, 1e7, time(who_can));
        for (name, least) in [
            (cedar::NAME, 20_000.0),
            (casbin::NAME, 15_000.0),
            (rego::NAME, 20.0),
        ] {
            let ours = self.row(LARGE, ours::NAME);
            let times = self
                .row(LARGE, name)
                .zip(ours)
                .and_then(|(row, ours)| row.series.times(&ours.series));
            let value = times.map_or(f64::NAN, |times| times.0);
            let aim = format!("{LARGE}: {name} takes ≥ {} ×", thousands(least));
            rows.push((aim, value, format!("{} ×", figures(value)), value >= least));
        }
        for (shape, least) in [("bootstrap", 1.0), ("10k", 100.0), ("100k", 2000.0)] {
            let found = self
                .kubernetes
                .iter()
                .find(|comparison| comparison.shape == shape);
            let times = found.and_then(|comparison| {
                let [ours, _, theirs] = &comparison.series;
                theirs.times(ours)
            });
            let value = times.map_or(f64::NAN, |times| times.0);
            let aim = format!("Kubernetes, {shape}: upstream takes ≥ {} ×", thousands(least));
            rows.push((aim, value, format!("{} ×", figures(value)), value >= least));
        }
        rows
    }

    fn row(&self, shape: &str, engine: &str) -> Option<&swarm::Row> {
        let comparison = self.swarm.iter().find(|comparison| comparison.shape == shape)?;
        comparison.rows.iter().find(|row| row.series.name == engine)
    }

    /// How many times as long one kind of answer takes as another.
    fn answer(&self, one: &str, other: &str) -> f64 {
        let find = |name: &str| self.further.answers.iter().find(|series| series.name == name);
        let times = find(one)
            .zip(find(other))
            .and_then(|(one, other)| one.times(other));
        times.map_or(f64::NAN, |times| times.0)
    }

    fn engines(&self, text: &mut String) {
        text.push_str("### Users, roles and grants\n\n");
        table_head(
            text,
            &[
                "data",
                "engine",
                "median",
                "99th percentile",
                "timed",
                "compared",
                "bytes a grant",
                "build",
                "a change",
            ],
        );
        for comparison in &self.swarm {
            for row in &comparison.rows {
                let key = (comparison.shape.to_owned(), row.series.name.clone());
                let bytes = self
                    .memory
                    .get(&key)
                    .map_or_else(nothing, |bytes| figures(*bytes));
                table_row(
                    text,
                    [
                        comparison.shape.to_owned(),
                        row.series.name.clone(),
                        time(row.series.median()),
                        row.series.tail().map_or_else(nothing, time),
                        thousands(row.series.samples as f64),
                        thousands(row.compared as f64),
                        bytes,
                        time(row.build * 1e9),
                        time(row.change),
                    ],
                );
            }
        }
        text.push('\n');
        for comparison in &self.swarm {
            let _ = writeln!(text, "- {}: {}.", comparison.shape, comparison.size);
        }
        text.push('\n');
    }

    fn clusters(&self, text: &mut String) {
        text.push_str("### Kubernetes\n\n");
        table_head(
            text,
            &[
                "data",
                "bindings",
                "engine",
                "median",
                "99th percentile",
                "timed",
                "compared",
                "allowed",
                "bytes a binding",
                "build",
                "a change",
            ],
        );
        for comparison in &self.kubernetes {
            let [ours, evidence, theirs] = &comparison.series;
            let key = (comparison.shape.to_owned(), "kubernetes".to_owned());
            let bytes = self.memory.get(&key).copied();
            let rows = [
                (ours::NAME.to_owned(), ours, bytes, Some(0)),
                (format!("{}, with evidence", ours::NAME), evidence, None, None),
                (
                    theirs.name.clone(),
                    theirs,
                    Some(comparison.upstream_bytes),
                    Some(1),
                ),
            ];
            for (name, series, bytes, place) in rows {
                let of = |values: &[f64; 2]| place.and_then(|place: usize| values.get(place).copied());
                table_row(
                    text,
                    [
                        comparison.shape.to_owned(),
                        thousands(comparison.bindings as f64),
                        name,
                        time(series.median()),
                        series.tail().map_or_else(nothing, time),
                        thousands(series.samples as f64),
                        thousands(comparison.compared as f64),
                        format!("{:.0} %", comparison.allowed * 100.0),
                        bytes.map_or_else(nothing, figures),
                        of(&comparison.build).map_or_else(nothing, |seconds| time(seconds * 1e9)),
                        of(&comparison.change).map_or_else(nothing, time),
                    ],
                );
            }
        }
        text.push('\n');
    }

    fn questions(&self, text: &mut String) {
        text.push_str("### Reasons, lists and who-can, at ucp-100k\n\n");
        table_head(text, &["answer", "median", "99th percentile"]);
        for series in &self.further.answers {
            let tail = series.tail().map_or_else(nothing, time);
            table_row(text, [series.name.clone(), time(series.median()), tail]);
        }
        let Further {
            filter,
            who_can,
            found,
            ..
        } = &self.further;
        table_row(
            text,
            [
                "10,000 listed objects filtered for one user".to_owned(),
                time(*filter),
                nothing(),
            ],
        );
        let who = format!(
            "who-can: {} of 100,000 users pass, in the middle",
            thousands(*found as f64)
        );
        table_row(text, [who, time(*who_can), nothing()]);
    }

    /// What the picture shows.
    pub fn panels(&self) -> Vec<Panel> {
        let line = |name: &'static str| Line {
            name: name.to_owned(),
            points: self
                .swarm
                .iter()
                .map(|comparison| self.row(comparison.shape, name).map(|row| row.series.median()))
                .collect(),
        };
        let of_cluster = |name: &str, place: usize| Line {
            name: name.to_owned(),
            points: self
                .kubernetes
                .iter()
                .map(|comparison| comparison.series.get(place).map(Series::median))
                .collect(),
        };
        vec![
            Panel {
                title: "One decision, by users and roles (median)".to_owned(),
                places: self
                    .swarm
                    .iter()
                    .map(|comparison| comparison.shape.to_owned())
                    .collect(),
                lines: MAKERS.iter().map(|maker| line(maker.name)).collect(),
            },
            Panel {
                title: "One Kubernetes decision, by bindings (median)".to_owned(),
                places: self
                    .kubernetes
                    .iter()
                    .map(|comparison| comparison.shape.to_owned())
                    .collect(),
                lines: vec![of_cluster(ours::NAME, 0), of_cluster("upstream", 2)],
            },
        ]
    }
}

fn table_head(text: &mut String, columns: &[&str]) {
    let _ = writeln!(
        text,
        "| {} |\n|{}",
        columns.join(" | "),
        " --- |".repeat(columns.len())
    );
}

fn table_row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<_> = cells.into_iter().collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn nothing() -> String {
    "–".to_owned()
}

fn ratio(one: Option<&Series>, other: Option<&Series>) -> String {
    match one.zip(other).and_then(|(one, other)| one.times(other)) {
        Some((median, least, greatest)) => {
            format!("{} ({}–{})", figures(median), figures(least), figures(greatest))
        }
        None => nothing(),
    }
}

/// Three significant figures, with the unit that suits.
fn time(nanos: f64) -> String {
    let (value, unit) = match nanos {
        nanos if !nanos.is_finite() => return nothing(),
        ..1e3 => (nanos, "ns"),
        ..1e6 => (nanos / 1e3, "µs"),
        ..1e9 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    format!("{} {unit}", figures(value))
}

fn figures(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => nothing(),
        size if size >= 1000.0 => {
            // Three figures, and noughts for what was not measured.
            let step = 10_f64.powf(size.log10().floor() - 2.0);
            thousands((value / step).round() * step)
        }
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A whole number with commas.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The document with these figures in place of those between the markers; nothing without markers.
pub fn replaced(document: &str, figures: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{figures}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_three() {
        for (value, text) in [
            (1.234, "1.23"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1234.0, "1,230"),
            (98765.0, "98,800"),
        ] {
            assert_eq!(figures(value), text);
        }
        assert_eq!(time(1234.0), "1.23 µs");
        assert_eq!(time(f64::NAN), "–");
    }

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let document = format!("a\n{BEGIN}\nold\n{END}\nz\n");
        assert_eq!(
            replaced(&document, "new\n"),
            Some(format!("a\n{BEGIN}\n\nnew\n\n{END}\nz\n"))
        );
        assert_eq!(replaced("a", "new"), None);
    }
}
