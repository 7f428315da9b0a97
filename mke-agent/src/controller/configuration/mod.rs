//! The configuration: what is in force, and the one way to change it.
//!
//! Whoever asks, for the whole file, a part of it, or the way back, comes through [`Configuration`]. Each change that
//! is applied is a version: the record that is in force and its entry in the history are written in one transaction, so
//! there is never half of a change, and the answer waits until this controller works with it (R63). Every other
//! controller follows the store.

mod drift;
mod error;
mod history;
pub mod license;
pub mod licenses;
pub mod objects;
mod record;

pub use drift::Drift;
pub use error::ChangeError;
pub use history::{Change, KEPT, Past};
pub use record::{Author, InForce, Version};

pub(super) use record::ConfigRecord;

use std::sync::Arc;

use mke_core::config::{Accepted, Config, Difference, Kept, Problems, ReadOptions};
use mke_core::store::{Compare, Entry, KeyRange, MAX_TXN_BYTES, Revision, Store, Txn, TxnOutcome, layout};
use mke_core::time::{Clock, Timestamp};
use tokio::sync::watch;

use crate::engine::EngineClient;
use crate::install::{Daemon, lock};

use super::records::{decode, encode};
use super::state::reached;
use record::HistoryRecord;

/// How often a change is tried again when others change the configuration too.
const ATTEMPTS: usize = 8;
/// Longest reason, in characters.
pub const MAX_WHY: usize = 500;
/// Room in a transaction for keys and for what surrounds the texts.
const MARGIN: usize = 16 * 1024;

/// Stored text was accepted once, by this version or a newer one.
const STORED: ReadOptions<'static> = ReadOptions {
    file: None,
    keep_unknown: true,
    in_force: false,
};

/// What the configuration must be for a change to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expected {
    /// Whatever it is.
    #[default]
    Any,
    /// What it was when the request began, so that of two that overlap one wins.
    AsAtBegin {
        /// The version that was in force on this controller.
        version: Version,
        /// When the request began: what others had applied before that is no overlap.
        begun: Timestamp,
    },
    /// The version that the caller named (`If-Match`).
    Version(Version),
}

/// Who wants a change, and how.
#[derive(Debug, Clone)]
pub struct ChangeRequest {
    /// Who.
    pub by: Author,
    /// Why, in the words of who asks.
    pub why: String,
    /// What it is based on.
    pub expected: Expected,
    /// Whether only to tell what it would do.
    pub dry_run: bool,
}

/// What became of a change, or would.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The version in force after it.
    pub version: Version,
    /// Whether there is a new version. A change that changes nothing makes none.
    pub changed: bool,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// What is different from the version before.
    pub differences: Vec<Difference>,
    /// Keys of a newer product version that nobody here knows, kept as they are.
    pub unknown: Vec<String>,
}

/// Reads and changes the configuration in the store.
#[derive(Clone)]
pub struct Configuration {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    in_force: watch::Receiver<Revision>,
    /// What the controller was started with.
    started: Arc<Config>,
    /// Where an upgrade would have left its mark.
    engine: EngineClient,
}

