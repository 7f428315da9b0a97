//! From a proof to an account: used once, named after its origin, with the teams of its groups.
//!
//! Everything is written through [`Accounts`], like what other sources write. A name that an account of this
//! cluster's own has is never given to somebody from outside. Whether the account may log in is decided where the
//! session begins.

use std::sync::Arc;

use mke_core::ids::{AccountId, SessionId};
use mke_core::names::{AccountName, NameError};
use mke_core::store::{Compare, Revision, Store, StoreError, Txn, TxnOutcome, layout};
use mke_core::time::{Clock, Timestamp};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use super::{NameId, Person, Proven};
use crate::accounts::{AccountError, Accounts, NewUser, UserChange, is_provisioned};
use crate::directory::Directory;
use crate::records::{Account, MAX_ORIGIN_ID_BYTES, Membership, Origin, Record, Source};
use crate::storage::{self, StorageError};

/// How often the search for an account begins anew because somebody made it meanwhile.
const ATTEMPTS: usize = 4;

/// Why a proof logs nobody in.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// The assertion, or an answer to the same request, was used before (saml-33).
    #[error("this assertion was used before")]
    Used,
    /// The name is none that an account can have.
    #[error("the provider calls the user `{name}`, which is no account name")]
    Name {
        /// What the provider said.
        name: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// Somebody else has the name.
    #[error(
        "account `{name}` belongs to this cluster or to another person of the provider; rename one of them"
    )]
    Taken {
        /// The name.
        name: AccountName,
    },
    /// The account could not be written.
    #[error("the account could not be made or changed")]
    Account(#[from] AccountError),
    /// The store refused or failed.
    #[error("the store did not do what was asked")]
    Storage(#[from] StorageError),
}

impl From<StoreError> for AdmitError {
    fn from(error: StoreError) -> Self {
        Self::Storage(error.into())
    }
}

/// What a session of SAML needs to end at the provider too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderSession {
    /// The provider's entity id.
    pub provider: String,
    /// Whose.
    pub name_id: NameId,
    /// Which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_index: Option<String>,
}

impl Record for ProviderSession {
    const WHAT: &'static str = "SAML session";
}

/// An account that may begin a session.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The account, as it was written.
    pub account: Arc<Account>,
    /// The newest write.
    pub revision: Revision,
    /// What was changed about it, for the audit record.
    pub changes: Vec<String>,
}

/// Turns proofs into accounts.
#[derive(Clone)]
pub struct Admission {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    accounts: Accounts,
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

impl Admission {
    /// One that writes to this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, accounts: Accounts) -> Self {
        Self {
            store,
            clock,
            accounts,
        }
    }

