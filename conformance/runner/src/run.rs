//! Running files and reporting: each failed case with what was expected and what came, then the sums.

use std::io::{self, Write};

use crate::case::CaseFile;
use crate::compare::differences;
use crate::via::Via;

/// How many cases passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answers that are as expected.
    pub passed: usize,
    /// Answers that are not, and questions without an answer.
    pub failed: usize,
}

/// Asks every case of the files in every way.
pub fn run(files: &[CaseFile], ways: &mut [Box<dyn Via>], out: &mut dyn Write) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for way in ways {
        for file in files {
            for case in &file.cases {
                let Some(world) = file.worlds.get(&case.world) else {
                    continue;
                };
                let problems: Vec<String> = match way.ask(file, case) {
                    Ok(answer) => differences(&case.expect, &answer, world)
                        .iter()
                        .map(ToString::to_string)
                        .collect(),
                    Err(error) => vec![with_sources(&error)],
                };
                if problems.is_empty() {
                    tally.passed += 1;
                    continue;
                }
                tally.failed += 1;
                writeln!(out, "{} ({}, via {}):", case.id, case.world, way.name())?;
                for problem in problems {
                    writeln!(out, "  {problem}")?;
                }
            }
            for case in file.kubernetes.iter().filter(|_| way.asks_kubernetes()) {
                match case.ask(file) {
                    Ok(()) => tally.passed += 1,
                    Err(problem) => {
                        tally.failed += 1;
                        writeln!(
                            out,
                            "{} ({}, via {}):\n  {problem}",
                            case.id,
                            case.set,
                            way.name()
                        )?;
                    }
                }
            }
        }
    }
    writeln!(out, "{} passed, {} failed", tally.passed, tally.failed)?;
    Ok(tally)
}

/// An error with everything behind it, in one line.
pub fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
