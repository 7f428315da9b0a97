//! What a recorded call of the Engine API asked for, as far as the record shows it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::demand::{Access, Demand, Facts, ObjectFacts, ObjectKind, ObjectRef, Placement, Target, Want};
use crate::engine::{
    AnswerKind, Base, BodyKind, CallHeaders, Endpoint, EndpointId, Route, classify, normalize, route,
};
use crate::operation::{Modifier, ModifierSet, ObjectType, Operation};
use crate::question::ResourceName;

/// A call of the Engine API, condensed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineUse {
    /// The method.
    pub method: String,
    /// The path of the endpoint, with its variable part.
    pub endpoint: String,
    /// Who may call it at all.
    pub access: Access,
    /// What it needs, its own operation first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wants: Vec<LoggedWant>,
    /// Where its object lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<LoggedPlacement>,
    /// Operations of which it only shows the results that somebody may see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Operation>,
    /// Whether the record showed query and body, so that nothing is missing here.
    pub complete: bool,
}

/// One operation that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedWant {
    /// The operation.
    pub operation: Operation,
    /// Its modifiers, as far as they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// On what.
    pub on: LoggedTarget,
}

/// On what an operation is used: the forms of [`Target`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoggedTarget {
    /// The root collection.
    Root,
    /// The object that is created or changed.
    Workload,
    /// An existing object.
    Object(ResourceName),
    /// A volume, or the workload when there is no such volume.
    VolumeOrWorkload(ResourceName),
    /// The volumes of a container.
    VolumesOf(ResourceName),
    /// A network.
    Network(ResourceName),
}

/// Where a created or changed object lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedPlacement {
    /// Its type.
    pub object_type: ObjectType,
    /// The existing object of a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<ResourceName>,
    /// The access label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it needs nodes.
    pub node_bound: bool,
    /// Whether label and body are known; otherwise nobody knows where it went.
    pub known: bool,
}

impl EngineUse {
    /// Reads a call. Nothing when it is no call of the Engine API.
    ///
    /// `body` is the recorded body; `shown` says whether the record's level shows queries and bodies at all.
    pub(super) fn read(method: &str, uri: &str, body: Option<&Value>, shown: bool) -> Option<Self> {
        let target = normalize(uri).ok()?;
        let route = route(method, &target).ok()?;
        let endpoint = route.endpoint();
        let read = shown.then(|| demand(&route, body)).flatten();
        let complete = read.is_some();
        let demand = read.unwrap_or_else(|| plain(&route));
        Some(Self {
            method: endpoint.method.to_owned(),
            endpoint: endpoint.template.to_owned(),
            access: demand.access,
            wants: demand.wants.iter().map(LoggedWant::of).collect(),
            placement: demand.placement.map(|placement| LoggedPlacement {
                object_type: placement.object_type,
                existing: placement.existing.as_ref().map(name),
                label: placement.label,
                node_bound: placement.node_bound,
                known: complete,
            }),
            filters: filters(endpoint),
            complete,
        })
    }

    /// The demand that it was.
    pub(super) fn demand(&self) -> Demand {
        Demand {
            access: self.access,
            placement: self.placement.as_ref().map(|placement| Placement {
                object_type: placement.object_type,
                existing: placement.existing.as_ref().map(object),
                label: placement.label.clone(),
                node_bound: placement.node_bound,
            }),
            wants: self.wants.iter().map(LoggedWant::want).collect(),
            // Which labels and roles a node had is not in the record.
            admin_only: None,
        }
    }

    /// The call for people: `POST /services/{id}/update`.
    pub(in crate::inquiry) fn call(&self) -> String {
        format!("{} {}", self.method, self.endpoint)
    }

    /// The objects that it named.
    pub(in crate::inquiry) fn demand_objects(&self) -> Vec<String> {
        let demand = self.demand();
        demand
            .objects()
            .iter()
            .map(|object| format!("{}/{}", object.kind.word(), object.name))
            .collect()
    }

    /// Whether the call may have needed more than shows: modifiers, or objects that its body named.
    pub(super) fn may_need_more(&self) -> bool {
        !self.complete
            && (self.placement.is_some()
                || self
                    .wants
                    .iter()
                    .any(|want| !want.operation.modifiers().is_empty()))
    }
}

