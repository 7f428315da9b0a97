//! Forged proofs: every part of a true proof replaced, removed, doubled, renamed and exchanged with parts of others, and
//! true proofs held against what has changed since. A mutant that is accepted must still say nothing but the truth,
//! as slow evaluators know it; that is so when a question was changed to one that has the same answer for the same
//! reasons, or when a grant was replaced by another that carries the check as well.

use mke_proof::State;
use mke_rbac::Policy;
use mke_rbac::kubernetes::{Authorizer, Rbac};
use mke_rbac::model::{GrantSubject, Model};
use mke_rbac::proof::{Claim, Proof, Reason};
use serde_json::{Value, json};

use crate::kubernetes_shape::{self as shapes, DENSE};
use crate::many::{proof_of, state};
use crate::shape::Dice;
use crate::truth;
use crate::worlds::{self, CROWDED};

/// The pointers to every part of a value, itself left out.
fn parts(value: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => {
            let escaped = |key: &String| key.replace('~', "~0").replace('/', "~1");
            fields.iter().map(|(key, value)| (escaped(key), value)).collect()
        }
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered
                .map(|(index, value)| (index.to_string(), value))
                .collect()
        }
        _ => Vec::new(),
    };
    let below = inner.into_iter().flat_map(|(key, value)| {
        let own = format!("/{key}");
        let below = parts(value)
            .into_iter()
            .map(|rest| format!("{own}{rest}"))
            .collect::<Vec<_>>();
        std::iter::once(own).chain(below)
    });
    below.collect()
}

