//! Fetching the provider's metadata and keeping it, and the task that does so by itself.

use std::sync::Arc;
use std::time::Duration;

use mke_auth::records::Source;
use mke_auth::saml::fetch::{self, FetchError, Place};
use mke_auth::saml::{IdentityProvider, ProviderRecord, Refusal};
use mke_core::config::{Auth, Config};
use mke_core::store::{Revision, StoreError, Txn, TxnOutcome, layout};
use tokio::time::{Instant, sleep_until};

use super::Saml;
use crate::controller::error::{ApiError, Kind};
use crate::controller::state::State;

/// How often the metadata is fetched without anybody asking.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// When it is tried again after a failure.
const AGAIN: Duration = Duration::from_secs(60);

/// Why the provider is not known anew. What was known before stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    /// The document did not come.
    #[error("the metadata of the SAML identity provider was not fetched: {0}")]
    Fetch(#[from] FetchError),
    /// It describes no provider that can be used.
    #[error("the metadata of the SAML identity provider cannot be used: {0}")]
    Metadata(#[from] Refusal),
    /// It is over, and nothing was known before.
    #[error("the metadata of the SAML identity provider was valid until {0} only")]
    Expired(mke_core::time::Timestamp),
    /// The store.
    #[error("the metadata of the SAML identity provider could not be kept")]
    Store(#[from] StoreError),
    /// What was known before cannot be read.
    #[error("{0}")]
    Known(ApiError),
}

impl From<RefreshError> for ApiError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Fetch(_) | RefreshError::Metadata(_) | RefreshError::Expired(_) => {
                Self::new(Kind::BadGateway, error.to_string())
            }
            RefreshError::Store(source) => source.into(),
            RefreshError::Known(error) => error,
        }
    }
}

/// What a refresh brought.
#[derive(Debug, Clone)]
pub(crate) struct Refreshed {
    /// The provider as it is known now.
    pub(crate) provider: Arc<IdentityProvider>,
    /// Whether its keys or addresses are others than before.
    pub(crate) changed: bool,
}

impl Saml {
    /// Fetches the metadata of the provider in this configuration and keeps nothing of it: whether the settings are
    /// good.
    pub(crate) async fn examine(&self, auth: &Auth) -> Result<IdentityProvider, RefreshError> {
        let place = Place::of(auth)?;
        let document = fetch::fetch(&place).await?;
        Ok(IdentityProvider::from_metadata(
            &document,
            &place.url,
            self.clock.now(),
        )?)
    }

    /// Fetches the metadata of the provider in this configuration and keeps it.
    pub(crate) async fn refresh(&self, auth: &Auth) -> Result<Refreshed, RefreshError> {
        let place = Place::of(auth)?;
        let document = fetch::fetch(&place).await?;
        let now = self.clock.now();
        let fetched = IdentityProvider::from_metadata(&document, &place.url, now)?;
        let known = self.known().await.map_err(RefreshError::Known)?;
        let before = known.map(|provider| provider.record().clone());
        let record = match (fetched.is_expired(now), before.clone()) {
            // A document that is over says nothing about keys. Those that were good stay so (saml-38).
            (true, Some(mut old)) if old.url == place.url => {
                old.warnings = vec![format!(
                    "the metadata at `{}` was valid until {} only; the keys that were known before stay in use",
                    place.url,
                    shown(fetched.record())
                )];
                old
            }
            (true, _) => return Err(RefreshError::Expired(fetched.record().valid_until.unwrap_or(now))),
            (false, _) => fetched.record().clone(),
        };
        for warning in &record.warnings {
            tracing::warn!(url = place.url, warning, "SAML metadata");
        }
        let changed = before.is_none_or(|before| !same(&before, &record));
        let value =
            mke_auth::records::encode(&record).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let (TxnOutcome::Committed(_) | TxnOutcome::Conflict(_)) = self
            .store
            .txn(Txn::new().put(layout::SAML_PROVIDER, value))
            .await?;
        tracing::info!(
            url = place.url,
            provider = record.entity_id,
            changed,
            "SAML metadata fetched"
        );
        Ok(Refreshed {
            provider: Arc::new(IdentityProvider::from_record(record)?),
            changed,
        })
    }
}

fn shown(record: &ProviderRecord) -> String {
    record
        .valid_until
        .map_or_else(|| "an unknown time".to_owned(), |until| until.to_string())
}

/// Whether two records mean the same provider, whenever they were fetched.
fn same(a: &ProviderRecord, b: &ProviderRecord) -> bool {
    let timeless = |record: &ProviderRecord| ProviderRecord {
        fetched: mke_core::time::Timestamp::default(),
        ..record.clone()
    };
    timeless(a) == timeless(b)
}

/// What a fetch depends on; nothing while SAML is off.
fn wanted(config: &Config) -> Option<Place> {
    let auth = &config.auth;
    if auth.saml_enabled {
        Place::of(auth).ok()
    } else {
        None
    }
}

/// Keeps the metadata current for as long as the controller runs.
pub(crate) async fn follow(state: Arc<State>) {
    let mut revision = state.revision.clone();
    let mut fetched: Option<Place> = None;
    let mut due = Instant::now();
    // What another start fetched is not fetched again at once.
    if let Ok(Some(known)) = state.saml.known().await
        && let Some(place) = wanted(&state.snapshot().config)
        && known.record().url == place.url
    {
        fetched = Some(place);
        due += EVERY;
    }
    loop {
        let place = wanted(&state.snapshot().config);
        if place.is_none() {
            fetched = None;
        }
        if let Some(place) = place {
            let switched = fetched.as_ref() != Some(&place);
            if switched && fetched.is_none() {
                warn_of_bundles(&state);
            }
            if switched || Instant::now() >= due {
                let auth = state.snapshot().config.auth.clone();
                due = Instant::now()
                    + match state.saml.refresh(&auth).await {
                        Ok(_) => EVERY,
                        Err(error) => {
                            tracing::warn!(%error, "SAML logins use what was known before, if anything was");
                            AGAIN
                        }
                    };
                fetched = Some(place);
            }
        }
        let changed: Result<(), _> = tokio::select! {
            changed = revision.changed() => changed,
            () = sleep_until(due), if fetched.is_some() => Ok(()),
        };
        if changed.is_err() {
            return;
        }
        let _: Revision = *revision.borrow_and_update();
    }
}

/// Bundles open the cluster whatever the provider thinks of their owners (SAML-011); nobody shall find out late.
fn warn_of_bundles(state: &State) {
    let snapshot = state.snapshot();
    let directory = &snapshot.directory;
    let of_imported: usize = [Source::Saml, Source::Ldap, Source::Scim]
        .into_iter()
        .flat_map(|source| directory.accounts_of(source))
        .map(|account| directory.keys_of(&account.id).count())
        .sum();
    tracing::warn!(
        bundles = of_imported,
        "SAML is on; client bundles that were issued before keep working: see `ucp auth saml bundles`"
    );
}
