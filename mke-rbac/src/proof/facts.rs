//! The plain facts against which a proof is checked: what the snapshot holds, as JSON, without anything derived.
//!
//! ```json
//! {
//!   "users": {"u1": {"name": "jane", "admin": false, "active": true}},
//!   "organizations": {"o1": {"name": "orcabank", "everyone": false, "members": ["u1"]}},
//!   "teams": {"t1": {"name": "ops", "organization": "o1", "members": ["u1"]}},
//!   "collections": {"swarm": null, "c1": "swarm"},
//!   "operations": {"Service View": [], "Volume Create/Attach": ["Local Driver Options"]},
//!   "roles": {"viewonly": {"Service View": []}},
//!   "reserved": [],
//!   "grants": [{"subject": {"team": "t1"}, "object": {"collection": "c1"}, "role": "viewonly"}]
//! }
//! ```
//!
//! `collections` names the parent of each; `operations` is the vocabulary with the modifiers of each operation;
//! `everyone` marks the organization that holds every user (R2); `reserved` lists roles that no new grant can name.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::change::Group;
use crate::model::{Grant, GrantObject};
use crate::operation::{ModifierSet, Operation};
use crate::policy::Policy;
use crate::role::Rights;

/// What private grants name when the settings give users everything on their own collections (R14). It is no role.
pub(super) const EVERYTHING: &str = "admin";

/// Writes down what the policy holds. Of accounts and roles with one id the first counts, and collections without
/// a place in the tree are left out, as the policy itself does.
///
/// A custom role with the id `admin` hides the meaning that this word has in the settings: proofs that rest on such
/// a private grant are then refused.
pub fn facts(policy: &Policy) -> Value {
    let users = first_of(policy.users().map(|user| {
        let facts = json!({"name": user.name, "admin": user.admin, "active": user.active});
        (user.id.as_str(), facts)
    }));
    let organizations = first_of(policy.organizations().map(|organization| {
        let members: BTreeSet<_> = policy
            .members(&Group::Organization(organization.id.clone()))
            .collect();
        let everyone = organization.holds_everybody();
        let facts = json!({"name": organization.name, "everyone": everyone, "members": members});
        (organization.id.as_str(), facts)
    }));
    let teams = first_of(policy.teams().map(|team| {
        let members: BTreeSet<_> = policy.members(&Group::Team(team.id.clone())).collect();
        let facts = json!({"name": team.name, "organization": team.organization, "members": members});
        (team.id.as_str(), facts)
    }));
    let collections = policy.collections();
    let collections = collections.map(|info| (info.id.as_str(), json!(info.parent_ids.last())));
    let operations = Operation::ALL
        .iter()
        .map(|operation| (operation.name(), json!(operation.modifiers())));
    let roles = policy.roles().iter();
    let mut roles = first_of(roles.map(|role| (role.id.as_str(), rights(role.operations.rights()))));
    let mut reserved = Vec::new();
    if !roles.contains_key(EVERYTHING) && policy.settings().default_new_user_role.as_str() == EVERYTHING {
        roles.insert(EVERYTHING.to_owned(), rights(&Rights::all()));
        reserved.push(EVERYTHING);
    }
    let on_collections = |grant: &Grant| matches!(grant.object, GrantObject::Collection(_));
    let grants: BTreeSet<_> = policy.grants().filter(on_collections).collect();
    json!({
        "users": users,
        "organizations": organizations,
        "teams": teams,
        "collections": first_of(collections),
        "operations": first_of(operations),
        "roles": roles,
        "reserved": reserved,
        "grants": grants,
    })
}

fn rights(rights: &Rights) -> Value {
    let word =
        |(operation, modifiers): (Operation, ModifierSet)| (operation.name().to_owned(), json!(modifiers));
    Value::Object(rights.iter().map(word).collect())
}

fn first_of<'i>(items: impl Iterator<Item = (&'i str, Value)>) -> Map<String, Value> {
    let mut map = Map::new();
    for (id, facts) in items {
        map.entry(id).or_insert(facts);
    }
    map
}
