//! `ucp proof`: checks the proof of a decision against plain facts, with a checker that shares no code with what decides.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use mke_proof::{Flaw, State};
use mke_rbac::kubernetes::Authorizer;
use mke_rbac::proof::facts;
use serde::Serialize;
use serde_json::Value;

use super::authz::{self, Source};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a proof against facts. Exit code 1 means that it says something untrue.
    Check(CheckArgs),
    /// Print the facts of a state file or of Kubernetes manifests, in the form that `check` reads.
    Facts(Source),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The facts, JSON as `ucp proof facts` prints it.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// The proof, or an explanation that holds one, JSON; `-` for standard input.
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
}

/// What came of it.
#[derive(Serialize)]
struct Checked {
    /// Whether everything in the proof is true of the facts.
    holds: bool,
    /// The proven answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    /// The question that has this answer, as the proof words it.
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<Value>,
    /// What is wrong with the proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    flaw: Option<String>,
}

pub(super) fn run(command: &Command, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Check(args) => check(args, output),
        Command::Facts(source) => {
            let offline = source.offline()?.ok_or_else(|| {
                CliError::Usage("name a state file with --state, or manifests with --manifests".to_owned())
            })?;
            let authorizer = Authorizer::compile(&offline.inventory.kubernetes);
            let facts = facts(&offline.policy, &authorizer);
            output.data(&format!("{facts:#}\n"))
        }
    }
}

fn check(args: &CheckArgs, output: &mut Output<'_>) -> Result<(), CliError> {
    let state: State = parse(&args.state, "facts; make them with `ucp proof facts`")?;
    let mut proof: Value = parse(&args.proof, "proof")?;
    if let Some(held) = proof.get_mut("proof") {
        proof = held.take();
    }
    let checked = match mke_proof::check(&state, &proof) {
        Ok(allowed) => Checked {
            holds: true,
            decision: Some(if allowed { "allow" } else { "deny" }),
            question: question(proof),
            flaw: None,
        },
        Err(Flaw(flaw)) => Checked {
            holds: false,
            decision: None,
            question: None,
            flaw: Some(flaw),
        },
    };
    output.value(&checked, text)?;
    if checked.holds {
        Ok(())
    } else {
        Err(CliError::AnswerIsNo)
    }
}

/// The proof without its decision.
fn question(mut proof: Value) -> Option<Value> {
    let inner = proof.as_object_mut()?.values_mut().next()?;
    inner.as_object_mut()?.remove("decision");
    Some(inner.take())
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, what: &str) -> Result<T, CliError> {
    serde_json::from_str(&authz::read(path)?)
        .map_err(|error| CliError::Usage(format!("{} holds no {what}: {error}", path.display())))
}

fn text(checked: &Checked) -> String {
    let mut lines = vec![match (checked.holds, checked.decision) {
        (true, Some(decision)) => format!("the proof holds: {decision}"),
        _ => "the proof does not hold".to_owned(),
    }];
    lines.extend(
        checked
            .question
            .as_ref()
            .map(|question| format!("question: {question}")),
    );
    lines.extend(checked.flaw.clone());
    lines.join("\n")
}
