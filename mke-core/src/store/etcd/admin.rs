//! What is asked of etcd about itself: who its members are, how they are, how much they keep; and changes of that.
//!
//! Decides nothing: whether a member may be added, promoted or removed is decided by whoever calls this. What gets no answer is asked
//! of the next member, so an answer such as [`AdminError::MemberExists`] may be about this very call: the caller looks again.

use std::future::Future;
use std::time::Duration;

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, Client, Error, MemberAddOptions};
use tokio::time::timeout;

use super::error::Failure;
use super::keys::{Span, from_etcd, to_etcd};
use super::members::{EtcdOptions, Members};
use crate::store::{Revision, StoreError};

/// How long a member may be busy with defragmentation, which rewrites its whole file.
const DEFRAGMENT: Duration = Duration::from_secs(120);

/// A member as the cluster knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberInfo {
    /// Its id.
    pub id: u64,
    /// Its name; empty until it was started for the first time.
    pub name: String,
    /// Where other members reach it.
    pub peer_urls: Vec<String>,
    /// Where clients reach it; empty until it was started for the first time.
    pub client_urls: Vec<String>,
    /// Whether it only learns and has no vote yet.
    pub learner: bool,
}

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberHealth {
    /// Its own id.
    pub id: u64,
    /// Version of etcd.
    pub version: String,
    /// The member that leads; 0 when it knows none.
    pub leader: u64,
    /// Whether it only learns.
    pub learner: bool,
    /// Bytes of its file.
    pub size: u64,
    /// Bytes of the file that are in use; defragmentation gives back the rest.
    pub in_use: u64,
    /// The last entry of the log that it knows.
    pub log: u64,
    /// The last entry of the log that it has applied.
    pub applied: u64,
    /// The revision of the store that it has.
    pub revision: Revision,
    /// What it complains of, such as an alarm.
    pub errors: Vec<String>,
}

/// Why etcd did not say or do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AdminError {
    /// No answer, or one that says nothing of the request.
    #[error("etcd did not do it: {0}")]
    Unavailable(String),
    /// The learner has not caught up; later it may be promoted.
    #[error("the learner has not caught up with the leader yet")]
    NotCaughtUp,
    /// There is a learner already, and etcd takes one at a time.
    #[error("there is a learner already, promote or remove it first")]
    LearnerExists,
    /// Etcd itself refuses, because too few members are well.
    #[error("etcd refuses while too few of its members are well: {0}")]
    TooFew(String),
    /// No such member.
    #[error("there is no such member")]
    NoSuchMember,
    /// A member with this peer URL is there already.
    #[error("a member with this address is there already")]
    MemberExists,
    /// The options are wrong.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AdminError {
    fn of(error: &Error, url: &str) -> Self {
        let text = match error {
            Error::GRpcStatus(status) => status.message().to_owned(),
            other => other.to_string(),
        };
        match text.strip_prefix("etcdserver: ").unwrap_or(&text) {
            "can only promote a learner member which is in sync with leader" => Self::NotCaughtUp,
            "too many learner members in cluster" => Self::LearnerExists,
            "member not found" => Self::NoSuchMember,
            "Peer URLs already exists" | "member ID already exist" => Self::MemberExists,
            why @ ("unhealthy cluster" | "re-configuration failed due to not enough started members") => {
                Self::TooFew(why.to_owned())
            }
            _ => Self::Unavailable(match Failure::of(error, url) {
                Failure::Final(error) => error.to_string(),
                Failure::NotDone(why) | Failure::Unknown(why) => why,
                _ => text,
            }),
        }
    }
}

/// Speaks to a cluster of etcd about itself.
#[derive(Debug)]
pub struct EtcdAdmin {
    options: EtcdOptions,
    members: Members,
}

impl EtcdAdmin {
    /// Makes the connections; nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] when the options contradict themselves.
    pub async fn new(options: &EtcdOptions) -> Result<Self, StoreError> {
        Ok(Self {
            options: options.clone(),
            members: Members::without_leader(options).await?,
        })
    }

