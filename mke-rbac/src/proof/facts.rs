//! The plain facts against which a proof is checked: what the snapshots hold, as JSON.
//!
//! ```json
//! {
//!   "users": {"u1": {"name": "jane", "admin": false, "active": true}},
//!   "within": [["authenticated", ["everyone"]], [{"team": "t1"}, [{"user": "u1"}]], [{"organization": "o1"}, [{"team": "t1"}]]],
//!   "collections": {"swarm": null, "c1": "swarm"},
//!   "operations": {"Service View": [], "Volume Create/Attach": ["Local Driver Options"]},
//!   "roles": {"viewonly": {"Service View": []}},
//!   "reserved": ["fullcontrol"],
//!   "grants": [{"subject": {"team": "t1"}, "object": {"collection": "c1"}, "role": "viewonly"}],
//!   "kubernetes": {
//!     "roles": [{"kind": "ClusterRole", "namespace": null, "name": "view", "selects": ["view-pods"], "rules": []}],
//!     "bindings": [{"kind": "RoleBinding", "namespace": "blue", "name": "readers",
//!       "role": {"kind": "ClusterRole", "name": "view"}, "subjects": [{"kind": "User", "name": "u1"}]}]
//!   }
//! }
//! ```
//!
//! `within` lists what is directly in a group (R2): users in a team, users and teams in an organization, and `everyone`,
//! any user, in `authenticated` and in the organization that holds every user. `collections` names the
//! parent of each; `operations` is the vocabulary with the modifiers of each operation; `reserved` lists roles that are
//! not proposed: Full Control, and what no grant can name. `selects` names the cluster roles whose rules an aggregated one takes over (R85); a role that is
//! not aggregated has `null` there. A service account without a namespace has got that of its binding (R89).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::kubernetes::resolved;
use crate::change::Group;
use crate::kubernetes::{Authorizer, KubernetesRole, RoleKind};
use crate::model::{Grant, GrantObject, GrantSubject};
use crate::operation::{ModifierSet, Operation};
use crate::policy::Policy;
use crate::role::{Rights, builtin};

/// What private grants name when the settings give users everything on their own collections (R14). It is no role.
pub(super) const EVERYTHING: &str = "admin";

/// Writes down what both snapshots hold. Of accounts and roles with one id the first counts, and collections without
/// a place in the tree and teams without an organization are left out, as the policy itself does.
///
/// A custom role with the id `admin` hides the meaning that this word has in the settings: proofs that rest on such
/// a private grant are then refused.
pub fn facts(policy: &Policy, authorizer: &Authorizer) -> Value {
    let users = first_of(policy.users().map(|user| {
        let facts = json!({"name": user.name, "admin": user.admin, "active": user.active});
        (user.id.as_str(), facts)
    }));
    let collections = policy.collections();
    let collections = collections.map(|info| (info.id.as_str(), json!(info.parent_ids.last())));
    let operations = Operation::ALL
        .iter()
        .map(|operation| (operation.name(), json!(operation.modifiers())));
    let roles = policy.roles().iter();
    let mut roles = first_of(roles.map(|role| (role.id.as_str(), rights(role.operations.rights()))));
    let mut reserved = vec![builtin::FULL_CONTROL];
    if !roles.contains_key(EVERYTHING) && policy.settings().default_new_user_role.as_str() == EVERYTHING {
        roles.insert(EVERYTHING.to_owned(), rights(&Rights::all()));
        reserved.push(EVERYTHING);
    }
    let on_collections = |grant: &Grant| matches!(grant.object, GrantObject::Collection(_));
    let grants: BTreeSet<_> = policy.grants().filter(on_collections).collect();
    json!({
        "users": users,
        "within": within(policy),
        "collections": first_of(collections),
        "operations": first_of(operations),
        "roles": roles,
        "reserved": reserved,
        "grants": grants,
        "kubernetes": kubernetes(authorizer),
    })
}

/// What is directly in each group.
fn within(policy: &Policy) -> Vec<Value> {
    let users = |group: Group| -> Vec<Value> {
        let members: BTreeSet<_> = policy.members(&group).collect();
        members
            .into_iter()
            .map(|member| json!({"user": member}))
            .collect()
    };
    let mut organizations = BTreeMap::new();
    for organization in policy.organizations() {
        let members = match organization.holds_everybody() {
            true => vec![json!("everyone")],
            false => users(Group::Organization(organization.id.clone())),
        };
        organizations.insert(organization.id.clone(), members);
    }
    let mut groups = vec![json!([GrantSubject::Authenticated, ["everyone"]])];
    for team in policy.teams() {
        if let Some(members) = organizations.get_mut(&team.organization) {
            let whole = GrantSubject::Team(team.id.clone());
            members.push(json!(whole));
            groups.push(json!([whole, users(Group::Team(team.id.clone()))]));
        }
    }
    let organizations = organizations.into_iter();
    groups.extend(organizations.map(|(id, members)| json!([GrantSubject::Organization(id), members])));
    groups
}

/// Roles with what they select, bindings with what they mean.
fn kubernetes(authorizer: &Authorizer) -> Value {
    let roles = authorizer.roles().map(|role| {
        let cluster = |role: &&KubernetesRole| role.kind == RoleKind::ClusterRole;
        let selectors = role.aggregate.as_ref().filter(|_| cluster(&role));
        let selects = selectors.map(|selectors| {
            let selected = authorizer
                .roles()
                .filter(cluster)
                .filter(|other| selectors.iter().any(|selector| selector.selects(&other.labels)));
            selected.map(|other| &other.name).collect::<Vec<_>>()
        });
        json!({"kind": role.kind, "namespace": role.namespace, "name": role.name, "selects": selects,
            "rules": role.rules})
    });
    let bindings = authorizer.bindings().map(|binding| {
        let subjects: Vec<_> = binding.subjects.iter().filter_map(|subject| resolved(binding, subject)).collect();
        json!({"kind": binding.kind, "namespace": binding.namespace, "name": binding.name, "role": binding.role,
            "subjects": subjects})
    });
    json!({"roles": roles.collect::<Vec<_>>(), "bindings": bindings.collect::<Vec<_>>()})
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