/// Every text in a value, keys included, once each.
fn texts(value: &Value, found: &mut Vec<Value>) {
    let mut add = |text: &str| {
        if !found.iter().any(|known| known == text) {
            found.push(json!(text));
        }
    };
    match value {
        Value::String(text) => add(text),
        Value::Object(fields) => {
            fields.keys().for_each(|key| add(key));
            fields.values().for_each(|value| texts(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// Every change of one part: replaced by each other value, removed, doubled, moved, renamed, and with something new in it.
fn mutants(proof: &Value, others: &[Value], mut visit: impl FnMut(&Value)) {
    let mut try_with = |pointer: &str, change: &dyn Fn(&mut Value)| {
        let mut mutant = proof.clone();
        change(mutant.pointer_mut(pointer).unwrap());
        if mutant != *proof {
            visit(&mutant);
        }
    };
    for pointer in parts(proof) {
        for other in others {
            try_with(&pointer, &|part| *part = other.clone());
        }
        try_with(&pointer, &|part| match part {
            Value::Object(fields) => drop(fields.insert("extra".to_owned(), Value::Null)),
            Value::Array(items) => items.push(Value::Null),
            Value::String(text) => text.push('x'),
            _ => {}
        });
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let name = key.replace("~1", "/").replace("~0", "~");
        try_with(parent, &|parent| match parent {
            Value::Object(fields) => drop(fields.remove(&name)),
            Value::Array(items) => drop(items.remove(key.parse().unwrap())),
            _ => {}
        });
        try_with(parent, &|parent| {
            if let Value::Array(items) = parent {
                let item = items[key.parse::<usize>().unwrap()].clone();
                items.push(item);
            }
        });
        try_with(parent, &|parent| {
            if let Value::Array(items) = parent {
                let at: usize = key.parse().unwrap();
                let item = items.remove(at);
                items.insert(if at == 0 { items.len() } else { 0 }, item);
            }
        });
        for new in others.iter().filter_map(Value::as_str) {
            try_with(parent, &|parent| {
                if let Value::Object(fields) = parent
                    && let Some(value) = fields.remove(&name)
                {
                    fields.insert(new.to_owned(), value);
                }
            });
        }
    }
}

/// What was held against the facts.
#[derive(Debug, Default)]
struct Tally {
    refused: usize,
    /// Accepted, and true.
    true_ones: usize,
}

/// What proofs are checked against, and what is true.
struct Scene {
    model: Model,
    rbac: Rbac,
    state: State,
}

impl Scene {
    fn of(model: Model, rbac: Rbac) -> Self {
        let state = state(&Policy::compile(model.clone()), &Authorizer::compile(&rbac));
        Self { model, rbac, state }
    }

    fn hold(&self, mutant: &Value, tally: &mut Tally) {
        match mke_proof::check(&self.state, mutant) {
            Err(_) => tally.refused += 1,
            Ok(answer) => {
                let proof: Proof = serde_json::from_value(mutant.clone()).unwrap();
                assert_eq!(proof.is_allowed(), answer);
                assert!(
                    truth::holds(&self.model, &self.rbac, &proof),
                    "accepted: {mutant:#}"
                );
                tally.true_ones += 1;
            }
        }
    }

    /// Every mutant of every proof, and every part exchanged with the same part of the others.
    fn forge(&self, proofs: &[Value], words: &[Value], tally: &mut Tally) {
        for proof in proofs {
            assert!(mke_proof::check(&self.state, proof).is_ok());
            let mut others = words.to_vec();
            texts(proof, &mut others);
            mutants(proof, &others, |mutant| self.hold(mutant, tally));
            for other in proofs.iter().filter(|other| *other != proof) {
                for pointer in parts(proof) {
                    let mut mutant = proof.clone();
                    if let (Some(part), Some(new)) = (mutant.pointer_mut(&pointer), other.pointer(&pointer))
                        && part != new
                    {
                        part.clone_from(new);
                        self.hold(&mutant, tally);
                    }
                }
            }
        }
    }
}

/// Values of every kind, and ids of things that exist but are not meant.
fn words(model: &Model, dice: &mut Dice) -> Vec<Value> {
    let mut words = vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(1),
        json!([]),
        json!({}),
        json!(""),
    ];
    words.extend([
        json!("operation"),
        json!("public"),
        json!("filter"),
        json!("admin"),
        json!("authenticated"),
    ]);
    words.extend([
        json!("administrator"),
        json!("fullcontrol"),
        json!("none"),
        json!("Service Create"),
    ]);
    words.extend([
        json!("Host Bind Mounts"),
        json!("conflicting-labels"),
        json!("administrator-only"),
    ]);
    words.extend([
        json!("anonymous"),
        json!({"anonymous": null}),
        json!("inactive"),
        json!("missing-operation"),
    ]);
    for _ in 0..2 {
        let user = &dice.pick(&model.users).id;
        let team = &dice.pick(&model.teams).id;
        let organization = &dice.pick(&model.organizations).id;
        let collection = &dice.pick(&model.collections).id;
        words.extend([json!(user), json!(team), json!(organization), json!(collection)]);
        words.extend([
            json!({"user": user}),
            json!({"team": team}),
            json!({"organization": organization}),
        ]);
        words.push(json!(dice.pick(&model.grants)));
    }
    words
}

/// Some proofs of one policy, of as many kinds as there are.
fn swarm_proofs(model: &Model, dice: &mut Dice, most: usize) -> Vec<Value> {
    let policy = Policy::compile(model.clone());
    let mut kinds = Vec::new();
    let mut proofs = Vec::new();
    for _ in 0..400 {
        let question = worlds::question(model, dice);
        let proof = proof_of(&policy, &question);
        let Proof::Swarm(swarm) = &proof else { continue };
        let kind = match &swarm.decision {
            Claim::Allowed(Reason::Granted(cited)) => {
                let several = cited.iter().map(Vec::len).max().unwrap_or_default();
                let longest = cited
                    .iter()
                    .flatten()
                    .map(|one| one.inheritance.len() + one.membership.len())
                    .max();
                format!("granted {} {several} {longest:?}", cited.len().min(2))
            }
            Claim::Allowed(reason) => format!("{reason:?}"),
            Claim::Denied(refusal) => {
                let grants = refusal.remedy.as_ref().map(Vec::len);
                format!("{} {} {grants:?}", refusal.reason, refusal.missing.len().min(2))
            }
        };
        if !kinds.contains(&kind) && proofs.len() < most {
            kinds.push(kind);
            proofs.push(serde_json::to_value(proof).unwrap());
        }
    }
    proofs
}

fn forge_swarm(seeds: std::ops::Range<u64>, most: usize) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let model = worlds::for_slow(&worlds::model(CROWDED, seed));
        let mut dice = Dice::new(seed);
        let proofs = swarm_proofs(&model, &mut dice, most);
        let words = words(&model, &mut dice);
        Scene::of(model, Rbac::default()).forge(&proofs, &words, &mut tally);
    }
    tally
}

/// No forged proof about collections is accepted.
#[test]
fn no_forged_proof_is_accepted() {
    let tally = forge_swarm(0..1, 7);
    assert!(tally.refused > 3_000, "{tally:?}");
    assert!(
        tally.true_ones > 20 && tally.true_ones * 20 < tally.refused,
        "{tally:?}"
    );
}

/// The same for many policies.
#[test]
#[ignore = "millions of forged proofs: run with --release, then it takes minutes"]
fn none_of_millions_of_forged_proofs_is_accepted() {
    println!("{:?}", forge_swarm(1..60, 30));
    println!("{:?}", forge_kubernetes(1..60, 40));
}

/// A proof does not outlive what it rests on: grants, memberships, roles, places, accounts.
#[test]
fn a_proof_ends_with_what_it_rests_on() {
    let mut tally = Tally::default();
    for seed in 0..3 {
        let model = worlds::for_slow(&worlds::model(CROWDED, seed));
        let mut dice = Dice::new(seed);
        let proofs = swarm_proofs(&model, &mut dice, 10);
        for later in changed(&model) {
            let scene = Scene::of(later, Rbac::default());
            for proof in &proofs {
                scene.hold(proof, &mut tally);
            }
        }
    }
    assert!(tally.refused > 100 && tally.true_ones > 100, "{tally:?}");
}

/// Models in which one thing is different.
fn changed(model: &Model) -> Vec<Model> {
    let mut all = Vec::new();
    let mut change = |change: &dyn Fn(&mut Model)| {
        let mut later = model.clone();
        change(&mut later);
        all.push(later);
    };
    change(&|later| later.grants.clear());
    change(&|later| later.users.iter_mut().for_each(|user| user.active = false));
    change(&|later| later.users.iter_mut().for_each(|user| user.admin = true));
    change(&|later| later.users.iter_mut().for_each(|user| user.admin = false));
    change(&|later| later.users.clear());
    change(&|later| later.teams.iter_mut().for_each(|team| team.members.clear()));
    change(&|later| later.organizations.iter_mut().for_each(|one| one.members.clear()));
    change(&|later| later.organizations.iter_mut().for_each(|one| one.name.push('x')));
    change(&|later| later.roles.clear());
    change(&|later| {
        let inner = later.collections.iter_mut().filter(|one| one.parent.is_some());
        inner.for_each(|one| one.parent = Some("swarm".into()));
    });
    for at in (0..model.grants.len()).step_by(3) {
        change(&|later| drop(later.grants.remove(at)));
        change(&|later| later.grants[at].subject = GrantSubject::Authenticated);
    }
    all
}

/// Some proofs about one cluster: all kinds of grounds.
fn kubernetes_proofs(rbac: &Rbac, dice: &mut Dice, most: usize) -> Vec<Value> {
    let authorizer = Authorizer::compile(rbac);
    let proofs = (0..most).map(|number| {
        let mut request = match number % 4 {
            0 => shapes::request(DENSE, dice),
            _ => shapes::close_request(rbac, DENSE, dice),
        };
        if number == 0 {
            request.groups.push("system:masters".to_owned());
        }
        serde_json::to_value(Proof::of_kubernetes(&request, &authorizer.decide(&request))).unwrap()
    });
    proofs.collect()
}

fn forge_kubernetes(seeds: std::ops::Range<u64>, most: usize) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let mut dice = Dice::new(seed);
        let rbac = shapes::rbac(DENSE, &mut dice);
        let proofs = kubernetes_proofs(&rbac, &mut dice, most);
        let mut words = vec![
            Value::Null,
            json!(true),
            json!(0),
            json!(1),
            json!([]),
            json!({}),
            json!(""),
        ];
        words.extend([
            json!("*"),
            json!("ns0"),
            json!("ns1"),
            json!("get"),
            json!("pods"),
            json!("user1"),
        ]);
        words.extend([
            json!("system:masters"),
            json!("masters"),
            json!("cluster-role1"),
            json!("role1"),
        ]);
        words.extend([
            json!("ClusterRole"),
            json!("Role"),
            json!("User"),
            json!("Group"),
            json!("binding1"),
        ]);
        Scene::of(Model::with_builtin_collections(), rbac).forge(&proofs, &words, &mut tally);
    }
    tally
}

/// No forged proof about Kubernetes is accepted.
#[test]
fn no_forged_kubernetes_proof_is_accepted() {
    let tally = forge_kubernetes(0..1, 6);
    assert!(tally.refused > 3_000, "{tally:?}");
    assert!(
        tally.true_ones > 20 && tally.true_ones * 5 < tally.refused,
        "{tally:?}"
    );
}
