//! `replay`: an audit log asked again of this policy: what was allowed then and is denied now, and the reverse.
//!
//! Where the record, or what is known of its objects, does not say enough for a verdict, none is claimed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::difference::plural;
use super::log::{AuditLog, Coverage, EngineUse, LogEntry, Logged, LoggedCheck, Outcome, Spots, request};
use super::simulate::limit;
use super::unused::account;
use super::{Inquiry, InquiryError, Report, Scene};
use crate::decision::{Check, Decision, Subject};
use crate::demand::Access;
use crate::kubernetes::Authorizer;
use crate::operation::ModifierSet;

/// How would the requests of a log fare now?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The log.
    pub log: AuditLog,
    /// Whether a flip makes the answer "no".
    #[serde(default)]
    pub fail_on_flips: bool,
    /// Most flips that are listed; counts stay exact.
    #[serde(default = "limit")]
    pub limit: usize,
}

/// How they would fare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayReport {
    /// What the log covers.
    pub coverage: Coverage,
    /// Requests that have the same verdict.
    pub same: u64,
    /// Requests that were allowed and would be denied.
    pub denied_now: u64,
    /// Requests that were denied and would be allowed.
    pub allowed_now: u64,
    /// Requests without a verdict: the record does not say what came of them, or what they needed.
    pub unclear: u64,
    /// The requests that flip, those of the same kind by the same user together, the most frequent first.
    pub flips: Vec<Flip>,
    /// How many entries a limit left out.
    pub left_out: usize,
    /// Whether something flipped on which to fail.
    pub failed: bool,
}

/// Requests that flip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flip {
    /// Who asked.
    pub user: String,
    /// For what.
    pub request: String,
    /// Whether it would be allowed now.
    pub allowed_now: bool,
    /// Why.
    pub why: String,
    /// How many such requests there are.
    pub count: u64,
    /// When the last one was, as the log writes it.
    pub last: String,
}

/// A verdict now, with its reason.
type Verdict = (bool, String);

impl Inquiry for Replay {
    const NAME: &'static str = "replay";
    type Report = ReplayReport;

    fn ask(&self, scene: &Scene<'_>) -> Result<ReplayReport, InquiryError> {
        let authorizer = Authorizer::compile(scene.kubernetes());
        let mut report = ReplayReport {
            coverage: self.log.coverage.clone(),
            same: 0,
            denied_now: 0,
            allowed_now: 0,
            unclear: 0,
            flips: Vec::new(),
            left_out: 0,
            failed: false,
        };
        for entry in &self.log.entries {
            let now = verdict(scene, &authorizer, entry);
            let then = match &entry.outcome {
                Outcome::Allowed => Some(true),
                Outcome::Denied(_) => Some(false),
                Outcome::Unclear => None,
            };
            let (Some(then), Some((now, why))) = (then, now) else {
                report.unclear += entry.count;
                continue;
            };
            match (then, now) {
                (true, false) => report.denied_now += entry.count,
                (false, true) => report.allowed_now += entry.count,
                _ => {
                    report.same += entry.count;
                    continue;
                }
            }
            report.flips.push(Flip {
                user: match entry.user.name.is_empty() {
                    true => "anonymous".to_owned(),
                    false => entry.user.name.clone(),
                },
                request: text(entry),
                allowed_now: now,
                why,
                count: entry.count,
                last: entry.last.clone(),
            });
        }
        report.flips.sort_by(|one, other| {
            let rank = |flip: &Flip| {
                (
                    std::cmp::Reverse(flip.count),
                    flip.user.clone(),
                    flip.request.clone(),
                )
            };
            rank(one).cmp(&rank(other))
        });
        report.left_out = report.flips.len().saturating_sub(self.limit);
        report.failed = self.fail_on_flips && !report.flips.is_empty();
        report.flips.truncate(self.limit);
        Ok(report)
    }
}

/// What was asked, in words.
fn text(entry: &LogEntry) -> String {
    match &entry.request {
        Logged::Engine(call) => {
            let objects: Vec<_> = call.demand_objects();
            match objects.is_empty() {
                true => call.call(),
                false => format!("{} ({})", call.call(), objects.join(", ")),
            }
        }
        Logged::Kubernetes(asked) => asked.to_string(),
    }
}

