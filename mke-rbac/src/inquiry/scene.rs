//! What is asked: one policy, and what is known of the objects and of Kubernetes beside it.

use std::cell::OnceCell;

use crate::decision::Subject;
use crate::kubernetes::identity::Directory;
use crate::kubernetes::{Authorizer, Rbac};
use crate::model::GrantSubject;
use crate::policy::{CollectionInfo, Policy};
use crate::question::{Inventory, Names};

use super::InquiryError;

/// What an inquiry is asked of: a live server's snapshot, a state file, or Kubernetes manifests.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// Accounts, collections, roles and grants.
    pub policy: &'a Policy,
    /// Objects with their collections, and Kubernetes roles and bindings.
    pub inventory: &'a Inventory,
    authorizer: OnceCell<Authorizer>,
    directory: OnceCell<Directory>,
}

impl<'a> Scene<'a> {
    /// Puts a scene together.
    pub const fn new(policy: &'a Policy, inventory: &'a Inventory) -> Self {
        Self {
            policy,
            inventory,
            authorizer: OnceCell::new(),
            directory: OnceCell::new(),
        }
    }

    /// Kubernetes roles and bindings.
    pub const fn kubernetes(&self) -> &'a Rbac {
        &self.inventory.kubernetes
    }

    /// The same, ready for questions; made when somebody needs it.
    pub fn authorizer(&self) -> &Authorizer {
        self.authorizer
            .get_or_init(|| Authorizer::compile(self.kubernetes()))
    }

    /// How Kubernetes sees the accounts of the policy (R82); made when somebody needs it.
    pub fn directory(&self) -> &Directory {
        self.directory
            .get_or_init(|| Directory::new(&self.policy.to_model()))
    }

    /// Names and paths of the policy.
    pub const fn names(&self) -> Names<'a> {
        Names::of(self.policy)
    }

    /// The user with this name or id.
    ///
    /// # Errors
    /// When there is none.
    pub fn user(&self, field: &'static str, name: &str) -> Result<Subject, InquiryError> {
        let found = self.names().user(name);
        found.ok_or_else(|| InquiryError::unknown(field, "user", name))
    }

    /// The collection at this path.
    ///
    /// # Errors
    /// When there is none.
    pub fn collection(&self, field: &'static str, path: &str) -> Result<&'a CollectionInfo, InquiryError> {
        let found = self.names().collection(path);
        found.ok_or_else(|| InquiryError::unknown(field, "collection", path))
    }

    /// The subject of grants with this name: `user:<name>`, `org:<name>`, `team:<org>/<name>`, `authenticated` or
    /// `anonymous`.
    ///
    /// # Errors
    /// When there is none.
    pub fn grant_subject(&self, field: &'static str, name: &str) -> Result<GrantSubject, InquiryError> {
        let found = self.names().grant_subject(name);
        found.ok_or_else(|| InquiryError::unknown(field, "subject", name))
    }
}
