//! cedar-policy in two ways: a policy for each grant, as grants of a role are mostly written; and one policy over
//! attributes of the object, which somebody has worked out beforehand.

use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId,
    PolicySet, Request, RestrictedExpression, SlotId, Template,
};
use mke_rbac::model::{GrantObject, GrantSubject, Model};

use super::{Peer, operations_by_role, subject_name};
use crate::error::BenchError;
use crate::shapes::{Question, Shape};

/// In tables: a policy for each grant.
pub const NAME: &str = "cedar-policy";

/// In tables: one policy over attributes.
pub const NAME_INDEXED: &str = "cedar-policy, one policy";

struct Cedar {
    name: &'static str,
    types: Types,
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    questions: Vec<Request>,
    last: Last,
    removed: bool,
}

/// What a change takes away and brings back.
enum Last {
    Link {
        template: PolicyId,
        id: PolicyId,
        values: HashMap<SlotId, EntityUid>,
    },
    Static(Box<Policy>),
    /// An object with and without its last reader.
    Object(Box<(Entity, Entity)>),
}

/// Names of kinds, parsed once.
struct Types {
    subject: EntityTypeName,
    action: EntityTypeName,
    object: EntityTypeName,
}

fn refused<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> BenchError {
    BenchError::engine(NAME, what)
}

impl Types {
    fn new() -> Result<Self, BenchError> {
        let name = |text: &str| EntityTypeName::from_str(text).map_err(refused("a kind"));
        Ok(Self {
            subject: name("Subject")?,
            action: name("Action")?,
            object: name("Collection")?,
        })
    }

    fn subject(&self, id: impl AsRef<str>) -> EntityUid {
        EntityUid::from_type_name_and_id(self.subject.clone(), EntityId::new(id))
    }

    fn action(&self, id: impl AsRef<str>) -> EntityUid {
        EntityUid::from_type_name_and_id(self.action.clone(), EntityId::new(id))
    }

    fn object(&self, id: impl AsRef<str>) -> EntityUid {
        EntityUid::from_type_name_and_id(self.object.clone(), EntityId::new(id))
    }
}

/// A policy for each grant.
///
/// # Errors
///
/// When it refuses the data.
pub fn make(shape: &Shape) -> Result<Box<dyn Peer>, BenchError> {
    let types = Types::new()?;
    let mut entities = subjects(&types, &shape.model);
    entities.extend(shape.model.collections.iter().map(|collection| {
        let parents = collection
            .parent
            .iter()
            .map(|parent| types.object(parent))
            .collect();
        Entity::new_no_attrs(types.object(&collection.id), parents)
    }));
    entities.extend(actions(&types, &shape.model));
    let entities = Entities::from_entities(entities, None).map_err(refused("the data"))?;
    let mut policies = PolicySet::new();
    let last = if shape.flat {
        add_policies(shape, &mut policies)?
    } else {
        link_policies(&types, shape, &mut policies)?
    };
    Ok(Box::new(Cedar {
        name: NAME,
        types,
        authorizer: Authorizer::new(),
        policies,
        entities,
        questions: Vec::new(),
        last,
        removed: false,
    }))
}

/// One policy over the readers of an object.
///
/// # Errors
///
/// When it refuses the data.
pub fn make_indexed(shape: &Shape) -> Result<Box<dyn Peer>, BenchError> {
    let types = Types::new()?;
    let mut readers: HashMap<&str, Vec<String>> = HashMap::new();
    for grant in &shape.model.grants {
        if let GrantObject::Collection(collection) = &grant.object {
            readers
                .entry(collection.as_str())
                .or_default()
                .push(subject_name(&grant.subject));
        }
    }
    let object = |id: &str, readers: &[String]| {
        let readers = readers
            .iter()
            .map(|reader| RestrictedExpression::new_entity_uid(types.subject(reader)));
        let attributes = HashMap::from([("readers".to_owned(), RestrictedExpression::new_set(readers))]);
        Entity::new(types.object(id), attributes, HashSet::new()).map_err(refused("an object"))
    };
    let mut entities = subjects(&types, &shape.model);
    let mut last = None;
    for collection in &shape.model.collections {
        let id = collection.id.as_str();
        let readers = readers.get(id).map(Vec::as_slice).unwrap_or_default();
        let entity = object(id, readers)?;
        if let Some((_, others)) = readers.split_last() {
            last = Some((entity.clone(), object(id, others)?));
        }
        entities.push(entity);
    }
    entities.extend(actions(&types, &shape.model));
    let entities = Entities::from_entities(entities, None).map_err(refused("the data"))?;
    let text = format!(
        "permit(principal, action == Action::{:?}, resource) when {{ principal in resource.readers }};",
        crate::shapes::casbin::READ.name()
    );
    let policies = PolicySet::from_str(&text).map_err(refused("its policy"))?;
    let last = last.ok_or_else(|| refused("the data")("no object has a grant"))?;
    Ok(Box::new(Cedar {
        name: NAME_INDEXED,
        types,
        authorizer: Authorizer::new(),
        policies,
        entities,
        questions: Vec::new(),
        last: Last::Object(Box::new(last)),
        removed: false,
    }))
}

