//! Applies changes in memory. Each is understood in the state that those before it made, so a list may add a team, its
//! members and its grants. Whether somebody would be permitted to make the change is not asked.

use std::collections::HashSet;

use mke_core::ids::{AccountId, CollectionId, RoleId, TeamId};
use mke_core::names::CollectionPath;

use super::{GrantForm, SettingsForm, UserForm, WhatIf, object};
use crate::change::{Change, ChangeError, Group};
use crate::inquiry::{InquiryError, Scene};
use crate::kubernetes::{KubernetesChange, Rbac};
use crate::model::{Collection, Grant, GrantObject, GrantSubject, User};
use crate::policy::{CollectionInfo, Policy};
use crate::question::{Inventory, Names};
use crate::role::{Role, RoleBody, builtin};

/// The policy after changes; nothing when one of them cannot be made.
pub fn changed(policy: &Policy, changes: &[WhatIf]) -> Option<Policy> {
    let inventory = Inventory::default();
    let changed = Changed::apply(&Scene::new(policy, &inventory), changes).ok()?;
    Some(changed.policy)
}

/// A policy and its objects after changes.
///
/// # Errors
/// The first change that names what is not there, or that cannot be.
pub(crate) fn changed_scene(
    scene: &Scene<'_>,
    changes: &[WhatIf],
) -> Result<(Policy, Inventory), InquiryError> {
    let changed = Changed::apply(scene, changes)?;
    Ok((changed.policy, changed.inventory))
}

/// A scene with changes.
pub(in crate::inquiry) struct Changed {
    pub(in crate::inquiry) policy: Policy,
    pub(in crate::inquiry) inventory: Inventory,
    /// The users for whom something may be different on the Swarm side; nothing when it may be anybody.
    pub(in crate::inquiry) affected: Option<HashSet<AccountId>>,
}

impl Changed {
    /// Applies changes in their order.
    ///
    /// # Errors
    /// The first change that names what is not there, or that cannot be.
    pub(in crate::inquiry) fn apply(scene: &Scene<'_>, changes: &[WhatIf]) -> Result<Self, InquiryError> {
        let mut changed = Self {
            policy: scene.policy.clone(),
            inventory: scene.inventory.clone(),
            affected: Some(HashSet::new()),
        };
        for (position, change) in changes.iter().enumerate() {
            changed
                .one(change)
                .map_err(|problem| InquiryError::field(format!("changes[{position}]"), problem))?;
        }
        Ok(changed)
    }

    fn one(&mut self, change: &WhatIf) -> Result<(), String> {
        if let WhatIf::Kubernetes(change) = change {
            return apply_kubernetes(&mut self.inventory.kubernetes, change);
        }
        let steps = Steps { policy: &self.policy };
        let steps = steps.of(change)?;
        self.note(&steps);
        for step in &steps {
            self.policy = self
                .policy
                .with(step)
                .map_err(|error: ChangeError| error.to_string())?;
        }
        // Who is reached through what was put is known only now.
        self.note(&steps);
        Ok(())
    }

    /// Adds everybody whom the steps may concern.
    fn note(&mut self, steps: &[Change]) {
        for step in steps {
            match step {
                Change::PutGrant(grant) | Change::RemoveGrant(grant) => self.note_subject(&grant.subject),
                Change::PutUser(user) => self.note_user(&user.id),
                Change::AddMember { member, .. } | Change::RemoveMember { member, .. } => {
                    self.note_user(member);
                }
                Change::RemoveAccount(account) => {
                    self.note_user(account);
                    self.note_subject(&GrantSubject::Organization(account.clone()));
                }
                Change::RemoveTeam(team) => self.note_subject(&GrantSubject::Team(team.clone())),
                Change::PutTeam { id, .. } => self.note_subject(&GrantSubject::Team(id.clone())),
                Change::PutOrganization { id, .. } => {
                    self.note_subject(&GrantSubject::Organization(id.clone()));
                }
                Change::PutCollection(_)
                | Change::RemoveCollection(_)
                | Change::PutRole(_)
                | Change::RemoveRole(_)
                | Change::Settings(_) => self.affected = None,
            }
        }
    }

