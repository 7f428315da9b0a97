//! What an answer has to do with what was expected. Lists compare as sets.

use std::collections::BTreeSet;
use std::fmt;

use mke_rbac::question::{Answer, DecidedBy, Missing};
use mke_rbac::state::World;

use crate::case::Expect;

/// One field of an answer that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub field: &'static str,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.field, self.expected, self.got)
    }
}

/// Every expected field that the answer lacks or has otherwise. The world gives grants their ids.
pub fn differences(expect: &Expect, answer: &Answer, world: &World) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut field = |name, expected: Option<String>, got: String| {
        if let Some(expected) = expected
            && expected != got
        {
            found.push(Difference {
                field: name,
                expected,
                got,
            });
        }
    };
    field(
        "decision",
        expect.decision.map(|verdict| debug(&verdict)),
        debug(&answer.decision),
    );
    let deciders = answer.decided_by.as_ref().map(|deciders| ids(deciders, world));
    field(
        "decided_by",
        expect.decided_by.as_ref().map(set),
        shown(deciders.as_ref().map(set)),
    );
    let failed = |missing: &Vec<Missing>| set(&missing.iter().map(check).collect());
    field(
        "missing",
        expect.missing.as_ref().map(failed),
        shown(answer.missing.as_ref().map(failed)),
    );
    field(
        "collection",
        expect.collection.clone(),
        shown(answer.collection.clone()),
    );
    field(
        "schedule_root",
        expect.schedule_root.clone(),
        shown(answer.schedule_root.clone()),
    );
    field(
        "constraint",
        expect.constraint.clone(),
        shown(answer.constraint.clone()),
    );
    let names = |names: &Vec<String>| set(&names.iter().cloned().collect());
    field(
        "eligible_nodes",
        expect.eligible_nodes.as_ref().map(set),
        shown(answer.eligible_nodes.as_ref().map(names)),
    );
    field(
        "visible",
        expect.visible.as_ref().map(set),
        shown(answer.visible.as_ref().map(names)),
    );
    let held = answer.operations.as_ref().map(|operations| {
        let operations = operations.iter();
        debug(
            &operations
                .map(|(operation, modifiers)| (operation, modifiers.iter().collect::<BTreeSet<_>>()))
                .collect::<std::collections::BTreeMap<_, _>>(),
        )
    });
    field("operations", expect.operations.as_ref().map(debug), shown(held));
    field(
        "access",
        expect.access.map(|access| debug(&access)),
        shown(answer.access.map(|access| debug(&access))),
    );
    field("reason", expect.reason.clone(), shown(answer.reason.clone()));
    field("error", expect.error.clone(), shown(answer.error.clone()));
    found
}

/// The ids of the grants that decided. One that the case file does not know is shown in full.
fn ids(deciders: &[DecidedBy], world: &World) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for decider in deciders {
        match decider {
            DecidedBy::Word(word) => {
                ids.insert(word.clone());
            }
            DecidedBy::Grant(grant) => {
                let before = ids.len();
                ids.extend(world.grant_ids(grant).map(str::to_owned));
                if ids.len() == before && world.grant_ids(grant).next().is_none() {
                    ids.insert(format!(
                        "{} {} {}",
                        grant.subject, grant.role_name, grant.collection
                    ));
                }
            }
        }
    }
    ids
}

fn check(missing: &Missing) -> String {
    match missing.modifier {
        Some(modifier) => format!("{} with {modifier} in {}", missing.operation, missing.collection),
        None => format!("{} in {}", missing.operation, missing.collection),
    }
}

fn set(items: &BTreeSet<String>) -> String {
    let items: Vec<_> = items.iter().map(String::as_str).collect();
    format!("[{}]", items.join(", "))
}

fn debug(value: &impl fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

fn shown(value: Option<String>) -> String {
    value.unwrap_or_else(|| "nothing".to_owned())
}
