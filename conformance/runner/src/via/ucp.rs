//! Asking the command line: `ucp can-i --state FILE --world NAME --question -` for every case.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use mke_rbac::question::{Answer, Verdict};

use super::{AskError, Via};
use crate::case::{Case, CaseFile};

/// The `ucp` program.
#[derive(Debug)]
pub struct Ucp {
    program: PathBuf,
}

impl Ucp {
    /// Uses this program.
    pub const fn new(program: PathBuf) -> Self {
        Self { program }
    }
}

impl Via for Ucp {
    fn name(&self) -> &'static str {
        "ucp"
    }

    fn ask(&mut self, file: &CaseFile, case: &Case) -> Result<Answer, AskError> {
        let cannot_run = |source| AskError::Program {
            program: self.program.clone(),
            source,
        };
        let mut child = Command::new(&self.program)
            .args(["can-i", "--output", "json", "--question", "-", "--state"])
            .arg(file.state_path())
            .args(["--world", &case.world])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot_run)?;
        if let Some(mut input) = child.stdin.take() {
            let question = serde_json::to_vec(&case.question).unwrap_or_default();
            // A program that ends early closes its input; what it said is reported below.
            let _ = input.write_all(&question);
        }
        let output = child.wait_with_output().map_err(cannot_run)?;
        let Ok(answer) = serde_json::from_slice::<Answer>(&output.stdout) else {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(AskError::NoAnswer {
                status: output.status,
                said: said.trim().to_owned(),
            });
        };
        let printed = match answer.decision {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
            Verdict::Error => "error",
        };
        let agrees = match answer.decision {
            Verdict::Allow => output.status.success(),
            Verdict::Deny => output.status.code() == Some(1),
            Verdict::Error => !output.status.success(),
        };
        if !agrees {
            return Err(AskError::Contradiction {
                printed,
                status: output.status,
            });
        }
        Ok(answer)
    }
}