    fn note_user(&mut self, user: &AccountId) {
        if let Some(affected) = &mut self.affected {
            affected.insert(user.clone());
        }
    }

    fn note_subject(&mut self, subject: &GrantSubject) {
        let Some(affected) = &mut self.affected else {
            return;
        };
        let reached = self.policy.reached_by(subject);
        affected.extend(reached.into_iter().map(|user| user.id.clone()));
    }
}

/// Turns changes in names into changes in ids.
struct Steps<'p> {
    policy: &'p Policy,
}

impl<'p> Steps<'p> {
    fn of(&self, change: &WhatIf) -> Result<Vec<Change>, String> {
        Ok(match change {
            WhatIf::Grant(form) => vec![Change::PutGrant(self.grant(form)?)],
            WhatIf::Revoke(form) => {
                let grant = self.grant(form)?;
                if !self.policy.has_grant(&grant) {
                    return Err(format!("there is no grant of {form}"));
                }
                vec![Change::RemoveGrant(grant)]
            }
            WhatIf::AddMember { user, to } => vec![Change::AddMember {
                member: self.user(user)?.id.clone(),
                group: self.group(to)?,
            }],
            WhatIf::RemoveMember { user, from } => self.remove_member(user, from)?,
            WhatIf::User(form) => vec![Change::PutUser(self.changed_user(form))],
            WhatIf::RemoveUser(name) => vec![Change::RemoveAccount(self.user(name)?.id.clone())],
            WhatIf::AddOrganization(name) => {
                self.absent(self.organization(name).is_ok(), "organization", name)?;
                vec![Change::PutOrganization {
                    id: AccountId::from(new_id("org", name)),
                    name: name.clone(),
                }]
            }
            WhatIf::RemoveOrganization(name) => vec![Change::RemoveAccount(self.organization(name)?)],
            WhatIf::AddTeam(name) => vec![self.new_team(name)?],
            WhatIf::RemoveTeam(name) => vec![Change::RemoveTeam(self.team(name)?)],
            WhatIf::AddCollection(path) => {
                let path = parsed(path)?;
                self.absent(
                    self.policy.collection_by_path(&path).is_some(),
                    "collection",
                    path.as_str(),
                )?;
                let id = CollectionId::from(new_id("collection", path.as_str()));
                vec![self.put_collection(id, &path)?]
            }
            WhatIf::MoveCollection { from, to } => vec![self.move_collection(from, to)?],
            WhatIf::RemoveCollection(path) => {
                let top = self.collection(path)?;
                // Children before parents.
                let mut below: Vec<_> = self
                    .policy
                    .collections()
                    .filter(|info| self.policy.covers(&top.id, &info.id))
                    .collect();
                below.sort_by_key(|info| std::cmp::Reverse(info.parent_ids.len()));
                let removals = below.into_iter();
                removals
                    .map(|info| Change::RemoveCollection(info.id.clone()))
                    .collect()
            }
            WhatIf::Role { name, operations } => vec![Change::PutRole(self.changed_role(name, operations)?)],
            WhatIf::RemoveRole(name) => vec![Change::RemoveRole(self.role(name)?)],
            WhatIf::Settings(form) => vec![self.settings(form)?],
            WhatIf::Kubernetes(_) => Vec::new(),
        })
    }

    fn grant(&self, form: &GrantForm) -> Result<Grant, String> {
        let subject = Names::of(self.policy).grant_subject(&form.subject);
        Ok(Grant {
            subject: subject.ok_or_else(|| {
                format!(
                    "there is no subject `{}`; write user:NAME, org:NAME, team:ORG/NAME, authenticated or anonymous",
                    form.subject
                )
            })?,
            object: GrantObject::Collection(self.collection(&form.collection)?.id.clone()),
            role: self.role(&form.role)?,
        })
    }

