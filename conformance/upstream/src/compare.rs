//! Asks both authorizers the same, many times, on several threads, and keeps what differs.

use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mke_rbac::kubernetes::{Authorizer, Rbac, Request, Rule, covers};

use crate::dice::Dice;
use crate::generate;
use crate::shrink::{shrink, smaller_rules};
use crate::upstream::{Upstream, UpstreamError};

/// Requests about one policy. Many policies find more than many requests about one.
const REQUESTS_PER_POLICY: u64 = 500;

/// Pairs of rules in one frame.
const PAIRS_PER_FRAME: u64 = 500;

/// So many differences are made small and shown; the others are counted.
const SHOWN: usize = 10;

/// What is compared, and how much of it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The upstream program.
    pub program: PathBuf,
    /// Requests to ask about.
    pub requests: u64,
    /// Pairs of rules to ask whether one covers the other.
    pub covers: u64,
    /// Everything follows from it.
    pub seed: u64,
    /// Threads, each with an upstream process of its own.
    pub jobs: usize,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Tally {
    /// Policies asked about.
    pub policies: u64,
    /// Requests asked.
    pub requests: u64,
    /// Those that both allow.
    pub allowed: u64,
    /// Those about a URL.
    pub urls: u64,
    /// Pairs of rules asked.
    pub pairs: u64,
    /// Pairs that are covered.
    pub covered: u64,
    /// Differences.
    pub differences: u64,
    /// The first differences, made small.
    pub examples: Vec<Difference>,
    /// How long it took.
    pub took: Duration,
}

/// One small example on which verdicts differ.
#[derive(Debug, Clone)]
pub enum Difference {
    /// About a request.
    Request {
        /// Roles and bindings.
        rbac: Rbac,
        /// The request.
        request: Request,
        /// What upstream says; we say the opposite.
        upstream: bool,
    },
    /// [`Authorizer::allows`] and [`Authorizer::decide`] differ.
    Inside {
        /// Roles and bindings.
        rbac: Rbac,
        /// The request.
        request: Request,
        /// What `allows` says.
        allows: bool,
    },
    /// About rules that cover others.
    Covers {
        /// Rules that somebody has.
        owned: Vec<Rule>,
        /// Rules that he wants to give.
        wanted: Vec<Rule>,
        /// What upstream says; we say the opposite.
        upstream: bool,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn text(value: &impl serde::Serialize) -> String {
            serde_json::to_string(value).unwrap_or_else(|error| error.to_string())
        }
        let allowed = |verdict: bool| if verdict { "allowed" } else { "denied" };
        match self {
            Self::Request {
                rbac,
                request,
                upstream,
            } => writeln!(
                f,
                "upstream: {}, here: {}\n  request {}\n  policy  {}",
                allowed(*upstream),
                allowed(!upstream),
                text(request),
                text(rbac)
            ),
            Self::Inside {
                rbac,
                request,
                allows,
            } => writeln!(
                f,
                "verdict alone: {}, with evidence: {}\n  request {}\n  policy  {}",
                allowed(*allows),
                allowed(!allows),
                text(request),
                text(rbac)
            ),
            Self::Covers {
                owned,
                wanted,
                upstream,
            } => writeln!(
                f,
                "upstream: {}, here: {}\n  owned  {}\n  wanted {}",
                if *upstream { "covered" } else { "not covered" },
                if *upstream { "not covered" } else { "covered" },
                text(owned),
                text(wanted)
            ),
        }
    }
}

/// Carries the plan out.
///
/// # Errors
///
/// When the upstream program fails. What was compared until then is lost: a run that ends early proves nothing.
pub fn run(plan: &Plan, progress: impl Fn(u64) + Sync) -> Result<Tally, UpstreamError> {
    let start = Instant::now();
    let total = Mutex::new(Tally::default());
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let room = AtomicUsize::new(SHOWN);
    let requests = plan.requests.div_ceil(REQUESTS_PER_POLICY);
    let parts = requests + plan.covers.div_ceil(PAIRS_PER_FRAME);
    let work = || -> Result<(), UpstreamError> {
        let mut upstream = Upstream::start(&plan.program)?;
        while !failed.load(Ordering::Relaxed) {
            let part = next.fetch_add(1, Ordering::Relaxed);
            let mut dice = Dice::part(plan.seed, part);
            let tally = if part < requests {
                let wanted = REQUESTS_PER_POLICY.min(plan.requests - part * REQUESTS_PER_POLICY);
                about_requests(&mut upstream, &mut dice, wanted, &room)?
            } else if part < parts {
                let done = (part - requests) * PAIRS_PER_FRAME;
                about_covers(
                    &mut upstream,
                    &mut dice,
                    PAIRS_PER_FRAME.min(plan.covers - done),
                    &room,
                )?
            } else {
                return Ok(());
            };
            let mut total = total.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            total.add(tally);
            progress(total.requests + total.pairs);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..plan.jobs.max(1))
            .map(|_| scope.spawn(|| work().inspect_err(|_| failed.store(true, Ordering::Relaxed))))
            .collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    let mut total = total
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    total.took = start.elapsed();
    Ok(total)
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.policies += other.policies;
        self.requests += other.requests;
        self.allowed += other.allowed;
        self.urls += other.urls;
        self.pairs += other.pairs;
        self.covered += other.covered;
        self.differences += other.differences;
        self.examples.extend(other.examples);
    }

    /// Making an example small takes long. One of a policy is enough: the others mostly have the same reason.
    fn differs(&mut self, room: &AtomicUsize, example: impl FnOnce() -> Difference) {
        self.differences += 1;
        let take = |left: usize| left.checked_sub(1);
        let first = self.examples.is_empty();
        if first
            && room
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
        {
            self.examples.push(example());
        }
    }
}

