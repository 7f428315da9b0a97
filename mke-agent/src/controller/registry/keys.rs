//! The keys that tokens for registries are signed with: made when the first token is asked for, kept sealed in the store,
//! replaced in time.
//!
//! Each key has a certificate of the cluster's authority, so registries that trust this authority take a new key without
//! being told. A key that was replaced loses its private half at once; its public half is shown as long as a token of it
//! may be valid. All managers read the same record, each time, so they sign with the same key.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_auth::registry::{LIFETIME, SigningKey, VerifyingKey};
use mke_core::pki::{KeyPair, PublicKey, parse_certificates};
use mke_core::seal::SealingKey;
use mke_core::secret::Secret;
use mke_core::store::{Compare, KeyRange, Revision, Store, StoreError, Txn, TxnOutcome, layout};
use mke_core::time::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::controller::authorities::Authorities;
use crate::controller::error::ApiError;
use crate::controller::records::{decode, encode};
use crate::controller::rng;

/// How often two managers may get in each other's way while one of them makes a key.
const ATTEMPTS: usize = 8;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// A key is replaced when it is this old.
const REPLACE_AFTER: Duration = Duration::from_secs(30 * DAY.as_secs());
/// How long its certificate is valid: well beyond that, so that tokens outlive no certificate.
const VALIDITY: Duration = Duration::from_secs(60 * DAY.as_secs());
/// How long a replaced key is shown beyond the life of its last token: managers disagree about the time by minutes.
const SLACK: Duration = Duration::from_secs(10 * 60);

fn place() -> String {
    format!("{}registry-tokens", layout::PKI)
}

/// All keys, the one in use first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct KeysRecord {
    keys: Vec<KeyRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeyRecord {
    /// PEM.
    certificate: String,
    /// The private key in PEM, sealed, base64; none once the key was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed_key: Option<String>,
    made: Timestamp,
    /// Until when a replaced key is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown_until: Option<Timestamp>,
}

/// The keys in the store, and what opens them.
pub(in crate::controller) struct Keys {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sealing: SealingKey,
    opened: ArcSwapOption<(Revision, SigningKey)>,
}

impl Keys {
    pub(in crate::controller) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        sealing: SealingKey,
    ) -> Self {
        Self {
            store,
            clock,
            sealing,
            opened: ArcSwapOption::empty(),
        }
    }

    /// The key to sign with, in the record of this revision. It is made when there is none or the last one is old.
    ///
    /// # Errors
    /// The store does not answer, or the sealing key does not open what lies there.
    pub(in crate::controller) async fn current(
        &self,
        authorities: &Authorities,
    ) -> Result<Arc<(Revision, SigningKey)>, ApiError> {
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let (record, revision) = self.read().await?;
            if let (Some(first), Some(revision)) = (record.keys.first(), revision)
                && now < first.made.plus(REPLACE_AFTER)
            {
                if let Some(opened) = self.opened.load_full().filter(|opened| opened.0 == revision) {
                    return Ok(opened);
                }
                let opened = Arc::new((revision, self.open(first)?));
                self.opened.store(Some(opened.clone()));
                return Ok(opened);
            }
            let unchanged = match revision {
                None => Compare::Absent(place()),
                Some(revision) => Compare::Modified(place(), revision),
            };
            let next = self.replaced(record, authorities, now).await?;
            let txn = Txn::new().when(unchanged).put(place(), encode(&next)?);
            // Whoever was first: what is in the store counts.
            if let TxnOutcome::Committed(_) = self.store.txn(txn).await? {
                tracing::info!("tokens for registries are signed with a new key");
            }
        }
        Err(StoreError::Corrupt(format!("record `{}` changes all the time", place())).into())
    }

    /// The keys that tokens may be verified with now, as JSON Web Keys.
    ///
    /// # Errors
    /// The store does not answer, or a record is damaged.
    pub(in crate::controller) async fn shown(&self) -> Result<Vec<Value>, ApiError> {
        let now = self.clock.now();
        let (record, _) = self.read().await?;
        let shown = record
            .keys
            .iter()
            .filter(|key| key.shown_until.is_none_or(|until| now < until));
        shown.map(|key| Ok(verifying(key)?.to_jwk())).collect()
    }

    async fn read(&self) -> Result<(KeysRecord, Option<Revision>), ApiError> {
        let page = self.store.range(KeyRange::key(place()), 1).await?;
        match page.entries.first() {
            Some(entry) => Ok((decode(entry)?, Some(entry.modified))),
            None => Ok((KeysRecord::default(), None)),
        }
    }

    /// The record with a fresh key first.
    async fn replaced(
        &self,
        record: KeysRecord,
        authorities: &Authorities,
        now: Timestamp,
    ) -> Result<KeysRecord, ApiError> {
        let pair = KeyPair::generate(&mut rng()).map_err(ApiError::internal)?;
        let certificate = authorities
            .token_signer(&pair, VALIDITY)
            .await
            .map_err(ApiError::internal)?;
        let private = pair.private_key_pem();
        let sealed = self
            .sealing
            .seal(&place(), private.expose().as_bytes(), &mut rng())
            .map_err(ApiError::internal)?;
        let mut keys = vec![KeyRecord {
            certificate,
            sealed_key: Some(STANDARD.encode(sealed)),
            made: now,
            shown_until: None,
        }];
        keys.extend(record.keys.into_iter().filter_map(|old| {
            let until = old.shown_until.unwrap_or_else(|| now.plus(LIFETIME).plus(SLACK));
            (now < until).then_some(KeyRecord {
                sealed_key: None,
                shown_until: Some(until),
                ..old
            })
        }));
        Ok(KeysRecord { keys })
    }

    fn open(&self, record: &KeyRecord) -> Result<SigningKey, ApiError> {
        let sealed = record.sealed_key.as_deref().ok_or_else(damaged)?;
        let sealed = STANDARD.decode(sealed).map_err(|_| damaged())?;
        let opened = self.sealing.open(&place(), &sealed).map_err(ApiError::internal)?;
        let private = std::str::from_utf8(&opened).map_err(|_| damaged())?;
        let pair = KeyPair::from_pem(&Secret::new(private)).map_err(ApiError::internal)?;
        let certificate = certificate(record)?;
        let certified = PublicKey::of_certificate(&certificate).map_err(ApiError::internal)?;
        if certified != *pair.public_key() {
            return Err(damaged());
        }
        SigningKey::new(pair, certificate).ok_or_else(damaged)
    }
}

fn certificate(record: &KeyRecord) -> Result<Vec<u8>, ApiError> {
    let read = parse_certificates(&record.certificate).map_err(ApiError::internal)?;
    read.into_iter().next().ok_or_else(damaged)
}

fn verifying(record: &KeyRecord) -> Result<VerifyingKey, ApiError> {
    let certificate = certificate(record)?;
    let key = PublicKey::of_certificate(&certificate).map_err(ApiError::internal)?;
    VerifyingKey::new(key, certificate).ok_or_else(damaged)
}

fn damaged() -> ApiError {
    StoreError::Corrupt(format!("the record `{}` is damaged", place())).into()
}