impl Configuration {
    /// `in_force` tells up to which revision of the store this controller works with.
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        in_force: watch::Receiver<Revision>,
        started: Arc<Config>,
        engine: EngineClient,
    ) -> Self {
        Self {
            store,
            clock,
            in_force,
            started,
            engine,
        }
    }

    /// Refuses changes while an upgrade runs or one that was broken off waits to go on (UPG-017): agents of two versions
    /// would read two configurations. An engine that does not answer or is in no swarm has no upgrade.
    async fn not_upgrading(&self) -> Result<(), ChangeError> {
        let mark = lock::current(&Daemon::new(self.engine.clone())).await;
        match mark {
            Ok(Some(mark)) if mark.operation == "upgrade" => {
                Err(ChangeError::Upgrading { owner: mark.owner })
            }
            _ => Ok(()),
        }
    }

    /// Changes typed values. The operator's text follows: comments, order and everything that `edit` does not touch
    /// stay. `edit` is called again on the newer configuration when others were faster.
    ///
    /// # Errors
    /// What `edit` refuses, what the rules of the configuration refuse, and [`ChangeError`]; nothing is changed then.
    pub async fn change(
        &self,
        request: &ChangeRequest,
        edit: impl Fn(&mut Config) -> Result<(), ChangeError>,
    ) -> Result<Applied, ChangeError> {
        self.apply(request, |current| {
            let mut config = (*current.config).clone();
            edit(&mut config)?;
            if config == *current.config {
                return Ok(None);
            }
            Ok(Some(current.kept.follow(&config)?))
        })
        .await
    }

    /// Replaces the whole file. Masks stand for the secrets that are kept, and a file without `[auth.ldap]` leaves the
    /// directory's settings as they are. `keep_unknown` lets unknown keys through when the file declares a version that
    /// is newer than every known one.
    ///
    /// # Errors
    /// Every problem of the text at once, and [`ChangeError`]; nothing is changed then.
    pub async fn replace(
        &self,
        request: &ChangeRequest,
        text: &str,
        keep_unknown: bool,
    ) -> Result<Applied, ChangeError> {
        let options = ReadOptions {
            keep_unknown,
            ..ReadOptions::default()
        };
        self.apply(request, |current| {
            if current.export()? == text {
                return Ok(None);
            }
            Ok(Some(current.kept.accept(text, &options)?))
        })
        .await
    }

    /// Brings back the texts of an earlier version, as a new version.
    ///
    /// # Errors
    /// When the version is not kept, and as [`Self::replace`].
    pub async fn roll_back(&self, request: &ChangeRequest, to: Version) -> Result<Applied, ChangeError> {
        let past = self.past(to).await?;
        self.apply(request, |_| {
            let kept = past.in_force.kept.clone();
            let reading = kept.read(&STORED)?;
            Ok(Some(Accepted { kept, reading }))
        })
        .await
    }

    /// What the store holds now.
    ///
    /// # Errors
    /// When the store does not answer, or its record cannot be read.
    pub async fn stored(&self) -> Result<InForce, ChangeError> {
        Ok(read(&*self.store).await?.0)
    }

    /// The one place where a version is made. `propose` gives nothing when there is nothing to change.
    async fn apply(
        &self,
        request: &ChangeRequest,
        propose: impl Fn(&InForce) -> Result<Option<Accepted>, ChangeError>,
    ) -> Result<Applied, ChangeError> {
        check_why(&request.why)?;
        for _ in 0..ATTEMPTS {
            let (current, entry) = read(&*self.store).await?;
            let proposal = propose(&current)?.filter(|accepted| accepted.kept != current.kept);
            let Some(accepted) = proposal else {
                return Ok(Applied {
                    version: current.version,
                    changed: false,
                    dry_run: request.dry_run,
                    differences: Vec::new(),
                    unknown: Vec::new(),
                });
            };
            let after = accepted.reading.value;
            let mut applied = Applied {
                version: current.version,
                changed: true,
                dry_run: request.dry_run,
                differences: current.config.diff(&after),
                unknown: accepted.reading.unknown,
            };
            current.meets(request.expected, &applied.differences)?;
            if request.dry_run {
                return Ok(applied);
            }
            self.not_upgrading().await?;
            let refused = || applied.differences.iter().filter(|change| change.is_refused());
            if refused().next().is_some() {
                return Err(ChangeError::Fixed(refused().cloned().collect()));
            }
            let next = ConfigRecord {
                version: current.version.next(),
                kept: accepted.kept,
                by: request.by.clone(),
                at: self.clock.now(),
                why: request.why.clone(),
            };
            self.remember(&current).await?;
            let txn = versioned(&next, &applied.differences, entry.as_ref())?;
            if let TxnOutcome::Committed(revision) = self.store.txn(txn).await? {
                applied.version = next.version;
                reached(&self.in_force, revision).await?;
                return Ok(applied);
            }
        }
        Err(ChangeError::Busy)
    }

    /// Writes down a version from before there was a history, so that there is a way back to it.
    async fn remember(&self, current: &InForce) -> Result<(), ChangeError> {
        let key = history::key(current.version);
        let known = self.store.range(KeyRange::key(key.clone()), 1).await?;
        if !known.entries.is_empty() {
            return Ok(());
        }
        let record = HistoryRecord::new(current.record(), &[]);
        let txn = Txn::new()
            .when(Compare::Absent(key.clone()))
            .put(key, encode(&record)?);
        // Written by somebody else in the meantime, it says the same.
        self.store.txn(txn).await?;
        Ok(())
    }
}

