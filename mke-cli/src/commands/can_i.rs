//! `ucp can-i`: asks whether something is allowed, and why, or what somebody can do at all. Against a control plane,
//! or offline against a state file in the format of the conformance cases or Kubernetes manifests.

use mke_rbac::Subject;
use mke_rbac::inquiry::text::wrapped;
use mke_rbac::inquiry::verbs_and_resources;
use mke_rbac::question::{Answer, Ask, CollectionRights, Names, Question, RightsQuestion, Verdict};
use reqwest::Method;

use super::asked::RequestArgs;
use super::authz::{self, Source};
use crate::api::Client;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    request: RequestArgs,
    /// The account that the question is about, yourself by default. Only administrators may ask about others.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Show everything that the account can do instead: in every collection, or in --collection; and its Kubernetes
    /// rules, in --namespace.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let question = question(args)?;
    let answer = match args.source.offline()? {
        Some(offline) => {
            // Kubernetes has users of its own.
            let user = match &question.ask {
                Ask::K8s(_) => None,
                _ => question.user.as_deref(),
            };
            let subject = match user {
                None => Some(Subject::Anonymous),
                Some(name) => Names::of(&offline.policy).user(name),
            };
            match subject {
                Some(subject) => offline.policy.answer(&subject, &question, &offline.inventory),
                None => Answer::error(
                    "unknown-user",
                    format!("there is no user `{}`", user.unwrap_or_default()),
                ),
            }
        }
        None => {
            let mut body = authz::json(&question)?;
            args.source.put_inventory(&mut body)?;
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
    let request = &args.request;
    if !args.list {
        return request.question(args.user.as_deref());
    }
    if !request.is_empty() {
        return Err(CliError::Usage(
            "--list shows everything; leave the request out".to_owned(),
        ));
    }
    Ok(Question {
        user: args.user.clone(),
        ask: Ask::Rights(RightsQuestion {
            collection: request.collection.clone(),
            namespace: request.namespace.clone(),
            kubernetes_user: request.as_user.clone(),
            groups: request.as_group.clone(),
        }),
    })
}

/// The answer for people: the verdict first, then what it rests on.
fn text(answer: &Answer) -> String {
    let lists = answer.rights.is_some() || answer.rules.is_some();
    let mut lines = Vec::new();
    match answer.decision {
        Verdict::Allow if lists => {}
        Verdict::Allow => lines.push("yes".to_owned()),
        Verdict::Deny => lines.push("no".to_owned()),
        Verdict::Error => lines.push("no answer".to_owned()),
    }
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
    for rights in answer.rights.iter().flatten() {
        collection(rights, &mut lines);
    }
    if answer.rights.as_ref().is_some_and(Vec::is_empty) {
        lines.push("nothing in any collection".to_owned());
    }
    if let Some(rules) = &answer.rules {
        lines.push("in Kubernetes".to_owned());
        for (verbs, resources) in verbs_and_resources(rules) {
            lines.push(format!("  {verbs}:"));
            lines.extend(wrapped(&resources, 96).iter().map(|line| format!("    {line}")));
        }
        if rules.is_empty() {
            lines.push("  nothing".to_owned());
        }
    }
    lines.join("\n")
}

/// What somebody may do in a collection: the name of the role that says it, or every operation.
fn collection(rights: &CollectionRights, lines: &mut Vec<String>) {
    let place = format!("in {} and below", rights.collection);
    if let Some(role) = &rights.like {
        lines.push(format!("{place}: {role}"));
        return;
    }
    lines.push(format!("{place}:"));
    for (operation, modifiers) in &rights.operations {
        let modifiers: Vec<_> = modifiers.iter().map(|modifier| modifier.name()).collect();
        lines.push(match modifiers.is_empty() {
            true => format!("  {operation}"),
            false => format!("  {operation} ({})", modifiers.join(", ")),
        });
    }
}
