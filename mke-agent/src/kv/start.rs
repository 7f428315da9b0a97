//! With which members a member is started: as one of a running cluster, or alone with what it has when most are lost. Pure.
//!
//! The way out when the majority is lost for good, in this order:
//!
//! 1. Stop every member that still runs, so that two clusters cannot both think that they are it.
//! 2. Choose the member with the most in it ([`super::best_survivor`]), and keep a copy of its data directory.
//! 3. Start it once with the flags of [`alone`]; it is a cluster of one with everything that it knew.
//! 4. Start it again without `--force-new-cluster`, or it throws out the next member at each start.
//! 5. Empty the data directories of the others and let [`super::Keeper::reconfigure`] add them as new members.

use mke_core::store::etcd::MemberInfo;

use super::members::{Observed, SeenMember, WantedMember};

/// A flag of etcd with its value, without the dashes.
pub type StartFlag = (&'static str, String);

/// How a member that was added is started: with everybody who is there, and itself.
pub fn joining(wanted: &WantedMember, members: &[MemberInfo]) -> Vec<StartFlag> {
    let known = members
        .iter()
        .filter(|member| !member.name.is_empty() && !member.peer_urls.contains(&wanted.peer_url))
        .flat_map(|member| {
            member
                .peer_urls
                .iter()
                .map(move |url| format!("{}={url}", member.name))
        });
    let own = format!("{}={}", wanted.name, wanted.peer_url);
    let cluster: Vec<_> = known.chain([own]).collect();
    vec![
        ("initial-cluster", cluster.join(",")),
        ("initial-cluster-state", "existing".to_owned()),
    ]
}

/// How the first member of a new cluster is started.
pub fn first(wanted: &WantedMember) -> Vec<StartFlag> {
    vec![
        ("initial-cluster", format!("{}={}", wanted.name, wanted.peer_url)),
        ("initial-cluster-state", "new".to_owned()),
    ]
}

/// How the one survivor is started once when the majority is lost for good: it keeps its data and forgets the others.
pub fn alone(wanted: &WantedMember) -> Vec<StartFlag> {
    vec![
        ("initial-cluster", format!("{}={}", wanted.name, wanted.peer_url)),
        ("initial-cluster-state", "existing".to_owned()),
        ("force-new-cluster", "true".to_owned()),
    ]
}

/// Of the members that still answer the one that knows most; a learner only when there is nobody else.
pub fn best_survivor(observed: &Observed) -> Option<&SeenMember> {
    let rank = |member: &&SeenMember| {
        let health = member.health.as_ref().ok();
        (
            health.is_some(),
            member.votes(),
            health.map_or(0, |health| health.log),
        )
    };
    observed
        .members
        .iter()
        .filter(|member| member.health.is_ok())
        .max_by_key(rank)
}