/// Writes the first version, when the cluster is installed. A version that is there stays, so a start that was killed
/// half-way is completed by the next one.
///
/// # Errors
/// When the store does not take it.
pub(super) async fn install(
    store: &dyn Store,
    clock: &dyn Clock,
    kept: Kept,
    why: String,
) -> Result<(), ChangeError> {
    let record = ConfigRecord {
        version: Version(1),
        kept,
        by: Author::program("installation"),
        at: clock.now(),
        why,
    };
    let in_force = record.clone().in_force()?;
    let txn = versioned(&record, &Config::default().diff(&in_force.config), None)?;
    store.txn(txn).await?;
    Ok(())
}

/// The configuration in the store, and the entry that holds it; a store without one has the defaults.
pub(crate) async fn read(store: &dyn Store) -> Result<(InForce, Option<Entry>), ChangeError> {
    let page = store.range(KeyRange::key(layout::CONFIG), 1).await?;
    match page.entries.into_iter().next() {
        Some(entry) => Ok((decode::<ConfigRecord>(&entry)?.in_force()?, Some(entry))),
        None => Ok((InForce::default(), None)),
    }
}

/// The file for people and what it means, of the record in force as the store holds it; secrets are masked. Without a record
/// they are the defaults.
///
/// # Errors
/// When the record cannot be read.
pub(crate) fn masked(entry: Option<&Entry>) -> Result<(String, Arc<Config>), ChangeError> {
    let in_force = match entry {
        Some(entry) => decode::<ConfigRecord>(entry)?.in_force()?,
        None => InForce::default(),
    };
    Ok((in_force.export()?.to_owned(), in_force.config))
}

/// Adds names of certificates to the configuration of a store that no controller works with yet, as a version of its own
/// (RST-005). Names that are there make none.
///
/// # Errors
/// When the store does not answer or the names are refused.
pub(crate) async fn add_names(
    store: &dyn Store,
    clock: &dyn Clock,
    names: &[String],
) -> Result<(), ChangeError> {
    let (current, entry) = read(store).await?;
    let mut config = (*current.config).clone();
    for name in names {
        if !config.cluster.shared_sans.contains(name) {
            config.cluster.shared_sans.push(name.clone());
        }
    }
    if config == *current.config {
        return Ok(());
    }
    let accepted = current.kept.follow(&config)?;
    let differences = current.config.diff(&accepted.reading.value);
    let record = ConfigRecord {
        version: current.version.next(),
        kept: accepted.kept,
        by: Author::program("restore"),
        at: clock.now(),
        why: "names that `restore --san` gave".to_owned(),
    };
    store
        .txn(versioned(&record, &differences, entry.as_ref())?)
        .await?;
    Ok(())
}

/// One transaction: the record in force, its entry in the history, and the oldest entry gone.
fn versioned(
    record: &ConfigRecord,
    differences: &[Difference],
    before: Option<&Entry>,
) -> Result<Txn, ChangeError> {
    let current = encode(record)?;
    let past = encode(&HistoryRecord::new(record.clone(), differences))?;
    let (takes, most) = (current.len() + past.len(), MAX_TXN_BYTES - MARGIN);
    if takes > most {
        return Err(ChangeError::TooLarge {
            bytes: record.kept.text.len(),
            takes,
            most,
        });
    }
    let compare = match before {
        Some(entry) => Compare::Modified(entry.key.clone(), entry.modified),
        None => Compare::Absent(layout::CONFIG.to_owned()),
    };
    let mut txn = Txn::new()
        .when(compare)
        .put(layout::CONFIG, current)
        .put(history::key(record.version), past);
    if let Some(old) = record.version.minus(KEPT) {
        txn = txn.delete(history::key(old));
    }
    Ok(txn)
}

fn check_why(why: &str) -> Result<(), ChangeError> {
    if why.chars().count() > MAX_WHY || why.chars().any(char::is_control) {
        return Err(ChangeError::Why);
    }
    Ok(())
}

impl From<Problems> for ChangeError {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}
