//! Writing an allowed call out for the Engine.
//!
//! The value that was checked is what is written: nothing of the caller's spelling survives. Names become the full ids
//! that the checks were made on (proxy-18), labels and placement constraints are put in place (R18, R48, R49).

use serde_json::{Map, Value};

use super::call::{Call, CallBody, Place, Rewrite, Substitution};
use super::constraints;
use super::defaults::{self, ServiceDefaults};
use super::labels::{OWNER, Owner, put};
use super::path::join;
use super::volumes;
use crate::Policy;
use crate::demand::{Facts, ObjectKind, ObjectRef};
use crate::judge::Placed;

/// Circumstances of a call that the call itself does not know.
#[derive(Debug, Clone, Copy)]
pub struct Forwarding<'f> {
    /// The policy that allowed it.
    pub policy: &'f Policy,
    /// On whose behalf.
    pub owner: Owner<'f>,
    /// Whether the nodes carry the label that names their orchestrator, so that services can be kept on Swarm
    /// nodes (R49). Where they do not, the constraint would keep every task from running.
    pub orchestrator_label: bool,
    /// What new services get that say nothing themselves.
    pub service_defaults: ServiceDefaults,
}

/// What is sent to the Engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Forward {
    /// The method.
    pub method: &'static str,
    /// The path with API version and query.
    pub path_and_query: String,
    /// The body.
    pub body: ForwardBody,
    /// The request headers of the caller that are passed on, in lower case. No others are.
    pub headers: &'static [&'static str],
}

/// The body of what is sent. `Debug` shows no content: it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum ForwardBody {
    /// None; without a content type, so that nothing is read as a form.
    None,
    /// These bytes, with content type `application/json`.
    Json(Vec<u8>),
    /// The caller's body as a stream, with this content type.
    Stream {
        /// The content type.
        content_type: &'static str,
    },
}

impl std::fmt::Debug for ForwardBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Json(bytes) => write!(f, "Json({} bytes)", bytes.len()),
            Self::Stream { content_type } => write!(f, "Stream({content_type})"),
        }
    }
}

/// Why a call cannot be written out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    /// The facts lack an object.
    #[error("{0} was not looked up")]
    NotLookedUp(ObjectRef),
    /// The judgement does not say where the object lies: an administrator changes one whose labels contradict each
    /// other (R38) and does not say where it belongs.
    #[error("the labels of the object contradict each other; set its access label")]
    NotPlaced,
    /// Two names in the body are those of one object.
    #[error("{0} is named twice in `{1}`, by different names")]
    NamedTwice(ObjectRef, String),
    /// A rollback would bring back placement constraints under which the caller may not schedule (R48).
    #[error(
        "the previous specification may run on nodes where you may not schedule; update the service instead"
    )]
    OutsideSchedule,
    /// A name that was to be replaced is not in the body. Does not happen to a call that is forwarded as it was read.
    #[error("`{0}` is not in the body")]
    Inconsistent(String),
}

impl Call {
    /// Writes the call out. `facts` and `placed` are those that it was judged with.
    ///
    /// A call with [`super::AnswerKind::Prune`] is not sent: use [`Call::prune`].
    ///
    /// # Errors
    /// When facts or placement are not those of this call.
    pub fn forward(
        self,
        facts: &Facts,
        placed: Option<&Placed>,
        with: &Forwarding<'_>,
    ) -> Result<Forward, ForwardError> {
        let path = self.path(facts)?;
        let mut query = self.query.clone();
        let mut body = match self.body {
            CallBody::Json(value) => Some(value),
            CallBody::None | CallBody::Stream { .. } => None,
        };
        // Keys last: the places of other names lie below them.
        let (keys, others): (Vec<_>, Vec<_>) = self
            .substitutions
            .iter()
            .partition(|substitution| matches!(substitution.place, Place::Key { .. }));
        for substitution in others.into_iter().chain(keys) {
            let found = facts
                .objects
                .get(&substitution.object)
                .ok_or_else(|| ForwardError::NotLookedUp(substitution.object.clone()))?;
            apply(substitution, &found.id, &mut query, body.as_mut())?;
        }
        if self.demand.placement.is_some() && placed.is_none() {
            return Err(ForwardError::NotPlaced);
        }
        if let (Some(body), Some(placed)) = (body.as_mut(), placed) {
            if let Rewrite::Rollback { stored } = &self.rewrite
                && !with.owner.admin
                && !constraints::admit_rollback(body, stored, placed)
            {
                return Err(ForwardError::OutsideSchedule);
            }
            rewrite(&self.rewrite, body, facts, placed, with);
        }
        let query = query.to_string();
        let question = if query.is_empty() { "" } else { "?" };
        Ok(Forward {
            method: self.endpoint.method,
            path_and_query: format!("/v{}{path}{question}{query}", self.version),
            body: match (body, self.endpoint.body) {
                (Some(value), _) => ForwardBody::Json(value.to_string().into_bytes()),
                (None, super::BodyKind::Raw { content_type }) => ForwardBody::Stream { content_type },
                (None, _) => ForwardBody::None,
            },
            headers: self.endpoint.headers,
        })
    }

