//! regorus with data that are indexed by hand, as somebody who cares for speed writes Rego: every look-up is by key, and
//! only the subjects of one user and the collections above one are gone through. It runs on the crate's virtual machine,
//! which is its fastest way.

use std::collections::{BTreeMap, BTreeSet};

use mke_rbac::model::GrantObject;
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};

use super::{Peer, operations_by_role, subject_name, subjects_by_user};
use crate::error::BenchError;
use crate::shapes::{Question, Shape};

/// In tables.
pub const NAME: &str = "regorus, indexed by hand";

const FLAT: &str = "
package authz

default allow := false

allow if {
    some subject in data.subjects[input.user]
    data.grants[subject][input.object][input.action]
}
";

const TREE: &str = "
package authz

default allow := false

allow if {
    some object in data.above[input.object]
    some subject in data.subjects[input.user]
    some role in data.grants[subject][object]
    data.operations[role][input.action]
}
";

const ENTRY: &str = "data.authz.allow";

struct Rego {
    machine: RegoVM,
    data: Value,
    questions: Vec<Value>,
    last: (Value, Value, Value),
    /// What stands at the place of the last grant when it is there, and when it is not.
    values: (Value, Value),
    removed: bool,
}

fn refused<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> BenchError {
    BenchError::engine(NAME, what)
}

/// Compiles the policy and hands it the data.
///
/// # Errors
///
/// When it refuses them.
pub fn make(shape: &Shape) -> Result<Box<dyn Peer>, BenchError> {
    let mut engine = Engine::new();
    let text = if shape.flat { FLAT } else { TREE };
    engine
        .add_policy("authz.rego".to_owned(), text.to_owned())
        .map_err(refused("its policy"))?;
    let compiled = engine
        .compile_with_entrypoint(&ENTRY.into())
        .map_err(refused("its policy"))?;
    let program = Compiler::compile_from_policy(&compiled, &[ENTRY]).map_err(refused("its policy"))?;
    let mut machine = RegoVM::new_with_policy(compiled);
    machine.load_program(program);
    let (data, last, values) = data(shape)?;
    machine.set_data(data.clone()).map_err(refused("the data"))?;
    Ok(Box::new(Rego {
        machine,
        data,
        questions: Vec::new(),
        last,
        values,
        removed: false,
    }))
}

type Data = (Value, (Value, Value, Value), (Value, Value));

fn data(shape: &Shape) -> Result<Data, BenchError> {
    let model = &shape.model;
    let text = |text: &str| Value::from(text);
    let map = |entries: BTreeMap<Value, Value>| Value::from(entries);
    let subjects = subjects_by_user(model)
        .into_iter()
        .map(|(user, subjects)| {
            let subjects: Vec<_> = subjects.iter().map(|subject| text(subject)).collect();
            (text(user), Value::from(subjects))
        })
        .collect();
    let mut grants: BTreeMap<String, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    let mut last = None;
    for grant in &model.grants {
        if let GrantObject::Collection(collection) = &grant.object {
            let subject = subject_name(&grant.subject);
            last = Some((text("grants"), text(&subject), text(collection.as_str())));
            grants
                .entry(subject)
                .or_default()
                .entry(collection.as_str())
                .or_default()
                .insert(grant.role.as_str());
        }
    }
    let what = |roles: &BTreeSet<&str>| {
        if shape.flat {
            map([(text(crate::shapes::casbin::READ.name()), Value::from(true))].into())
        } else {
            Value::from(roles.iter().map(|role| text(role)).collect::<Vec<_>>())
        }
    };
    let by_subject = grants.iter().map(|(subject, objects)| {
        let objects = objects.iter().map(|(object, roles)| (text(object), what(roles)));
        (text(subject), map(objects.collect()))
    });
    let mut top: BTreeMap<Value, Value> = [
        (text("subjects"), map(subjects)),
        (text("grants"), map(by_subject.collect())),
    ]
    .into();
    if !shape.flat {
        top.insert(text("above"), above(model));
        let operations = operations_by_role(model).into_iter().map(|(role, operations)| {
            let operations = operations.into_iter().map(|name| (text(name), Value::from(true)));
            (text(&role), map(operations.collect()))
        });
        top.insert(text("operations"), map(operations.collect()));
    }
    let last = last.ok_or_else(|| refused("the data")("there are no grants"))?;
    let data = map(top);
    let there = data[&last.0][&last.1][&last.2].clone();
    let gone = if shape.flat {
        Value::new_object()
    } else {
        Value::from(Vec::<Value>::new())
    };
    Ok((data, last, (there, gone)))
}

/// Each collection with all above it, itself first.
fn above(model: &mke_rbac::model::Model) -> Value {
    let parents: BTreeMap<&str, Option<&str>> = model
        .collections
        .iter()
        .map(|collection| {
            (
                collection.id.as_str(),
                collection.parent.as_ref().map(|parent| parent.as_str()),
            )
        })
        .collect();
    let path = |start: &str| {
        let up = std::iter::successors(Some(start), |id| parents.get(id).copied().flatten());
        Value::from(up.map(Value::from).collect::<Vec<_>>())
    };
    let all: BTreeMap<Value, Value> = parents.keys().map(|id| (Value::from(*id), path(id))).collect();
    Value::from(all)
}

impl Peer for Rego {
    fn name(&self) -> &'static str {
        NAME
    }

    fn prepare(&mut self, questions: &[Question]) -> Result<(), BenchError> {
        let form = |question: &Question| {
            let fields: BTreeMap<Value, Value> = [
                ("user", question.user()),
                ("object", question.check.collection.as_str()),
                ("action", question.check.operation.name()),
            ]
            .map(|(key, value)| (Value::from(key), Value::from(value)))
            .into();
            Value::from(fields)
        };
        self.questions = questions.iter().map(form).collect();
        Ok(())
    }

    fn decide(&mut self, number: usize) -> bool {
        let Some(question) = self.questions.get(number) else {
            return false;
        };
        self.machine.set_input(question.clone());
        matches!(self.machine.execute(), Ok(Value::Bool(true)))
    }

    fn change(&mut self) -> Result<(), BenchError> {
        // The machine lets go of the data first, so that they are changed in place.
        self.machine
            .set_data(Value::new_object())
            .map_err(refused("a change"))?;
        let value = if self.removed {
            self.values.0.clone()
        } else {
            self.values.1.clone()
        };
        let (top, subject, object) = &self.last;
        let place = self.data.as_object_mut().ok().and_then(|map| {
            map.get_mut(top)?
                .as_object_mut()
                .ok()?
                .get_mut(subject)?
                .as_object_mut()
                .ok()?
                .get_mut(object)
        });
        match place {
            Some(place) => *place = value,
            None => return Err(refused("a change")("the last grant is not where it was put")),
        }
        self.machine
            .set_data(self.data.clone())
            .map_err(refused("a change"))?;
        self.removed = !self.removed;
        Ok(())
    }
}