fn about_requests(
    upstream: &mut Upstream,
    dice: &mut Dice,
    count: u64,
    room: &AtomicUsize,
) -> Result<Tally, UpstreamError> {
    let rbac = generate::policy(dice);
    let requests: Vec<_> = (0..count).map(|_| generate::request(dice, &rbac)).collect();
    upstream.load(&rbac)?;
    let theirs = upstream.allows(&requests)?;
    let authorizer = Authorizer::compile(&rbac);
    let mut tally = Tally {
        policies: 1,
        requests: count,
        ..Tally::default()
    };
    for (request, upstream_allows) in requests.iter().zip(&theirs) {
        let allows = authorizer.allows(request);
        let decides = authorizer.decide(request).is_allowed();
        tally.allowed += u64::from(allows && *upstream_allows);
        tally.urls += u64::from(request.path.is_some());
        if allows != decides {
            tally.differs(room, || {
                let differs = |(rbac, request): &(Rbac, Request)| {
                    let authorizer = Authorizer::compile(rbac);
                    authorizer.allows(request) != authorizer.decide(request).is_allowed()
                };
                let (rbac, request) = shrink((rbac.clone(), request.clone()), differs);
                Difference::Inside {
                    rbac,
                    request,
                    allows,
                }
            });
        }
        if allows != *upstream_allows {
            tally.differs(room, || {
                let differs = |(rbac, request): &(Rbac, Request)| {
                    ask(upstream, rbac, request)
                        .is_ok_and(|theirs| theirs != Authorizer::compile(rbac).allows(request))
                };
                let (rbac, request) = shrink((rbac.clone(), request.clone()), differs);
                let upstream = !Authorizer::compile(&rbac).allows(&request);
                Difference::Request {
                    rbac,
                    request,
                    upstream,
                }
            });
        }
    }
    Ok(tally)
}

fn ask(upstream: &mut Upstream, rbac: &Rbac, request: &Request) -> Result<bool, UpstreamError> {
    upstream.load(rbac)?;
    let verdicts = upstream.allows(std::slice::from_ref(request))?;
    Ok(verdicts.contains(&true))
}

fn about_covers(
    upstream: &mut Upstream,
    dice: &mut Dice,
    count: u64,
    room: &AtomicUsize,
) -> Result<Tally, UpstreamError> {
    let pairs: Vec<_> = (0..count).map(|_| generate::pair(dice)).collect();
    let theirs = upstream.covers(&pairs)?;
    let mut tally = Tally {
        pairs: count,
        ..Tally::default()
    };
    for ((owned, wanted), theirs) in pairs.into_iter().zip(theirs) {
        let ours = covers(&owned, &wanted).is_ok();
        tally.covered += u64::from(ours && theirs);
        if ours != theirs {
            tally.differs(room, || smallest_pair(upstream, owned, wanted));
        }
    }
    Ok(tally)
}

/// Leaves out rules and words of both sides as long as the verdicts still differ.
fn smallest_pair(upstream: &mut Upstream, mut owned: Vec<Rule>, mut wanted: Vec<Rule>) -> Difference {
    let mut differs = |pair: &(Vec<Rule>, Vec<Rule>)| {
        upstream
            .covers(std::slice::from_ref(pair))
            .is_ok_and(|theirs| theirs.contains(&true) != covers(&pair.0, &pair.1).is_ok())
    };
    loop {
        let of_owned = smaller_rules(&owned)
            .into_iter()
            .map(|owned| (owned, wanted.clone()));
        let of_wanted = smaller_rules(&wanted)
            .into_iter()
            .map(|wanted| (owned.clone(), wanted));
        match of_owned.chain(of_wanted).find(|pair| differs(pair)) {
            Some(smaller) => (owned, wanted) = smaller,
            None => break,
        }
    }
    let upstream = covers(&owned, &wanted).is_err();
    Difference::Covers {
        owned,
        wanted,
        upstream,
    }
}
