//! Brings the data directory and the store to the point where requests can be served.
//!
//! Every step finds out what is there and makes what is missing, so a start that was killed half-way is completed by
//! the next one. Steps that must happen once in the life of a cluster are done before `setup_done` is written.

use mke_auth::accounts::{AccountError, Accounts, NewUser};
use mke_core::ids::{AccountId, random_uuid};
use mke_core::names::AccountName;
use mke_core::seal::{SealError, SealingKey};
use mke_core::secret::Secret;
use mke_core::store::{Compare, KeyRange, Store, StoreError, Txn, TxnOutcome, layout};
use mke_core::time::Clock;
use mke_rbac::model::{Grant, GrantObject, GrantSubject, builtin};
use rand_core::Rng;
use serde_json::{Value, json};

use super::authorities::has_sealed_keys;
use super::files::{self, FileError, PRIVATE};
use super::options::Options;
use super::policy_store::{PolicyStore, PolicyStoreError};
use super::records::{ClusterRecord, decode, encode};
use super::rng;
use crate::engine::EngineClient;

/// File in the data directory that opens the private keys in the store.
pub(super) const SEALING_KEY: &str = "sealing.key";
/// Characters of a generated password: without those that are easily mistaken for others.
const PASSWORD_ALPHABET: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Length of a generated password: 24 of 57 characters are 139 bits.
const PASSWORD_CHARS: usize = 24;

/// Why the data directory or the store could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The sealing key does not fit the store.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store has sealed keys and the key that opens them is gone.
    #[error("the store holds sealed keys but `{0}` is missing, restore it from a backup")]
    SealingKeyMissing(String),
    /// The file that was named does not exist.
    #[error("the sealing key `{0}` is missing, copy it from the controller that has it")]
    NoSuchSealingKey(String),
    /// The store.
    #[error("the store did not answer")]
    Store(#[from] StoreError),
    /// The first administrator or the default organization.
    #[error("the first administrator could not be made")]
    Account(#[from] AccountError),
    /// A built-in collection or grant.
    #[error("the built-in collections and grants could not be made")]
    Policy(#[from] PolicyStoreError),
}

/// Reads the key that seals private keys, or makes one for a new store.
pub(super) async fn sealing_key(options: &Options, store: &dyn Store) -> Result<SealingKey, SetupError> {
    let given = options.sealing_key.as_ref();
    let path = given
        .cloned()
        .unwrap_or_else(|| options.data_dir.join(SEALING_KEY));
    if let Some(bytes) = files::read("sealing key", &path)? {
        return Ok(SealingKey::from_bytes(&bytes)?);
    }
    // Controllers that share a store are told where the key is, and each would make another.
    if given.is_some() {
        return Err(SetupError::NoSuchSealingKey(path.display().to_string()));
    }
    if has_sealed_keys(store).await? {
        return Err(SetupError::SealingKeyMissing(path.display().to_string()));
    }
    let key = SealingKey::generate(&mut rng());
    files::replace("sealing key", &path, PRIVATE, key.to_bytes().as_slice())?;
    Ok(key)
}

/// Reads what the cluster is, or decides it: a cluster has the id of the swarm of its engine, if there is one.
pub(super) async fn cluster(
    store: &dyn Store,
    clock: &dyn Clock,
    engine: &EngineClient,
) -> Result<ClusterRecord, SetupError> {
    loop {
        let page = store.range(KeyRange::key(layout::CLUSTER), 1).await?;
        if let Some(entry) = page.entries.first() {
            return Ok(decode(entry)?);
        }
        let record = ClusterRecord {
            id: swarm_id(engine).await.unwrap_or_else(|| random_uuid(&mut rng())),
            created_at: clock.now(),
            created_by: env!("CARGO_PKG_VERSION").to_owned(),
            setup_done: false,
        };
        let txn = Txn::new()
            .when(Compare::Absent(layout::CLUSTER.to_owned()))
            .put(layout::CLUSTER, encode(&record)?);
        if let TxnOutcome::Committed(_) = store.txn(txn).await? {
            return Ok(record);
        }
    }
}

async fn swarm_id(engine: &EngineClient) -> Option<String> {
    let info: Value = engine.get_json("/info").await.ok()?;
    let id = info.pointer("/Swarm/Cluster/ID")?.as_str()?;
    let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric());
    plain.then(|| id.to_owned())
}

/// The services that setting up writes through.
pub(super) struct Writers<'a> {
    pub(super) accounts: &'a Accounts,
    pub(super) policy_store: &'a PolicyStore,
}

