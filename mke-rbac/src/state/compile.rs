//! From names to ids: a written state becomes a policy and an inventory.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use mke_core::ids::{AccountId, CollectionId, RoleId, TeamId};
use mke_core::names::CollectionPath;

use super::file::{GrantRecord, WorldRecord};
use super::{StateError, World};
use crate::model::{
    Collection, Grant, GrantObject, GrantSubject, Model, Organization, Settings, Team, User, builtin,
};
use crate::policy::Policy;
use crate::question::{GrantTriple, Inventory, License};
use crate::role::{Role, builtin as roles};

/// The grant that lets everybody schedule on `/Shared` (R29), as cases call it.
const SHARED_GRANT: &str = "dd-shared";

impl World {
    /// Compiles a written state. All names that stand for nothing are reported together.
    pub fn compile(name: &str, record: &WorldRecord) -> Result<Self, StateError> {
        let mut builder = Builder {
            record,
            collections: BTreeMap::new(),
            ids: HashSet::new(),
            problems: Vec::new(),
        };
        let model = builder.model();
        let (grants, grant_ids) = builder.grants();
        let inventory = builder.inventory();
        if !builder.problems.is_empty() {
            return Err(StateError::Problems {
                world: name.to_owned(),
                problems: builder.problems,
            });
        }
        Ok(Self {
            policy: Policy::compile(Model { grants, ..model }),
            inventory,
            users: record
                .users
                .keys()
                .map(|user| (user.clone(), user_id(user)))
                .collect(),
            grant_ids,
        })
    }
}

fn user_id(name: &str) -> AccountId {
    AccountId::from(format!("u-{name}"))
}

fn organization_id(name: &str) -> AccountId {
    AccountId::from(format!("o-{name}"))
}

fn team_id(organization: &str, name: &str) -> TeamId {
    TeamId::from(format!("t-{organization}/{name}"))
}

fn private_path(user: &str) -> String {
    format!("/Shared/Private/{user}")
}

struct Builder<'r> {
    record: &'r WorldRecord,
    collections: BTreeMap<String, CollectionId>,
    /// The ids of those, because different paths can be given the same one.
    ids: HashSet<CollectionId>,
    problems: Vec<String>,
}

