//! Asks several nodes at once. Whoever does not answer in time is left out and named; nobody waits longer than that.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::member::{Member, Presence};
use crate::engine::EngineError;

/// How long a node may take to answer with a list.
pub const LIST_TIME: Duration = Duration::from_secs(5);

/// What came back.
#[derive(Debug)]
pub struct Gathered<T> {
    /// Answers, in the order of the nodes.
    pub answers: Vec<(Arc<Member>, T)>,
    /// Nodes whose engine said no.
    pub refusals: Vec<(Arc<Member>, EngineError)>,
    /// Nodes that did not answer.
    pub silent: Vec<Arc<Member>>,
}

impl<T> Gathered<T> {
    /// The answers, when there are any or when nobody was asked.
    ///
    /// # Errors
    /// The first refusal when every node that answered refused; [`EngineError::NoNode`] when nobody answered.
    pub fn any(self) -> Result<Self, EngineError> {
        if !self.answers.is_empty() {
            for (member, error) in &self.refusals {
                tracing::warn!(node = member.name(), %error, "the node is left out of an answer");
            }
            return Ok(self);
        }
        match (self.refusals.into_iter().next(), self.silent.first()) {
            (Some((_, refusal)), _) => Err(refusal),
            (None, Some(_)) => Err(EngineError::NoNode {
                nodes: self
                    .silent
                    .iter()
                    .map(|member| member.name())
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
            (None, None) => Ok(Self {
                answers: Vec::new(),
                refusals: Vec::new(),
                silent: Vec::new(),
            }),
        }
    }

    /// The names of the nodes that are missing in the answers.
    pub fn missing(&self) -> Vec<String> {
        let refused = self.refusals.iter().map(|(member, _)| member.name());
        self.silent
            .iter()
            .map(|member| member.name())
            .chain(refused)
            .collect()
    }
}

/// Asks these nodes the same.
pub async fn each<T, F>(
    members: impl IntoIterator<Item = Arc<Member>>,
    limit: Duration,
    question: impl Fn(Arc<Member>) -> F,
) -> Gathered<T>
where
    F: Future<Output = Result<T, EngineError>>,
{
    let (asked, mut silent): (Vec<_>, Vec<_>) = members
        .into_iter()
        .partition(|member| member.presence() != Presence::Silent);
    let heard = join_all(asked.into_iter().map(|member| {
        let answer = question(member.clone());
        async move { (member, timeout(limit, answer).await) }
    }))
    .await;
    let (mut answers, mut refusals) = (Vec::new(), Vec::new());
    for (member, answer) in heard {
        match answer {
            Ok(Ok(answer)) => answers.push((member, answer)),
            Ok(Err(error @ EngineError::Refused { .. })) => refusals.push((member, error)),
            Ok(Err(error)) => {
                tracing::debug!(node = member.name(), %error, "no answer");
                member.suspect();
                silent.push(member);
            }
            Err(_) => {
                member.suspect();
                silent.push(member);
            }
        }
    }
    Gathered {
        answers,
        refusals,
        silent,
    }
}
