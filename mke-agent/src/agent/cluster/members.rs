//! Keeps one member of the replicated store on each manager (HA-003), and writes down which members there are, because each
//! manager's agent starts its member only when it stands there, and with exactly those that stand there.
//!
//! What is written down is what etcd itself says, never what somebody wishes: a member that joins refuses to start when it is
//! told other members than there are. What is decided about the next change is decided in [`crate::kv`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mke_core::store::etcd::AdminError;
use mke_core::store::{Compare, KeyRange, Store, StoreError, Txn, TxnOutcome, layout};
use serde::{Deserialize, Serialize};

use super::PassError;
use crate::agent::store::{self, PEER_PORT, StoreAccessError};
use crate::controller::records::{decode, encode};
use crate::kv::{KeepError, Keeper, Observed, Step, WantedMember, plan};
use crate::node::StoreMember;

/// A manager of the swarm, as the store's members must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    /// Swarm's id, which is also the name of its member.
    pub id: String,
    /// Where other nodes reach it; nothing while neither the swarm nor the inventory knows.
    pub address: Option<IpAddr>,
    /// Whether the swarm hears of it.
    pub present: bool,
    /// The id of its member, when that lost its data, as its agent says.
    pub lost: Option<u64>,
}

/// What came of one look at the members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// One thing was done; there may be more to do.
    Done(String),
    /// Something has to happen by itself before there is more to do.
    Waiting(String),
    /// There is one member on each manager.
    Settled,
}

/// Keeps the members of the replicated store in step with the managers (HA-003).
pub trait Members: Send + Sync {
    /// Makes at most one change towards one member on each of these managers. No managers are taken as nothing known.
    ///
    /// # Errors
    /// [`PassError`] when nothing could be found out or done, or when the next change is not safe.
    fn follow<'a>(&'a self, managers: &'a [Manager]) -> BoxFuture<'a, Result<Followed, PassError>>;

    /// Drops old history, gives back room on disk and ends the alarm of a full quota, as far as it is due (SWO-007). Says what
    /// was done.
    ///
    /// # Errors
    /// [`PassError`].
    fn tend(&self) -> BoxFuture<'_, Result<Vec<String>, PassError>>;
}

/// Why the members of the store are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum MembersError {
    /// The way to the store.
    #[error(transparent)]
    Access(#[from] StoreAccessError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Etcd, or the next step is not safe.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// Another cluster agent wrote at the same time.
    #[error("somebody else wrote down the members of the store at the same time")]
    Conflict,
    /// A member outside of the cluster's ports.
    #[error(
        "member {name} of the store is reached at {url}, which is no address with port {PEER_PORT}: remove it with etcdctl"
    )]
    Foreign {
        /// The member.
        name: String,
        /// Its peer URL.
        url: String,
    },
}

impl From<AdminError> for MembersError {
    fn from(error: AdminError) -> Self {
        Self::Keep(error.into())
    }
}

/// Follows the managers with the certificate of this node.
pub struct EtcdMembers {
    store: Arc<dyn Store>,
    certs: PathBuf,
}

impl EtcdMembers {
    /// Keeps the members of the cluster that holds `store`, with the certificate in `certs`.
    pub fn new(store: Arc<dyn Store>, certs: impl Into<PathBuf>) -> Self {
        Self {
            store,
            certs: certs.into(),
        }
    }

    async fn look(&self, managers: &[Manager]) -> Result<Followed, MembersError> {
        let page = self.store.range(KeyRange::key(layout::STORE_MEMBERS), 1).await?;
        let entry = page.entries.first();
        let written = entry
            .map(decode::<Record>)
            .transpose()?
            .unwrap_or_default()
            .into_members();
        let mut addresses: Vec<IpAddr> = Vec::new();
        // Members first: a manager that comes has none yet.
        let members = written.iter().map(|member| member.address);
        for address in members.chain(managers.iter().filter_map(|manager| manager.address)) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        let keeper = Keeper::new(&store::options(&self.certs, addresses)?)
            .await
            .map_err(KeepError::from)?;
        let observed = keeper.observe().await?;
        let there = described(&observed, managers)?;
        if there != written && !there.is_empty() {
            let at = entry.map(|entry| entry.modified);
            self.write_down(&there, at).await?;
            let ids: Vec<&str> = there.iter().map(|member| member.id.as_str()).collect();
            return Ok(Followed::Done(format!("they are {}", ids.join(", "))));
        }
        let wanted = wanted(managers, &observed);
        let unplaced: Vec<&str> = managers
            .iter()
            .filter(|manager| !wanted.iter().any(|member| member.name == name(&manager.id)))
            .map(|manager| manager.id.as_str())
            .collect();
        // Who is not known to be anywhere would be taken for one that left.
        if !unplaced.is_empty() && matches!(plan(&wanted, &observed).step, Some(Step::Remove { .. })) {
            return Ok(Followed::Waiting(format!(
                "the address of {} is not known",
                unplaced.join(", ")
            )));
        }
        let mut done = keeper.step(&wanted).await?;
        if !unplaced.is_empty() {
            done.waiting
                .push(format!("the address of {} is not known", unplaced.join(", ")));
        }
        Ok(match done.step {
            Some(step) => Followed::Done(step.to_string()),
            None if done.waiting.is_empty() => Followed::Settled,
            None => Followed::Waiting(done.waiting.join(", ")),
        })
    }

