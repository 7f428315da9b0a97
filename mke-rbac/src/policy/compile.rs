//! A whole model becomes a policy, and a policy a whole model again.

use std::sync::Arc;

use mke_core::ids::AccountId;

use super::grants::{Grants, Held, IMPLIED};
use super::names::{Crowd, Names, Party, Roles, Who};
use super::pages::Pages;
use super::people::People;
use super::set::{Set, halves, pair};
use super::table::Table;
use super::tree::Tree;
use super::views::{OrganizationInfo, TeamInfo};
use super::{Policy, Warning};
use crate::model::{Collection, Grant, GrantObject, GrantSubject, Model, Organization, Settings, Team, User};
use crate::role::{Role, builtin};

impl Policy {
    /// Compiles a model. What names something unknown has no effect and is listed in [`Policy::warnings`].
    pub fn compile(model: Model) -> Self {
        let mut shadowed = Vec::new();
        let roles = Roles::new(model.roles, &mut shadowed);
        let mut places = Pages::default();
        let tree = Tree::compile(model.collections, &mut places);
        let mut parties = Pages::default();
        parties.push(Party::only(GrantSubject::Authenticated));
        parties.push(Party::only(GrantSubject::Anonymous));
        let people = People {
            users: Table::with_capacity(model.users.len()),
            organizations: Table::with_capacity(model.organizations.len()),
            teams: Table::with_capacity(model.teams.len()),
            common: Arc::new([super::names::AUTHENTICATED]),
            ..People::default()
        };
        let mut policy = Self {
            settings: Arc::new(model.settings),
            names: Arc::new(Names {
                parties,
                places,
                roles: Arc::new(roles),
            }),
            people,
            tree,
            grants: Grants::default(),
            shadowed: Arc::default(),
            gone: 0,
        };
        let mut implied = Vec::new();
        for user in model.users {
            if policy.user(user.id.as_str()).is_some() {
                shadowed.push(Warning::DuplicateAccount(user.id));
                continue;
            }
            implied.extend(policy.enter_user(user).1);
        }
        policy.groups(model.organizations, model.teams);
        policy.fill(model.grants, implied);
        policy.shadowed = shadowed.into();
        policy
    }

    /// Enters all groups and then writes the subjects of every user once.
    fn groups(&mut self, organizations: Vec<Organization>, teams: Vec<Team>) {
        let names = Arc::make_mut(&mut self.names);
        let people = &mut self.people;
        let parties = &mut names.parties;
        let mut members = Vec::new();
        let mut teams_of = Vec::new();
        let mut common = people.common.to_vec();
        for organization in organizations {
            let number = people.intern(&GrantSubject::Organization(organization.id.clone()), parties);
            let join = |member: AccountId| pair(number, people.intern(&GrantSubject::User(member), parties));
            members.extend(organization.members.into_iter().map(join));
            let info = OrganizationInfo {
                id: organization.id,
                name: organization.name,
            };
            if let Some(party) = parties.get_mut(number)
                && !matches!(party.who, Who::Organization(_))
            {
                if info.holds_everybody() {
                    common.push(number);
                }
                party.who = Who::Organization(Arc::new(info));
            }
        }
        for team in teams {
            let number = people.intern(&GrantSubject::Team(team.id.clone()), parties);
            let organization = GrantSubject::Organization(team.organization.clone());
            let organization = people.intern(&organization, parties);
            let join = |member: AccountId| pair(number, people.intern(&GrantSubject::User(member), parties));
            members.extend(team.members.into_iter().map(join));
            let info = TeamInfo {
                id: team.id,
                organization: team.organization,
                name: team.name,
            };
            if let Some(party) = parties.get_mut(number)
                && !matches!(party.who, Who::Team(..))
            {
                party.who = Who::Team(Arc::new(info), organization);
                teams_of.push(pair(organization, number));
            }
        }
        common.sort_unstable();
        people.common = common.into();
        let crowds =
            |pairs: &mut Vec<u64>, parties: &mut Pages<Party, 32>, of: fn(&mut Crowd) -> &mut Set| {
                pairs.sort_unstable();
                pairs.dedup();
                for group in pairs.chunk_by(|one, other| halves(*one).0 == halves(*other).0) {
                    let number = group.first().map_or(0, |pair| halves(*pair).0);
                    if let Some(party) = parties.get_mut(number) {
                        let crowd = Arc::make_mut(party.crowd.get_or_insert_default());
                        *of(crowd) = group.iter().map(|entry| pair(0, halves(*entry).1)).collect();
                    }
                }
            };
        crowds(&mut teams_of, parties, |crowd| &mut crowd.teams);
        crowds(&mut members, parties, |crowd| &mut crowd.members);
        let mut listed: Vec<_> = members.iter().map(|entry| halves(*entry)).collect();
        listed.sort_unstable_by_key(|(group, member)| (*member, *group));
        for groups in listed.chunk_by(|one, other| one.1 == other.1) {
            let number = groups.first().map_or(0, |(_, member)| *member);
            if let Some(party) = parties.get_mut(number) {
                party.listed = Some(groups.iter().map(|(group, _)| *group).collect());
            }
            people.refresh(number, parties);
        }
    }

