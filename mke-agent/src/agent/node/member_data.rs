//! Looks at the data of the store's member before it is started, and does what [`crate::kv::data`] decides about it.
//!
//! That this was done is noted beside the data, in its directory, so that the note goes where the data goes: a member that
//! was started by the engine with an empty directory has data and no note. A member that lost its data is named in a file
//! beside the node's certificate, which the agent tells the managers; the cluster agent takes the member out and a new one in.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::select_ok;
use mke_core::causes::chain;
use mke_core::pki::revoked_serials;
use mke_core::store::etcd::{EtcdAdmin, MemberInfo};
use tokio::time::timeout;

use super::job::NODE_VOLUME;
use super::world::Failure;
use crate::agent::store::{self, PEER_PORT};
use crate::ca::certificates::Place;
use crate::ca::revocation;
use crate::controller::FileError;
use crate::controller::files;
use crate::kv::data::{Case, Data, Judgement, judge};
use crate::kv::wal;
use crate::node::StoreMember;

/// The volume of the member.
const VOLUME: &str = "ucp-kv";
/// Where etcd keeps what a member knows, in its volume.
const DATA: &str = "member";
/// Where the data of a former member is kept aside.
const FORMER: &str = "member.former";
/// The note in the directory of the data.
const NOTE: &str = "begun-by-agent";
/// The file with the id of a member that lost its data, hexadecimal, beside the node's certificate.
const LOST: &str = "store-member-lost";
/// How long the other members have to say who is a member.
const ANSWER: Duration = Duration::from_secs(10);
/// The same where nothing speaks against a start: the others may lack a majority because of this member.
const SHORT: Duration = Duration::from_secs(2);

/// Why a member is not started.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// It lost its data.
    #[error(
        "member {0:x} of the store lost its data: it is not started under its old id, and the cluster agent replaces it by a new one"
    )]
    Lost(u64),
    /// It must not be started now.
    #[error("{0}")]
    Held(String),
    /// The volume.
    #[error("the data of the store's member in `{}` cannot be looked at or changed", path.display())]
    Data {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It would let nobody in.
    #[error(
        "the store's member would let nobody in, because `{}` is no list of revoked certificates or is missing: managers write it by \
         themselves; a node that is none any more must be promoted again, or wait until its member is taken out of the store",
        path.display()
    )]
    NoList {
        /// Where the list must be.
        path: PathBuf,
    },
    /// A file of ours.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A member that is about to be started.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'c> {
    /// Where the volumes are mounted, each under its name.
    pub volumes: &'c Path,
    /// Swarm's id of the node.
    pub node_id: &'c str,
    /// Where other members reach it.
    pub address: IpAddr,
    /// The members that the store has, as they are written down.
    pub members: &'c [StoreMember],
    /// Whether a cluster is made here.
    pub founding: bool,
    /// Whether it ended by itself again and again.
    pub ends: bool,
    /// Whether it reads a list of revoked certificates.
    pub reads_list: bool,
}

impl Candidate<'_> {
    /// Makes sure that the member may be started with what is there. Data of a member that was taken out is set aside.
    ///
    /// # Errors
    /// [`MemberError`] when it must not be started.
    pub async fn vet(&self) -> Result<(), MemberError> {
        let place = self.volumes.join(VOLUME).join(DATA);
        let certs = self.volumes.join(NODE_VOLUME);
        if self.reads_list {
            self.has_list()?;
        }
        let failed = |source| MemberError::Data {
            path: place.clone(),
            source,
        };
        let data = look(&place).map_err(failed)?;
        let others: Vec<IpAddr> = self
            .members
            .iter()
            .filter(|member| member.id != self.node_id)
            .map(|member| member.address)
            .collect();
        let doubtful = self.ends || !matches!(data, Data::Of { known: true, .. });
        let limit = if doubtful { ANSWER } else { SHORT };
        let members = match others.is_empty() || self.founding {
            true => None,
            false => asked(&certs, &others, limit).await,
        };
        let judgement = judge(&Case {
            name: &self.node_id.to_ascii_lowercase(),
            peer_url: &format!("https://{}", SocketAddr::from((self.address, PEER_PORT))),
            data,
            founding: self.founding,
            ends: self.ends,
            lost: told_lost(&certs),
            only: others.is_empty(),
            members: members.as_deref(),
        });
        tracing::info!(
            ?data,
            majority = members.is_some(),
            ?judgement,
            "the data of the store's member"
        );
        match judgement {
            Judgement::Start => {}
            Judgement::SetAside => set_aside(&place).map_err(failed)?,
            Judgement::Lost(id) => {
                let text = format!("{id:x}");
                files::replace("member", &certs.join(LOST), files::PUBLIC, text.as_bytes())?;
                return Err(MemberError::Lost(id));
            }
            Judgement::Hold(why) => return Err(MemberError::Held(why)),
        }
        note(&place).map_err(failed)?;
        forget_loss(&certs);
        Ok(())
    }

    /// Whether the list that etcd reads at each handshake is there and can be read.
    fn has_list(&self) -> Result<(), MemberError> {
        let path = self.volumes.join(Place::Kv.volume()).join(revocation::FILE);
        let text = fs::read_to_string(&path).ok();
        match text.is_some_and(|pem| revoked_serials(&pem).is_ok()) {
            true => Ok(()),
            false => Err(MemberError::NoList { path }),
        }
    }
}

