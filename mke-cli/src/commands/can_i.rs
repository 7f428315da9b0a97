//! `ucp can-i`: asks whether something is allowed, and why. Against a control plane, or offline against a state
//! file in the format of the conformance cases.

use std::path::PathBuf;

use mke_rbac::operation::{Modifier, Operation};
use mke_rbac::question::{Answer, Ask, CheckQuestion, Question, Verdict};
use reqwest::Method;

use super::authz::{self, Source};
use crate::api::Client;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An operation, such as "Service Create".
    #[arg(required_unless_present = "question", conflicts_with = "question", value_parser = operation)]
    operation: Option<Operation>,
    /// The collection in which it is used.
    #[arg(long, requires = "operation", default_value = "/")]
    collection: String,
    /// A modifier that the use needs, such as Privileged; repeatable.
    #[arg(long, requires = "operation", value_parser = modifier)]
    modifier: Vec<Modifier>,
    /// The user that the question is about, yourself by default. Only administrators may ask about others.
    #[arg(long, requires = "operation")]
    user: Option<String>,
    /// Ask a whole question: a JSON file, `-` for standard input.
    #[arg(long)]
    question: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
}

pub(super) fn operation(text: &str) -> Result<Operation, String> {
    Operation::from_name(text)
        .ok_or_else(|| "no such operation; `ucp role show fullcontrol` lists all".to_owned())
}

pub(super) fn modifier(text: &str) -> Result<Modifier, String> {
    Modifier::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Modifier::ALL.iter().map(|modifier| modifier.name()).collect();
        format!("no such modifier, use one of {}", names.join(", "))
    })
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let question = question(args)?;
    let answer = match &args.source.state {
        Some(path) => authz::world(path, args.source.world.as_deref())?.answer(&question),
        None => {
            let body = authz::json(&question)?;
            let client = Client::from_environment()?;
            super::wait_for(client.send_json::<Answer>(Method::POST, "/api/ucp/authz/can-i", &body))?
        }
    };
    output.value(&answer, text)?;
    match answer.decision {
        Verdict::Allow => Ok(()),
        Verdict::Deny => Err(CliError::AnswerIsNo),
        Verdict::Error => Err(CliError::Usage(
            answer
                .message
                .unwrap_or_else(|| "the question has no answer".to_owned()),
        )),
    }
}

fn question(args: &Args) -> Result<Question, CliError> {
    if let Some(path) = &args.question {
        return serde_json::from_str(&authz::read(path)?)
            .map_err(|error| CliError::Usage(format!("{} is no question: {error}", path.display())));
    }
    let operation = args
        .operation
        .ok_or_else(|| CliError::Usage("name an operation".to_owned()))?;
    let check = CheckQuestion {
        operation,
        modifiers: args.modifier.clone(),
        collection: args.collection.clone(),
    };
    Ok(Question {
        user: args.user.clone(),
        ask: Ask::Check(check),
    })
}

/// The answer for people: the verdict first, then what it rests on.
fn text(answer: &Answer) -> String {
    let mut lines = vec![match answer.decision {
        Verdict::Allow => "yes".to_owned(),
        Verdict::Deny => "no".to_owned(),
        Verdict::Error => "no answer".to_owned(),
    }];
    lines.extend(answer.message.clone());
    let mut line =
        |name: &str, value: Option<String>| lines.extend(value.map(|value| format!("{name}: {value}")));
    for decided_by in answer.decided_by.iter().flatten() {
        line("granted by", Some(decided_by.to_string()));
    }
    for missing in answer.missing.iter().flatten() {
        let modifier = missing
            .modifier
            .map(|modifier| format!(" with {modifier}"))
            .unwrap_or_default();
        line(
            "missing",
            Some(format!(
                "{}{modifier} in {}",
                missing.operation, missing.collection
            )),
        );
    }
    line("collection", answer.collection.clone());
    line("runs where", answer.constraint.clone());
    line(
        "nodes",
        answer.eligible_nodes.as_ref().map(|nodes| nodes.join(", ")),
    );
    lines.extend(answer.visible.iter().flatten().cloned());
    lines.extend(
        answer
            .operations
            .iter()
            .flatten()
            .map(|(operation, _)| operation.clone()),
    );
    lines.join("\n")
}