    /// Uses a proof up and makes its account ready. A proof is used up before anything else happens: when something
    /// fails then, the user begins a new login.
    ///
    /// # Errors
    ///
    /// [`AdmitError`].
    pub async fn admit(
        &self,
        proven: &Proven,
        directory: &Directory,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Admitted, AdmitError> {
        let mut revision = self.use_up(proven).await?;
        let mut changes = Vec::new();
        let (account, written) = self.account(proven, &mut changes, rng).await?;
        revision = revision.max(written.unwrap_or(revision));
        let joined = self
            .teams(&account, &proven.person, directory, &mut changes)
            .await?;
        revision = revision.max(joined.unwrap_or(revision));
        Ok(Admitted {
            account: Arc::new(account),
            revision,
            changes,
        })
    }

    /// Remembers the assertion and the request, on all managers and over restarts, until both would be refused anyway.
    async fn use_up(&self, proven: &Proven) -> Result<Revision, AdmitError> {
        let now = self.clock.now();
        // A minute longer than this manager would take it: the clock of another may be behind.
        let rest = proven.usable_until.max(now).plus(super::SKEW).since(now);
        let lease = self.store.grant_lease(rest).await?;
        let assertion = used_key("assertion", &proven.assertion_id);
        let request = used_key("request", &proven.in_response_to);
        let txn = Txn::new()
            .when(Compare::Absent(assertion.clone()))
            .when(Compare::Absent(request.clone()))
            .put_leased(assertion, MARK, lease)
            .put_leased(request, MARK, lease);
        match self.store.txn(txn).await? {
            TxnOutcome::Committed(revision) => Ok(revision),
            TxnOutcome::Conflict(_) => {
                self.store.revoke_lease(lease).await?;
                Err(AdmitError::Used)
            }
        }
    }

    /// Uses up a message that carries no proof, such as a logout request.
    ///
    /// # Errors
    ///
    /// [`AdmitError::Used`] when it was, [`AdmitError::Storage`].
    pub async fn use_up_message(&self, id: &str, until: Timestamp) -> Result<(), AdmitError> {
        let now = self.clock.now();
        let lease = self
            .store
            .grant_lease(until.max(now.plus(super::SKEW)).since(now))
            .await?;
        let key = used_key("message", id);
        let txn = Txn::new()
            .when(Compare::Absent(key.clone()))
            .put_leased(key, MARK, lease);
        match self.store.txn(txn).await? {
            TxnOutcome::Committed(_) => Ok(()),
            TxnOutcome::Conflict(_) => {
                self.store.revoke_lease(lease).await?;
                Err(AdmitError::Used)
            }
        }
    }

    /// Finds or makes the account. It reads the store, not a snapshot, so that two first logins at once do not get in
    /// each other's way.
    async fn account(
        &self,
        proven: &Proven,
        changes: &mut Vec<String>,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Account, Option<Revision>), AdmitError> {
        let said = &proven.name_id.value;
        let wrong = |source| AdmitError::Name {
            name: said.clone(),
            source,
        };
        // Account names have no capitals; directories behind providers often write them.
        let name: AccountName = said.to_lowercase().parse().map_err(wrong)?;
        if said.len() > MAX_ORIGIN_ID_BYTES {
            return Err(AdmitError::Taken { name });
        }
        for _ in 0..ATTEMPTS {
            if let Some(account) = self.find(said, &name).await? {
                return self.update(account, &proven.person, changes).await;
            }
            let origin = Origin {
                admin_by_saml: proven.person.is_admin,
                ..Origin::new(Source::Saml, said.clone())
            };
            let new = NewUser {
                full_name: proven.person.full_name.clone().unwrap_or_default(),
                is_admin: proven.person.is_admin,
                ..NewUser::imported(name.as_str(), origin)
            };
            match self.accounts.create_user(new, rng).await {
                Ok((account, revision)) => {
                    changes.push(format!("account `{name}` made"));
                    if proven.person.is_admin {
                        changes.push("administrator".to_owned());
                    }
                    return Ok((account, Some(revision)));
                }
                Err(AccountError::NameInUse { .. } | AccountError::OriginInUse { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StorageError::Contended.into())
    }

    /// The account of a person: by what the provider calls it, else by name when another source of people made it.
    async fn find(&self, said: &str, name: &AccountName) -> Result<Option<Account>, AdmitError> {
        let by_origin = layout::account_origin(Source::Saml.as_str(), said);
        if let Some(account) = self.follow(by_origin).await? {
            return Ok(Some(account));
        }
        let Some(account) = self.follow(layout::account_name(name.as_str())).await? else {
            return Ok(None);
        };
        // Several spellings make one small letter: the Kelvin sign makes a `k`. Another source's account is not given
        // away to a name that only looks like its own.
        let as_written = said.nfkc().eq(said.chars());
        match account.origin() {
            Some(origin) if origin.source != Source::Saml && as_written => Ok(Some(account)),
            _ => Err(AdmitError::Taken { name: name.clone() }),
        }
    }

    /// The account whose id lies at this key.
    async fn follow(&self, key: String) -> Result<Option<Account>, AdmitError> {
        let Some(entry) = storage::read_entry(&*self.store, key).await? else {
            return Ok(None);
        };
        let id = AccountId::from(String::from_utf8_lossy(&entry.value).into_owned());
        let found = storage::read(&*self.store, layout::account(&id)).await?;
        Ok(found.map(|found| found.record))
    }

    async fn update(
        &self,
        account: Account,
        person: &Person,
        changes: &mut Vec<String>,
    ) -> Result<(Account, Option<Revision>), AdmitError> {
        let (Some(user), Some(origin)) = (account.user(), account.origin()) else {
            return Err(AdmitError::Taken { name: account.name });
        };
        let mut change = UserChange::default();
        if let Some(full_name) = &person.full_name
            && *full_name != account.full_name
        {
            change.full_name = Some(full_name.clone());
            changes.push("full name".to_owned());
        }
        // What an administrator granted by hand is not the provider's to take.
        let by_saml = origin.admin_by_saml;
        if person.is_admin && !user.is_admin {
            change.is_admin = Some(true);
            change.origin = Some(Origin {
                admin_by_saml: true,
                ..origin.clone()
            });
            changes.push("administrator".to_owned());
        } else if !person.is_admin && by_saml {
            change.is_admin = user.is_admin.then_some(false);
            change.origin = Some(Origin {
                admin_by_saml: false,
                ..origin.clone()
            });
            changes.push(NO_ADMINISTRATOR.to_owned());
        }
        if change == UserChange::default() {
            return Ok((account, None));
        }
        match self.accounts.update_account(&account.id, &change).await {
            Ok((account, revision)) => Ok((account, Some(revision))),
            // Nobody would be left to set it right. The next login without the attribute tries again.
            Err(AccountError::LastAdministrator { name }) => {
                tracing::warn!(%name, source = "saml", "the last administrator stays one, against what the provider says");
                changes.retain(|change| change != NO_ADMINISTRATOR);
                change.is_admin = None;
                change.origin = None;
                if change == UserChange::default() {
                    return Ok((account, None));
                }
                let (account, revision) = self.accounts.update_account(&account.id, &change).await?;
                Ok((account, Some(revision)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the account a member of the teams that are linked to its groups, and of no other linked team (SAML-004). Teams
    /// that a SCIM client keeps are left to it, for the accounts that it keeps.
    async fn teams(
        &self,
        account: &Account,
        person: &Person,
        directory: &Directory,
        changes: &mut Vec<String>,
    ) -> Result<Option<Revision>, AdmitError> {
        let mut newest = None;
        for team in directory.teams() {
            let Some(group) = &team.group_link else {
                continue;
            };
            // A SCIM client that has taken the team up says which of its users belong to it, and would not notice a
            // login that knows better.
            if team.scim.is_some() && is_provisioned(account) {
                continue;
            }
            let belongs = person.groups.iter().any(|own| own == group);
            let is_member = directory.team_membership(&team.id, &account.id).is_some();
            let done = match (belongs, is_member) {
                (true, false) => {
                    let plain = Membership { is_admin: false };
                    changes.push(format!("joined team `{}`", team.name));
                    self.accounts
                        .put_team_member(&team.organization, &team.id, &account.id, plain)
                        .await
                }
                (false, true) => {
                    changes.push(format!("left team `{}`", team.name));
                    self.accounts
                        .remove_team_member(&team.organization, &team.id, &account.id)
                        .await
                }
                (true, true) | (false, false) => continue,
            };
            match done {
                Ok(revision) => newest = newest.max(Some(revision)),
                // The team went away, or somebody else was faster.
                Err(AccountError::NoSuchTeam { .. } | AccountError::NotAMember { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(newest)
    }

    /// Remembers at the provider's which session a session here is, as long as that may last.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn remember(
        &self,
        account: &AccountId,
        session: &SessionId,
        of: &ProviderSession,
    ) -> Result<(), StorageError> {
        let lease = self.store.grant_lease(REMEMBERED).await?;
        let key = layout::saml_session(account, session);
        let txn = Txn::new()
            .when(Compare::Present(layout::session(account, session)))
            .put_leased(key, storage::encode(of)?, lease);
        storage::commit(&*self.store, txn).await?;
        Ok(())
    }

    /// The provider's session behind a session here.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn recall(
        &self,
        account: &AccountId,
        session: &SessionId,
    ) -> Result<Option<ProviderSession>, StorageError> {
        let found = storage::read(&*self.store, layout::saml_session(account, session)).await?;
        Ok(found.map(|found| found.record))
    }

    /// The sessions here of one person at a provider: those with one of these indexes, or all of them without any.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn sessions_of(
        &self,
        account: &AccountId,
        provider: &str,
        name: &NameId,
        indexes: &[String],
    ) -> Result<Vec<SessionId>, StorageError> {
        let prefix = layout::below(layout::SAML_SESSIONS, [account.as_str()]);
        let mut found = Vec::new();
        for entry in storage::scan(&*self.store, &prefix).await? {
            let key = entry.key.clone();
            let session: ProviderSession = storage::decode(entry)?.record;
            let index_fits = indexes.is_empty()
                || session
                    .session_index
                    .as_ref()
                    .is_some_and(|index| indexes.contains(index));
            let id =
                layout::parts(layout::SAML_SESSIONS, &key).and_then(|parts| Some(parts.get(1)?.to_string()));
            if let Some(id) = id
                && session.provider == provider
                && session.name_id.value == name.value
                && index_fits
            {
                found.push(SessionId::from(id));
            }
        }
        Ok(found)
    }
}

/// Longer than any session may last without a login (`auth.sessions.lifetime_minutes` goes to thirty days). A session
/// that is renewed beyond can no longer be ended by the provider.
const REMEMBERED: std::time::Duration = std::time::Duration::from_secs(31 * 24 * 60 * 60);

/// What is written down about who ceases to be an administrator.
const NO_ADMINISTRATOR: &str = "no administrator any more";

/// The value of a key that only has to exist.
const MARK: &str = r#"{"v":1}"#;

/// Ids come from outside and may be long; their hash is not.
fn used_key(what: &str, id: &str) -> String {
    layout::saml_used(what, &hex::encode(Sha256::digest(id)))
}
