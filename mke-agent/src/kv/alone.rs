//! Whether the one manager that is left may go on alone, with what its member of the store knows, when the store lost its
//! majority for good. Pure.
//!
//! It may when somebody said so, in one of two ways:
//!
//! - `docker swarm init --force-new-cluster` on this node, after which the swarm has this manager only. The others are no
//!   managers of the swarm any more, are not heard of, and their members answer nobody.
//! - The node's label [`FORGET`], which names the members that will never be back.
//!
//! As long as what answers makes a majority, or could be one with what was not asked, nothing is done.

use std::collections::BTreeSet;

use mke_core::product::labels::STORE_FORGET as FORGET;
use serde::Deserialize;

use super::members::majority;
use crate::life::SwarmNode;
use crate::life::swarm::SwarmState;

/// A member as it is told to other members, at `/members` of the port that members have for each other: answered also when
/// there is no leader.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Peer {
    /// Its id.
    pub id: u64,
    /// Its name, which is its node's id; empty until it was started for the first time.
    #[serde(default)]
    pub name: String,
    /// Where other members reach it.
    #[serde(default, rename = "peerURLs")]
    pub peer_urls: Vec<String>,
    /// Whether it has no vote.
    #[serde(default, rename = "isLearner")]
    pub learner: bool,
}

/// What is known where the store lost its majority.
#[derive(Debug, Clone, Copy)]
pub struct Loss<'l> {
    /// Swarm's id of this node.
    pub own: &'l str,
    /// The nodes of the swarm, which has a leader.
    pub nodes: &'l [SwarmNode],
    /// The members, as the one of this node knows them.
    pub members: &'l [Peer],
    /// The ids of those that answer, that of this node among them.
    pub answering: &'l BTreeSet<u64>,
    /// Whether the member of this node follows a leader.
    pub has_leader: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the store has a leader.
    Whole,
    /// Nothing yet; why, and who must do what.
    Wait(String),
    /// Go on alone.
    Alone {
        /// The members that are forgotten, as people know them.
        lost: Vec<String>,
        /// Whether the label says so.
        ordered: bool,
    },
}

/// Ids as they stand in [`FORGET`]: hexadecimal, with commas between them.
pub fn ids<'i>(ids: impl IntoIterator<Item = &'i u64>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| format!("{id:x}")).collect();
    ids.join(",")
}

/// Decides.
pub fn alone(loss: &Loss<'_>) -> Verdict {
    if loss.has_leader {
        return Verdict::Whole;
    }
    let voters: Vec<&Peer> = loss.members.iter().filter(|member| !member.learner).collect();
    let is_own = |member: &Peer| member.name.eq_ignore_ascii_case(loss.own);
    if !voters.iter().any(|member| is_own(member)) {
        return Verdict::Wait(
            "the member of this node has no vote, so that it cannot go on alone: bring back another manager"
                .to_owned(),
        );
    }
    let answering = voters.iter().filter(|member| loss.answering.contains(&member.id));
    if answering.count() >= majority(voters.len()) {
        return Verdict::Wait("enough members answer: they are about to have a leader".to_owned());
    }
    let others: Vec<&Peer> = voters.into_iter().filter(|member| !is_own(member)).collect();
    let own = loss.nodes.iter().find(|node| node.id == loss.own);
    let forgotten: BTreeSet<u64> = own
        .and_then(|node| node.labels.get(FORGET))
        .map_or("", String::as_str)
        .split(',')
        .filter_map(|id| u64::from_str_radix(id.trim(), 16).ok())
        .collect();
    let ordered = others.iter().all(|member| forgotten.contains(&member.id));
    if !ordered {
        for member in &others {
            if let Some(why) = obstacle(member, loss) {
                return Verdict::Wait(format!(
                    "{why}; if it never comes back: `docker node update --label-add {FORGET}={} {}`",
                    ids(others.iter().map(|member| &member.id)),
                    own.map_or(loss.own, |node| &node.hostname),
                ));
            }
        }
    }
    let lost = others.iter().map(|member| shown(member, loss.nodes)).collect();
    Verdict::Alone { lost, ordered }
}

fn shown(member: &Peer, nodes: &[SwarmNode]) -> String {
    let at = member.peer_urls.first().map_or("", String::as_str);
    let at = at.strip_prefix("https://").unwrap_or(at);
    let node = nodes
        .iter()
        .find(|node| node.id.eq_ignore_ascii_case(&member.name));
    match node {
        Some(node) => format!("{} ({at})", node.hostname),
        None => format!("{} ({at})", member.name),
    }
}

