//! When history is dropped and files are made smaller, so that the store's disk use is bounded (SWO-007), and the way out of a full
//! quota. The decision is pure.

use std::fmt;

use mke_core::store::Revision;

use super::members::Observed;

/// Revisions of history that are kept, as `mke_core::render` tells etcd itself.
pub const KEEP_REVISIONS: u64 = 10_000;

/// A file smaller than this is left alone: making it smaller gains nothing and stops the member for a moment.
const SMALL: u64 = 64 << 20;

/// What upkeep does with a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chore {
    /// Drops the history before a revision.
    Compact(Revision),
    /// Rewrites the file of one member, by its client URL.
    Defragment {
        /// Which member.
        id: u64,
        /// Where it is reached.
        url: String,
    },
    /// Takes back the alarm of a member that has room again.
    Disarm(u64),
}

impl fmt::Display for Chore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compact(revision) => write!(f, "history before revision {} is dropped", revision.0),
            Self::Defragment { url, .. } => write!(f, "the file of {url} is rewritten"),
            Self::Disarm(id) => write!(f, "{id:x} takes writes again"),
        }
    }
}

/// What is due. `defragmented` names the members whose files were rewritten since the alarm was seen, so that none is done twice.
///
/// One member at a time, the leader last, and none while another is not well: a member answers nobody while its file is rewritten.
pub fn due(observed: &Observed, defragmented: &[u64]) -> Vec<Chore> {
    let healths = || {
        observed
            .members
            .iter()
            .filter_map(|member| member.health.as_ref().ok())
    };
    let newest = healths().map(|health| health.revision.0).max().unwrap_or(0);
    let full = !observed.out_of_space.is_empty();
    let keep = if full { 0 } else { KEEP_REVISIONS };
    let mut chores = Vec::new();
    if newest > keep && newest > 0 {
        chores.push(Chore::Compact(Revision(newest - keep)));
    }
    let all_well = observed.members.iter().all(super::members::SeenMember::is_well);
    let leader = observed.leader().map(|leader| leader.info.id);
    let wasteful = |size: u64, in_use: u64| size > SMALL && in_use < size / 2;
    let mut members: Vec<_> = observed.members.iter().collect();
    members.sort_by_key(|member| Some(member.info.id) == leader);
    let candidate = members.into_iter().find_map(|member| {
        let health = member.health.as_ref().ok()?;
        let due = full || wasteful(health.size, health.in_use);
        let url = member.info.client_urls.first()?;
        (due && !defragmented.contains(&member.info.id)).then(|| Chore::Defragment {
            id: member.info.id,
            url: url.clone(),
        })
    });
    match candidate {
        // With the quota reached nothing is written anyway, so nobody is asked to wait for a member that is away.
        Some(chore) if all_well || full => chores.push(chore),
        Some(_) => {}
        None => chores.extend(observed.out_of_space.iter().map(|id| Chore::Disarm(*id))),
    }
    chores
}
