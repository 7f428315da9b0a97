//! What a writer is told when the store takes no writes: which managers are missing, how many of them must come back, and the
//! way out when they never do. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::alone::Peer;
use super::members::majority;

/// Where it is told.
#[derive(Debug, Clone, Copy)]
pub struct Here<'h> {
    /// The host name of this manager.
    pub hostname: &'h str,
    /// Its address.
    pub address: IpAddr,
}

/// Tells it. `members` are those that the member of this manager knows, `answering` the ids of those that answer, and
/// `host_name` gives the name of a node's machine by the node's id.
pub fn missing(
    members: &[Peer],
    answering: &BTreeSet<u64>,
    here: Here<'_>,
    host_name: impl Fn(&str) -> Option<String>,
) -> String {
    let voters: Vec<&Peer> = members.iter().filter(|member| !member.learner).collect();
    let (needed, there) = (
        majority(voters.len()),
        voters
            .iter()
            .filter(|member| answering.contains(&member.id))
            .count(),
    );
    if there >= needed {
        return "enough of its members answer again, so that it is about to take writes".to_owned();
    }
    let names: Vec<String> = voters
        .iter()
        .filter(|member| !answering.contains(&member.id))
        .map(|member| {
            let at = member.peer_urls.first().map_or("", String::as_str);
            let at = at.strip_prefix("https://").unwrap_or(at);
            let at = at.rsplit_once(':').map_or(at, |(host, _)| host);
            match host_name(&member.name) {
                Some(name) => format!("{name} ({at})"),
                None => at.to_owned(),
            }
        })
        .collect();
    let lack = needed - there;
    let come = match lack {
        1 if names.len() == 1 => "bring it back".to_owned(),
        1 => "bring one of them back".to_owned(),
        _ => format!("bring {lack} of them back"),
    };
    format!(
        "no answer from the store on {}: {come}; if that is not possible, order on {} `docker swarm init --force-new-cluster \
         --advertise-addr {}`, or, while the swarm has a leader, `docker exec ucp-controller ucp-agent kv recover \
         --emergency-repair`",
        names.join(", "),
        here.hostname,
        here.address
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn peer(number: u64, learner: bool) -> Peer {
        serde_json::from_value(json!({
            "id": number, "name": format!("node{number}"), "isLearner": learner,
            "peerURLs": [format!("https://10.0.0.{number}:12380")],
        }))
        .unwrap()
    }

    /// Test table: who is named, how many must come back, and that nobody is sent away when enough are there.
    #[test]
    fn what_is_told() {
        let here = Here {
            hostname: "n1",
            address: [10, 0, 0, 1].into(),
        };
        let told = |voters: u64, answering: &[u64]| {
            let mut members: Vec<Peer> = (1..=voters).map(|number| peer(number, false)).collect();
            // Whoever learns is missed by nobody.
            members.push(peer(9, true));
            missing(&members, &answering.iter().copied().collect(), here, |id| {
                (id != "node5").then(|| id.replace("node", "host"))
            })
        };
        for (voters, answering, expected) in [
            (
                3,
                &[1][..],
                "on host2 (10.0.0.2), host3 (10.0.0.3): bring one of them back;",
            ),
            (2, &[1], "on host2 (10.0.0.2): bring it back;"),
            (
                5,
                &[1],
                "on host2 (10.0.0.2), host3 (10.0.0.3), host4 (10.0.0.4), 10.0.0.5: bring 2 of them back;",
            ),
            (
                5,
                &[1, 4],
                "on host2 (10.0.0.2), host3 (10.0.0.3), 10.0.0.5: bring one of them back;",
            ),
            (3, &[], "bring 2 of them back"),
        ] {
            let text = told(voters, answering);
            assert!(text.contains(expected), "{text}");
            assert!(
                text.contains(
                    "order on n1 `docker swarm init --force-new-cluster --advertise-addr 10.0.0.1`"
                ),
                "{text}"
            );
            assert!(text.contains("kv recover --emergency-repair"), "{text}");
        }
        for (voters, answering) in [(3, &[1, 3][..]), (1, &[1])] {
            let text = told(voters, answering);
            assert!(
                text.contains("about to take writes") && !text.contains("bring"),
                "{text}"
            );
        }
    }
}
