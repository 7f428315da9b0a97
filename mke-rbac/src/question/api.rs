//! Questions about Engine API calls: method and path are looked up in the table of endpoints.
//!
//! With a body the call is read as the proxy reads it, by [`crate::engine::classify`], so that the answer is the
//! proxy's. Without one, what matters of it is said in the question: the modifiers and the other object.

use serde_json::Value;

use super::answer::{Asked, object_ref};
use super::forms::ApiQuestion;
use super::ruling::{Ruling, Unanswered};
use crate::demand::{Demand, ObjectKind, ObjectRef, Placement, Target, Want};
use crate::engine::{Base, CallError, CallHeaders, Endpoint, Route, classify, normalize, route};
use crate::operation::Operation;

impl Asked<'_> {
    pub(super) fn rule_api(&self, ask: &ApiQuestion) -> Result<Ruling, Unanswered> {
        let target = normalize(&ask.path).map_err(|error| Unanswered::new("bad-path", error.to_string()))?;
        let route = route(&ask.method, &target)
            .map_err(|error| Unanswered::new("no-such-endpoint", error.to_string()))?;
        let own = match (route.own_object(), &ask.resource) {
            (None, Some(resource)) => {
                let message = format!("the path addresses no object, so it cannot be `{resource}`");
                return Err(Unanswered::new("resource-mismatch", message));
            }
            (Some(own), Some(resource)) if own != object_ref(resource) => {
                let message = format!("the path addresses {own}, not `{resource}`");
                return Err(Unanswered::new("resource-mismatch", message));
            }
            (own, _) => own,
        };
        match &ask.body {
            Some(body) => self.rule_whole_call(ask, &route, own.as_ref(), body),
            None => self.rule_demand(&demand(route.endpoint(), own.as_ref(), ask), Vec::new()),
        }
    }

    /// Judges a call with its body. What the proxy would find at the Engine is taken from the inventory.
    fn rule_whole_call(
        &self,
        ask: &ApiQuestion,
        route: &Route,
        own: Option<&ObjectRef>,
        body: &Value,
    ) -> Result<Ruling, Unanswered> {
        if ask.other.is_some() || !ask.modifiers.is_empty() {
            let message = "`other` and `modifiers` stand in for a body that is not given, leave them out";
            return Err(Unanswered::new("body-and-summary", message));
        }
        let bytes = match body {
            Value::Null => Vec::new(),
            Value::String(text) => text.clone().into_bytes(),
            value => value.to_string().into_bytes(),
        };
        let facts = self.inventory.facts(self.policy, own)?;
        let own = own.and_then(|own| facts.objects.get(own));
        let call = classify(route, &CallHeaders::default(), &bytes, own).map_err(|error| {
            let code = match &error {
                CallError::NotFound(_) => "not-found",
                _ => "bad-call",
            };
            Unanswered::new(code, error.to_string())
        })?;
        self.rule_demand(call.demand(), Vec::new())
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
