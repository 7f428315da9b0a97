//! Decisions on collections.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Flaw, Rights, State, list, same};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    subject: Value,
    access: String,
    checks: Vec<Check>,
    rule: Option<String>,
    decision: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    operation: String,
    modifiers: BTreeSet<String>,
    collection: String,
}

pub(crate) fn check(state: &State, proof: &Proof) -> Result<bool, Flaw> {
    let facts = answer(state, proof).ok_or_else(|| Flaw("the question makes no sense".to_owned()))?;
    same(&proof.decision, &facts)
}

/// The decision by the facts; nothing for a question that cannot be asked.
fn answer(state: &State, proof: &Proof) -> Option<Value> {
    let yes = |reason| Some(json!({"allowed": reason}));
    let no = |reason| Some(json!({"denied": {"reason": reason, "missing": [], "remedy": null}}));
    let (access, asked) = (proof.access.as_str(), !proof.checks.is_empty());
    let id = proof.subject["user"].as_str();
    let user = id.map(|id| state.users.get(id));
    let admin = user.flatten().is_some_and(|user| user["admin"] == true);
    let somebody = proof.subject == id.map_or(json!("anonymous"), |id| json!({"user": id}));
    let word = |one: &String| state.operations.values().any(|all| all.contains(one));
    let known = |check: &Check| state.operations.contains_key(&check.operation) && check.modifiers.iter().all(word);
    let class = ["public", "authenticated", "admin", "operation", "filter"].contains(&access);
    match (proof.rule.as_deref(), user) {
        _ if !proof.checks.iter().all(known) || !somebody || !class => None,
        (None, _) if access == "public" => yes("public"),
        (rule, Some(None)) => no("unknown-account").filter(|_| rule.is_none()),
        (rule, Some(Some(user))) if user["active"] != true => no("inactive").filter(|_| rule.is_none()),
        (Some(rule @ "conflicting-labels"), _) => no(rule),
        (Some(rule @ ("node-in-system-collection" | "advanced-license-required")), _) if admin => no(rule),
        (Some(rule @ ("administrator-only" | "node-move-is-admin-only")), _) if !admin => no(rule),
        (Some(_), _) => None,
        _ if admin => yes("administrator"),
        (_, None) if access != "operation" || !asked => no("unauthenticated"),
        _ if access == "admin" => no("administrator-only"),
        _ if asked => Some(by_grants(state, proof)),
        _ if access == "operation" => no("nothing-asked"),
        _ => yes("authenticated"),
    }
}

/// What the grants decide: that they carry it, or what is missing and the smallest set of grants that would do. For
/// each check the allow cites what the proof cites, if it is true and enough, and else everything.
fn by_grants(state: &State, proof: &Proof) -> Value {
    let (mut granted, mut missing, mut lacks, mut possible) = (vec![], vec![], vec![], true);
    for (at, check) in proof.checks.iter().enumerate() {
        let (operation, place) = (&check.operation, check.collection.as_str());
        let absent = |modifier| json!({"operation": operation, "modifier": modifier, "collection": place});
        let found = citations(state, &proof.subject, check);
        let cited = list(&proof.decision["allowed"]["granted"][at]);
        let held = |modifier| found.iter().any(|(one, all)| all.contains(modifier) && cited.contains(one));
        let exists = |one| found.iter().any(|(citation, _)| citation == one);
        let carried = !cited.is_empty() && cited.iter().all(exists) && check.modifiers.iter().all(held);
        granted.push(if carried { cited.to_vec() } else { found.iter().map(|(one, _)| one.clone()).collect() });
        let mut lack = check.modifiers.clone();
        lack.retain(|modifier| !found.iter().any(|(_, modifiers)| modifiers.contains(modifier)));
        let lacking = if found.is_empty() { vec![None] } else { lack.iter().map(Some).collect() };
        let own = state.operations.get(operation);
        possible &= state.collections.contains_key(place) && own.is_some_and(|own| lack.is_subset(own));
        if !lacking.is_empty() {
            missing.extend(lacking.into_iter().map(absent));
            lacks.push((place, operation, lack));
        }
    }
    let mut needs = BTreeMap::<&str, Rights>::new();
    for (place, operation, lack) in &lacks {
        let top = state.upwards(place).into_iter().rfind(|id| lacks.iter().any(|(other, ..)| other == id));
        needs.entry(top.unwrap_or(place)).or_default().entry((*operation).clone()).or_default().extend(lack.clone());
    }
    let grants = needs.iter().map(|(place, needs)| {
        let fits = |role: &Rights| needs.iter().all(|(one, need)| role.get(one).is_some_and(|all| need.is_subset(all)));
        let usable = state.roles.iter().filter(|(id, role)| !state.reserved.contains(*id) && fits(role));
        let size = |role: &Rights| (role.len(), role.values().map(BTreeSet::len).sum::<usize>());
        let role = usable.min_by_key(|(id, role)| (size(role), *id)).map(|(id, _)| id);
        json!({"subject": proof.subject, "collection": place, "needs": needs, "role": role})
    });
    let remedy = possible.then(|| grants.collect::<Vec<_>>());
    let reason = if proof.subject == "anonymous" { "unauthenticated" } else { "missing-operation" };
    let denied = |missing| json!({"denied": {"reason": reason, "missing": missing, "remedy": remedy}});
    if missing.is_empty() { json!({"allowed": {"granted": granted}}) } else { denied(missing) }
}

/// Everything that could be cited for a check, with the modifiers that it adds.
fn citations<'s>(state: &'s State, user: &Value, check: &Check) -> Vec<(Value, &'s BTreeSet<String>)> {
    let (way, mut found) = (state.upwards(&check.collection), vec![]);
    for grant in &state.grants {
        let role = grant["role"].as_str().and_then(|role| state.roles.get(role)?.get(&check.operation));
        let depth = way.iter().position(|id| grant["object"]["collection"] == *id);
        if let (Some(modifiers), Some(depth)) = (role, depth) {
            let rule = json!({"operation": check.operation, "modifiers": modifiers});
            let cite = |to| json!({"grant": grant, "rule": rule, "membership": to, "inheritance": way[..=depth]});
            found.extend(state.memberships(user, &grant["subject"]).into_iter().map(|to| (cite(to), modifiers)));
        }
    }
    found
}
