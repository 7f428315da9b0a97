//! Many changes in one request. Each stands for itself: one that fails leaves the others as they are.

use mke_core::ids::AccountId;
use mke_core::store::Revision;

use super::{AccountError, Accounts, UserChange};

/// Most changes in one request. Judgement: a directory page; more comes in several requests.
pub const MAX_BULK: usize = 1000;

/// One change of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkChange {
    /// Change an account.
    Update(AccountId, UserChange),
    /// Delete a user or an organization.
    Delete(AccountId),
}

/// What became of the changes, in their order.
#[derive(Debug)]
pub struct BulkOutcome {
    /// One result for each change.
    pub results: Vec<Result<(), AccountError>>,
    /// The revision of the last change that was made.
    pub revision: Option<Revision>,
}

impl Accounts {
    /// Makes up to [`MAX_BULK`] changes, one after the other; those beyond are answered with
    /// [`AccountError::TooMuch`] and not tried.
    pub async fn bulk(&self, changes: &[BulkChange]) -> BulkOutcome {
        let mut outcome = BulkOutcome {
            results: Vec::with_capacity(changes.len()),
            revision: None,
        };
        for (i, change) in changes.iter().enumerate() {
            let result = if i < MAX_BULK {
                self.bulk_one(change).await
            } else {
                Err(AccountError::TooMuch {
                    what: "changes",
                    count: changes.len(),
                    max: MAX_BULK,
                })
            };
            outcome.results.push(result.map(|revision| {
                outcome.revision = Some(revision);
            }));
        }
        outcome
    }

    async fn bulk_one(&self, change: &BulkChange) -> Result<Revision, AccountError> {
        match change {
            BulkChange::Update(id, change) => Ok(self.update_account(id, change).await?.1),
            BulkChange::Delete(id) => self.delete_account(id).await,
        }
    }

    /// Deletes a user or an organization, whichever it is.
    ///
    /// # Errors
    ///
    /// Those of [`Self::delete_user`] and [`Self::delete_organization`].
    pub async fn delete_account(&self, id: &AccountId) -> Result<Revision, AccountError> {
        if self.account(id).await?.record.is_organization() {
            self.delete_organization(id).await
        } else {
            self.delete_user(id).await
        }
    }
}