fn verdict(scene: &Scene<'_>, authorizer: &Authorizer, entry: &LogEntry) -> Option<Verdict> {
    match &entry.request {
        Logged::Kubernetes(asked) => {
            let request = request(&entry.user, asked);
            let decision = authorizer.decide(&request);
            let why = match (decision.evidence(), decision.denial()) {
                (Some(evidence), _) => evidence.to_string(),
                (None, Some(denial)) => denial.to_string(),
                (None, None) => String::new(),
            };
            Some((decision.is_allowed(), why))
        }
        Logged::Engine(call) => {
            let Some(subject) = account(scene, &entry.user) else {
                return Some((false, "there is no such account".to_owned()));
            };
            match &entry.outcome {
                Outcome::Denied(missing) if !missing.is_empty() => again(scene, &subject, missing),
                outcome => judged(scene, &subject, call, *outcome == Outcome::Allowed),
            }
        }
    }
}

/// The checks that failed then, asked now. Those that passed then are not in the record, so "allowed" means that nothing
/// of what was missing is missing now.
fn again(scene: &Scene<'_>, subject: &Subject, missing: &[LoggedCheck]) -> Option<Verdict> {
    let policy = scene.policy;
    let mut checks = Vec::new();
    for one in missing {
        let by_path = one
            .path
            .as_deref()
            .and_then(|path| scene.names().collection(path));
        let known = by_path.or_else(|| policy.collection(&one.collection));
        checks.push(Check {
            operation: one.operation,
            modifiers: one.modifier.map_or(ModifierSet::EMPTY, ModifierSet::of),
            // A collection that is gone passes administrators only, like any that does not exist.
            collection: known.map_or_else(|| one.collection.as_str().into(), |info| info.id.clone()),
        });
    }
    Some(told(policy.decide(subject, Access::Operation, &checks)))
}

fn told(decision: Decision) -> Verdict {
    match decision {
        Decision::Allowed(_) => (true, "nothing that was missing is missing now".to_owned()),
        Decision::Denied(denial) => (false, denial.to_string()),
    }
}

fn judged(scene: &Scene<'_>, subject: &Subject, call: &EngineUse, was_allowed: bool) -> Option<Verdict> {
    let spots = Spots::new(scene, call);
    if spots.complete() {
        let judgement = scene.policy.judge(subject, &spots.demand, &spots.facts).ok()?;
        return Some(told(judgement.decision));
    }
    // Of a call that is not known completely one thing can be said: what shows of it is denied now.
    let mut checks = Vec::new();
    for spot in spots.needs(subject) {
        checks.push(Check {
            operation: spot.operation,
            modifiers: spot.modifiers,
            collection: spot.collection?,
        });
    }
    let access = match checks.is_empty() {
        true => call.access,
        false => Access::Operation,
    };
    let (allowed, why) = told(scene.policy.decide(subject, access, &checks));
    match (allowed, was_allowed) {
        (false, _) => Some((false, why)),
        // It was allowed then and what shows of it is allowed now: no flip as far as the log goes.
        (true, true) => Some((true, why)),
        (true, false) => (!spots.may_need_more()).then_some((true, why)),
    }
}

impl Report for ReplayReport {
    fn is_no(&self) -> bool {
        self.failed
    }
}

impl fmt::Display for ReplayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.coverage.text())?;
        writeln!(
            f,
            "{} as before, {} denied now, {} allowed now, {} without a verdict",
            plural(self.same, "request"),
            self.denied_now,
            self.allowed_now,
            self.unclear
        )?;
        for flip in &self.flips {
            let word = if flip.allowed_now { "allowed" } else { "denied" };
            writeln!(
                f,
                "\n{} {}: {word} now ({})",
                flip.user,
                flip.request,
                plural(flip.count, "request")
            )?;
            writeln!(f, "  {}", flip.why)?;
        }
        if self.left_out > 0 {
            let more = plural(self.left_out as u64, "entry");
            writeln!(f, "\n{more} more left out; a higher limit shows them")?;
        }
        Ok(())
    }
}
