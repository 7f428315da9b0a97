//! The figures of the Kubernetes side: this engine beside the upstream authorizer, which measures itself in its own
//! process, so that no figure holds the cost of asking another process.

use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

use mke_rbac::kubernetes::{Authorizer, Binding, KubernetesChange, Rbac, Request};
use mke_upstream::upstream::Upstream;

use crate::error::BenchError;
use crate::rounds::{Case, Plan, Series, alternate, median, read, repeat};
use crate::shapes::kubernetes::{SIZES, rbac, requests};

/// In tables.
pub const UPSTREAM: &str = "upstream Kubernetes";

/// Both engines with one cluster.
#[derive(Debug)]
pub struct Comparison {
    /// The size, as it is called.
    pub shape: &'static str,
    /// Bindings, the default ones included.
    pub bindings: usize,
    /// Our verdict, our decision with its evidence, upstream's decision.
    pub series: [Series; 3],
    /// Seconds to build: ours, upstream's.
    pub build: [f64; 2],
    /// Nanoseconds until one changed binding is in force: ours, upstream's.
    pub change: [f64; 2],
    /// Bytes on upstream's heap for each binding.
    pub upstream_bytes: f64,
    /// Answers that were compared before anything was timed.
    pub compared: usize,
    /// The share of requests that are allowed.
    pub allowed: f64,
}

/// Measures every size.
///
/// # Errors
///
/// When upstream fails, or answers otherwise than this engine.
pub fn run(plan: Plan, program: &Path, say: &dyn Fn(&str)) -> Result<Vec<Comparison>, BenchError> {
    SIZES
        .iter()
        .map(|(shape, bindings)| {
            say(&format!("Kubernetes, {shape}"));
            compare(plan, program, shape, *bindings)
        })
        .collect()
}

fn compare(plan: Plan, program: &Path, shape: &'static str, more: usize) -> Result<Comparison, BenchError> {
    let rbac = rbac(more);
    let requests = requests(&rbac, more);
    let start = Instant::now();
    let authorizer = Authorizer::compile(&rbac);
    let build = start.elapsed().as_secs_f64();
    let mut upstream = Upstream::start(program)?;
    let weight = upstream.weigh(&rbac)?;
    upstream.keep(&requests)?;
    let verdicts: Vec<_> = requests
        .iter()
        .map(|request| authorizer.allows(request))
        .collect();
    let compared = agree(&mut upstream, shape, &requests, &verdicts, plan.turn)?;
    let allowed = verdicts.iter().filter(|verdict| **verdict).count() as f64 / verdicts.len() as f64;
    let upstream = RefCell::new(upstream);
    let series = alternate(
        plan,
        vec![
            Case::here(
                "verdict",
                requests.len(),
                |number| touch(&requests, number),
                |number| {
                    requests
                        .get(number)
                        .is_some_and(|request| authorizer.allows(request))
                },
            ),
            Case::here(
                "decision with its evidence",
                requests.len(),
                |number| touch(&requests, number),
                |number| requests.get(number).map(|request| authorizer.decide(request)),
            ),
            measured_there(&upstream, requests.len()),
        ],
    )?;
    let series =
        <[Series; 3]>::try_from(series).map_err(|_| BenchError::Memory("is not asked here".to_owned()))?;
    let (ours, theirs) = change(plan.turn, authorizer, &mut upstream.borrow_mut(), &rbac)?;
    Ok(Comparison {
        shape,
        bindings: rbac.bindings.len(),
        series,
        build: [build, weight.build.as_secs_f64()],
        change: [ours, theirs],
        upstream_bytes: weight.bytes as f64 / rbac.bindings.len() as f64,
        compared,
        allowed,
    })
}

/// Compares verdicts in portions for about this long.
fn agree(
    upstream: &mut Upstream,
    shape: &str,
    requests: &[Request],
    verdicts: &[bool],
    turn: Duration,
) -> Result<usize, BenchError> {
    let end = Instant::now() + turn * 5;
    let mut compared = 0;
    for (requests, verdicts) in requests.chunks(500).zip(verdicts.chunks(500)) {
        for (theirs, ours) in upstream.allows(requests)?.into_iter().zip(verdicts) {
            if theirs != *ours {
                let (engine, shape) = (UPSTREAM.to_owned(), shape.to_owned());
                return Err(BenchError::Unlike {
                    engine,
                    shape,
                    number: compared,
                    theirs,
                    ours: *ours,
                });
            }
            compared += 1;
        }
        if Instant::now() >= end {
            break;
        }
    }
    Ok(compared)
}

/// Upstream's turns: a few hundred decisions at a time, until the time is up.
fn measured_there(upstream: &RefCell<Upstream>, count: usize) -> Case<'_> {
    let mut next = 0_usize;
    Case::elsewhere(UPSTREAM, move |turn| {
        let mut upstream = upstream.borrow_mut();
        let mut samples = Vec::new();
        let end = Instant::now() + turn;
        let mut portion = 16_u32;
        while samples.is_empty() || Instant::now() < end {
            let first = u32::try_from(next).unwrap_or_default();
            samples.extend(
                upstream
                    .measure(first, portion, 1)?
                    .into_iter()
                    .map(|nanos| nanos as f64),
            );
            next = (next + portion as usize) % count.max(1);
            portion = (portion * 2).min(4096);
            if samples.len() >= 60_000 {
                break;
            }
        }
        let clock = median(upstream.clock()?.into_iter().map(|nanos| nanos as f64).collect());
        Ok(samples
            .into_iter()
            .map(|sample| (sample - clock).max(0.0))
            .collect())
    })
}

fn touch(requests: &[Request], number: usize) {
    if let Some(request) = requests.get(number) {
        let texts = [&request.user, &request.verb, &request.group];
        let optional = [&request.resource, &request.name, &request.namespace];
        texts
            .into_iter()
            .chain(optional.into_iter().flatten())
            .chain(&request.groups)
            .for_each(|text| read(text));
    }
}

/// One binding loses a subject and gets it back.
fn change(
    turn: Duration,
    mut authorizer: Authorizer,
    upstream: &mut Upstream,
    rbac: &Rbac,
) -> Result<(f64, f64), BenchError> {
    let Some(last) = rbac.bindings.last() else {
        return Ok((f64::NAN, f64::NAN));
    };
    let fewer = Binding {
        subjects: Vec::new(),
        ..last.clone()
    };
    let mut there = true;
    let ours = repeat(turn, 10, || {
        there = !there;
        let binding = if there { last } else { &fewer };
        authorizer = authorizer.with(&KubernetesChange::PutBinding(binding.clone()));
        Ok(())
    })?;
    let mut theirs = Vec::new();
    for number in 0..200 {
        let binding = if number % 2 == 0 { &fewer } else { last };
        let changed = Rbac {
            roles: Vec::new(),
            bindings: vec![binding.clone()],
        };
        theirs.extend(upstream.change(&changed)?.into_iter().map(|nanos| nanos as f64));
    }
    Ok((median(ours), median(theirs)))
}
