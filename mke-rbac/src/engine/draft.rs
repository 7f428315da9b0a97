//! A call while its rules are being applied.

use serde_json::{Map, Value};

use super::call::{Call, CallBody, Place, Reason, Rewrite, Substitution};
use super::endpoint::{Base, Endpoint};
use super::path::ApiVersion;
use super::query::Query;
use super::wishes::{self, Wishes};
use crate::demand::{Access, Demand, ObjectKind, ObjectRef, Placement, Target, Want};
use crate::operation::{Modifier, Operation};

/// Collects wants, substitutions and rewrites. The first want is the endpoint's own.
pub(super) struct Draft {
    pub(super) endpoint: &'static Endpoint,
    pub(super) own: Option<ObjectRef>,
    pub(super) query: Query,
    pub(super) body: CallBody,
    pub(super) access: Access,
    pub(super) wants: Vec<Want>,
    pub(super) placement: Option<Placement>,
    pub(super) rewrite: Rewrite,
    pub(super) limit: Option<usize>,
    pub(super) wishes: Wishes,
    reasons: Vec<Reason>,
    admin_only: Option<&'static str>,
    substitutions: Vec<Substitution>,
}

impl Draft {
    pub(super) fn new(
        endpoint: &'static Endpoint,
        own: Option<ObjectRef>,
        query: Query,
        body: CallBody,
    ) -> Self {
        let first = match endpoint.base {
            Base::Nothing => None,
            Base::Own(operation) => own.clone().map(|own| Want::plain(operation, Target::Object(own))),
            Base::Root(operation) => Some(Want::plain(operation, Target::Root)),
            Base::New(operation) => Some(Want::plain(operation, Target::Workload)),
        };
        Self {
            endpoint,
            own,
            query,
            body,
            access: endpoint.access,
            wants: first.into_iter().collect(),
            placement: None,
            rewrite: Rewrite::Nothing,
            limit: None,
            wishes: Wishes::default(),
            reasons: Vec::new(),
            admin_only: None,
            substitutions: Vec::new(),
        }
    }

    /// The checked body, or `null` when there is none.
    pub(super) fn json(&self) -> Value {
        match &self.body {
            CallBody::Json(value) => value.clone(),
            CallBody::None | CallBody::Stream { .. } => Value::Null,
        }
    }

    /// Takes the node out of the `Name` of what is made, so that everything behind sees the bare name.
    pub(super) fn node_of_name(&mut self) {
        if let CallBody::Json(Value::Object(body)) = &mut self.body
            && let Some((node, name)) = body.get("Name").map(text).and_then(wishes::node_of)
        {
            self.wishes.node = Some(node.to_owned());
            let name = Value::from(name);
            body.insert("Name".to_owned(), name);
        }
    }

    /// Where things that belong to the object itself are checked.
    pub(super) fn here(&self) -> Target {
        match (&self.placement, &self.own) {
            (Some(_), _) => Target::Workload,
            (None, Some(own)) if own.kind != ObjectKind::Image => Target::Object(own.clone()),
            (None, _) => Target::Root,
        }
    }

    /// Adds a modifier to the endpoint's own operation.
    pub(super) fn modifier(&mut self, modifier: Modifier) {
        if let Some(first) = self.wants.first_mut() {
            first.modifiers.insert(modifier);
        }
    }

    /// Needs the right to create containers with this modifier. For calls that create containers it is a
    /// modifier of their own operation.
    pub(super) fn container_modifier(&mut self, modifier: Modifier) {
        match self.wants.first_mut() {
            Some(first) if first.operation == Operation::ContainerCreate => first.modifiers.insert(modifier),
            _ => {
                let on = self.here();
                self.want(Want::with(Operation::ContainerCreate, [modifier], on));
            }
        }
    }

    /// Needs what nobody with a restricted role has: for settings that reach the node, and for fields that
    /// nobody knows.
    pub(super) fn privileged(&mut self) {
        self.container_modifier(Modifier::Privileged);
    }

    /// [`Draft::privileged`], for a reason that people may read.
    pub(super) fn reaches(&mut self, field: &'static str, why: &'static str) {
        self.reasons.push(Reason { field, why });
        self.privileged();
    }

    pub(super) fn want(&mut self, want: Want) {
        if !self.wants.contains(&want) {
            self.wants.push(want);
        }
    }

    /// Leaves the call to administrators. The first reason counts.
    pub(super) fn admin_only(&mut self, why: &'static str) {
        self.admin_only.get_or_insert(why);
    }

    /// Needs an operation on another object, whose name in the request becomes its full id.
    pub(super) fn refer(&mut self, operation: Operation, object: ObjectRef, place: Place) {
        self.want(Want::plain(operation, Target::Object(object.clone())));
        self.substitute(object, place);
    }

    /// Joins a network. Predefined ones cost a modifier when they are looked up (R39).
    pub(super) fn join(&mut self, name: &str, place: Place) {
        let network = ObjectRef::new(ObjectKind::Network, name);
        self.want(Want::plain(
            Operation::NetworkConnect,
            Target::Network(network.clone()),
        ));
        self.substitute(network, place);
    }

    pub(super) fn substitute(&mut self, object: ObjectRef, place: Place) {
        self.substitutions.push(Substitution { object, place });
    }

    /// Applies rules to a value that is not the body of the request: there is nothing to substitute in it.
    pub(super) fn without_substitutions<E>(
        &mut self,
        rules: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        rules(self)?;
        self.substitutions.clear();
        Ok(())
    }

    pub(super) fn finish(self, version: ApiVersion, unknown: Vec<String>) -> Call {
        Call {
            endpoint: self.endpoint,
            own: self.own,
            version,
            query: self.query,
            body: self.body,
            demand: Demand {
                access: self.access,
                placement: self.placement,
                wants: self.wants,
                admin_only: self.admin_only,
            },
            substitutions: self.substitutions,
            rewrite: self.rewrite,
            unknown,
            limit: self.limit,
            reasons: self.reasons,
            wishes: self.wishes,
        }
    }
}

/// The labels of an object, if it has any.
pub(super) fn labels(object: &Value) -> Option<&Map<String, Value>> {
    object.get("Labels").and_then(Value::as_object)
}

/// The items of a list, none for anything else.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The text of a value, empty for anything else.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
