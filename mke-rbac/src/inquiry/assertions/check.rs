//! Checking one assertion.
//!
//! Quantifiers are answered by asking who can, so an assertion about everybody costs no more than one about somebody.

use std::collections::HashSet;

use mke_core::ids::{AccountId, CollectionId};

use super::select::Selected;
use super::{Assertion, Counterexample, KubernetesAct, OneOrMany, SHOWN, TestOutcome, TestResult};
use crate::decision::{AllowReason, Check, Decision, Evidence, Subject};
use crate::demand::Access;
use crate::inquiry::Scene;
use crate::inquiry::directory::{Directory, Identity};
use crate::kubernetes::{Authorizer, KubernetesEvidence, Request, RuleEvidence};
use crate::model::User;
use crate::operation::{ModifierSet, Operation};
use crate::question::{Answer, ApiQuestion, Ask, DecidedBy, Question, Verdict};

/// What an assertion says of its subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// All of them can.
    Must,
    /// None of them can.
    Never,
}

/// A scene, prepared for many assertions.
pub(super) struct Checker<'s> {
    scene: &'s Scene<'s>,
    authorizer: Authorizer,
    directory: Directory<'s>,
}

/// An assertion that was looked up.
struct Claimed<'s> {
    claim: Claim,
    who: Selected<'s>,
    except: Selected<'s>,
}

/// Counterexamples while they are collected.
#[derive(Default)]
struct Found {
    shown: Vec<Counterexample>,
    count: usize,
}

impl Found {
    fn add(&mut self, make: impl FnOnce() -> Counterexample) {
        self.count += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(make());
        }
    }
}

impl<'s> Checker<'s> {
    pub(super) fn new(scene: &'s Scene<'s>) -> Self {
        Self {
            scene,
            authorizer: Authorizer::compile(scene.kubernetes()),
            directory: Directory::of(scene.policy),
        }
    }

    /// Checks one.
    pub(super) fn run(&self, test: &Assertion) -> TestResult {
        let result = |outcome, message, found: Found| TestResult {
            name: test.title(),
            reason: test.reason.clone(),
            outcome,
            message,
            counterexamples: found.shown,
            count: found.count,
        };
        match self.check(test) {
            Err(problem) => result(TestOutcome::Error, Some(problem), Found::default()),
            Ok((found, remark)) if found.count == 0 => result(TestOutcome::Passed, remark, found),
            Ok((found, remark)) => result(TestOutcome::Failed, remark, found),
        }
    }

    fn check(&self, test: &Assertion) -> Result<(Found, Option<String>), String> {
        let claimed = self.claimed(test)?;
        let mut found = Found::default();
        let remark = (claimed.who.is_empty() && test.kubernetes.is_none())
            .then(|| "nobody is meant, so nothing can contradict it".to_owned());
        if claimed.claim == Claim::Must && claimed.who.is_empty() {
            return Err(
                "nobody is meant, so it proves nothing; name somebody who exists and is active".to_owned(),
            );
        }
        let kinds = [
            test.operations.is_some(),
            test.call.is_some(),
            test.kubernetes.is_some(),
            test.ask.is_some(),
        ];
        if kinds.iter().filter(|kind| **kind).count() != 1 {
            return Err("write exactly one of `do`, `call`, `kubernetes` and `ask`".to_owned());
        }
        if test.operations.is_none()
            && (test.modifiers.is_some() || test.collection.is_some() || test.and_below)
        {
            return Err("`with`, `in` and `and-below` belong to `do`".to_owned());
        }
        if test.kubernetes.is_none() && (!claimed.who.others.is_empty() || claimed.who.system) {
            return Err("subjects of Kubernetes can only do what is written as `kubernetes`".to_owned());
        }
        if let Some(operations) = &test.operations {
            self.operations(test, operations.as_slice(), &claimed, &mut found)?;
        } else if let Some(call) = &test.call {
            let (method, path) = call
                .split_once(' ')
                .ok_or_else(|| format!("call `{call}` is not of the form METHOD /PATH"))?;
            let ask = Ask::Api(ApiQuestion {
                method: method.to_owned(),
                path: path.trim().to_owned(),
                resource: None,
                other: None,
                modifiers: Vec::new(),
                body: None,
            });
            self.questions(&ask, call, &claimed, &mut found)?;
        } else if let Some(ask) = &test.ask {
            self.questions(ask, &test.act(), &claimed, &mut found)?;
        } else if let Some(act) = &test.kubernetes {
            self.kubernetes(act, &claimed, test.administrators, &mut found)?;
        }
        Ok((found, remark))
    }

