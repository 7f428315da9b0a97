//! Every proof that the engine writes is accepted, and its answer is that of the slow evaluator.

use mke_proof::State;
use mke_rbac::kubernetes::Authorizer;
use mke_rbac::model::Model;
use mke_rbac::proof::{Proof, facts};
use mke_rbac::{Policy, Subject};
use serde_json::Value;

use crate::kubernetes_shape::{self as shapes, DENSE};
use crate::shape::{Dice, SMALL};
use crate::worlds::{self, CROWDED, Question};
use crate::{kubernetes_slow, slow};

/// How many of the proofs had which answer.
#[derive(Debug, Default)]
struct Tally {
    allowed: usize,
    denied: usize,
}

impl Tally {
    fn count(&mut self, allowed: bool) {
        match allowed {
            true => self.allowed += 1,
            false => self.denied += 1,
        }
    }

    fn total(&self) -> usize {
        self.allowed + self.denied
    }
}

/// What a checker gets to see of a policy and a cluster.
pub(crate) fn state(policy: &Policy, authorizer: &Authorizer) -> State {
    serde_json::from_value(facts(policy, authorizer)).unwrap()
}

pub(crate) fn proof_of(policy: &Policy, question: &Question) -> Proof {
    let Question {
        subject,
        access,
        checks,
    } = question;
    let decision = policy.decide(subject, *access, checks);
    Proof::of(policy, subject, *access, checks, &decision)
}

/// The answer of a proof that must be true.
fn accepted(state: &State, proof: &Value) -> bool {
    let checked = mke_proof::check(state, proof);
    checked.map_err(|flaw| format!("{flaw:?}\n{proof:#}")).unwrap()
}

/// Whether grants carry all checks of a user, by the rules alone.
fn carried(model: &Model, question: &Question) -> Option<bool> {
    let Subject::Account(user) = &question.subject else {
        return None;
    };
    let all = question
        .checks
        .iter()
        .all(|check| slow::allows(model, user, check.operation, check.modifiers, &check.collection));
    (!question.checks.is_empty() && question.access == mke_rbac::demand::Access::Operation).then_some(all)
}

/// Asks many questions to each of many policies.
fn swarm(worlds: u64, questions: usize) -> Tally {
    let nothing = Authorizer::compile(&Default::default());
    let mut tally = Tally::default();
    for seed in 0..worlds {
        let size = if seed % 4 == 0 { SMALL } else { CROWDED };
        let model = worlds::model(size, seed);
        let policy = Policy::compile(model.clone());
        let state = state(&policy, &nothing);
        let slow_model = worlds::for_slow(&model);
        let mut dice = Dice::new(seed);
        for _ in 0..questions {
            let question = worlds::question(&model, &mut dice);
            let proof = proof_of(&policy, &question);
            let written = serde_json::to_value(&proof).unwrap();
            let answer = accepted(&state, &written);
            assert_eq!(answer, proof.is_allowed());
            assert!(
                carried(&slow_model, &question).is_none_or(|expected| expected == answer),
                "{written:#}"
            );
            tally.count(answer);
            assert_eq!(serde_json::from_value::<Proof>(written).unwrap(), proof);
        }
    }
    tally
}

/// Asks many questions to each of many clusters.
fn kubernetes(clusters: u64, requests: usize) -> Tally {
    let nobody = Policy::compile(Model::with_builtin_collections());
    let mut tally = Tally::default();
    for seed in 0..clusters {
        let mut dice = Dice::new(seed);
        let rbac = shapes::rbac(DENSE, &mut dice);
        let authorizer = Authorizer::compile(&rbac);
        let state = state(&nobody, &authorizer);
        for number in 0..requests {
            let mut request = match number % 2 {
                0 => shapes::request(DENSE, &mut dice),
                _ => shapes::close_request(&rbac, DENSE, &mut dice),
            };
            if number % 50 == 0 {
                request.groups.push("system:masters".to_owned());
            }
            let proof = Proof::of_kubernetes(&request, &authorizer.decide(&request));
            let written = serde_json::to_value(&proof).unwrap();
            let answer = accepted(&state, &written);
            assert_eq!(answer, kubernetes_slow::allows(&rbac, &request), "{written:#}");
            tally.count(answer);
            assert_eq!(serde_json::from_value::<Proof>(written).unwrap(), proof);
        }
    }
    tally
}

/// rbac-01, rbac-08, RBAC-019, K8S-001: thousands of proofs of both kinds are accepted, and their answers are those of
/// slow evaluators.
#[test]
fn sec_rbac_01_proofs_are_accepted() {
    let (swarm, kubernetes) = (swarm(40, 50), kubernetes(20, 50));
    for tally in [swarm, kubernetes] {
        assert!(tally.allowed > 200, "{tally:?}");
        assert!(tally.denied > 200, "{tally:?}");
    }
}

/// A million proofs. Run it with
/// `cargo test --release -p mke-rbac --test proofs -- --ignored --nocapture a_million`.
#[test]
#[ignore = "a million proofs: run with --release, then it takes minutes"]
fn a_million_proofs_are_accepted() {
    let threads: Vec<_> = [
        std::thread::spawn(|| swarm(8_000, 100)),
        std::thread::spawn(|| kubernetes(2_000, 100)),
    ]
    .into();
    let tallies: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    println!("{tallies:?}");
    assert_eq!(tallies.iter().map(Tally::total).sum::<usize>(), 1_000_000);
}
