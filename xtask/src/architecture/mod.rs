//! `cargo xtask architecture`: the rules of `ARCHITECTURE.md` that a program can check.
//!
//! Four questions: do the arrows between crates point down only, do the pure crates stay pure in what they pull in
//! and in what they ask of the machine, is there one TLS stack, one HTTP stack and one runtime, and does everything
//! that the documents name exist.

mod arrows;
mod documents;
mod glossary;
mod graph;
mod machine;
mod stacks;

use crate::checkout;
use crate::failure::{Failure, Outcome};
use crate::say;

/// Checks everything and names every broken rule, not only the first.
pub(crate) fn run() -> Outcome {
    let root = checkout::root();
    let mut problems = Vec::new();
    let graph = graph::Graph::observe(&root)?;
    let mut judge = |rule: &str, found: Vec<String>| {
        say::detail(&format!(
            "{rule}: {}",
            if found.is_empty() { "yes" } else { "no" }
        ));
        problems.extend(found);
    };
    judge("arrows point down only", arrows::problems(&graph));
    judge(
        "one TLS stack, one HTTP stack, one runtime",
        stacks::duplicates(&graph),
    );
    for name in stacks::PURE {
        judge(
            &format!("{name} is pure"),
            stacks::impurities(name, &graph::reached(&root, name)?),
        );
    }
    judge(
        "pure code asks the machine for nothing",
        machine::problems(&root)?,
    );
    judge("every path in the documents exists", documents::problems(&root)?);
    judge(
        "the glossary is short and has one word per idea",
        glossary::problems(&root)?,
    );
    if problems.is_empty() {
        return Ok(());
    }
    for problem in &problems {
        say::error(problem);
    }
    Err(Failure::No(format!(
        "{} rules of the architecture are broken",
        problems.len()
    )))
}
