//! The figures of the Swarm side: single decisions beside other engines, and what only this engine is asked.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use mke_rbac::proof::Proof;
use mke_rbac::{Check, Policy};

use crate::error::BenchError;
use crate::peers::ours;
use crate::peers::{MAKERS, Peer};
use crate::rounds::{Case, Plan, Series, alternate, median, read, repeat};
use crate::shapes::{Question, Shape, casbin, ucp_100k};

/// One engine with one shape.
#[derive(Debug)]
pub struct Row {
    /// Times of decisions; with the engine's name.
    pub series: Series,
    /// Seconds to build it from data in memory.
    pub build: f64,
    /// Nanoseconds until one changed grant is in force.
    pub change: f64,
    /// Answers that were compared with those of the other engines before anything was timed.
    pub compared: usize,
}

/// All engines with one shape; this one first.
#[derive(Debug)]
pub struct Comparison {
    /// The shape.
    pub shape: &'static str,
    /// What is in it.
    pub size: String,
    /// The engines.
    pub rows: Vec<Row>,
}

/// What only this engine is asked, at the largest shape. In nanoseconds.
#[derive(Debug)]
pub struct Further {
    /// Verdict, decision with its evidence, the same with its proof written down; verdicts by looked-up keys.
    pub answers: Vec<Series>,
    /// Filtering 10,000 objects by what one user sees.
    pub filter: f64,
    /// Who of 100,000 users passes one check.
    pub who_can: f64,
    /// How many pass it, in the middle of the questions.
    pub found: usize,
}

/// Objects of a list that is filtered.
const LISTED: usize = 10_000;

/// Measures every shape.
///
/// # Errors
///
/// When an engine refuses data, or answers otherwise than this one.
pub fn run(plan: Plan, say: &dyn Fn(&str)) -> Result<(Vec<Comparison>, Further), BenchError> {
    let mut comparisons = Vec::new();
    for shape in casbin::shapes() {
        comparisons.push(compare(plan, &shape, say)?);
    }
    let shape = ucp_100k();
    comparisons.push(compare(plan, &shape, say)?);
    say("proofs, lists and who-can at ucp-100k");
    let ours = ours::new(&shape);
    let further = further(plan, &ours.policy, &shape.questions)?;
    Ok((comparisons, further))
}

fn compare(plan: Plan, shape: &Shape, say: &dyn Fn(&str)) -> Result<Comparison, BenchError> {
    let mut peers = Vec::new();
    let mut built = Vec::new();
    let mut verdicts = Vec::new();
    for maker in MAKERS
        .iter()
        .filter(|maker| shape.model.grants.len() <= maker.most_grants)
    {
        say(&format!("{}: {}", shape.name, maker.name));
        let start = Instant::now();
        let mut peer = (maker.make)(shape)?;
        let build = start.elapsed().as_secs_f64();
        peer.prepare(&shape.questions)?;
        let compared = if verdicts.is_empty() {
            verdicts = (0..shape.questions.len())
                .map(|number| peer.decide(number))
                .collect();
            verdicts.len()
        } else {
            agree(&mut *peer, shape, &verdicts, plan.turn)?
        };
        built.push((build, compared));
        peers.push(peer);
    }
    say(&format!("{}: {} rounds", shape.name, plan.rounds));
    let cases = peers.iter_mut().map(|peer| {
        let questions = &shape.questions;
        Case::here(
            peer.name(),
            questions.len(),
            |number| touch(questions, number),
            |number| peer.decide(number),
        )
    });
    let series = alternate(plan, cases.collect())?;
    let mut rows = Vec::new();
    for ((mut peer, series), (build, compared)) in peers.into_iter().zip(series).zip(built) {
        let change = median(repeat(plan.turn, 2, || peer.change())?);
        rows.push(Row {
            series,
            build,
            change,
            compared,
        });
    }
    Ok(Comparison {
        shape: shape.name,
        size: shape.size.clone(),
        rows,
    })
}

/// Asks questions for about this long, at least two (one of each kind), and compares with our verdicts.
fn agree(peer: &mut dyn Peer, shape: &Shape, verdicts: &[bool], turn: Duration) -> Result<usize, BenchError> {
    let end = Instant::now() + turn;
    for (number, ours) in verdicts.iter().enumerate() {
        if number >= 2 && Instant::now() >= end {
            return Ok(number);
        }
        let theirs = peer.decide(number);
        if theirs != *ours {
            return Err(BenchError::Unlike {
                engine: peer.name().to_owned(),
                shape: shape.name.to_owned(),
                number,
                theirs,
                ours: *ours,
            });
        }
    }
    Ok(verdicts.len())
}

