//! The report about the store: which servers there are, where, how they are and how much they keep (DBS-002, DBS-003).

use std::fmt;

use serde::Serialize;

use super::members::{Observed, majority};

/// What there is to say of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerStatus {
    /// Its id, hexadecimal, as etcd writes it.
    pub id: String,
    /// Its name; empty until it was started for the first time.
    pub name: String,
    /// Where the others reach it.
    pub peer_urls: Vec<String>,
    /// Where clients reach it.
    pub client_urls: Vec<String>,
    /// `leader`, `voter` or `learner`.
    pub role: &'static str,
    /// Whether it answers and follows a leader.
    pub healthy: bool,
    /// Bytes of its file, when it answers.
    pub size: Option<u64>,
    /// Bytes of that which are in use.
    pub in_use: Option<u64>,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

/// What there is to say of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    /// Its servers, by name.
    pub servers: Vec<ServerStatus>,
    /// Servers with a vote that are well.
    pub well: usize,
    /// How many must be.
    pub needed: usize,
    /// Whether writes are taken.
    pub writable: bool,
}

impl StoreStatus {
    /// The report about an observation.
    pub fn of(observed: &Observed) -> Self {
        let leader = observed.leader().map(|leader| leader.info.id);
        let server = |member: &super::SeenMember| {
            let health = member.health.as_ref().ok();
            let mut problems = health.map(|health| health.errors.clone()).unwrap_or_default();
            if let Err(why) = &member.health {
                problems.push(why.clone());
            }
            if observed.out_of_space.contains(&member.info.id) {
                problems.push("its quota is reached".to_owned());
            }
            ServerStatus {
                id: format!("{:x}", member.info.id),
                name: member.info.name.clone(),
                peer_urls: member.info.peer_urls.clone(),
                client_urls: member.info.client_urls.clone(),
                role: match (member.votes(), Some(member.info.id) == leader) {
                    (false, _) => "learner",
                    (true, true) => "leader",
                    (true, false) => "voter",
                },
                healthy: member.is_well(),
                size: health.map(|health| health.size),
                in_use: health.map(|health| health.in_use),
                problems,
            }
        };
        let mut servers: Vec<_> = observed.members.iter().map(server).collect();
        servers.sort_by(|a, b| (&a.name, &a.peer_urls).cmp(&(&b.name, &b.peer_urls)));
        Self {
            servers,
            well: observed.well(),
            needed: majority(observed.voters()),
            writable: observed.has_majority() && observed.out_of_space.is_empty(),
        }
    }
}

impl fmt::Display for StoreStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for server in &self.servers {
            let health = if server.healthy { "healthy" } else { "unhealthy" };
            let at = server.client_urls.first().or(server.peer_urls.first());
            write!(
                f,
                "{:<26} {:<30} {:<8} {health}",
                server.name,
                at.map_or("", String::as_str),
                server.role
            )?;
            if let (Some(size), Some(in_use)) = (server.size, server.in_use) {
                write!(f, ", {in_use} of {size} bytes in use")?;
            }
            for problem in &server.problems {
                write!(f, "; {problem}")?;
            }
            writeln!(f)?;
        }
        let state = if self.writable {
            "writes are taken"
        } else {
            "no writes are taken"
        };
        write!(
            f,
            "{} servers with a vote are healthy, {} must be: {state}",
            self.well, self.needed
        )
    }
}
