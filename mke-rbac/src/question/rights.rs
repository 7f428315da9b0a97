//! Everything that somebody can do: what `can-i --list` shows.

use std::collections::BTreeMap;

use mke_core::ids::CollectionId;
use serde::{Deserialize, Serialize};

use super::answer::Asked;
use super::forms::RightsQuestion;
use super::ruling::Unanswered;
use super::{Answer, Names, Verdict};
use crate::decision::Subject;
use crate::model::{GrantObject, builtin};
use crate::operation::Modifier;
use crate::policy::CollectionInfo;
use crate::role::{Rights, ordered};

/// What somebody may do in a collection and in everything below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionRights {
    /// The path of the collection.
    pub collection: String,
    /// The role that holds exactly this, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
    /// Operations with their modifiers (R22).
    pub operations: BTreeMap<String, Vec<Modifier>>,
}

impl Asked<'_> {
    /// The effective rights of the subject wherever they change on the way down, or in one collection; and its
    /// Kubernetes rules, when the inventory has any.
    pub(super) fn rights(&self, ask: &RightsQuestion) -> Result<Answer, Unanswered> {
        if ask.kubernetes_user.is_some() || !ask.groups.is_empty() {
            let who = self.identity(ask.kubernetes_user.as_deref(), None, &ask.groups)?;
            return Ok(Answer {
                rules: Some(self.kubernetes_rules(&who, ask.namespace.as_deref())),
                ..Answer::new(Verdict::Allow)
            });
        }
        let collections = match &ask.collection {
            Some(path) => vec![self.collection(path)?],
            None => self.where_rights_change(),
        };
        let collections = collections
            .iter()
            .filter_map(|id| self.policy.collection(id.as_str()));
        let rights = collections.filter_map(|info| self.rights_in(info));
        let mut answer = Answer {
            rights: Some(rights.collect()),
            ..self.standing()
        };
        if answer.decision == Verdict::Allow && !self.inventory.kubernetes.bindings.is_empty() {
            let who = self.identity(None, self.account().as_deref(), &[])?;
            answer.rules = Some(self.kubernetes_rules(&who, ask.namespace.as_deref()));
        }
        Ok(answer)
    }

    fn account(&self) -> Option<String> {
        match self.subject {
            Subject::Account(id) => Some(id.to_string()),
            Subject::Anonymous => None,
        }
    }

    /// Collections with grants that apply, in the order of their paths; the root for administrators.
    fn where_rights_change(&self) -> Vec<CollectionId> {
        if self.policy.is_administrator(self.subject) {
            return vec![builtin::ROOT.into()];
        }
        let grants = self.policy.grants_of(self.subject);
        let granted = grants.iter().filter_map(|grant| match &grant.object {
            GrantObject::Collection(id) => self.policy.collection(id.as_str()),
            GrantObject::Namespace(_) | GrantObject::AllNamespaces => None,
        });
        let mut granted: Vec<_> = granted.collect();
        granted.sort_by(|one, other| one.path.as_str().cmp(other.path.as_str()));
        granted.dedup_by(|one, other| one.id == other.id);
        let changes = granted.into_iter().filter(|info| {
            let here = self.policy.effective(self.subject, &info.id);
            let above = info
                .parent_ids
                .last()
                .map(|parent| self.policy.effective(self.subject, parent));
            above.is_none_or(|above| above != here)
        });
        changes.map(|info| info.id.clone()).collect()
    }

    fn rights_in(&self, info: &CollectionInfo) -> Option<CollectionRights> {
        let effective = self.policy.effective(self.subject, &info.id);
        let rights = effective.rights();
        if rights.is_empty() {
            return None;
        }
        let operations = rights.iter().map(|(operation, modifiers)| {
            let modifiers = ordered(operation, modifiers).collect();
            (operation.name().to_owned(), modifiers)
        });
        Some(CollectionRights {
            collection: Names::of(self.policy).path(&info.id),
            like: self.role_with(rights),
            operations: operations.collect(),
        })
    }

    fn role_with(&self, rights: &Rights) -> Option<String> {
        let exactly = |role: &&crate::role::Role| role.operations.rights() == rights;
        self.policy
            .roles()
            .iter()
            .find(exactly)
            .map(|role| role.name.clone())
    }
}