/// Users in teams in organizations.
fn subjects(types: &Types, model: &Model) -> Vec<Entity> {
    let mut parents: HashMap<&str, HashSet<EntityUid>> = HashMap::new();
    let mut entities = Vec::new();
    for team in &model.teams {
        let uid = types.subject(subject_name(&GrantSubject::Team(team.id.clone())));
        for member in &team.members {
            parents.entry(member.as_str()).or_default().insert(uid.clone());
        }
        let organization = subject_name(&GrantSubject::Organization(team.organization.clone()));
        entities.push(Entity::new_no_attrs(uid, [types.subject(organization)].into()));
    }
    for organization in &model.organizations {
        let name = subject_name(&GrantSubject::Organization(organization.id.clone()));
        entities.push(Entity::new_no_attrs(types.subject(name), HashSet::new()));
    }
    let everybody = types.subject(subject_name(&GrantSubject::Authenticated));
    entities.push(Entity::new_no_attrs(everybody.clone(), HashSet::new()));
    for user in &model.users {
        let mut parents = parents.remove(user.id.as_str()).unwrap_or_default();
        parents.insert(everybody.clone());
        entities.push(Entity::new_no_attrs(
            types.subject(format!("u:{}", user.id)),
            parents,
        ));
    }
    entities
}

/// Operations in roles.
fn actions(types: &Types, model: &Model) -> Vec<Entity> {
    let mut roles: HashMap<&str, HashSet<EntityUid>> = HashMap::new();
    let by_role = operations_by_role(model);
    for (role, operations) in &by_role {
        for operation in operations {
            roles.entry(operation).or_default().insert(types.action(role));
        }
    }
    let mut entities: Vec<_> = roles
        .into_iter()
        .map(|(operation, roles)| Entity::new_no_attrs(types.action(operation), roles))
        .collect();
    entities.extend(
        by_role
            .keys()
            .map(|role| Entity::new_no_attrs(types.action(role), HashSet::new())),
    );
    entities
}

/// One policy text for each grant, about one operation on one object.
fn add_policies(shape: &Shape, policies: &mut PolicySet) -> Result<Last, BenchError> {
    let mut last = None;
    for (number, grant) in shape.model.grants.iter().enumerate() {
        let GrantObject::Collection(collection) = &grant.object else {
            continue;
        };
        let text = format!(
            "permit(principal in Subject::{:?}, action == Action::{:?}, resource == Collection::{:?});",
            subject_name(&grant.subject),
            crate::shapes::casbin::READ.name(),
            collection.as_str()
        );
        let id = PolicyId::new(format!("grant{number}"));
        let policy = Policy::parse(Some(id), text).map_err(refused("a policy"))?;
        policies.add(policy.clone()).map_err(refused("a policy"))?;
        last = Some(Last::Static(Box::new(policy)));
    }
    last.ok_or_else(|| refused("the data")("there are no grants"))
}

/// A template for each role, linked for each grant.
fn link_policies(types: &Types, shape: &Shape, policies: &mut PolicySet) -> Result<Last, BenchError> {
    for role in operations_by_role(&shape.model).keys() {
        let text =
            format!("permit(principal in ?principal, action in Action::{role:?}, resource in ?resource);");
        let template = Template::parse(Some(PolicyId::new(role)), text).map_err(refused("a template"))?;
        policies.add_template(template).map_err(refused("a template"))?;
    }
    let mut last = None;
    for (number, grant) in shape.model.grants.iter().enumerate() {
        let GrantObject::Collection(collection) = &grant.object else {
            continue;
        };
        let values = HashMap::from([
            (SlotId::principal(), types.subject(subject_name(&grant.subject))),
            (SlotId::resource(), types.object(collection)),
        ]);
        let (template, id) = (
            PolicyId::new(&grant.role),
            PolicyId::new(format!("grant{number}")),
        );
        policies
            .link(template.clone(), id.clone(), values.clone())
            .map_err(refused("a grant"))?;
        last = Some(Last::Link { template, id, values });
    }
    last.ok_or_else(|| refused("the data")("there are no grants"))
}

impl Peer for Cedar {
    fn name(&self) -> &'static str {
        self.name
    }

    fn prepare(&mut self, questions: &[Question]) -> Result<(), BenchError> {
        let form = |question: &Question| {
            let subject = self.types.subject(format!("u:{}", question.user()));
            let action = self.types.action(question.check.operation.name());
            let object = self.types.object(&question.check.collection);
            Request::new(subject, action, object, Context::empty(), None).map_err(refused("a question"))
        };
        self.questions = questions.iter().map(form).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn decide(&mut self, number: usize) -> bool {
        let Some(question) = self.questions.get(number) else {
            return false;
        };
        self.authorizer
            .is_authorized(question, &self.policies, &self.entities)
            .decision()
            == Decision::Allow
    }

    fn change(&mut self) -> Result<(), BenchError> {
        match (&self.last, self.removed) {
            (Last::Link { id, .. }, false) => {
                self.policies.unlink(id.clone()).map_err(refused("a change"))?;
            }
            (Last::Link { template, id, values }, true) => {
                let link = self.policies.link(template.clone(), id.clone(), values.clone());
                link.map_err(refused("a change"))?;
            }
            (Last::Static(policy), false) => {
                self.policies
                    .remove_static(policy.id().clone())
                    .map_err(refused("a change"))?;
            }
            (Last::Static(policy), true) => {
                self.policies
                    .add((**policy).clone())
                    .map_err(refused("a change"))?;
            }
            (Last::Object(pair), removed) => {
                let entity = if removed { pair.0.clone() } else { pair.1.clone() };
                let entities = std::mem::replace(&mut self.entities, Entities::empty());
                self.entities = entities
                    .upsert_entities([entity], None)
                    .map_err(refused("a change"))?;
            }
        }
        self.removed = !self.removed;
        Ok(())
    }
}
