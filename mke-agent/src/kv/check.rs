//! Whether a step is safe: none is taken after which the members that are well are no majority. Pure.
//!
//! Looks at the facts alone and not at how the step was planned, so that a wrong plan does no harm.

use super::members::{Observed, majority};
use super::plan::Step;

/// Why a step is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no majority to decide on it.
    #[error(
        "{well} of {voters} members of the store are well, which is no majority: bring back one of them first"
    )]
    NoMajority {
        /// Voters that are well.
        well: usize,
        /// Voters.
        voters: usize,
    },
    /// There would be none after it.
    #[error(
        "after the step `{step}` {well} of {voters} members of the store would be well, but {needed} must be: bring back another first"
    )]
    WouldLoseMajority {
        /// What was planned.
        step: String,
        /// Voters that would be well.
        well: usize,
        /// Voters that there would be.
        voters: usize,
        /// How many would have to be well.
        needed: usize,
    },
    /// It does not know enough to vote.
    #[error("{0} has not caught up with the leader, so it gets no vote yet")]
    NotCaughtUp(String),
    /// There is one.
    #[error("{0} is learning, and one member learns at a time")]
    LearnerExists(String),
    /// It has a vote.
    #[error("{0} is no learner")]
    NoLearner(String),
    /// Another member has this address.
    #[error("a member with the address {0} is there already")]
    AddressTaken(String),
    /// With one more member, one that does not answer could cost the majority; etcd would not take it either.
    #[error("{} not well: bring back, or demote or remove its node, before another is added", list(.0))]
    NotAllWell(Vec<String>),
    /// No such member.
    #[error("{0} is no member of the store")]
    NoSuchMember(String),
}

/// A step that was found safe at the moment of an observation. Only [`check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked(Step);

impl Checked {
    /// What is to be done.
    pub fn step(&self) -> &Step {
        &self.0
    }
}

fn list(names: &[String]) -> String {
    let (noun, verb) = if names.len() == 1 {
        ("member", "is")
    } else {
        ("members", "are")
    };
    format!("{noun} {} of the store {verb}", names.join(", "))
}

/// Checks a step against what was observed.
///
/// # Errors
/// [`Refusal`], with what to do about it.
pub fn check(step: Step, observed: &Observed) -> Result<Checked, Refusal> {
    let (voters, well) = (observed.voters(), observed.well());
    if well < majority(voters) {
        return Err(Refusal::NoMajority { well, voters });
    }
    let (voters, well) = match &step {
        Step::AddLearner(wanted) => {
            if let Some(learner) = observed.members.iter().find(|member| !member.votes()) {
                return Err(Refusal::LearnerExists(learner.shown().to_string()));
            }
            let mut urls = observed.members.iter().flat_map(|member| &member.info.peer_urls);
            if urls.any(|url| *url == wanted.peer_url) {
                return Err(Refusal::AddressTaken(wanted.peer_url.clone()));
            }
            let ill: Vec<String> = observed
                .members
                .iter()
                .filter(|member| !member.is_well())
                .map(|member| member.shown().to_string())
                .collect();
            if !ill.is_empty() {
                return Err(Refusal::NotAllWell(ill));
            }
            (voters, well)
        }
        Step::Promote { id, name } => {
            let member = observed.member(*id);
            let member = member.ok_or_else(|| Refusal::NoSuchMember(name.clone()))?;
            if member.votes() {
                return Err(Refusal::NoLearner(name.clone()));
            }
            if !member.is_well() || !observed.has_caught_up(member) {
                return Err(Refusal::NotCaughtUp(name.clone()));
            }
            (voters + 1, well + 1)
        }
        Step::Remove { id, name } => {
            let member = observed.member(*id);
            let member = member.ok_or_else(|| Refusal::NoSuchMember(name.clone()))?;
            if member.votes() {
                (voters - 1, well - usize::from(member.is_well()))
            } else {
                (voters, well)
            }
        }
    };
    let needed = majority(voters);
    if voters == 0 || well < needed {
        return Err(Refusal::WouldLoseMajority {
            step: step.to_string(),
            well,
            voters,
            needed,
        });
    }
    Ok(Checked(step))
}