    fn user(&self, name: &str) -> Result<&'p User, String> {
        let found = self.policy.users().find(|user| user.name == name);
        found
            .or_else(|| self.policy.user(name))
            .ok_or_else(|| format!("there is no user `{name}`"))
    }

    fn group(&self, text: &str) -> Result<Group, String> {
        match Names::of(self.policy).grant_subject(text) {
            Some(GrantSubject::Organization(id)) => Ok(Group::Organization(id)),
            Some(GrantSubject::Team(id)) => Ok(Group::Team(id)),
            _ => Err(format!(
                "there is no team or organization `{text}`; write team:ORG/NAME or org:NAME"
            )),
        }
    }

    /// Who leaves an organization leaves its teams too.
    fn remove_member(&self, user: &str, from: &str) -> Result<Vec<Change>, String> {
        let member = &self.user(user)?.id;
        let group = self.group(from)?;
        let leaves = |group: Group| Change::RemoveMember {
            group,
            member: member.clone(),
        };
        let is_in = |group: &Group| self.policy.members(group).any(|known| known == member);
        let mut groups = vec![group.clone()];
        if let Group::Organization(organization) = &group {
            let teams = self
                .policy
                .teams()
                .filter(|team| team.organization == *organization);
            groups.extend(teams.map(|team| Group::Team(team.id.clone())));
        }
        groups.retain(is_in);
        if groups.is_empty() {
            return Err(format!("user `{user}` is not in `{from}`"));
        }
        Ok(groups.into_iter().map(leaves).collect())
    }

    fn changed_user(&self, form: &UserForm) -> User {
        let mut user = match self.user(&form.name) {
            Ok(user) => user.clone(),
            Err(_) => User {
                id: AccountId::from(new_id("user", &form.name)),
                name: form.name.clone(),
                admin: false,
                active: true,
                private_collection: None,
                default_collection: None,
            },
        };
        user.admin = form.admin.unwrap_or(user.admin);
        user.active = form.active.unwrap_or(user.active);
        user
    }

    fn organization(&self, name: &str) -> Result<AccountId, String> {
        match Names::of(self.policy).grant_subject(&format!("org:{name}")) {
            Some(GrantSubject::Organization(id)) => Ok(id),
            _ => Err(format!("there is no organization `{name}`")),
        }
    }

    fn team(&self, name: &str) -> Result<TeamId, String> {
        match Names::of(self.policy).grant_subject(&format!("team:{name}")) {
            Some(GrantSubject::Team(id)) => Ok(id),
            _ => Err(format!("there is no team `{name}`; write ORGANIZATION/TEAM")),
        }
    }

    fn new_team(&self, name: &str) -> Result<Change, String> {
        self.absent(self.team(name).is_ok(), "team", name)?;
        let (organization, own) = name
            .split_once('/')
            .ok_or_else(|| format!("`{name}` names no team; write ORGANIZATION/TEAM"))?;
        Ok(Change::PutTeam {
            id: TeamId::from(new_id("team", name)),
            organization: self.organization(organization)?,
            name: own.to_owned(),
        })
    }

    fn collection(&self, path: &str) -> Result<&'p CollectionInfo, String> {
        let found = self.policy.collection_by_path(&parsed(path)?);
        found.ok_or_else(|| format!("there is no collection `{path}`"))
    }

    /// A collection with this id at this path.
    fn put_collection(&self, id: CollectionId, path: &CollectionPath) -> Result<Change, String> {
        let (parent, name) = path.as_str().rsplit_once('/').unwrap_or_default();
        if name.is_empty() {
            return Err("the root collection stays where it is".to_owned());
        }
        let parent = if parent.is_empty() { "/" } else { parent };
        Ok(Change::PutCollection(Collection {
            id,
            name: name.to_owned(),
            parent: Some(self.collection(parent)?.id.clone()),
        }))
    }

    fn move_collection(&self, from: &str, to: &str) -> Result<Change, String> {
        let moved = self.collection(from)?;
        let path = parsed(to)?;
        self.absent(self.policy.collection_by_path(&path).is_some(), "collection", to)?;
        let change = self.put_collection(moved.id.clone(), &path)?;
        if let Change::PutCollection(put) = &change
            && let Some(parent) = &put.parent
            && self.policy.covers(&moved.id, parent)
        {
            return Err(format!("collection `{from}` cannot move below itself"));
        }
        Ok(change)
    }

    fn role(&self, name: &str) -> Result<RoleId, String> {
        if let Some(role) = self.policy.role(name) {
            return Ok(role.id.clone());
        }
        let mut named = self.policy.roles().iter().filter(|role| role.name == name);
        match (named.next(), named.next()) {
            (Some(role), None) => Ok(role.id.clone()),
            (Some(_), Some(_)) => Err(format!("several roles are called `{name}`; write the id")),
            (None, _) => Err(format!("there is no role `{name}`")),
        }
    }

    fn changed_role(&self, name: &str, operations: &RoleBody) -> Result<Role, String> {
        let id = match self.role(name) {
            Ok(id) => id,
            Err(_) if self.policy.roles().iter().any(|role| role.name == name) => {
                return Err(format!("several roles are called `{name}`; write the id"));
            }
            Err(_) => RoleId::new(new_id("role", name)),
        };
        let known = self.policy.role(id.as_str());
        Ok(Role {
            name: known.map_or(name, |role| &role.name).to_owned(),
            id,
            system_role: false,
            operations: operations.clone(),
        })
    }

    fn settings(&self, form: &SettingsForm) -> Result<Change, String> {
        let mut settings = self.policy.settings().clone();
        if let Some(role) = &form.default_new_user_role {
            if role != "admin" && !builtin::IDS.contains(&role.as_str()) {
                return Err(format!("default_new_user_role `{role}` is no built-in role"));
            }
            settings.default_new_user_role = RoleId::new(role.as_str());
        }
        if let Some(enabled) = form.enable_admin_ucp_scheduling {
            settings.enable_admin_ucp_scheduling = enabled;
        }
        Ok(Change::Settings(settings))
    }

    fn absent(&self, exists: bool, what: &str, name: &str) -> Result<(), String> {
        match exists {
            false => Ok(()),
            true => Err(format!("there is a {what} `{name}` already")),
        }
    }
}