fn touch(questions: &[Question], number: usize) {
    if let Some(question) = questions.get(number) {
        read(question.user());
        read(question.check.collection.as_str());
    }
}

/// One of the questions, round and round.
fn some<'q>(questions: &[&'q Question], number: usize) -> Option<&'q Question> {
    questions.get(number.checked_rem(questions.len())?).copied()
}

fn further(plan: Plan, policy: &Policy, questions: &[Question]) -> Result<Further, BenchError> {
    let touch = |number: usize| touch(questions, number);
    let at = |number: usize| questions.get(number);
    let decide = |question: &Question| {
        policy.decide(
            &question.subject,
            question.access(),
            std::slice::from_ref(&question.check),
        )
    };
    let keys: Vec<_> = questions
        .iter()
        .map(|question| {
            (
                policy.subject_key(&question.subject),
                policy.collection_key(&question.check.collection),
            )
        })
        .collect();
    let by_key = |number: usize| {
        let (Some(question), Some((Some(subject), Some(collection)))) = (at(number), keys.get(number)) else {
            return false;
        };
        subject.allows(question.check.operation, question.check.modifiers, *collection)
    };
    let proof = |question: &Question| {
        let decision = decide(question);
        let checks: &[Check] = std::slice::from_ref(&question.check);
        Proof::of(policy, &question.subject, question.access(), checks, &decision)
    };
    let (allowed, denied): (Vec<_>, Vec<_>) = questions
        .iter()
        .partition(|question| policy.allows(&question.subject, &question.check));
    let count = questions.len();
    let touch_some = |questions: &[&Question], number: usize| {
        if let Some(question) = some(questions, number) {
            read(question.user());
            read(question.check.collection.as_str());
        }
    };
    let verdict = |question: &Question| policy.allows(&question.subject, &question.check);
    let answers = alternate(
        plan,
        vec![
            Case::here("verdict", count, touch, |number| at(number).map(verdict)),
            Case::here(
                "verdict, subject and collection looked up before",
                count,
                touch,
                by_key,
            ),
            Case::here("decision with its evidence", count, touch, |number| {
                at(number).map(decide)
            }),
            Case::here(
                "verdict, allowed",
                count,
                |n| touch_some(&allowed, n),
                |n| some(&allowed, n).map(verdict),
            ),
            Case::here(
                "decision, allowed",
                count,
                |n| touch_some(&allowed, n),
                |n| some(&allowed, n).map(decide),
            ),
            Case::here(
                "verdict, denied",
                count,
                |n| touch_some(&denied, n),
                |n| some(&denied, n).map(verdict),
            ),
            Case::here(
                "decision, denied",
                count,
                |n| touch_some(&denied, n),
                |n| some(&denied, n).map(decide),
            ),
            Case::here(
                "proof written down, allowed",
                count,
                |n| touch_some(&allowed, n),
                |n| some(&allowed, n).map(proof),
            ),
            Case::here(
                "proof written down, denied",
                count,
                |n| touch_some(&denied, n),
                |n| some(&denied, n).map(proof),
            ),
        ],
    )?;
    let next = RefCell::new(questions.iter().cycle());
    let listed: Vec<_> = questions
        .iter()
        .take(LISTED)
        .map(|question| &question.check.collection)
        .collect();
    let filter = median(repeat(plan.turn, 3, || {
        if let Some(question) = next.borrow_mut().next() {
            let filter = policy.filter(&question.subject, question.check.operation);
            std::hint::black_box(
                listed
                    .iter()
                    .filter(|collection| filter.admits_in(collection))
                    .count(),
            );
        }
        Ok(())
    })?);
    let mut found = Vec::new();
    let who_can = median(repeat(plan.turn, 3, || {
        if let Some(question) = next.borrow_mut().next() {
            found.push(policy.who_can(&question.check).users().len() as f64);
        }
        Ok(())
    })?);
    Ok(Further {
        answers,
        filter,
        who_can,
        found: median(found) as usize,
    })
}

/// The engines of a shape, for the program that measures memory: what is built, one after the other.
///
/// # Errors
///
/// When an engine refuses the data.
pub fn weigh(
    shape: &Shape,
    mut weigh: impl FnMut(&str, &mut dyn FnMut() -> Result<(), BenchError>) -> Result<(), BenchError>,
) -> Result<(), BenchError> {
    let mut kept: Option<Box<dyn Peer>> = None;
    for maker in MAKERS
        .iter()
        .filter(|maker| shape.model.grants.len() <= maker.most_grants)
    {
        drop(kept.take());
        weigh(maker.name, &mut || {
            kept = Some((maker.make)(shape)?);
            Ok(())
        })?;
    }
    Ok(())
}