/// The id of the member that lost its data on the node with these certificates, hexadecimal.
pub fn lost_member(certs: &Path) -> Option<String> {
    told_lost(certs).map(|id| format!("{id:x}"))
}

fn told_lost(certs: &Path) -> Option<u64> {
    let text = files::read("member", &certs.join(LOST)).ok()??;
    u64::from_str_radix(std::str::from_utf8(&text).ok()?.trim(), 16).ok()
}

fn forget_loss(certs: &Path) {
    // What is not there need not be forgotten; ids are never used twice, so that one that stays harms nobody.
    let _ = fs::remove_file(certs.join(LOST));
}

/// What lies at `place`.
fn look(place: &Path) -> io::Result<Data> {
    let logs = place.join("wal");
    let mut names = Vec::new();
    match fs::read_dir(&logs) {
        Ok(entries) => {
            for entry in entries {
                names.push(entry?.file_name());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Data::Empty),
        Err(error) => return Err(error),
    }
    names.retain(|name| Path::new(name).extension().is_some_and(|kind| kind == "wal"));
    // By number; all of them begin with the ids.
    names.sort();
    if names.is_empty() {
        return Ok(Data::Empty);
    }
    for name in names.iter().rev() {
        let mut head = Vec::new();
        File::open(logs.join(name))?
            .take(wal::HEAD as u64)
            .read_to_end(&mut head)?;
        match wal::identity(&head) {
            Ok(found) => {
                return Ok(Data::Of {
                    member: found.member,
                    known: place.join(NOTE).exists(),
                });
            }
            Err(error) => tracing::debug!(?name, %error, "a file of the log is passed over"),
        }
    }
    Ok(Data::Unreadable)
}

/// Notes that the member was looked at before it is started with what lies at `place`.
fn note(place: &Path) -> io::Result<()> {
    if !place.is_dir() {
        fs::create_dir_all(place)?;
        // As etcd makes it.
        fs::set_permissions(place, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    }
    fs::write(place.join(NOTE), "")
}

fn set_aside(place: &Path) -> io::Result<()> {
    let kept = place.with_file_name(FORMER);
    match fs::remove_dir_all(&kept) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(place, kept)
}

/// The members, as the first of the others knows them that has the assent of a majority.
async fn asked(certs: &Path, others: &[IpAddr], limit: Duration) -> Option<Vec<MemberInfo>> {
    let ask = |address: &IpAddr| {
        let address = *address;
        async move {
            let admin = EtcdAdmin::new(&store::options(certs, [address])?).await?;
            Ok::<_, Failure>(admin.agreed_members().await?)
        }
        .boxed()
    };
    match timeout(limit, select_ok(others.iter().map(ask))).await {
        Ok(Ok((members, _))) => Some(members),
        Ok(Err(error)) => {
            tracing::warn!(
                "no majority of the store's members says who is a member: {}",
                chain(&*error)
            );
            None
        }
        Err(_) => {
            tracing::warn!("no majority of the store's members says in time who is a member");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is there: nothing, the beginnings of nothing, something that is no log; and what is set aside replaces what was.
    #[test]
    fn places() {
        let volume = tempfile::tempdir().unwrap();
        let place = volume.path().join(DATA);
        assert_eq!(look(&place).unwrap(), Data::Empty);
        note(&place).unwrap();
        assert_eq!(look(&place).unwrap(), Data::Empty);
        fs::create_dir_all(place.join("snap")).unwrap();
        fs::create_dir_all(place.join("wal")).unwrap();
        fs::write(place.join("wal/0.tmp"), "").unwrap();
        assert_eq!(look(&place).unwrap(), Data::Empty);
        fs::write(place.join("wal/0000000000000000-0000000000000000.wal"), [0; 600]).unwrap();
        assert_eq!(look(&place).unwrap(), Data::Unreadable);
        fs::create_dir_all(volume.path().join(FORMER).join("older")).unwrap();
        set_aside(&place).unwrap();
        assert!(!place.exists() && !volume.path().join(FORMER).join("older").exists());
        assert!(volume.path().join(FORMER).join("wal").is_dir());
        note(&place).unwrap();
        assert_eq!(look(&place).unwrap(), Data::Empty);
    }

    /// A loss is told until it is made good.
    #[test]
    fn a_loss_that_is_told() {
        let certs = tempfile::tempdir().unwrap();
        assert_eq!(lost_member(certs.path()), None);
        fs::write(certs.path().join(LOST), "8e9e05c52164694d\n").unwrap();
        assert_eq!(lost_member(certs.path()).as_deref(), Some("8e9e05c52164694d"));
        fs::write(certs.path().join(LOST), "none").unwrap();
        assert_eq!(lost_member(certs.path()), None);
        forget_loss(certs.path());
        forget_loss(certs.path());
        assert_eq!(lost_member(certs.path()), None);
    }
}