    /// Asks any member that answers.
    async fn any<T, F>(&self, ask: impl Fn(Client) -> F) -> Result<T, AdminError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut last = None;
        for member in self.members.list().iter() {
            let answered = timeout(self.options.attempt, ask(member.client.clone())).await;
            match answered {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => match AdminError::of(&error, &member.url) {
                    unavailable @ AdminError::Unavailable(_) => last = Some(unavailable),
                    said => return Err(said),
                },
                Err(_) => {
                    let why = format!("{} does not answer within {:?}", member.url, self.options.attempt);
                    last = Some(AdminError::Unavailable(why));
                }
            }
        }
        Err(last.unwrap_or_else(|| AdminError::Unavailable("nobody was asked".to_owned())))
    }

    /// Asks one member, by the address at which clients reach it.
    async fn one<T, F>(
        &self,
        url: &str,
        limit: Duration,
        ask: impl FnOnce(Client) -> F,
    ) -> Result<T, AdminError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let options = EtcdOptions {
            endpoints: vec![url.to_owned()],
            ..self.options.clone()
        };
        let (_, member) = Members::without_leader(&options).await?.current();
        match timeout(limit, ask(member.client)).await {
            Ok(answered) => answered.map_err(|error| AdminError::of(&error, url)),
            Err(_) => Err(AdminError::Unavailable(format!(
                "{url} does not answer within {limit:?}"
            ))),
        }
    }

    /// All members, as the first that answers knows them.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn members(&self) -> Result<Vec<MemberInfo>, AdminError> {
        let list = self
            .any(|client| async move { client.cluster_client().member_list().await })
            .await?;
        Ok(list.members().iter().map(info).collect())
    }

    /// All members, as one knows them that has the assent of a majority: who was added or taken out before this was asked is
    /// known to it.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`], also when there is no majority.
    pub async fn agreed_members(&self) -> Result<Vec<MemberInfo>, AdminError> {
        let list = self
            .any(|client| async move {
                // A list is answered from what one member has applied; a read waits until that is all that was agreed upon.
                client.kv_client().get(Span::nothing().start, None).await?;
                client.cluster_client().member_list().await
            })
            .await?;
        Ok(list.members().iter().map(info).collect())
    }

    /// How the member at this client URL is.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`] when it does not answer.
    pub async fn health(&self, url: &str) -> Result<MemberHealth, AdminError> {
        let status = self
            .one(url, self.options.attempt, |client| async move {
                client.maintenance_client().status().await
            })
            .await?;
        let header = status.header();
        let size = |bytes: i64| u64::try_from(bytes).unwrap_or(0);
        Ok(MemberHealth {
            id: header.map_or(0, |header| header.member_id()),
            version: status.version().to_owned(),
            leader: status.leader(),
            learner: status.is_learner(),
            size: size(status.db_size()),
            in_use: size(status.raft_used_db_size()),
            log: status.raft_index(),
            applied: status.raft_applied_index(),
            revision: from_etcd(header.map_or(1, |header| header.revision())),
            errors: status.errors().to_vec(),
        })
    }

    /// Adds a member that learns. It must be started then, with the members that this call returns as its initial cluster.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn add_learner(&self, peer_url: &str) -> Result<Vec<MemberInfo>, AdminError> {
        let added = self
            .any(|client| {
                let urls = vec![peer_url.to_owned()];
                async move {
                    let learner = Some(MemberAddOptions::new().with_is_learner());
                    client.cluster_client().member_add(urls, learner).await
                }
            })
            .await?;
        Ok(added.member_list().iter().map(info).collect())
    }

    /// Gives a learner its vote. Etcd itself refuses until it has caught up.
    ///
    /// # Errors
    /// [`AdminError::NotCaughtUp`] and others.
    pub async fn promote(&self, id: u64) -> Result<(), AdminError> {
        self.any(|client| async move { client.cluster_client().member_promote(id).await.map(drop) })
            .await
    }

    /// Takes a member out of the cluster; it stops by itself.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn remove(&self, id: u64) -> Result<(), AdminError> {
        self.any(|client| async move { client.cluster_client().member_remove(id).await.map(drop) })
            .await
    }

    /// Gives back what the file of one member holds without need. It answers nobody meanwhile.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn defragment(&self, url: &str) -> Result<(), AdminError> {
        self.one(url, DEFRAGMENT, |client| async move {
            client.maintenance_client().defragment().await.map(drop)
        })
        .await
    }

    /// The members that raised the alarm of a full quota.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn out_of_space(&self) -> Result<Vec<u64>, AdminError> {
        let alarms = self
            .any(|client| async move {
                let mut client = client.maintenance_client();
                client.alarm(AlarmAction::Get, AlarmType::None, None).await
            })
            .await?;
        let full = alarms
            .alarms()
            .iter()
            .filter(|alarm| alarm.alarm() == AlarmType::Nospace);
        Ok(full.map(etcd_client::AlarmMember::member_id).collect())
    }

    /// Lets a member take writes again after room was made.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn disarm(&self, id: u64) -> Result<(), AdminError> {
        self.any(|client| async move {
            let mut options = AlarmOptions::new();
            options.with_member(id);
            let mut client = client.maintenance_client();
            let action = AlarmAction::Deactivate;
            client
                .alarm(action, AlarmType::Nospace, Some(options))
                .await
                .map(drop)
        })
        .await
    }

    /// Forgets the history before a revision of the store, everywhere; works also when the quota is reached.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn compact(&self, revision: Revision) -> Result<(), AdminError> {
        let last = to_etcd(revision) - 1;
        if last < 1 {
            return Ok(());
        }
        self.any(|client| async move {
            match client.kv_client().compact(last, None).await {
                Err(error) if matches!(Failure::of(&error, ""), Failure::Compacted) => Ok(()),
                ended => ended.map(drop),
            }
        })
        .await
    }
}

fn info(member: &etcd_client::Member) -> MemberInfo {
    MemberInfo {
        id: member.id(),
        name: member.name().to_owned(),
        peer_urls: member.peer_urls().to_vec(),
        client_urls: member.client_urls().to_vec(),
        learner: member.is_learner(),
    }
}
