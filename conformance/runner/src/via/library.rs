//! Asking the library directly.

use mke_rbac::question::Answer;

use super::{AskError, Via};
use crate::case::{Case, CaseFile};

/// `mke-rbac` in this process.
#[derive(Debug, Default)]
pub struct Library;

impl Via for Library {
    fn name(&self) -> &'static str {
        "library"
    }

    fn ask(&mut self, file: &CaseFile, case: &Case) -> Result<Answer, AskError> {
        Ok(match file.worlds.get(&case.world) {
            Some(world) => world.answer(&case.question),
            None => Answer::error("unknown-world", "the file has no such world"),
        })
    }

    fn asks_kubernetes(&self) -> bool {
        true
    }
}
