//! Questions about Engine API calls: method and path are looked up in the table of endpoints.
//!
//! The body of the call is not known here. What matters of it is said in the question: the modifiers and the other
//! object. A real request is read completely by [`crate::engine::classify`].

use super::Answer;
use super::answer::{Asked, object_ref};
use super::forms::ApiQuestion;
use crate::demand::{Access, Demand, ObjectKind, ObjectRef, Placement, Target, Want};
use crate::engine::{Base, Endpoint, normalize, route};
use crate::judge::JudgeError;
use crate::operation::Operation;

impl Asked<'_> {
    pub(super) fn api(&self, ask: &ApiQuestion) -> Result<Answer, JudgeError> {
        let target = match normalize(&ask.path) {
            Ok(target) => target,
            Err(error) => return Ok(Answer::error("bad-path", error.to_string())),
        };
        let route = match route(&ask.method, &target) {
            Ok(route) => route,
            Err(error) => return Ok(Answer::error("no-such-endpoint", error.to_string())),
        };
        let endpoint = route.endpoint();
        let own = match (route.own_object(), &ask.resource) {
            (None, Some(resource)) => {
                let message = format!("the path addresses no object, so it cannot be `{resource}`");
                return Ok(Answer::error("resource-mismatch", message));
            }
            (Some(own), Some(resource)) if own != object_ref(resource) => {
                let message = format!("the path addresses {own}, not `{resource}`");
                return Ok(Answer::error("resource-mismatch", message));
            }
            (own, _) => own,
        };
        let judgement = self.judge(&demand(endpoint, own.as_ref(), ask))?;
        let answer = self.judged(judgement, |_| true);
        Ok(Answer {
            access: (endpoint.access != Access::Operation).then_some(endpoint.access),
            ..answer
        })
    }
}

fn demand(endpoint: &Endpoint, own: Option<&ObjectRef>, ask: &ApiQuestion) -> Demand {
    let modifiers = ask.modifiers.iter().copied();
    let first = match (endpoint.base, own) {
        (Base::Nothing, _) | (Base::Own(_), None) => None,
        (Base::Own(operation), Some(own)) => Some((operation, Target::Object(own.clone()))),
        (Base::Root(operation), _) => Some((operation, Target::Root)),
        (Base::New(operation), _) => Some((operation, Target::Workload)),
    };
    let placement = match endpoint.base {
        Base::New(operation) => Some(Placement {
            object_type: operation.object_type(),
            existing: None,
            label: None,
            node_bound: matches!(
                operation,
                Operation::ContainerCreate | Operation::ServiceCreate | Operation::VolumeCreateAttach
            ),
        }),
        _ => None,
    };
    let other = first.as_ref().and_then(|(operation, _)| {
        let other = ask.other.as_ref()?;
        let operation = on_other(*operation, other.kind)?;
        Some(Want::plain(operation, Target::Object(object_ref(other))))
    });
    let first = first.map(|(operation, on)| Want::with(operation, modifiers, on));
    Demand {
        access: endpoint.access,
        placement,
        wants: first.into_iter().chain(other).collect(),
        admin_only: None,
    }
}

/// What a call needs on the second object that it names (R31, R35).
const fn on_other(operation: Operation, other: ObjectKind) -> Option<Operation> {
    match (operation, other) {
        (Operation::NetworkConnect, ObjectKind::Container) => Some(Operation::ContainerConnect),
        (Operation::NetworkDisconnect, ObjectKind::Container) => Some(Operation::ContainerDisconnect),
        (Operation::ImageCommit, ObjectKind::Container) => Some(Operation::ContainerView),
        _ => None,
    }
}
