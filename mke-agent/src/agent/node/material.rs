//! Certificates and keys of a node, for whoever carries plans out there: which must be brought up to date is found out
//! by `ca::certificates`, here they get what they need for it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mke_core::causes::chain;
use mke_core::pki::{Authority, AuthorityKind, SubjectAltName};
use mke_core::product::{Role, labels};
use mke_core::seal::SealingKey;
use mke_core::secret::Secret;
use mke_core::store::{Store, StoreError};
use mke_core::time::{Clock, SystemClock};
use tokio::sync::OnceCell;

use super::job::{Job, NODE_VOLUME, SWARM_CERTIFICATES};
use super::member_data::Candidate;
use crate::agent::store::{self, StoreAccessError};
use crate::ca::bootstrap::{CLIENT_VOLUME, CLUSTER_VOLUME};
use crate::ca::certificates::{self, Action, Authorities, CLIENT_CA_FILE, Place, Plan, Reason, Target};
use crate::ca::{self, CaClient, Cluster, ClusterNode};
use crate::controller::AuthorityError;
use crate::mtls;
use crate::node::runtime::{Material, StepError};
use crate::node::{CertificateNeed, Source};

mod revocation;

use revocation::Revocation;

/// The material of one node.
pub struct NodeMaterial {
    volumes: PathBuf,
    job: Job,
    cluster: Cluster,
    hosts: Vec<SubjectAltName>,
    /// With the authorities at hand nobody is asked: that is how a cluster begins.
    at_hand: Option<(Arc<Authority>, Arc<Authority>)>,
    keep_foreign: bool,
    store: OnceCell<Arc<dyn Store>>,
    /// Places whose certificate was issued since this began.
    fresh: Mutex<Vec<Place>>,
}

