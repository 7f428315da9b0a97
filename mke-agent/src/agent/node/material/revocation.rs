//! What a manager does so that etcd refuses those who are no managers any more: it writes down which of its certificates open the
//! store, and keeps the list of revoked ones for its own member.

use std::collections::BTreeSet;

use mke_core::causes::chain;
use mke_core::pki::{AuthorityKind, revoked_serials};
use mke_core::product::Role;
use mke_core::store::Store;
use mke_core::time::{Clock as _, SystemClock};

use super::{MaterialError, NodeMaterial};
use crate::ca::certificates::{self, Place};
use crate::ca::revocation::{self, FILE, Opener};
use crate::ca::{bootstrap, keys};
use crate::controller::files;
use crate::node::CertificateNeed;
use crate::node::runtime::StepError;

/// Places whose certificates open the store.
const OPENERS: [Place; 4] = [Place::Node, Place::Kv, Place::ControllerClient, Place::AuthStore];

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Revocation {
    /// Write certificates of this node down.
    WriteDown(Vec<Opener>),
    /// Give the member of this node another list.
    List(BTreeSet<String>),
}

impl Revocation {
    pub(super) fn need(&self) -> CertificateNeed {
        let (what, reason) = match self {
            Self::WriteDown(openers) => (
                "write down which certificates open the store",
                format!("{} of this node are not written down", openers.len()),
            ),
            Self::List(serials) => (
                "write the list of revoked certificates for the store",
                format!("it shall have {} of former managers", serials.len()),
            ),
        };
        CertificateNeed {
            volume: Place::Kv.volume().to_owned(),
            what: what.to_owned(),
            reason,
        }
    }
}

impl NodeMaterial {
    /// What is to be done. Without the store nothing is known, so that a list that is there stays; without any etcd would let nobody
    /// in.
    pub(super) async fn revocations(&self) -> Vec<Revocation> {
        let Some(spec) = self.job.spec.as_ref().filter(|_| self.job.role == Role::Manager) else {
            return Vec::new();
        };
        let path = self.volumes.join(Place::Kv.volume()).join(FILE);
        let found = std::fs::read_to_string(path).ok();
        let found = found.and_then(|pem| revoked_serials(&pem).ok());
        let mut todo = Vec::new();
        let mut wanted = found.clone().unwrap_or_default();
        match self.openers().await {
            Ok(Some(known)) => {
                let own = self.own_openers();
                let new: Vec<Opener> = own.into_iter().filter(|own| !known.contains(own)).collect();
                if !new.is_empty() {
                    todo.push(Revocation::WriteDown(new));
                }
                let cluster = &spec.cluster;
                let managers = cluster.managers.iter().map(|manager| manager.id.as_str());
                let members = cluster.store_members.iter().map(|member| member.id.as_str());
                let trusted = managers.chain(members).chain([self.job.node_id.as_str()]);
                wanted = revocation::refused(&known, &trusted.collect(), SystemClock.now());
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("who was a manager is not looked at: {}", chain(&error)),
        }
        if found.as_ref() != Some(&wanted) {
            todo.push(Revocation::List(wanted));
        }
        todo
    }

    /// What was written down; nothing as long as the look at what managers share did not open the store.
    async fn openers(&self) -> Result<Option<Vec<Opener>>, MaterialError> {
        match self.store.get() {
            Some(store) => Ok(Some(revocation::known(&**store).await?)),
            None => Ok(None),
        }
    }

    fn own_openers(&self) -> Vec<Opener> {
        let observed = certificates::observe(&self.volumes, self.job.role);
        OPENERS
            .iter()
            .filter_map(|place| {
                Opener::of(&self.job.node_id, observed.sets.get(place)?.chain_pem.as_deref()?)
            })
            .collect()
    }

    /// Does it.
    pub(super) async fn revoke(&self, revocation: &Revocation) -> Result<(), StepError> {
        let failed = |error: &dyn std::error::Error| StepError::new(chain(error));
        match revocation {
            Revocation::WriteDown(openers) => {
                let (store, _) = self.sealed_store().await.map_err(|error| failed(&error))?;
                let store: &dyn Store = &*store;
                revocation::write_down(store, openers, SystemClock.now())
                    .await
                    .map_err(|error| failed(&error))
            }
            Revocation::List(serials) => {
                let fetched;
                let authority = match &self.at_hand {
                    Some((cluster, _)) => &**cluster,
                    None => {
                        fetched = self.cluster_authority().await?;
                        &fetched
                    }
                };
                let pem = authority.revocation_list(serials, SystemClock.now());
                let pem = pem.map_err(|error| failed(&error))?;
                let dir = self.volumes.join(Place::Kv.volume());
                files::private_dir("certificate volume", &dir)
                    .and_then(|()| {
                        files::replace(
                            "list of revoked certificates",
                            &dir.join(FILE),
                            files::PUBLIC,
                            pem.as_bytes(),
                        )
                    })
                    .map_err(|error| failed(&error))
            }
        }
    }

    /// The key that signs the list: from its volume, or from the store before it lies there.
    async fn cluster_authority(&self) -> Result<mke_core::pki::Authority, StepError> {
        if let Ok(Some(authority)) = bootstrap::read(&self.volumes, AuthorityKind::Cluster) {
            return Ok(authority);
        }
        let failed = |error: MaterialError| StepError::new(chain(&error));
        let (store, sealing) = self.sealed_store().await.map_err(failed)?;
        let authority = keys::fetch(&*store, &sealing, AuthorityKind::Cluster).await;
        authority
            .map_err(|error| failed(error.into()))?
            .ok_or_else(|| StepError::new("the store does not hold the cluster authority yet"))
    }
}
