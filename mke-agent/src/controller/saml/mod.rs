//! What the controller keeps for SAML: its own key, the provider's metadata, and when that is fetched anew.
//!
//! Whether a response is believed is decided in `mke_auth::saml`; how browsers get there in `api::saml`. Both records
//! lie in the store, so every manager knows the same provider and signs with the same key. The metadata is fetched
//! when SAML is switched on or its settings change (SAML-010), when an administrator asks, and every hour, so that a
//! rotated certificate is taken up before anybody notices.

mod refresh;

pub(crate) use refresh::follow;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_auth::accounts::Accounts;
use mke_auth::saml::login::Admission;
use mke_auth::saml::{self, IdentityProvider, OwnKey, ProviderRecord, ServiceProvider};
use mke_core::config::Config;
use mke_core::seal::SealingKey;
use mke_core::store::{Compare, KeyRange, Revision, Store, StoreError, Txn, TxnOutcome, layout};
use mke_core::time::Clock;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::{ApiError, Kind};
use super::records::{decode, encode};
use super::rng;

/// How often two managers may get in each other's way while one of them makes the key.
const ATTEMPTS: usize = 8;

/// Where the key lies, and the context that it is sealed for.
fn key_place() -> String {
    format!("{}saml", layout::PKI)
}

/// The key of this cluster as a service provider.
#[derive(Serialize, Deserialize)]
struct KeyRecord {
    /// The certificate, DER in base64.
    certificate: String,
    /// The private key as PKCS#8, sealed, in base64.
    sealed_key: String,
}

/// What SAML needs besides the configuration.
pub struct Saml {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sealing: SealingKey,
    /// Makes accounts of proofs.
    pub(super) admission: Admission,
    provider: ArcSwapOption<(Revision, Arc<IdentityProvider>)>,
    key: ArcSwapOption<OwnKey>,
}

impl Saml {
    /// Keeps its records in this store.
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        accounts: Accounts,
        sealing: SealingKey,
    ) -> Self {
        Self {
            admission: Admission::new(store.clone(), clock.clone(), accounts),
            store,
            clock,
            sealing,
            provider: ArcSwapOption::empty(),
            key: ArcSwapOption::empty(),
        }
    }

    /// The provider as it is known now. It is read from the store each time and parsed only when it changed.
    pub(super) async fn provider(&self) -> Result<Arc<IdentityProvider>, ApiError> {
        self.known().await?.ok_or_else(|| {
            ApiError::new(
                Kind::Unavailable,
                "the metadata of the identity provider is not known yet, ask an administrator to run `ucp auth saml refresh`",
            )
        })
    }

    /// The provider, when it was ever fetched.
    pub(super) async fn known(&self) -> Result<Option<Arc<IdentityProvider>>, ApiError> {
        let page = self.store.range(KeyRange::key(layout::SAML_PROVIDER), 1).await?;
        let Some(entry) = page.entries.first() else {
            return Ok(None);
        };
        if let Some(cached) = self.provider.load_full()
            && cached.0 == entry.modified
        {
            return Ok(Some(cached.1.clone()));
        }
        let record: ProviderRecord = mke_auth::records::decode(&entry.value).map_err(ApiError::internal)?;
        let provider = IdentityProvider::from_record(record).map_err(ApiError::internal)?;
        let provider = Arc::new(provider);
        self.provider
            .store(Some(Arc::new((entry.modified, provider.clone()))));
        Ok(Some(provider))
    }

    /// The key that requests are signed with; made when it is needed for the first time.
    pub(super) async fn key(&self) -> Result<Arc<OwnKey>, ApiError> {
        if let Some(key) = self.key.load_full() {
            return Ok(key);
        }
        let place = key_place();
        for _ in 0..ATTEMPTS {
            let page = self.store.range(KeyRange::key(&place), 1).await?;
            if let Some(entry) = page.entries.first() {
                let key = Arc::new(self.opened(&decode(entry)?)?);
                self.key.store(Some(key.clone()));
                return Ok(key);
            }
            // Finding primes takes a while; requests of others go on meanwhile.
            let private = tokio::task::spawn_blocking(|| saml::generate_key(&mut rng()))
                .await
                .map_err(ApiError::internal)?
                .map_err(ApiError::internal)?;
            let key = OwnKey::certified(&private, self.clock.now()).map_err(ApiError::internal)?;
            let sealed = self
                .sealing
                .seal(&place, &private, &mut rng())
                .map_err(ApiError::internal)?;
            let record = KeyRecord {
                certificate: STANDARD.encode(key.certificate()),
                sealed_key: STANDARD.encode(sealed),
            };
            let txn = Txn::new()
                .when(Compare::Absent(place.clone()))
                .put(place.clone(), encode(&record)?);
            // Whoever was first: what is in the store counts.
            let (TxnOutcome::Committed(_) | TxnOutcome::Conflict(_)) = self.store.txn(txn).await?;
        }
        Err(StoreError::Corrupt(format!("record `{place}` comes and goes")).into())
    }

    fn opened(&self, record: &KeyRecord) -> Result<OwnKey, ApiError> {
        let certificate = STANDARD.decode(&record.certificate).map_err(ApiError::internal)?;
        let sealed = STANDARD.decode(&record.sealed_key).map_err(ApiError::internal)?;
        let private = self
            .sealing
            .open(&key_place(), &sealed)
            .map_err(ApiError::internal)?;
        OwnKey::from_parts(&Zeroizing::new(private.to_vec()), certificate).map_err(ApiError::internal)
    }
}

/// This cluster as a service provider: the configured host, else the one that bundles name (SAML-008).
pub(super) fn me(config: &Config, advertise_host: &str, port: u16) -> Result<ServiceProvider, ApiError> {
    let host = match config
        .auth
        .saml
        .sp_host
        .as_deref()
        .filter(|host| !host.is_empty())
    {
        Some(host) => host.to_owned(),
        None => {
            let host = match advertise_host.parse::<std::net::Ipv6Addr>() {
                Ok(address) => format!("[{address}]"),
                Err(_) => advertise_host.to_owned(),
            };
            if port == 443 {
                host
            } else {
                format!("{host}:{port}")
            }
        }
    };
    ServiceProvider::at(&host)
        .map_err(|error| ApiError::new(Kind::Unavailable, format!("`auth.saml.spHost`: {error}")))
}