    async fn upkeep(&self) -> Result<Vec<String>, MembersError> {
        let page = self.store.range(KeyRange::key(layout::STORE_MEMBERS), 1).await?;
        let written = page.entries.first().map(decode::<Record>).transpose()?;
        let members = written.unwrap_or_default().into_members();
        let addresses = members.iter().map(|member| member.address);
        let keeper = Keeper::new(&store::options(&self.certs, addresses)?)
            .await
            .map_err(KeepError::from)?;
        let done = keeper.upkeep().await?;
        Ok(done.iter().map(ToString::to_string).collect())
    }

    async fn write_down(
        &self,
        members: &[StoreMember],
        at: Option<mke_core::store::Revision>,
    ) -> Result<(), MembersError> {
        let record = Record::of(members);
        let unchanged = match at {
            Some(revision) => Compare::Modified(layout::STORE_MEMBERS.to_owned(), revision),
            None => Compare::Absent(layout::STORE_MEMBERS.to_owned()),
        };
        let put = Txn::new()
            .when(unchanged)
            .put(layout::STORE_MEMBERS, encode(&record)?);
        match self.store.txn(put).await? {
            TxnOutcome::Committed(_) => Ok(()),
            _ => Err(MembersError::Conflict),
        }
    }
}

impl Members for EtcdMembers {
    fn follow<'a>(&'a self, managers: &'a [Manager]) -> BoxFuture<'a, Result<Followed, PassError>> {
        async move { self.look(managers).await.map_err(PassError::from) }.boxed()
    }

    fn tend(&self) -> BoxFuture<'_, Result<Vec<String>, PassError>> {
        async move { self.upkeep().await.map_err(PassError::from) }.boxed()
    }
}

/// What is written down: `{"v":1,"members":[{"id":…,"address":…}],"ids":{…}}`. Ids stand beside the members, where agents of
/// versions that know nothing of them pass over them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// All members, also those that learn and those of nodes that are no managers any more.
    members: Vec<StoreMember>,
    /// The ids of members by those of their nodes.
    #[serde(default)]
    ids: BTreeMap<String, String>,
}

impl Record {
    fn of(members: &[StoreMember]) -> Self {
        let mut record = Self::default();
        for member in members {
            let mut plain = member.clone();
            record
                .ids
                .extend(plain.member.take().map(|id| (plain.id.clone(), id)));
            record.members.push(plain);
        }
        record
    }

    /// The members with their ids.
    pub(crate) fn into_members(mut self) -> Vec<StoreMember> {
        for member in &mut self.members {
            member.member = self.ids.remove(&member.id);
        }
        self.members
    }
}

/// The name of a node's member.
fn name(id: &str) -> String {
    id.to_ascii_lowercase()
}

fn peer_url(address: IpAddr) -> String {
    format!("https://{}", std::net::SocketAddr::from((address, PEER_PORT)))
}

/// Where a member is, from its peer URL.
fn address_of(url: &str) -> Option<IpAddr> {
    let place: std::net::SocketAddr = url.strip_prefix("https://")?.parse().ok()?;
    (place.port() == PEER_PORT).then(|| place.ip())
}

/// The members that there should be. A manager without a known address stays where its member is.
fn wanted(managers: &[Manager], observed: &Observed) -> Vec<WantedMember> {
    let of = |manager: &Manager| {
        let name = name(&manager.id);
        let known = || {
            let member = observed.members.iter().find(|member| member.info.name == name)?;
            member.info.peer_urls.first().cloned()
        };
        Some(WantedMember {
            peer_url: manager.address.map(peer_url).or_else(known)?,
            name,
            lost: manager.lost,
            away: !manager.present,
        })
    };
    managers.iter().filter_map(of).collect()
}

/// The members that there are, as they are written down. One that was never started has no name yet: it is that of the manager
/// at its address; when that manager is gone it is left out, because it will never be started and is taken out next.
fn described(observed: &Observed, managers: &[Manager]) -> Result<Vec<StoreMember>, MembersError> {
    let mut members = BTreeSet::new();
    for member in &observed.members {
        let url = member.info.peer_urls.first().map_or("", String::as_str);
        let address = address_of(url).ok_or_else(|| MembersError::Foreign {
            name: member.shown().to_string(),
            url: url.to_owned(),
        })?;
        let by_name = |manager: &&Manager| name(&manager.id) == member.info.name;
        let by_address = |manager: &&Manager| manager.address == Some(address);
        let id = match member.info.name.as_str() {
            "" => managers.iter().find(by_address).map(|manager| manager.id.clone()),
            known => Some(
                managers
                    .iter()
                    .find(by_name)
                    .map_or_else(|| known.to_owned(), |manager| manager.id.clone()),
            ),
        };
        let ours = Some(format!("{:x}", member.info.id));
        members.extend(id.map(|id| StoreMember {
            id,
            address,
            member: ours.clone(),
        }));
    }
    Ok(members.into_iter().collect())
}

#[cfg(test)]
mod tests;
