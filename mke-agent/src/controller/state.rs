//! What every request can reach, and the view that it is decided on.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use mke_auth::accounts::Accounts;
use mke_auth::identity::Identity;
use mke_auth::jobs::Jobs;
use mke_auth::keys::PublicKeys;
use mke_auth::second_factor::SecondFactors;
use mke_auth::sessions::{Backends, Logins, Sessions};
use mke_core::store::{Revision, Store};
use mke_core::time::Clock;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answering::Answering;
use super::api::scim::ScimService;
use super::audit::Audit;
use super::authorities::Authorities;
use super::backends::BackendCache;
use super::configuration::Configuration;
use super::error::ApiError;
use super::headers::ServerIdentity;
use super::live::{ListCache, Logs};
use super::metrics::Metrics;
use super::policy_store::PolicyStore;
use super::records::ClusterRecord;
use super::registry::Keys;
use super::saml::Saml;
use super::snapshot::Snapshot;
use super::streams::{Allowed, Lease, Streams};
use super::workplace::Workplace;
use crate::engine::EngineClient;
use crate::fleet::Fleet;
use crate::life::board::Board;

/// How long a write waits until it is in force. It takes microseconds unless the machine is in trouble.
const IN_FORCE_TIME: Duration = Duration::from_secs(10);

/// The snapshot did not get to a change in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the change is stored but not in force yet, read it again in a moment")]
pub struct NotInForce(pub Revision);

/// Waits until the snapshot holds what was written at `revision`.
pub(super) async fn reached(
    snapshots: &watch::Receiver<Revision>,
    revision: Revision,
) -> Result<(), NotInForce> {
    let mut seen = snapshots.clone();
    match timeout(IN_FORCE_TIME, seen.wait_for(|seen| *seen >= revision)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(NotInForce(revision)),
    }
}

/// Shared by all requests. Readers never wait for writers: they take a [`Snapshot`].
pub struct State {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Writes accounts, organizations, teams and members.
    pub accounts: Accounts,
    /// Checks and ends sessions.
    pub sessions: Arc<Sessions>,
    /// Checks passwords and begins sessions.
    pub logins: Logins,
    /// Makes, checks and removes second factors.
    pub second_factors: Arc<SecondFactors>,
    /// Lets an identity provider keep users and groups.
    pub scim: ScimService,
    /// Writes public keys.
    pub keys: PublicKeys,
    /// Makes, lists and runs jobs.
    pub jobs: Jobs,
    /// Wakes the runner of jobs.
    pub(super) job_made: Arc<Notify>,
    /// Writes roles, collections, grants and default collections.
    pub policy_store: PolicyStore,
    /// Reads and changes the configuration.
    pub configuration: Configuration,
    /// The Docker Engine behind this controller.
    pub engine: EngineClient,
    /// The nodes of the cluster as one engine.
    pub fleet: Fleet,
    /// What is known of the nodes, in a cluster with agents.
    pub board: Option<Arc<Board>>,
    /// Audit records.
    pub audit: Arc<Audit>,
    /// The program's logs.
    pub logs: Logs,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Certificates and their authorities.
    pub authorities: Authorities,
    /// SAML: the key, the provider, accounts of proofs.
    pub saml: Saml,
    /// What tokens for registries are signed with.
    pub(super) registry_keys: Keys,
    /// What the cluster is.
    pub cluster: ClusterRecord,
    /// The host name or address that bundles name.
    pub advertise_host: String,
    /// The port of this API.
    pub port: u16,
    /// The port of the Kubernetes API that bundles name.
    pub kube_port: u16,
    /// Answers questions of administrators about the whole policy.
    pub(super) inquiries: Answering,
    /// Answers questions of everybody about themselves.
    pub(super) questions: Answering,
    pub(super) backends: BackendCache,
    /// What lists are answered from while `authz_cache_timeout` is on.
    pub(crate) list_cache: ListCache,
    pub(super) server_identity: ServerIdentity,
    pub(super) current: Arc<ArcSwap<Snapshot>>,
    pub(super) revision: watch::Receiver<Revision>,
    pub(super) streams: Arc<Streams>,
    pub(super) tasks: TaskTracker,
}

impl State {
    /// The newest view. A request takes one and decides everything on it.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// What jobs are run with.
    pub(super) fn workplace(&self) -> Workplace {
        Workplace {
            clock: self.clock.clone(),
            accounts: self.accounts.clone(),
            jobs: Jobs::new(self.store.clone(), self.clock.clone()),
            audit: self.audit.clone(),
            current: self.current.clone(),
            revision: self.revision.clone(),
            worker: self.server_identity.name().to_owned(),
            job_made: self.job_made.clone(),
        }
    }

    /// Who looks at passwords, as the configuration of a view says.
    pub(super) fn backends(&self, snapshot: &Snapshot) -> Arc<Backends> {
        self.backends.of(&snapshot.config, &self.clock)
    }

    /// Waits until what was written at `revision` is in force, which is when a write is acknowledged (R63).
    ///
    /// # Errors
    /// When the snapshot does not get there in time.
    pub async fn wait_for(&self, revision: Revision) -> Result<(), ApiError> {
        Ok(reached(&self.revision, revision).await?)
    }

    /// Fires when an open stream of this identity must be cut: its credential died (authn-04, pki-04), or the
    /// controller stops.
    pub fn revocation(&self, identity: &Identity) -> CancellationToken {
        self.streams.token(identity, &self.snapshot().directory)
    }

    /// Remembers an open stream, so that it is cut when what allows it is taken away (proxy-09).
    pub(crate) fn open_stream(&self, credential: &CancellationToken, allowed: Allowed) -> Lease {
        self.streams
            .open(credential, allowed, || self.snapshot().policy.clone())
    }

    /// Runs something beside the request that started it, such as the two directions of a hijacked connection.
    /// Stopping waits for it for a while, then [`State::revocation`] tells it to end.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }
}
