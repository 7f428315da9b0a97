//! casbin with the model of its own benchmark: users have roles, roles have permissions. For collections in a tree and
//! roles with many operations, objects and operations have parents too.

use casbin::{CoreApi as _, DefaultModel, Enforcer, MemoryAdapter, MgmtApi as _};
use mke_rbac::model::{GrantObject, GrantSubject, Model};

use super::{Peer, operations_by_role, subject_name};
use crate::error::BenchError;
use crate::shapes::{Question, Shape};

/// In tables.
pub const NAME: &str = "casbin";

const FLAT: &str = "
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
";

const TREE: &str = "
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act

[role_definition]
g = _, _
g2 = _, _
g3 = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = g(r.sub, p.sub) && g2(r.obj, p.obj) && g3(r.act, p.act)
";

struct Casbin {
    enforcer: Enforcer,
    runtime: tokio::runtime::Runtime,
    questions: Vec<[String; 3]>,
    last: Vec<String>,
    removed: bool,
}

/// Builds an enforcer over the data.
///
/// # Errors
///
/// When it refuses them.
pub fn make(shape: &Shape) -> Result<Box<dyn Peer>, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(BenchError::engine(NAME, "a runtime"))?;
    let permissions = permissions(shape);
    let last = permissions.last().cloned().unwrap_or_default();
    let enforcer = runtime
        .block_on(async {
            let model = DefaultModel::from_str(if shape.flat { FLAT } else { TREE }).await?;
            let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
            enforcer.enable_auto_build_role_links(false);
            enforcer.add_policies(permissions).await?;
            enforcer
                .add_named_grouping_policies("g", memberships(&shape.model))
                .await?;
            if !shape.flat {
                enforcer
                    .add_named_grouping_policies("g2", parents(&shape.model))
                    .await?;
                enforcer
                    .add_named_grouping_policies("g3", operations(&shape.model))
                    .await?;
            }
            enforcer.build_role_links()?;
            Ok::<_, casbin::Error>(enforcer)
        })
        .map_err(BenchError::engine(NAME, "the data"))?;
    Ok(Box::new(Casbin {
        enforcer,
        runtime,
        questions: Vec::new(),
        last,
        removed: false,
    }))
}

fn permissions(shape: &Shape) -> Vec<Vec<String>> {
    let grants = shape.model.grants.iter().filter_map(|grant| {
        let GrantObject::Collection(collection) = &grant.object else {
            return None;
        };
        let action = if shape.flat {
            crate::shapes::casbin::READ.name()
        } else {
            grant.role.as_str()
        };
        Some(vec![
            subject_name(&grant.subject),
            collection.to_string(),
            action.to_owned(),
        ])
    });
    // It takes no policy twice, and refuses all of them when one is.
    let mut seen = std::collections::HashSet::new();
    grants.filter(|grant| seen.insert(grant.clone())).collect()
}

fn memberships(model: &Model) -> Vec<Vec<String>> {
    let mut links = Vec::new();
    for team in &model.teams {
        let name = subject_name(&GrantSubject::Team(team.id.clone()));
        for member in &team.members {
            links.push(vec![
                subject_name(&GrantSubject::User(member.clone())),
                name.clone(),
            ]);
        }
        let organization = GrantSubject::Organization(team.organization.clone());
        links.push(vec![name, subject_name(&organization)]);
    }
    if model
        .grants
        .iter()
        .any(|grant| grant.subject == GrantSubject::Authenticated)
    {
        for user in &model.users {
            let user = subject_name(&GrantSubject::User(user.id.clone()));
            links.push(vec![user, subject_name(&GrantSubject::Authenticated)]);
        }
    }
    links.sort_unstable();
    links.dedup();
    links
}

fn parents(model: &Model) -> Vec<Vec<String>> {
    let links = model.collections.iter().filter_map(|collection| {
        Some(vec![
            collection.id.to_string(),
            collection.parent.as_ref()?.to_string(),
        ])
    });
    links.collect()
}

fn operations(model: &Model) -> Vec<Vec<String>> {
    let mut links = Vec::new();
    for (role, operations) in operations_by_role(model) {
        links.extend(
            operations
                .into_iter()
                .map(|operation| vec![operation.to_owned(), role.clone()]),
        );
    }
    links
}

impl Peer for Casbin {
    fn name(&self) -> &'static str {
        NAME
    }

    fn prepare(&mut self, questions: &[Question]) -> Result<(), BenchError> {
        let form = |question: &Question| {
            [
                format!("u:{}", question.user()),
                question.check.collection.to_string(),
                question.check.operation.name().to_owned(),
            ]
        };
        self.questions = questions.iter().map(form).collect();
        Ok(())
    }

    fn decide(&mut self, number: usize) -> bool {
        let Some([user, object, action]) = self.questions.get(number) else {
            return false;
        };
        self.enforcer
            .enforce((user.as_str(), object.as_str(), action.as_str()))
            .unwrap_or(false)
    }

    fn change(&mut self) -> Result<(), BenchError> {
        let grant = self.last.clone();
        let done = if self.removed {
            self.runtime.block_on(self.enforcer.add_policy(grant))
        } else {
            self.runtime.block_on(self.enforcer.remove_policy(grant))
        };
        done.map_err(BenchError::engine(NAME, "a change"))?;
        self.removed = !self.removed;
        Ok(())
    }
}