/// Why material cannot be looked at or brought.
#[derive(Debug, thiserror::Error)]
enum MaterialError {
    #[error("the store cannot be asked for the keys of the authorities")]
    Store(#[from] StoreAccessError),
    #[error("the store does not give what is sealed in it")]
    Authority(#[from] AuthorityError),
    #[error("the store does not say which certificates open it")]
    Openers(#[from] StoreError),
    #[error("the sealing key is not known here, secret `ucp-auth-key` is missing")]
    NoSealingKey,
    #[error("the node has no certificate to ask with")]
    Identity(#[from] mtls::MtlsError),
}

impl NodeMaterial {
    /// The material below `volumes`. `hosts` are further names of the API port.
    pub fn new(volumes: impl Into<PathBuf>, job: Job) -> Self {
        let spec = job.spec.as_ref();
        let hosts = spec
            .map(|spec| spec.cluster.config.cluster.shared_sans.as_slice())
            .unwrap_or_default()
            .iter()
            // Reading the configuration checked them.
            .filter_map(|name| name.parse().ok())
            .collect();
        Self {
            volumes: volumes.into(),
            cluster: cluster_of(&job),
            hosts,
            job,
            at_hand: None,
            keep_foreign: true,
            store: OnceCell::new(),
            fresh: Mutex::default(),
        }
    }

    /// Signs with these authorities, of the cluster and of users, instead of asking for it.
    #[must_use]
    pub fn with_authorities(
        mut self,
        cluster: Authority,
        client: Authority,
        hosts: Vec<SubjectAltName>,
    ) -> Self {
        self.at_hand = Some((Arc::new(cluster), Arc::new(client)));
        self.hosts.extend(hosts);
        self
    }

    fn fresh(&self) -> Vec<Place> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn target<'t>(
        &'t self,
        client_ca_pem: &'t str,
        external: Option<&'t ca::keys::External>,
        fresh: &'t [Place],
    ) -> Target<'t> {
        Target {
            node: &self.job.node_id,
            role: self.job.role,
            cluster: &self.cluster,
            cluster_ca_pem: &self.job.cluster_ca,
            client_ca_pem,
            hosts: &self.hosts,
            external,
            keep_foreign: self.keep_foreign,
            sealing_key: self.job.sealing_key.as_ref(),
            fresh,
        }
    }

    /// What there is and what is to be done about it. A node without a specification only gets its own certificate.
    async fn look(&self) -> (Plan, String, Option<ca::keys::External>) {
        let observed = certificates::observe(&self.volumes, self.job.role);
        let mut client_ca = observed
            .authorities
            .get(CLIENT_VOLUME)
            .cloned()
            .unwrap_or_default();
        let mut external = None;
        // Before the authorities are there nothing else of the store is needed.
        if self.job.role == Role::Manager && self.at_hand.is_none() && !client_ca.is_empty() {
            match self.shared().await {
                Ok((found, roots)) => {
                    external = found;
                    client_ca.push_str(&roots);
                }
                Err(error) => tracing::warn!("what managers share is not looked at: {}", chain(&error)),
            }
        }
        let fresh = self.fresh();
        let mut plan = certificates::plan(
            &self.target(&client_ca, external.as_ref(), &fresh),
            &observed,
            SystemClock.now(),
        );
        for problem in &plan.problems {
            tracing::warn!(%problem, "an operator has to act");
        }
        if client_ca.is_empty() {
            // The authority of users comes first; until then nobody knows what to write.
            plan.actions.retain(|action| !is_of_users(action));
        }
        if self.job.spec.is_none() {
            plan.actions.retain(|action| volume_of(action) == NODE_VOLUME);
        }
        (plan, client_ca, external)
    }

    async fn shared(&self) -> Result<(Option<ca::keys::External>, String), MaterialError> {
        let (store, sealing) = self.sealed_store().await?;
        Ok((
            ca::keys::fetch_external(&*store, &sealing).await?,
            ca::keys::fetch_client_roots(&*store, &sealing).await?,
        ))
    }

    async fn sealed_store(&self) -> Result<(Arc<dyn Store>, SealingKey), MaterialError> {
        let key = self
            .job
            .sealing_key
            .as_ref()
            .and_then(|key| hex::decode(key.expose()).ok());
        let key = key.ok_or(MaterialError::NoSealingKey)?;
        let sealing = SealingKey::from_bytes(&key).map_err(|_| MaterialError::NoSealingKey)?;
        let store = self
            .store
            .get_or_try_init(|| async {
                let spec = self.job.spec.as_ref();
                let members = spec
                    // A store without a majority answers nothing: that it is asked for in vain is known.
                    .filter(|spec| !spec.cluster.store_alone)
                    .map(|spec| spec.cluster.store_members.as_slice())
                    .unwrap_or_default();
                let addresses = members.iter().map(|member| member.address);
                store::open(&self.volumes.join(NODE_VOLUME), addresses).await
            })
            .await?;
        Ok((store.clone(), sealing))
    }

    fn issuer(&self, action: &Action) -> Result<CaClient, MaterialError> {
        if let Some((cluster, _)) = &self.at_hand {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let node = self.job.node_id.clone();
            return Ok(CaClient::at_hand(
                cluster.clone(),
                node,
                Arc::new(self.cluster.clone()),
                clock,
            ));
        }
        let authorities = self
            .job
            .managers
            .iter()
            .map(|address| SocketAddr::from((*address, ca::CLUSTER_PORT)))
            .collect();
        Ok(CaClient::new(&self.identity(action)?, authorities)?)
    }

    /// What authorities are shown: the node's certificate, or that of the swarm as long as there is no usable one.
    fn identity(&self, action: &Action) -> Result<mtls::Material, MaterialError> {
        let own = self.volumes.join(NODE_VOLUME);
        let is_own = volume_of(action) == NODE_VOLUME;
        let renewed = matches!(
            action,
            Action::Issue {
                reason: Reason::Due { .. } | Reason::Names { .. },
                ..
            }
        );
        if (!is_own || renewed)
            && let Ok(material) = mtls::Material::from_dir(&own)
        {
            return Ok(material);
        }
        Ok(mtls::Material::of_swarm_node(
            Path::new(SWARM_CERTIFICATES),
            &self.job.cluster_ca,
        )?)
    }

    async fn carry_out(&self, need: &CertificateNeed) -> Result<(), StepError> {
        let (plan, client_ca, external) = self.look().await;
        let Some(action) = plan.actions.into_iter().find(|action| need_of(action) == *need) else {
            // It was done meanwhile.
            return Ok(());
        };
        let failed = |error: MaterialError| {
            StepError::new(format!("it cannot be brought up to date: {}", chain(&error)))
        };
        let is_authority_of_users = matches!(action, Action::FetchAuthority(AuthorityKind::Client));
        let issuer = self.issuer(&action).map_err(failed)?;
        let mut fetched = (None, None);
        if let Action::FetchAuthority(kind) = &action
            && self.at_hand.is_none()
        {
            let (store, sealing) = self.sealed_store().await.map_err(failed)?;
            let authority = ca::keys::fetch(&*store, &sealing, *kind)
                .await
                .map_err(|error| failed(error.into()))?;
            match kind {
                AuthorityKind::Cluster => fetched.0 = authority,
                AuthorityKind::Client => fetched.1 = authority,
            }
        }
        let (cluster, client) = match &self.at_hand {
            Some((cluster, client)) => (Some(&**cluster), Some(&**client)),
            None => (fetched.0.as_ref(), fetched.1.as_ref()),
        };
        let issued = match &action {
            Action::Issue { place, .. } => Some(*place),
            _ => None,
        };
        let one = Plan {
            actions: vec![action],
            problems: Vec::new(),
        };
        let authorities = Authorities { cluster, client };
        let fresh = self.fresh();
        let target = self.target(&client_ca, external.as_ref(), &fresh);
        let outcomes = certificates::apply(&self.volumes, &target, &one, &issuer, &authorities).await;
        match outcomes.into_iter().find_map(|outcome| outcome.result.err()) {
            Some(error) => return Err(StepError::new(chain(&error))),
            None => self
                .fresh
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(issued),
        }
        match is_authority_of_users {
            true => self.write_users_roots().await,
            false => Ok(()),
        }
    }

    /// Writes the authorities of users, without which the controller does not begin, as soon as that of the cluster is there.
    async fn write_users_roots(&self) -> Result<(), StepError> {
        let needs = self.look().await.0.actions;
        for action in needs.iter().filter(|action| is_of_users(action)) {
            Box::pin(self.carry_out(&need_of(action))).await?;
        }
        Ok(())
    }
}

impl Material for NodeMaterial {
    async fn needs(&self) -> Vec<CertificateNeed> {
        let mut needs: Vec<CertificateNeed> = self.look().await.0.actions.iter().map(need_of).collect();
        needs.extend(self.revocations().await.iter().map(Revocation::need));
        needs
    }

    async fn bring(&self, need: &CertificateNeed) -> Result<(), StepError> {
        let revocations = self.revocations().await;
        match revocations.iter().find(|revocation| revocation.need() == *need) {
            Some(revocation) => self.revoke(revocation).await,
            None => self.carry_out(need).await,
        }
    }

    async fn held(&self, source: Source) -> Result<Secret, StepError> {
        Err(StepError::new(format!(
            "{source:?} belongs to Kubernetes, whose images are not installed"
        )))
    }

    async fn vet_store(&self, ends: bool, reads_list: bool) -> Result<(), StepError> {
        let Some(spec) = &self.job.spec else {
            return Err(StepError::new(
                "without a specification no member of the store is started",
            ));
        };
        let candidate = Candidate {
            volumes: &self.volumes,
            node_id: &self.job.node_id,
            address: spec.node.address,
            members: &spec.cluster.store_members,
            founding: self.at_hand.is_some(),
            ends,
            reads_list,
        };
        candidate
            .vet()
            .await
            .map_err(|error| StepError::new(chain(&error)))
    }
}

/// The node and all managers, as their authority knows them: the certificate of the API port names every manager.
fn cluster_of(job: &Job) -> Cluster {
    let mut nodes = BTreeMap::new();
    if let Some(spec) = &job.spec {
        let known = |role, hostname: &str, address, sans: &str| ClusterNode {
            role,
            hostname: hostname.to_owned(),
            addresses: vec![address],
            label_names: ca::label_names(sans).0,
        };
        for manager in &spec.cluster.managers {
            let facts = known(Role::Manager, &manager.hostname, manager.address, &manager.sans);
            nodes.insert(manager.id.clone(), facts);
        }
        let node = &spec.node;
        let label = node.labels.get(labels::SANS).map_or("", String::as_str);
        let facts = known(job.role, &node.hostname, node.address, label);
        nodes.insert(job.node_id.clone(), facts);
    } else {
        // The authority knows the rest; here it only counts that there is such a node.
        let known = ClusterNode {
            role: job.role,
            hostname: String::new(),
            addresses: Vec::new(),
            label_names: Vec::new(),
        };
        nodes.insert(job.node_id.clone(), known);
    }
    Cluster {
        id: job.cluster_id.clone(),
        trust_roots: Vec::new(),
        nodes,
    }
}

fn need_of(action: &Action) -> CertificateNeed {
    CertificateNeed {
        volume: volume_of(action).to_owned(),
        what: action.to_string(),
        reason: match action {
            Action::Issue { reason, .. } | Action::CopyExternal { reason } => reason.to_string(),
            Action::WriteRoots { .. } => "the authorities are others".to_owned(),
            Action::FetchAuthority(_) | Action::WriteSealingKey => "it is missing".to_owned(),
        },
    }
}

fn volume_of(action: &Action) -> &'static str {
    match action {
        Action::Issue { place, .. } | Action::WriteRoots { place, .. } => place.volume(),
        Action::CopyExternal { .. } => Place::ControllerServer.volume(),
        Action::FetchAuthority(AuthorityKind::Cluster) => CLUSTER_VOLUME,
        Action::FetchAuthority(AuthorityKind::Client) => CLIENT_VOLUME,
        Action::WriteSealingKey => Place::ControllerClient.volume(),
    }
}

/// Whether it writes the authorities of users.
fn is_of_users(action: &Action) -> bool {
    matches!(action, Action::WriteRoots { file, .. } if *file == CLIENT_CA_FILE)
}
