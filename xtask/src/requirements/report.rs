//! What is claimed and what is not, per area: as lines for people and as JSON for scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::list::Row;
use super::scan::Claim;

/// The whole report.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) areas: Vec<Area>,
    /// Claims of ids that no list has.
    pub(crate) unknown: Vec<Unknown>,
}

/// One area of the list.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Area {
    pub(crate) area: String,
    pub(crate) total: usize,
    pub(crate) claimed: usize,
    pub(crate) p0_total: usize,
    pub(crate) p0_claimed: usize,
    /// Ids with the tests that claim them.
    pub(crate) tests: BTreeMap<String, Vec<String>>,
    pub(crate) unclaimed: Vec<Unclaimed>,
}

/// A row that no test claims.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Unclaimed {
    pub(crate) id: String,
    pub(crate) priority: String,
    pub(crate) title: String,
}

/// A claim of something that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Unknown {
    pub(crate) id: String,
    /// `file:line`.
    pub(crate) place: String,
}

impl Report {
    /// Compares rows with claims. Without names in `areas`, all areas are shown; unknown ids always are.
    pub(crate) fn new(rows: &[Row], claims: &[Claim], areas: &[String]) -> Self {
        let known: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let unknown = claims
            .iter()
            .filter(|claim| !known.contains(claim.id.as_str()))
            .map(|claim| Unknown {
                id: claim.id.clone(),
                place: format!("{}:{}", claim.file.display(), claim.line),
            });
        let mut tests: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for claim in claims {
            tests
                .entry(&claim.id)
                .or_default()
                .push(format!("{}::{}", claim.file.display(), claim.test));
        }
        let mut by_area: BTreeMap<&str, Area> = BTreeMap::new();
        for row in rows
            .iter()
            .filter(|row| areas.is_empty() || areas.contains(&row.area))
        {
            let area = by_area.entry(&row.area).or_default();
            area.area.clone_from(&row.area);
            let first = usize::from(row.priority == "P0");
            area.total += 1;
            area.p0_total += first;
            if let Some(tests) = tests.get(row.id.as_str()) {
                area.claimed += 1;
                area.p0_claimed += first;
                area.tests.insert(row.id.clone(), tests.clone());
            } else {
                let (id, priority, title) = (row.id.clone(), row.priority.clone(), row.title.clone());
                area.unclaimed.push(Unclaimed { id, priority, title });
            }
        }
        Self {
            areas: by_area.into_values().collect(),
            unknown: unknown.collect(),
        }
    }

    /// Rows of this priority that no test claims.
    pub(crate) fn unclaimed(&self, priority: &str) -> Vec<&str> {
        let rows = self.areas.iter().flat_map(|area| &area.unclaimed);
        rows.filter(|row| row.priority == priority)
            .map(|row| row.id.as_str())
            .collect()
    }

    /// For people. `brief` leaves out the rows and keeps one line per area.
    pub(crate) fn text(&self, brief: bool) -> String {
        let mut out = format!("{:<20} {:>9} {:>9}\n", "area", "P0", "all");
        for area in &self.areas {
            let first = format!("{}/{}", area.p0_claimed, area.p0_total);
            let all = format!("{}/{}", area.claimed, area.total);
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{:<20} {first:>9} {all:>9}", area.area);
            for row in area.unclaimed.iter().filter(|_| !brief) {
                let _ = writeln!(
                    out,
                    "    no test claims {} ({}): {}",
                    row.id, row.priority, row.title
                );
            }
        }
        for unknown in &self.unknown {
            let _ = writeln!(out, "unknown id {} claimed at {}", unknown.id, unknown.place);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, area: &str, priority: &str) -> Row {
        Row {
            id: id.into(),
            area: area.into(),
            title: "words".into(),
            priority: priority.into(),
        }
    }

    fn claim(id: &str) -> Claim {
        Claim {
            id: id.into(),
            file: "a.rs".into(),
            line: 3,
            test: "t".into(),
        }
    }

    #[test]
    fn counts_per_area() {
        let rows = [
            row("AA-001", "one", "P0"),
            row("AA-002", "one", "P1"),
            row("BB-001", "two", "P0"),
        ];
        let report = Report::new(&rows, &[claim("AA-001"), claim("AA-001"), claim("CC-001")], &[]);
        let one = &report.areas[0];
        assert_eq!(
            (one.total, one.claimed, one.p0_total, one.p0_claimed),
            (2, 1, 1, 1)
        );
        assert_eq!(report.unclaimed("P0"), ["BB-001"]);
        assert_eq!(
            report.unknown,
            [Unknown {
                id: "CC-001".into(),
                place: "a.rs:3".into()
            }]
        );
        assert!(report.text(false).contains("no test claims AA-002 (P1): words"));
        assert!(!report.text(true).contains("AA-002"));
        let narrowed = Report::new(&rows, &[claim("CC-001")], &["one".into()]);
        assert_eq!(narrowed.areas.len(), 1);
        assert_eq!(narrowed.unknown.len(), 1, "an unknown id is never hidden");
    }
}