/// Everything that a fully recorded call asks.
fn demand(route: &Route, body: Option<&Value>) -> Option<Demand> {
    let endpoint = route.endpoint();
    let body = match (endpoint.body, body) {
        (BodyKind::Json { optional, .. }, None) if !optional => return None,
        (BodyKind::None | BodyKind::Raw { .. }, _) | (_, None) => Vec::new(),
        // Of a body that is too large or secret the record keeps a digest or nothing.
        (_, Some(body)) if body.is_object() && body.get("sha256").is_none() => {
            serde_json::to_vec(body).ok()?
        }
        _ => return None,
    };
    let own = route.own_object().map(|own| ObjectFacts {
        // A role and labels of a node are compared with the stored ones, which nobody knows any more.
        spec: None,
        ..ObjectFacts::at(own.name, crate::model::builtin::ROOT.into())
    });
    let call = classify(route, &CallHeaders::default(), &body, own.as_ref()).ok()?;
    Some(call.demand().clone())
}

/// What a call needs whatever its query and body say.
fn plain(route: &Route) -> Demand {
    let endpoint = route.endpoint();
    let (operation, on) = match (endpoint.base, route.own_object()) {
        (Base::Nothing, _) | (Base::Own(_), None) => (None, Target::Root),
        (Base::Own(operation), Some(own)) => (Some(operation), Target::Object(own)),
        (Base::Root(operation), _) => (Some(operation), Target::Root),
        (Base::New(operation), _) => (Some(operation), Target::Workload),
    };
    let existing = endpoint.id == EndpointId::ServiceUpdate;
    let placement = operation
        .filter(|_| on == Target::Workload || existing)
        .map(|operation| Placement {
            object_type: operation.object_type(),
            existing: route.own_object().filter(|_| existing),
            label: None,
            node_bound: matches!(operation, Operation::ContainerCreate | Operation::ServiceCreate),
        });
    Demand {
        access: endpoint.access,
        placement,
        wants: operation
            .map(|operation| Want::plain(operation, on))
            .into_iter()
            .collect(),
        admin_only: None,
    }
}

fn filters(endpoint: &Endpoint) -> Vec<Operation> {
    match endpoint.answer {
        AnswerKind::List(ObjectKind::Task) => vec![Operation::ServiceViewTasks],
        AnswerKind::List(kind) => vec![kind.object_type().view_operation()],
        AnswerKind::Prune { each, .. } => vec![each],
        AnswerKind::Events => ObjectType::ALL.iter().map(|kind| kind.view_operation()).collect(),
        AnswerKind::Plain
        | AnswerKind::Stream
        | AnswerKind::Upgrade
        | AnswerKind::Inspect(_)
        | AnswerKind::Info => Vec::new(),
    }
}

fn name(object: &ObjectRef) -> ResourceName {
    ResourceName {
        kind: object.kind,
        name: object.name.clone(),
    }
}

pub(super) fn object(name: &ResourceName) -> ObjectRef {
    ObjectRef::new(name.kind, name.name.clone())
}

impl LoggedWant {
    fn of(want: &Want) -> Self {
        Self {
            operation: want.operation,
            modifiers: want.modifiers.iter().collect(),
            on: match &want.on {
                Target::Root => LoggedTarget::Root,
                Target::Workload => LoggedTarget::Workload,
                Target::Object(object) => LoggedTarget::Object(name(object)),
                Target::VolumeOrWorkload(object) => LoggedTarget::VolumeOrWorkload(name(object)),
                Target::VolumesOf(object) => LoggedTarget::VolumesOf(name(object)),
                Target::Network(object) => LoggedTarget::Network(name(object)),
            },
        }
    }

    fn want(&self) -> Want {
        let on = match &self.on {
            LoggedTarget::Root => Target::Root,
            LoggedTarget::Workload => Target::Workload,
            LoggedTarget::Object(name) => Target::Object(object(name)),
            LoggedTarget::VolumeOrWorkload(name) => Target::VolumeOrWorkload(object(name)),
            LoggedTarget::VolumesOf(name) => Target::VolumesOf(object(name)),
            LoggedTarget::Network(name) => Target::Network(object(name)),
        };
        Want::with(self.operation, self.modifiers.iter().copied(), on)
    }

    /// Its modifiers as a set.
    pub(super) fn modifiers(&self) -> ModifierSet {
        self.modifiers.iter().copied().collect()
    }
}

/// Networks that every Engine has; joining them is no question of a collection (R39).
pub(super) fn predefined(facts: &mut Facts, demand: &Demand) {
    for want in &demand.wants {
        if let Target::Network(network) = &want.on
            && matches!(
                network.name.as_str(),
                "host" | "bridge" | "none" | "ingress" | "nat"
            )
            && !facts.objects.contains_key(network)
        {
            let mut found = ObjectFacts::at(network.name.clone(), crate::model::builtin::ROOT.into());
            found.predefined_network = Some(network.name.clone());
            facts.objects.insert(network.clone(), found);
        }
    }
}
