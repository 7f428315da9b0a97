//! What to do next so that the store has the members that it should have. Pure and total: the same facts give the same step.
//!
//! One change of the members at a time: after each the cluster is looked at again. New members learn first and get a vote when
//! they have caught up, so that adding managers leaves the store healthy at every moment (HA-003). Whether a step is safe is not
//! decided here but in `check`.

use std::fmt;

use super::members::{Observed, SeenMember, WantedMember};

/// One change of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Adds a member that learns.
    AddLearner(WantedMember),
    /// Gives a learner its vote.
    Promote {
        /// Which.
        id: u64,
        /// How people know it.
        name: String,
    },
    /// Takes a member out.
    Remove {
        /// Which.
        id: u64,
        /// How people know it.
        name: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddLearner(wanted) => write!(f, "add {} at {} as a learner", wanted.name, wanted.peer_url),
            Self::Promote { name, .. } => write!(f, "give {name} its vote"),
            Self::Remove { name, .. } => write!(f, "remove {name}"),
        }
    }
}

/// What is to be done now, and what must be waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The next step.
    pub step: Option<Step>,
    /// What has to happen by itself before there is another, in words.
    pub waiting: Vec<String>,
}

impl Plan {
    /// Whether the store has the members that it should have.
    pub fn is_done(&self) -> bool {
        self.step.is_none() && self.waiting.is_empty()
    }
}

fn remove(member: &SeenMember) -> Step {
    Step::Remove {
        id: member.info.id,
        name: member.shown().to_string(),
    }
}

/// Plans the next step. Nothing wanted is taken as nothing known, never as a wish to remove everybody.
pub fn plan(wanted: &[WantedMember], observed: &Observed) -> Plan {
    let mut plan = Plan::default();
    if wanted.is_empty() {
        plan.waiting
            .push("it is not known which managers there are".to_owned());
        return plan;
    }
    if observed.members.is_empty() {
        plan.waiting.push("no member of the store answers".to_owned());
        return plan;
    }
    let is_wanted = |member: &&SeenMember| wanted.iter().any(|wanted| member.is_of(wanted));
    let unwanted = || observed.members.iter().filter(|member| !is_wanted(member));
    let learner = observed.members.iter().find(|member| !member.votes());
    let missing = || {
        let has_member = |wanted: &&WantedMember| !observed.members.iter().any(|member| member.is_of(wanted));
        wanted.iter().filter(has_member).filter(|wanted| !wanted.away)
    };
    // It keeps all others from learning, and nobody will start it before its machine is back.
    let is_idle = |member: &&SeenMember| {
        let is_away = wanted.iter().any(|wanted| wanted.away && member.is_of(wanted));
        !member.votes() && member.info.name.is_empty() && is_away
    };
    // What nobody wants and has no vote, then what nobody wants and is dead: both only make the rest safer.
    let useless = unwanted()
        .find(|member| !member.votes())
        .or_else(|| observed.members.iter().find(is_idle))
        .or_else(|| unwanted().find(|member| !member.is_well()));
    plan.step = if let Some(member) = useless {
        Some(remove(member))
    } else if let Some(member) = learner {
        if observed.has_caught_up(member) {
            Some(Step::Promote {
                id: member.info.id,
                name: member.shown().to_string(),
            })
        } else {
            plan.waiting.push(format!("{} is learning", member.shown()));
            None
        }
    } else if let Some(wanted) = missing().find(|wanted| !is_taken(observed, wanted)) {
        Some(Step::AddLearner(wanted.clone()))
    } else {
        unwanted().next().map(remove)
    };
    plan
}

/// Whether the address of a manager belongs to a member that is not its own, which goes first.
fn is_taken(observed: &Observed, wanted: &WantedMember) -> bool {
    let urls = observed.members.iter().flat_map(|member| &member.info.peer_urls);
    urls.into_iter().any(|url| *url == wanted.peer_url)
}
