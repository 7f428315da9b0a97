//! Checks proofs of access decisions against plain facts, without any code of the engine that takes the decisions.
//! It asks the question of the proof anew, by looking at every grant or binding, and compares: what it accepts is true
//! of the facts. The form of proofs and facts is described in the module `proof` of `mke-rbac`.

mod kubernetes;
mod swarm;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

/// Operations with their modifiers.
type Rights = BTreeMap<String, BTreeSet<String>>;

/// Everything that a proof is checked against. Read it from JSON.
#[derive(Debug, Clone, Deserialize)]
pub struct State {
    users: BTreeMap<String, Value>,
    within: Vec<(Value, Vec<Value>)>,
    collections: BTreeMap<String, Option<String>>,
    operations: Rights,
    roles: BTreeMap<String, Rights>,
    reserved: BTreeSet<String>,
    grants: Vec<Value>,
    kubernetes: Value,
}

impl State {
    /// Every way by which grants for a subject reach somebody: itself, what it is in, and what that is in.
    fn memberships(&self, somebody: &Value, subject: &Value) -> Vec<Value> {
        let is = |one: &Value| one == somebody || (one == "everyone" && somebody.get("user").is_some());
        let mut ways = if somebody == subject { vec![json!([somebody])] } else { vec![] };
        for (_, members) in self.within.iter().filter(|(group, _)| group == subject) {
            let through = self.within.iter().filter(|(group, inner)| members.contains(group) && inner.iter().any(is));
            ways.extend(members.iter().any(is).then(|| json!([somebody, subject])));
            ways.extend(through.map(|(group, _)| json!([somebody, group, subject])));
        }
        ways
    }

    /// A collection and all above it, the nearest first; nothing for an unknown one.
    fn upwards<'s>(&'s self, collection: &'s str) -> Vec<&'s str> {
        let known = self.collections.contains_key(collection).then_some(collection);
        let way = std::iter::successors(known, |id| self.collections.get(*id)?.as_deref());
        way.take(self.collections.len()).collect()
    }
}

/// What a proof gets wrong, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw(pub String);

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Proof {
    Swarm(swarm::Proof),
    Kubernetes(kubernetes::Proof),
}

/// Checks a proof, and says whether the answer that it proves is yes.
pub fn check(state: &State, proof: &Value) -> Result<bool, Flaw> {
    match Proof::deserialize(proof).map_err(|error| Flaw(format!("this is no proof: {error}")))? {
        Proof::Swarm(proof) => swarm::check(state, &proof),
        Proof::Kubernetes(proof) => kubernetes::check(&state.kubernetes, &proof),
    }
}

/// Fails unless the decision is the one that the facts give.
fn same(decision: &Value, facts: &Value) -> Result<bool, Flaw> {
    let flaw = || Flaw(format!("the facts do not bear it out; by them the decision is {facts}"));
    (decision == facts).then(|| facts.get("allowed").is_some()).ok_or_else(flaw)
}

/// The items of a list; of anything else none.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
