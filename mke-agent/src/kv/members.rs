//! Which members the store should have and which it has: the words that planning, checking and applying share. Pure.

use std::fmt;

use mke_core::store::etcd::{MemberHealth, MemberInfo};

/// A manager that should keep a member.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WantedMember {
    /// Its name: the node's id.
    pub name: String,
    /// Where the other members reach it, `https://address:12380`.
    pub peer_url: String,
    /// The id of a member of it that lost its data, and which it can never be again.
    pub lost: Option<u64>,
    /// Whether nobody hears of its machine: a member that it has stays, and it gets none now.
    pub away: bool,
}

/// A member as the cluster knows it, and what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenMember {
    /// What the cluster knows.
    pub info: MemberInfo,
    /// What it answered; `Err` with why it did not.
    pub health: Result<MemberHealth, String>,
}

/// All that is known of a cluster at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Its members.
    pub members: Vec<SeenMember>,
    /// Members whose quota is reached.
    pub out_of_space: Vec<u64>,
}

/// How many of so many voters must agree.
pub fn majority(voters: usize) -> usize {
    voters / 2 + 1
}

impl SeenMember {
    /// Whether it has a vote.
    pub fn votes(&self) -> bool {
        !self.info.learner
    }

    /// Whether it answers and follows a leader.
    pub fn is_well(&self) -> bool {
        matches!(&self.health, Ok(health) if health.leader != 0)
    }

    /// Whether it is the member of this manager. One that was never started has no name yet.
    pub fn is_of(&self, wanted: &WantedMember) -> bool {
        let lost = wanted.lost == Some(self.info.id);
        let named = self.info.name.is_empty() || self.info.name == wanted.name;
        self.info.peer_urls.contains(&wanted.peer_url) && named && !lost
    }

    /// How people know it.
    pub fn shown(&self) -> Shown<'_> {
        Shown(&self.info)
    }
}

/// A member's name, or its address as long as it has none.
#[derive(Debug)]
pub struct Shown<'a>(&'a MemberInfo);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.name.as_str(), self.0.peer_urls.first()) {
            ("", Some(url)) => write!(f, "{url}, which was never started"),
            ("", None) => write!(f, "{:x}", self.0.id),
            (name, _) => f.write_str(name),
        }
    }
}

impl Observed {
    /// A member by its id.
    pub fn member(&self, id: u64) -> Option<&SeenMember> {
        self.members.iter().find(|member| member.info.id == id)
    }

    /// How many have a vote.
    pub fn voters(&self) -> usize {
        self.members.iter().filter(|member| member.votes()).count()
    }

    /// How many of those are well.
    pub fn well(&self) -> usize {
        let well = |member: &&SeenMember| member.votes() && member.is_well();
        self.members.iter().filter(well).count()
    }

    /// Whether writes are possible.
    pub fn has_majority(&self) -> bool {
        self.well() >= majority(self.voters())
    }

    /// The member that leads.
    pub fn leader(&self) -> Option<&SeenMember> {
        let leader = self
            .members
            .iter()
            .filter_map(|member| member.health.as_ref().ok());
        let leader = leader.map(|health| health.leader).find(|leader| *leader != 0)?;
        self.member(leader)
    }

    /// Whether a learner knows nearly all that the leader knows. Etcd has the last word.
    pub fn has_caught_up(&self, learner: &SeenMember) -> bool {
        let leader = self.leader().and_then(|leader| leader.health.as_ref().ok());
        match (leader, &learner.health) {
            // A tenth behind, as etcd itself takes it.
            (Some(leader), Ok(health)) => health.log >= leader.log.saturating_mul(9) / 10,
            _ => false,
        }
    }
}