    fn fill(&mut self, grants: Vec<Grant>, implied: Vec<Held>) {
        let mut all = implied;
        all.reserve(grants.len());
        for grant in grants {
            match (&grant.object, self.place_and_role(&grant)) {
                (_, Some((place, role))) => {
                    let parties = &mut Arc::make_mut(&mut self.names).parties;
                    all.push(Held {
                        subject: self.people.intern(&grant.subject, parties),
                        place,
                        role,
                    });
                }
                (GrantObject::Collection(_), None) => drop(self.grants.inert.insert(grant)),
                (GrantObject::Namespace(_) | GrantObject::AllNamespaces, None) => {
                    self.grants.namespaced.insert(grant);
                }
            }
        }
        self.grants.fit(self.names.places.len(), self.names.parties.len());
        self.grants.fill(all);
    }

    /// The numbers of the collection and the role that a grant names; nothing for grants on namespaces, and when one
    /// of the two does not exist.
    pub(super) fn place_and_role(&self, grant: &Grant) -> Option<(u32, u32)> {
        let GrantObject::Collection(collection) = &grant.object else {
            return None;
        };
        let place = self.tree.by_id(collection.as_str())?;
        let role = self.names.roles.numbers.get(&grant.role)?;
        (*role < IMPLIED).then_some((place.number, *role))
    }

    /// The whole model, built anew: for what reads or changes everything. Grants are in no particular order, and of
    /// several accounts or roles with one id only the one that counts is there.
    pub fn to_model(&self) -> Model {
        let members = |party: &Party| {
            let members = party.members();
            let accounts = members.filter_map(|member| self.names.parties.get(member)?.account().cloned());
            accounts.collect()
        };
        let mut model = Model {
            settings: Settings::clone(&self.settings),
            ..Model::default()
        };
        for (_, party) in self.names.parties.iter() {
            match &party.who {
                Who::User { user, .. } => model.users.push(User::clone(user)),
                Who::Organization(info) => model.organizations.push(Organization {
                    id: info.id.clone(),
                    name: info.name.clone(),
                    members: members(party),
                }),
                Who::Team(info, _) => model.teams.push(Team {
                    id: info.id.clone(),
                    organization: info.organization.clone(),
                    name: info.name.clone(),
                    members: members(party),
                }),
                Who::Only(_) | Who::Gone => {}
            }
        }
        let placed = self.collections().map(|info| Collection {
            id: info.id.clone(),
            name: info.name.clone(),
            parent: info.parent_ids.last().cloned(),
        });
        model.collections = placed.chain(self.tree.unplaced.iter().cloned()).collect();
        let custom = |role: &&Role| !builtin::IDS.contains(&role.id.as_str());
        model.roles = self.roles().iter().filter(custom).cloned().collect();
        model.grants = self.made_grants().collect();
        model
    }
}
