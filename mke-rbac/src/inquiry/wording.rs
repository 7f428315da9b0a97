//! Questions and reasons in plain words, the same in every report.

use super::Scene;
use crate::decision::{AllowReason, Subject};
use crate::operation::{Modifier, Operation};
use crate::question::{Ask, KubernetesQuestion};

/// Who asks, by name.
pub(super) fn subject(scene: &Scene<'_>, subject: &Subject) -> String {
    match subject {
        Subject::Anonymous => "anonymous".to_owned(),
        Subject::Account(id) => scene.names().user_name(id),
    }
}

/// An operation with its modifiers.
pub(super) fn operation(operation: Operation, modifiers: &[Modifier]) -> String {
    let mut text = operation.to_string();
    for (position, modifier) in modifiers.iter().enumerate() {
        text.push_str(if position == 0 { " with " } else { " and " });
        text.push_str(modifier.name());
    }
    text
}

/// What is asked, to follow "may".
pub(super) fn ask(ask: &Ask) -> String {
    match ask {
        Ask::Check(ask) => {
            let what = operation(ask.operation, &ask.modifiers);
            format!("use {what} in {}", ask.collection)
        }
        Ask::Create(ask) => {
            let place = match &ask.label {
                Some(label) => format!("in {label}"),
                None => "in the default collection".to_owned(),
            };
            format!("create a {} {place}", ask.kind.word())
        }
        Ask::Update(ask) => match &ask.label {
            Some(label) => format!("move {} to {label}", ask.resource),
            None => format!("change {}", ask.resource),
        },
        Ask::List(ask) => format!("list objects of type {}", ask.kind.word()),
        Ask::Collections(_) => "see collections".to_owned(),
        Ask::Schedule(ask) => format!("schedule in {}", ask.collection),
        Ask::Effective(ask) => format!("do something in {}", ask.collection),
        Ask::Api(ask) => format!("call {} {}", ask.method, ask.path),
        Ask::K8s(ask) => kubernetes(ask),
        Ask::Rights(_) => "do anything".to_owned(),
    }
}

/// A Kubernetes request.
pub(super) fn kubernetes(ask: &KubernetesQuestion) -> String {
    if let Some(path) = &ask.path {
        return format!("{} {path}", ask.verb);
    }
    let mut text = format!("{} {}", ask.verb, ask.resource.as_deref().unwrap_or("nothing"));
    if let Some(subresource) = &ask.subresource {
        text.push_str(&format!("/{subresource}"));
    }
    if !ask.group.is_empty() {
        text.push_str(&format!(".{}", ask.group));
    }
    if let Some(name) = &ask.name {
        text.push_str(&format!(" `{name}`"));
    }
    match &ask.namespace {
        Some(namespace) => text.push_str(&format!(" in namespace {namespace}")),
        None => text.push_str(" in the cluster"),
    }
    text
}

/// Why something is allowed, in one sentence.
pub(super) fn reason(reason: &AllowReason) -> String {
    match reason {
        AllowReason::Public => "anybody may",
        AllowReason::Authenticated => "every active account may",
        AllowReason::Administrator => "administrators may do everything",
        AllowReason::Granted(_) => "grants carry everything that it needs",
    }
    .to_owned()
}