    /// The path, with the full id of the object in it. Images keep their names: they have many, and the right is
    /// the same for all of them (R35).
    fn path(&self, facts: &Facts) -> Result<String, ForwardError> {
        let Some(own) = &self.own else {
            return Ok(self.endpoint.template.to_owned());
        };
        let name = match own.kind {
            ObjectKind::Image => own.name.as_str(),
            _ => match facts.objects.get(own) {
                Some(found) => found.id.as_str(),
                // Nothing was decided about it: the call is for administrators, or for everybody.
                None if self.demand.objects().is_empty() => own.name.as_str(),
                None => return Err(ForwardError::NotLookedUp(own.clone())),
            },
        };
        let elements = self.endpoint.template.split('/').skip(1);
        Ok(join(elements.flat_map(|element| {
            let element = if element.starts_with('{') { name } else { element };
            element.split('/')
        })))
    }
}

fn apply(
    substitution: &Substitution,
    id: &str,
    query: &mut super::Query,
    body: Option<&mut Value>,
) -> Result<(), ForwardError> {
    let missing = |pointer: &str| ForwardError::Inconsistent(pointer.to_owned());
    match &substitution.place {
        Place::Query(name) => query.set(name, id.to_owned()),
        Place::PrefixedQuery(name, prefix) => query.set(name, format!("{prefix}{id}")),
        Place::Filter(name) => {
            let filters = query.one("filters").ok().flatten().unwrap_or_default();
            let mut filters: Value = serde_json::from_str(filters).map_err(|_| missing("filters"))?;
            for value in filters[*name].as_array_mut().into_iter().flatten() {
                if *value == substitution.object.name.as_str() {
                    *value = Value::from(id);
                }
            }
            query.set("filters", filters.to_string());
        }
        Place::Text {
            pointer,
            prefix,
            suffix,
        } => {
            // The parent was checked to be an object or a list; a name may stand where no id was yet.
            let (parent, last) = pointer.rsplit_once('/').ok_or_else(|| missing(pointer))?;
            let parent = body
                .and_then(|body| body.pointer_mut(parent))
                .ok_or_else(|| missing(pointer))?;
            let text = Value::String(format!("{prefix}{id}{suffix}"));
            match parent {
                Value::Object(map) => {
                    map.insert(last.to_owned(), text);
                }
                Value::Array(list) => {
                    let position: usize = last.parse().map_err(|_| missing(pointer))?;
                    *list.get_mut(position).ok_or_else(|| missing(pointer))? = text;
                }
                _ => return Err(missing(pointer)),
            }
        }
        Place::Key { pointer } => {
            let map = body
                .and_then(|body| body.pointer_mut(pointer))
                .and_then(Value::as_object_mut)
                .ok_or_else(|| missing(pointer))?;
            let value = map
                .remove(&substitution.object.name)
                .ok_or_else(|| missing(pointer))?;
            if map.insert(id.to_owned(), value).is_some() {
                let object = substitution.object.clone();
                return Err(ForwardError::NamedTwice(object, pointer.clone()));
            }
        }
    }
    Ok(())
}

fn rewrite(rewrite: &Rewrite, body: &mut Value, facts: &Facts, placed: &Placed, with: &Forwarding<'_>) {
    let place = |body: &mut Value, stored: Option<&Map<String, Value>>| {
        with_object(body, "Labels", |labels| {
            put(labels, with.policy, &placed.collection, with.owner, stored);
        });
    };
    match rewrite {
        Rewrite::Nothing | Rewrite::Rollback { .. } => {}
        Rewrite::Labels => place(body, None),
        Rewrite::Stored { stored } => place(body, Some(stored.as_ref().unwrap_or(&Map::new()))),
        Rewrite::Container => {
            place(body, None);
            volumes::of_container(body, facts, placed, with);
        }
        Rewrite::Service { stored } => {
            let labels = |spec: &Value| spec.get("Labels").and_then(Value::as_object).cloned();
            let before = stored.as_deref().map(|spec| labels(spec).unwrap_or_default());
            place(body, before.as_ref());
            // The containers of a service have the owner of the service, whoever changed it last.
            let owner: Map<_, _> = body["Labels"]
                .get(OWNER)
                .map(|owner| (OWNER.to_owned(), owner.clone()))
                .into_iter()
                .collect();
            if let Some(container) = body.pointer_mut("/TaskTemplate/ContainerSpec")
                && container.is_object()
            {
                place(container, Some(&owner));
            }
            volumes::of_service(body, facts, placed, with);
            constraints::put(body, stored.as_deref(), placed, with);
            if stored.is_none() {
                defaults::put(body, &with.service_defaults);
            }
        }
    }
}

/// Changes the object in a field, which is made when it is not there.
pub(super) fn with_object<R>(
    body: &mut Value,
    field: &str,
    change: impl FnOnce(&mut Map<String, Value>) -> R,
) -> R {
    let mut map = match body.get_mut(field).map(Value::take) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    let result = change(&mut map);
    if !body.is_object() {
        *body = Value::Object(Map::new());
    }
    body[field] = Value::Object(map);
    result
}
