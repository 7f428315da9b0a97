//! Decides what of the access control of MKE 3 becomes an object of Kubernetes for MKE 4, and names what does not
//! (M4-011 to M4-013).
//!
//! MKE 4 has no Swarm: organizations become aggregated cluster roles `<organization>-org`, teams `<team>-team`, and each is
//! bound to its members. Swarm roles come along without permissions, so that the structure stays; where an organization or
//! team has none, the role `none` stands in, because an aggregated role needs one. Kubernetes roles and bindings come along
//! as they are, except that subjects are written anew: MKE 3 knows accounts by id and organizations and teams as groups,
//! MKE 4 knows users by name.
//!
//! Nobody gains a right on the way: what cannot be written so is left out and named in [`Conversion::left`].
//!
//! ```
//! use mke_rbac::mke4::convert;
//! use mke_rbac::state::World;
//!
//! let world = World::parse(r#"
//! format: rbac-scenarios/1
//! worlds: {shop: {users: {bob: {}, bill: {}},
//!   orgs: {entire-company: {teams: {development: [bob], production: [bob, bill], sales: []}}}}}
//! "#, None)?;
//! let conversion = convert(&world.policy().to_model(), &world.inventory().kubernetes);
//! let names: Vec<_> = conversion.rbac.roles.iter().map(|role| role.name.as_str()).collect();
//! assert_eq!(names, ["docker-datacenter-org", "entire-company-org", "development-team", "production-team",
//!     "sales-team", "scheduler", "none"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bindings;
mod names;
mod people;
mod report;
mod structure;

pub use report::ToMke4;

use serde::{Deserialize, Serialize};

use crate::kubernetes::Rbac;
use crate::model::{GrantObject, GrantSubject, Model, builtin};
use names::Allocator;
use people::People;

/// How much there was to convert.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Users, deactivated ones included.
    pub users: usize,
    /// Organizations, the one that holds everybody included.
    pub organizations: usize,
    /// Teams.
    pub teams: usize,
    /// Swarm roles that come along without permissions.
    pub swarm_roles: usize,
}

/// Something whose name is not the one that the documents promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renamed {
    /// What it was: `team shop/ops`.
    pub what: String,
    /// What it is called now.
    pub name: String,
    /// Why.
    pub why: String,
}

/// Something that does not come along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// What it was.
    pub what: String,
    /// Why, and what a person can do.
    pub why: String,
}

/// What became of the access control of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// Roles and bindings for MKE 4. They stand beside those that Kubernetes makes by itself.
    pub rbac: Rbac,
    /// How much there was.
    pub counts: Counts,
    /// What has another name than expected.
    pub renamed: Vec<Renamed>,
    /// What does not come along.
    pub left: Vec<Left>,
}

/// Converts accounts, Swarm roles and Kubernetes roles and bindings. The same input gives the same result, in a fixed order.
pub fn convert(model: &Model, kubernetes: &Rbac) -> Conversion {
    let mut work = Work {
        model,
        people: People::new(model),
        names: Allocator::new(kubernetes),
        conversion: Conversion {
            rbac: Rbac::default(),
            counts: Counts::default(),
            renamed: Vec::new(),
            left: Vec::new(),
        },
    };
    structure::convert(&mut work);
    bindings::convert(&mut work, kubernetes);
    work.swarm();
    work.accounts();
    work.conversion
}

/// A conversion under way.
struct Work<'m> {
    model: &'m Model,
    people: People<'m>,
    names: Allocator,
    conversion: Conversion,
}

impl Work<'_> {
    fn leave(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.conversion.left.push(Left {
            what: what.into(),
            why: why.into(),
        });
    }

    /// A name that is free, and a note when it is not the expected one.
    fn name(&mut self, what: String, expected: &str, others: &[String]) -> String {
        let (name, why) = self.names.take(expected, others);
        self.rename(what, &name, why.map(str::to_owned));
        name
    }

    /// A note on a name, when there is a reason for one.
    fn rename(&mut self, what: String, name: &str, why: Option<String>) {
        self.conversion.renamed.extend(why.map(|why| Renamed {
            what,
            name: name.to_owned(),
            why,
        }));
    }

    /// What was granted in Swarm's places.
    fn swarm(&mut self) {
        let mut grants: Vec<_> = self.model.grants.iter().collect();
        grants.sort_unstable();
        for grant in grants {
            let subject = self.people.subject(&grant.subject);
            let place = match &grant.object {
                GrantObject::Collection(id) => format!("collection {}", self.path(id.as_str())),
                GrantObject::Namespace(name) => format!("namespace {name}"),
                GrantObject::AllNamespaces => "all namespaces".to_owned(),
            };
            let role = self.role_name(grant.role.as_str()).to_owned();
            let to_structure = matches!(
                grant.subject,
                GrantSubject::Organization(_) | GrantSubject::Team(_)
            );
            let why = if to_structure {
                "MKE 4 has no Swarm (the role comes along without permissions and stays tied to its organization or team: \
                 add rules to it, or bind a role of Kubernetes)"
            } else {
                "MKE 4 has no Swarm (the role comes along without permissions: bind a role of Kubernetes)"
            };
            self.leave(format!("grant of {role} to {subject} on {place}"), why);
        }
        // Everybody has a private one; nobody needs to be told of those.
        let own = self.model.collections.iter().filter(|collection| {
            let private = collection
                .parent
                .as_ref()
                .is_some_and(|id| id.as_str() == builtin::PRIVATE);
            !private && !builtin::COLLECTIONS.contains(&collection.id.as_str())
        });
        let own = own.count();
        if own > 0 {
            self.leave(format!("collections: {own}"), "MKE 4 has namespaces instead");
        }
    }

    /// Who holds less, or nothing.
    fn accounts(&mut self) {
        let mut users: Vec<_> = self.model.users.iter().collect();
        users.sort_unstable_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        for user in users {
            if !user.active {
                self.leave(
                    format!("user {}", user.name),
                    "it is deactivated, and bound to nothing; make sure that it cannot log in to MKE 4",
                );
            } else if is_reserved(&user.name) {
                self.leave(
                    format!("user {}", user.name),
                    "its name belongs to Kubernetes, and it is bound to nothing; give it another name",
                );
            } else if user.admin && user.name != "admin" {
                self.leave(
                    format!("user {}", user.name),
                    "it is an administrator of MKE 3; bind `cluster-admin` to it by hand if it shall stay one",
                );
            }
        }
    }

    fn path(&self, collection: &str) -> String {
        let mut names = Vec::new();
        let mut at = Some(collection);
        // The tree cannot be deeper than there are collections; a ring ends there.
        for _ in 0..self.model.collections.len() {
            let Some(id) = at.filter(|id| *id != builtin::ROOT) else {
                break;
            };
            let found = self
                .model
                .collections
                .iter()
                .find(|collection| collection.id.as_str() == id);
            let Some(found) = found else {
                return format!("with id {collection}");
            };
            names.push(found.name.as_str());
            at = found.parent.as_ref().map(|id| id.as_str());
        }
        names.reverse();
        format!("/{}", names.join("/"))
    }

    fn role_name<'r>(&'r self, id: &'r str) -> &'r str {
        let found = self.model.roles.iter().find(|role| role.id.as_str() == id);
        found.map_or(id, |role| role.name.as_str())
    }
}

/// Whether a name belongs to Kubernetes, which gives rights to such names.
fn is_reserved(name: &str) -> bool {
    name.starts_with("system:")
}