    fn claimed(&self, test: &Assertion) -> Result<Claimed<'s>, String> {
        let (claim, who, but) = match (&test.must, &test.must_never, &test.nobody_except) {
            (Some(who), None, None) => (Claim::Must, who.clone(), None),
            (None, Some(who), None) => (Claim::Never, who.clone(), None),
            (None, None, Some(but)) => (Claim::Never, OneOrMany::One("anyone".to_owned()), Some(but)),
            _ => return Err("write exactly one of `must`, `must-never` and `nobody-except`".to_owned()),
        };
        let administrators = claim == Claim::Must || test.administrators;
        let who = Selected::read(self.scene, who.as_slice(), administrators)?;
        let texts = |list: Option<&OneOrMany<String>>| list.map_or(&[][..], OneOrMany::as_slice).to_vec();
        let mut except = texts(test.except.as_ref());
        except.extend(texts(but));
        // Who is excepted is excepted as administrator too.
        let except = Selected::read(self.scene, &except, true)?;
        Ok(Claimed {
            claim,
            who: who.without(&except),
            except,
        })
    }

    fn operations(
        &self,
        test: &Assertion,
        operations: &[Operation],
        claimed: &Claimed<'_>,
        found: &mut Found,
    ) -> Result<(), String> {
        let path = test
            .collection
            .as_deref()
            .ok_or("`do` needs a collection in `in`")?;
        let top = self.scene.names().collection(path);
        let top = top.ok_or_else(|| format!("there is no collection `{path}`"))?;
        if operations.is_empty() {
            return Err("`do` names no operation".to_owned());
        }
        let modifiers = test.modifiers.as_ref().map_or(&[][..], OneOrMany::as_slice);
        let modifiers: ModifierSet = modifiers.iter().copied().collect();
        for operation in operations {
            let own: ModifierSet = operation.modifiers().iter().copied().collect();
            if let Some(foreign) = modifiers.minus(own).iter().next() {
                return Err(format!("{operation} has no modifier {foreign}"));
            }
        }
        let policy = self.scene.policy;
        let below = policy
            .collections()
            .filter(|info| test.and_below && info.id != top.id && policy.covers(&top.id, &info.id));
        let places: Vec<_> = [&top.id].into_iter().chain(below.map(|info| &info.id)).collect();
        for place in places {
            for operation in operations {
                let check = Check {
                    operation: *operation,
                    modifiers,
                    collection: place.clone(),
                };
                self.one_check(check, claimed, found);
            }
        }
        Ok(())
    }

    fn one_check(&self, check: Check, claimed: &Claimed<'_>, found: &mut Found) {
        let who_can = self.scene.policy.who_can(&check);
        let holders: HashSet<&AccountId> = who_can.users().map(|user| &user.id).collect();
        let contradicts = |can: bool| can == (claimed.claim == Claim::Never);
        let mut note = |who: String, subject: &Subject| {
            found.add(|| self.counterexample(who, subject, &check, claimed.claim));
        };
        for user in claimed.who.users.values() {
            if contradicts(holders.contains(&user.id)) {
                note(user_name(user), &Subject::Account(user.id.clone()));
            }
        }
        if claimed.who.anonymous && contradicts(who_can.anonymous()) {
            note("anonymous".to_owned(), &Subject::Anonymous);
        }
    }

    fn counterexample(&self, who: String, subject: &Subject, check: &Check, claim: Claim) -> Counterexample {
        let decision = self
            .scene
            .policy
            .decide(subject, Access::Operation, std::slice::from_ref(check));
        let modifiers: Vec<_> = check.modifiers.iter().map(|modifier| modifier.name()).collect();
        let with = match modifiers.is_empty() {
            true => String::new(),
            false => format!(" with {}", modifiers.join(", ")),
        };
        let what = format!(
            "{} {}{with} in {}",
            can(claim),
            check.operation,
            self.path(&check.collection)
        );
        let why = match &decision {
            Decision::Denied(denial) => denial.message(),
            Decision::Allowed(permit) => match permit.reason() {
                AllowReason::Granted(evidence) => self.grants(evidence),
                _ => "administrator".to_owned(),
            },
        };
        Counterexample { who, what, why }
    }

    fn grants(&self, evidence: &[Evidence]) -> String {
        let names = self.scene.names();
        let grants = evidence.iter().flat_map(Evidence::grants);
        let texts: Vec<_> = grants
            .filter_map(|grant| names.grant(&grant))
            .map(|grant| grant.to_string())
            .collect();
        texts.join(", ")
    }

    fn path(&self, collection: &CollectionId) -> String {
        self.scene.names().path(collection)
    }

    /// Asks a whole question about everybody who is meant, one by one: where an object goes depends on who asks.
    fn questions(
        &self,
        ask: &Ask,
        act: &str,
        claimed: &Claimed<'_>,
        found: &mut Found,
    ) -> Result<(), String> {
        if matches!(
            ask,
            Ask::List(_) | Ask::Collections(_) | Ask::Effective(_) | Ask::K8s(_)
        ) {
            return Err(
                "the question lists something; an assertion needs one that is allowed or denied".to_owned(),
            );
        }
        let question = Question {
            user: None,
            ask: ask.clone(),
        };
        let users = claimed.who.users.values();
        let users = users.map(|user| (user_name(user), Subject::Account(user.id.clone())));
        let anonymous = claimed
            .who
            .anonymous
            .then(|| ("anonymous".to_owned(), Subject::Anonymous));
        for (who, subject) in users.chain(anonymous) {
            let answer = self
                .scene
                .policy
                .answer(&subject, &question, self.scene.inventory);
            let can_do = match answer.decision {
                Verdict::Allow => true,
                Verdict::Deny => false,
                // Who has no default collection cannot do it either.
                Verdict::Error if answer.error.as_deref() == Some("no-default-collection") => false,
                Verdict::Error => return Err(answer.message.unwrap_or_default()),
            };
            if can_do == (claimed.claim == Claim::Never) {
                found.add(|| Counterexample {
                    who,
                    what: format!("{} {act}", can(claimed.claim)),
                    why: why(&answer),
                });
            }
        }
        Ok(())
    }

    fn kubernetes(
        &self,
        act: &KubernetesAct,
        claimed: &Claimed<'_>,
        administrators: bool,
        found: &mut Found,
    ) -> Result<(), String> {
        if act.verb.as_slice().is_empty() {
            return Err("`kubernetes` needs a verb".to_owned());
        }
        if act.resource.is_some() == act.path.is_some() {
            return Err("`kubernetes` needs either a resource or a path".to_owned());
        }
        for verb in act.verb.as_slice() {
            let request = Request {
                verb: verb.clone(),
                group: act.group.clone(),
                resource: act.resource.clone(),
                subresource: act.subresource.clone(),
                name: act.name.clone(),
                namespace: act.namespace.clone(),
                path: act.path.clone(),
                ..Request::default()
            };
            let one = KubernetesAct {
                verb: OneOrMany::One(verb.clone()),
                ..act.clone()
            };
            let what = format!("{} {one}", can(claimed.claim));
            if claimed.claim == Claim::Never && claimed.who.anyone {
                self.holders(&request, &what, claimed, administrators, found);
            }
            for (who, identity) in claimed.who.identities(&self.directory) {
                self.identity(&request, &identity, who, &what, claimed.claim, found);
            }
        }
        Ok(())
    }

    fn identity(
        &self,
        request: &Request,
        identity: &Identity,
        who: String,
        what: &str,
        claim: Claim,
        found: &mut Found,
    ) {
        let request = Request {
            user: identity.user.clone(),
            groups: identity.groups.clone(),
            ..request.clone()
        };
        let decision = self.authorizer.decide(&request);
        if decision.is_allowed() == (claim == Claim::Never) {
            found.add(|| Counterexample {
                who,
                what: what.to_owned(),
                why: match decision.evidence() {
                    Some(KubernetesEvidence::Rule(rule)) => rule.to_string(),
                    Some(KubernetesEvidence::Masters) => "administrator".to_owned(),
                    None => "nothing gives it".to_owned(),
                },
            });
        }
    }

    /// Names in bindings that are no accounts: anybody may stand behind them.
    fn holders(
        &self,
        request: &Request,
        what: &str,
        claimed: &Claimed<'_>,
        administrators: bool,
        found: &mut Found,
    ) {
        let except = &claimed.except;
        let who_can = self.authorizer.who_can(request);
        let own_part = |name: &str| {
            let everybody = [
                "system:authenticated",
                "system:unauthenticated",
                "system:anonymous",
            ];
            except.system
                && name.starts_with("system:")
                && !everybody.contains(&name)
                && !name.starts_with("system:serviceaccount")
        };
        let mut note = |who: String, evidence: &RuleEvidence<'_>| {
            found.add(|| Counterexample {
                who,
                what: what.to_owned(),
                why: evidence.to_string(),
            });
        };
        for (name, evidence) in &who_can.users {
            let account = self.scene.policy.user(name).is_some();
            if !account && !own_part(name) && !except.others.contains_key(&format!("kubernetes-user:{name}"))
            {
                note(format!("kubernetes-user:{name}"), evidence);
            }
        }
        for (name, evidence) in &who_can.groups {
            let masters = *name == crate::kubernetes::MASTERS && !administrators;
            let excepted =
                except.groups.contains(*name) || except.others.contains_key(&format!("group:{name}"));
            if !masters && !excepted && !own_part(name) {
                note(format!("group:{name}"), evidence);
            }
        }
        for ((namespace, name), evidence) in &who_can.service_accounts {
            let text = format!("service-account:{namespace}/{name}");
            let part = except.system && *namespace == "kube-system";
            if !part && !except.others.contains_key(&text) {
                note(text, evidence);
            }
        }
    }
}

const fn can(claim: Claim) -> &'static str {
    match claim {
        Claim::Must => "cannot",
        Claim::Never => "can",
    }
}

fn user_name(user: &User) -> String {
    format!("user:{}", user.name)
}

/// Why a question was answered so.
fn why(answer: &Answer) -> String {
    let deciders = answer.decided_by.iter().flatten().map(DecidedBy::to_string);
    let deciders: Vec<_> = deciders.collect();
    match (&answer.message, deciders.is_empty()) {
        (Some(message), _) => message.clone(),
        (None, false) => deciders.join(", "),
        (None, true) => "anybody may".to_owned(),
    }
}