/// Why a member may come back.
fn obstacle(member: &Peer, loss: &Loss<'_>) -> Option<String> {
    let named = shown(member, loss.nodes);
    if loss.answering.contains(&member.id) {
        return Some(format!(
            "the member of {named} answers, and may know what this one does not: stop it if this one is to go on alone"
        ));
    }
    let node = loss
        .nodes
        .iter()
        .find(|node| node.id.eq_ignore_ascii_case(&member.name))?;
    if node.manager.is_some() {
        return Some(format!(
            "{named} is a manager of the swarm and its member does not answer: bring it back"
        ));
    }
    match node.state {
        SwarmState::Down | SwarmState::Disconnected => None,
        SwarmState::Unknown => Some(format!("the swarm is not sure yet whether it has lost {named}")),
        SwarmState::Ready => Some(format!(
            "{named} is ready and its member does not answer: look at its container ucp-kv"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn peer(number: u64) -> Peer {
        serde_json::from_value(json!({
            "id": 0xa0 + number, "name": format!("n{number}"), "clientURLs": ["https://10.0.0.1:12379"],
            "peerURLs": [format!("https://10.0.0.{number}:12380")],
        }))
        .unwrap()
    }

    /// `role`, whether it takes part in the swarm's consensus, and its state.
    fn node(number: u64, role: &str, part: bool, state: &str, forget: Option<&str>) -> SwarmNode {
        let status = json!({ "Leader": number == 1, "Reachability": "reachable", "Addr": "10.0.0.1:2377" });
        let mut labels = json!({});
        if let Some(forget) = forget {
            labels[FORGET] = json!(forget);
        }
        SwarmNode::read(&json!({
            "ID": format!("n{number}"), "Spec": { "Role": role, "Labels": labels },
            "Description": { "Hostname": format!("host{number}") },
            "Status": { "State": state, "Addr": format!("10.0.0.{number}") },
            "ManagerStatus": if part { status } else { json!(null) },
        }))
        .unwrap()
    }

    fn verdict(nodes: &[SwarmNode], members: &[Peer], answering: &[u64], has_leader: bool) -> Verdict {
        alone(&Loss {
            own: "n1",
            nodes,
            members,
            answering: &answering.iter().map(|number| 0xa0 + number).collect(),
            has_leader,
        })
    }

    /// Test table: who goes on alone, and who waits for what.
    #[test]
    fn who_goes_on_alone() {
        let three = [peer(1), peer(2), peer(3)];
        let own = || node(1, "manager", true, "ready", None);
        // What `docker swarm init --force-new-cluster` leaves: the others have the role, and no part in the swarm.
        let forced = |state: &str| {
            [
                own(),
                node(2, "manager", false, state, None),
                node(3, "manager", false, state, None),
            ]
        };
        let lost = |ordered| Verdict::Alone {
            lost: vec![
                "host2 (10.0.0.2:12380)".to_owned(),
                "host3 (10.0.0.3:12380)".to_owned(),
            ],
            ordered,
        };
        assert_eq!(verdict(&forced("down"), &three, &[1], false), lost(false));
        // Demoted or removed since.
        let demoted = [own(), node(2, "worker", false, "down", None)];
        assert!(matches!(
            verdict(&demoted, &three, &[1], false),
            Verdict::Alone { ordered: false, .. }
        ));
        // Nothing is lost.
        assert_eq!(verdict(&forced("down"), &three, &[1], true), Verdict::Whole);
        // A label that names all others is an order, whatever the swarm says of them.
        let ordered = |forget| {
            [
                node(1, "manager", true, "ready", Some(forget)),
                node(2, "manager", true, "ready", None),
                node(3, "manager", true, "down", None),
            ]
        };
        assert_eq!(verdict(&ordered("a2, a3"), &three, &[1], false), lost(true));
        let waits = |nodes: &[SwarmNode], members: &[Peer], answering: &[u64]| match verdict(
            nodes, members, answering, false,
        ) {
            Verdict::Wait(why) => why,
            other => panic!("{other:?}"),
        };
        for (why, said) in [
            (
                waits(&forced("unknown"), &three, &[1]),
                "not sure yet whether it has lost host2",
            ),
            (
                waits(&forced("ready"), &three, &[1]),
                "look at its container ucp-kv",
            ),
            // Not all are named; those that are have ids of another time.
            (
                waits(&ordered("a2"), &three, &[1]),
                "host2 (10.0.0.2:12380) is a manager of the swarm",
            ),
            (
                waits(&ordered("b2,b3,x,"), &three, &[1]),
                "store-forget=a2,a3 host1",
            ),
            // Enough are there, or one that may know more.
            (waits(&forced("down"), &three, &[1, 2]), "about to have a leader"),
            (
                waits(&ordered("a2,a3"), &three, &[1, 3]),
                "about to have a leader",
            ),
            (
                waits(
                    &forced("down"),
                    &[peer(1), peer(2), peer(3), peer(4), peer(5)],
                    &[1, 3],
                ),
                "the member of host3 (10.0.0.3:12380) answers",
            ),
            // A learner knows what it was told so far, and nobody has counted on it.
            (
                waits(
                    &forced("down"),
                    &[
                        Peer {
                            learner: true,
                            ..peer(1)
                        },
                        peer(2),
                    ],
                    &[1],
                ),
                "has no vote",
            ),
            (waits(&forced("down"), &[], &[1]), "has no vote"),
        ] {
            assert!(why.contains(said), "{why}");
        }
        assert_eq!(ids(&[0xa2, 0x1f]), "a2,1f");
    }
}