/// Makes the built-in collections, the default organization, the first administrator and the first grants (R11, R2,
/// R29). Returns the administrator that was made now.
pub(super) async fn first_content(
    writers: &Writers<'_>,
    options: &Options,
    url: &str,
) -> Result<Option<AccountId>, SetupError> {
    writers.policy_store.ensure_builtin_collections().await?;
    let (everybody, _) = writers.accounts.ensure_default_organization(&mut rng()).await?;
    let scheduler = Grant {
        subject: GrantSubject::Organization(everybody),
        object: GrantObject::Collection(builtin::SHARED.into()),
        role: "scheduler".into(),
    };
    writers.policy_store.put_grant(&scheduler, None).await?;
    let administrator = first_administrator(writers.accounts, options, url).await?;
    if let Some(id) = &administrator {
        let everything = Grant {
            subject: GrantSubject::User(id.clone()),
            object: GrantObject::Collection(builtin::ROOT.into()),
            role: "fullcontrol".into(),
        };
        writers.policy_store.put_grant(&everything, None).await?;
    }
    Ok(administrator)
}

/// Remembers that the steps of the first start are done.
pub(super) async fn finish(store: &dyn Store, record: &ClusterRecord) -> Result<(), SetupError> {
    let done = ClusterRecord {
        setup_done: true,
        ..record.clone()
    };
    store.txn(Txn::new().put(layout::CLUSTER, encode(&done)?)).await?;
    Ok(())
}

async fn first_administrator(
    accounts: &Accounts,
    options: &Options,
    url: &str,
) -> Result<Option<AccountId>, SetupError> {
    if accounts.is_initialized().await? {
        return Ok(None);
    }
    let name = &options.admin_username;
    let password = match &options.admin_password {
        Some(password) => password.clone(),
        None => {
            let password = random_password();
            // Shown before it is valid: killed in between, the next start shows another one, and none is lost.
            hand_out(options, name, &password, url)?;
            password
        }
    };
    let new = NewUser::local(name.as_str(), password);
    match accounts.create_first_administrator(new, &mut rng()).await {
        Ok((account, _)) => Ok(Some(account.id)),
        Err(AccountError::AlreadyInitialized) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn hand_out(options: &Options, name: &AccountName, password: &Secret, url: &str) -> Result<(), SetupError> {
    match &options.initial_credentials {
        Some(path) => {
            let text = json!({ "url": url, "username": name, "password": password.expose() });
            files::replace("credentials file", path, PRIVATE, format!("{text}\n").as_bytes())?;
        }
        None => tracing::info!("Generated random admin password: {}", password.expose()),
    }
    Ok(())
}

/// A password that nobody chose: long, and without characters that are easily mistaken for others.
pub fn random_password() -> Secret {
    let mut rng = rng();
    let mut text = String::with_capacity(PASSWORD_CHARS);
    while text.len() < PASSWORD_CHARS {
        let mut byte = [0];
        rng.fill_bytes(&mut byte);
        // Values beyond the largest multiple of the alphabet's size would make its first characters likelier.
        let [byte] = byte;
        let limit = 256 - 256 % PASSWORD_ALPHABET.len();
        if usize::from(byte) < limit
            && let Some(character) = PASSWORD_ALPHABET.get(usize::from(byte) % PASSWORD_ALPHABET.len())
        {
            text.push(char::from(*character));
        }
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_passwords_differ_and_are_long() {
        let (one, two) = (random_password(), random_password());
        assert_eq!(one.expose().len(), PASSWORD_CHARS);
        assert_ne!(one.expose(), two.expose());
    }
}