/// The id of what does not exist yet. Real ids have no such prefix.
fn new_id(kind: &str, name: &str) -> String {
    format!("what-if:{kind}:{name}")
}

fn parsed(path: &str) -> Result<CollectionPath, String> {
    path.parse()
        .map_err(|error| format!("`{path}` is no collection path: {error}"))
}

/// Applies one change to roles and bindings.
fn apply_kubernetes(rbac: &mut Rbac, change: &KubernetesChange) -> Result<(), String> {
    match change {
        KubernetesChange::PutRole(role) => {
            let key = role.key();
            rbac.roles.retain(|known| known.key() != key);
            rbac.roles.push(role.clone());
        }
        KubernetesChange::RemoveRole(key) => {
            let count = rbac.roles.len();
            rbac.roles.retain(|known| known.key() != *key);
            if rbac.roles.len() == count {
                return Err(format!(
                    "there is no {}",
                    object(key.kind.word(), &key.namespace, &key.name)
                ));
            }
        }
        KubernetesChange::PutBinding(binding) => {
            if let Some(key) = binding.key() {
                rbac.bindings.retain(|known| known.key().as_ref() != Some(&key));
            }
            rbac.bindings.push(binding.clone());
        }
        KubernetesChange::RemoveBinding(key) => {
            let count = rbac.bindings.len();
            rbac.bindings.retain(|known| known.key().as_ref() != Some(key));
            if rbac.bindings.len() == count {
                return Err(format!(
                    "there is no {}",
                    object(key.kind.word(), &key.namespace, &key.name)
                ));
            }
        }
    }
    Ok(())
}