impl Builder<'_> {
    fn model(&mut self) -> Model {
        let collections = self.tree();
        let settings = &self.record.settings;
        let known_role = settings.default_new_user_role == "admin"
            || roles::IDS.contains(&settings.default_new_user_role.as_str());
        if !known_role {
            self.problems.push(format!(
                "default_new_user_role `{}` is no built-in role",
                settings.default_new_user_role
            ));
        }
        Model {
            settings: Settings {
                default_new_user_role: RoleId::new(settings.default_new_user_role.as_str()),
                enable_admin_ucp_scheduling: settings.enable_admin_ucp_scheduling,
                advanced_license: settings.license == License::Advanced,
            },
            users: self.users(),
            organizations: self.organizations(),
            teams: self.teams(),
            collections,
            roles: self.roles(),
            grants: Vec::new(),
        }
    }

    /// The built-in collections, those of the file, and a private one for everybody who logged in.
    fn tree(&mut self) -> Vec<Collection> {
        let mut collections = Model::with_builtin_collections().collections;
        let builtins = [
            ("/", builtin::ROOT),
            ("/Shared", builtin::SHARED),
            ("/Shared/Private", builtin::PRIVATE),
            ("/Shared/Legacy", builtin::LEGACY),
            ("/System", builtin::SYSTEM),
        ];
        for (path, id) in builtins {
            self.collections.insert(path.to_owned(), id.into());
            self.ids.insert(id.into());
        }
        let private = self.record.users.iter().filter(|(_, user)| user.logged_in);
        let private: Vec<_> = private.map(|(name, _)| private_path(name)).collect();
        for path in self.record.collections.iter().chain(&private) {
            match self.collection(path) {
                Ok(collection) => collections.push(collection),
                Err(problem) => self.problems.push(problem),
            }
        }
        collections
    }

    fn collection(&mut self, path: &str) -> Result<Collection, String> {
        let parsed: CollectionPath = path
            .parse()
            .map_err(|error| format!("collection `{path}`: {error}"))?;
        let (parent, name) = parsed.as_str().rsplit_once('/').unwrap_or(("", path));
        let parent = if parent.is_empty() { "/" } else { parent };
        let parent = self.collections.get(parent).cloned();
        let parent = parent.ok_or_else(|| format!("collection `{path}` stands before its parent"))?;
        let id = parsed
            .as_str()
            .trim_start_matches('/')
            .replace('/', "-")
            .replace(' ', "_");
        let id = CollectionId::from(format!("c-{id}"));
        if self.ids.contains(&id) || self.collections.contains_key(parsed.as_str()) {
            return Err(format!(
                "collection `{path}` gets the id `{id}`, which another one has"
            ));
        }
        self.collections.insert(parsed.to_string(), id.clone());
        self.ids.insert(id.clone());
        Ok(Collection {
            id,
            name: name.to_owned(),
            parent: Some(parent),
        })
    }

    fn users(&mut self) -> Vec<User> {
        let mut users = Vec::new();
        for (name, user) in &self.record.users {
            let chosen = user.default_collection.as_ref();
            let default_collection = chosen.and_then(|path| self.known_collection(path, name));
            users.push(User {
                id: user_id(name),
                name: name.clone(),
                admin: user.admin,
                active: user.active,
                private_collection: self.collections.get(&private_path(name)).cloned(),
                default_collection,
            });
        }
        users
    }

    fn organizations(&mut self) -> Vec<Organization> {
        let mut organizations = Vec::new();
        for (name, organization) in &self.record.orgs {
            let in_teams = organization.teams.values().flatten();
            let members: BTreeSet<_> = organization.members.iter().chain(in_teams).collect();
            let members = members
                .into_iter()
                .filter_map(|user| self.known_user(user, name))
                .collect();
            organizations.push(Organization {
                id: organization_id(name),
                name: name.clone(),
                members,
            });
        }
        if !self.record.orgs.contains_key(builtin::DEFAULT_ORGANIZATION) {
            organizations.push(Organization {
                id: organization_id(builtin::DEFAULT_ORGANIZATION),
                name: builtin::DEFAULT_ORGANIZATION.to_owned(),
                members: Vec::new(),
            });
        }
        organizations
    }

    fn teams(&self) -> Vec<Team> {
        let organizations = self.record.orgs.iter();
        organizations
            .flat_map(|(organization, record)| {
                record.teams.iter().map(move |(name, members)| Team {
                    id: team_id(organization, name),
                    organization: organization_id(organization),
                    name: name.clone(),
                    members: members.iter().map(|user| user_id(user)).collect(),
                })
            })
            .collect()
    }

    fn roles(&self) -> Vec<Role> {
        let roles = self.record.roles.iter();
        roles
            .map(|(name, operations)| Role {
                id: RoleId::new(name.as_str()),
                name: name.clone(),
                system_role: false,
                operations: operations.clone(),
            })
            .collect()
    }

    /// The grants of the file and the implied one, with the ids that cases call them by.
    fn grants(&mut self) -> (Vec<Grant>, Vec<(GrantTriple, String)>) {
        let implied = GrantRecord {
            id: SHARED_GRANT.to_owned(),
            subject: format!("org:{}", builtin::DEFAULT_ORGANIZATION),
            role: roles::SCHEDULER.to_owned(),
            collection: "/Shared".to_owned(),
        };
        let implied = self
            .record
            .settings
            .docker_datacenter_scheduler
            .then_some(implied);
        let mut grants = Vec::new();
        let mut ids = Vec::new();
        for record in self.record.grants.iter().chain(&implied) {
            if let Some(grant) = self.grant(record) {
                grants.push(grant);
                ids.push((
                    triple(&record.subject, &record.role, &record.collection),
                    record.id.clone(),
                ));
            }
        }
        for user in self.record.users.keys() {
            let role = &self.record.settings.default_new_user_role;
            let grant = triple(&format!("user:{user}"), role, &private_path(user));
            ids.push((grant, format!("private-{user}")));
        }
        (grants, ids)
    }

    fn grant(&mut self, record: &GrantRecord) -> Option<Grant> {
        let known =
            roles::IDS.contains(&record.role.as_str()) || self.record.roles.contains_key(&record.role);
        if !known {
            self.problems.push(format!(
                "grant `{}`: there is no role `{}`",
                record.id, record.role
            ));
        }
        let subject = self.grant_subject(record);
        let collection = self.known_collection(&record.collection, &record.id);
        Some(Grant {
            subject: subject?,
            object: GrantObject::Collection(collection?),
            role: RoleId::new(record.role.as_str()),
        })
    }

    fn grant_subject(&mut self, record: &GrantRecord) -> Option<GrantSubject> {
        let orgs = &self.record.orgs;
        let known_organization =
            |name: &str| orgs.contains_key(name) || name == builtin::DEFAULT_ORGANIZATION;
        let subject = match record.subject.split_once(':') {
            Some(("user", name)) if self.record.users.contains_key(name) => {
                Some(GrantSubject::User(user_id(name)))
            }
            Some(("org", name)) if known_organization(name) => {
                Some(GrantSubject::Organization(organization_id(name)))
            }
            Some(("team", team)) => team.split_once('/').and_then(|(organization, name)| {
                let known = orgs.get(organization)?.teams.contains_key(name);
                known.then(|| GrantSubject::Team(team_id(organization, name)))
            }),
            None if record.subject == "authenticated" => Some(GrantSubject::Authenticated),
            None if record.subject == "anonymous" => Some(GrantSubject::Anonymous),
            _ => None,
        };
        if subject.is_none() {
            self.problems.push(format!(
                "grant `{}`: there is no subject `{}`",
                record.id, record.subject
            ));
        }
        subject
    }

    fn inventory(&mut self) -> Inventory {
        for (name, path) in &self.record.nodes {
            let _ = self.known_collection(path, name);
        }
        for resource in &self.record.resources {
            let _ = self.known_collection(&resource.collection, &resource.name);
        }
        Inventory {
            license: None,
            nodes: self.record.nodes.clone(),
            resources: self.record.resources.clone(),
            kubernetes: self.record.k8s.clone(),
        }
    }

    fn known_collection(&mut self, path: &str, used_by: &str) -> Option<CollectionId> {
        let found = self.collections.get(path).cloned();
        if found.is_none() {
            self.problems
                .push(format!("`{used_by}`: there is no collection `{path}`"));
        }
        found
    }

    fn known_user(&mut self, name: &str, used_by: &str) -> Option<AccountId> {
        let found = self.record.users.contains_key(name);
        if !found {
            self.problems
                .push(format!("organization `{used_by}`: there is no user `{name}`"));
        }
        found.then(|| user_id(name))
    }
}

fn triple(subject: &str, role: &str, collection: &str) -> GrantTriple {
    GrantTriple {
        subject: subject.to_owned(),
        role: role.to_owned(),
        role_name: role.to_owned(),
        collection: collection.to_owned(),
    }
}
