//! `test`: a file of what must be and what must never be, checked against a policy.
//!
//! A name that stands for nothing makes an assertion an error, not a pass: a misspelt team would hold for ever.

mod check;
mod junit;
mod select;

use std::fmt;

use mke_core::causes::chain;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::difference::plural;
use super::read::fields;
use super::{Inquiry, InquiryError, Report, Scene};
use crate::operation::{Modifier, Operation};
use crate::question::Ask;

/// The only format of assertion files.
pub const FORMAT: &str = "policy-tests/1";

/// Counterexamples that one assertion shows.
const SHOWN: usize = 10;

/// Does the policy keep these assertions?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTests {
    /// [`FORMAT`].
    pub format: String,
    /// The assertions. At least one.
    pub tests: Vec<Assertion>,
}

/// One assertion: whom it is about, and what they must or must never be able to do.
///
/// Exactly one of `must`, `must-never` and `nobody-except`, and exactly one of `do`, `call`, `kubernetes` and `ask`.
/// Subjects are written `user:<name>`, `team:<org>/<name>`, `org:<name>`, `anyone` (every active user who is no
/// administrator, and requests without credentials), `anonymous`, `administrators`; in Kubernetes also
/// `service-account:<namespace>/<name>`, `group:<name>`, `kubernetes-user:<name>` and `system` (the parts of
/// Kubernetes itself).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Assertion {
    /// What the assertion is called; made from its parts when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why it must be so, for whoever reads a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Every one of these subjects can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub must: Option<OneOrMany<String>>,
    /// None of these subjects can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub must_never: Option<OneOrMany<String>>,
    /// Nobody can but these subjects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nobody_except: Option<OneOrMany<String>>,
    /// Subjects that are left out of `must` and `must-never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<OneOrMany<String>>,
    /// Whether `must-never` and `nobody-except` are about administrators too, who can do everything.
    pub administrators: bool,
    /// Operations; for `must` all of them, for the others any of them.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub operations: Option<OneOrMany<Operation>>,
    /// Modifiers of the operations, all together.
    #[serde(rename = "with", skip_serializing_if = "Option::is_none")]
    pub modifiers: Option<OneOrMany<Modifier>>,
    /// The path of the collection.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// Whether the collections below are meant too.
    pub and_below: bool,
    /// A call of the Engine API: method, space, path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// A request to Kubernetes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesAct>,
    /// Any question that is allowed or denied, in the form of `can-i`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
}

/// A request to Kubernetes, for whoever the assertion is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesAct {
    /// Verbs; for `must` all of them, for the others any of them.
    pub verb: OneOrMany<String>,
    /// The API group, empty for the core group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace; absent for the whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The path of a request that is not about a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One.
    One(T),
    /// A list.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// The values.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

/// What became of each assertion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestReport {
    /// How many hold.
    pub passed: usize,
    /// How many do not.
    pub failed: usize,
    /// How many cannot be checked.
    pub errors: usize,
    /// Each of them, in the order of the file.
    pub tests: Vec<TestResult>,
}

/// What became of one assertion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// Why it must be so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it holds.
    pub outcome: TestOutcome,
    /// What is wrong, when it cannot be checked; a remark otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Who contradicts it; the first ones when there are many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counterexamples: Vec<Counterexample>,
    /// How many contradict it.
    #[serde(default)]
    pub count: usize,
}

/// Whether an assertion holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestOutcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It cannot be checked.
    Error,
}

/// Somebody who contradicts an assertion.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counterexample {
    /// Who.
    pub who: String,
    /// What they can or cannot do.
    pub what: String,
    /// Through what they can, or what is missing.
    pub why: String,
}

impl PolicyTests {
    /// Reads an assertion file, YAML or JSON.
    ///
    /// # Errors
    /// [`InquiryError::Field`] for what is no such file, for another format, and for a file without assertions.
    pub fn parse(text: &str) -> Result<Self, InquiryError> {
        // Through JSON, so that complaints name fields as everywhere.
        let value: Value = crate::yaml::from_str(text)
            .map_err(|error| InquiryError::field(".", format!("is no YAML: {}", chain(&error))))?;
        let tests: Self = fields(value)?;
        tests.check()?;
        Ok(tests)
    }

    fn check(&self) -> Result<(), InquiryError> {
        if self.format != FORMAT {
            let problem = format!("is `{}`, this program reads `{FORMAT}`", self.format);
            return Err(InquiryError::field("format", problem));
        }
        if self.tests.is_empty() {
            return Err(InquiryError::field(
                "tests",
                "holds no assertion, so nothing is tested",
            ));
        }
        Ok(())
    }
}

impl Inquiry for PolicyTests {
    const NAME: &'static str = "test";
    type Report = TestReport;

    fn ask(&self, scene: &Scene<'_>) -> Result<TestReport, InquiryError> {
        self.check()?;
        let checker = check::Checker::new(scene);
        let tests: Vec<_> = self.tests.iter().map(|test| checker.run(test)).collect();
        let count = |outcome| tests.iter().filter(|test| test.outcome == outcome).count();
        Ok(TestReport {
            passed: count(TestOutcome::Passed),
            failed: count(TestOutcome::Failed),
            errors: count(TestOutcome::Error),
            tests,
        })
    }
}

impl TestReport {
    /// The report as JUnit XML, which pipelines show.
    pub fn junit(&self) -> String {
        junit::write(self)
    }
}

impl Report for TestReport {
    fn is_no(&self) -> bool {
        self.failed > 0
    }
}

impl fmt::Display for TestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for test in &self.tests {
            let word = match test.outcome {
                TestOutcome::Passed => "ok   ",
                TestOutcome::Failed => "FAIL ",
                TestOutcome::Error => "ERROR",
            };
            writeln!(f, "{word} {}", test.name.replace('\n', " "))?;
            for line in test.details() {
                writeln!(f, "      {line}")?;
            }
        }
        writeln!(
            f,
            "{}: {} passed, {} failed, {} could not be checked",
            plural(self.tests.len() as u64, "assertion"),
            self.passed,
            self.failed,
            self.errors
        )
    }
}

impl TestResult {
    /// What there is to say besides the name, one line each.
    fn details(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.outcome != TestOutcome::Passed {
            lines.extend(self.reason.iter().map(|reason| format!("because: {reason}")));
        }
        lines.extend(self.message.clone());
        lines.extend(self.counterexamples.iter().map(ToString::to_string));
        let more = self.count.saturating_sub(self.counterexamples.len());
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.who, self.what, self.why)
    }
}

impl Assertion {
    /// Its name, or one made from its parts.
    fn title(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let list = |texts: &OneOrMany<String>| texts.as_slice().join(", ");
        let who = match (&self.must, &self.must_never, &self.nobody_except) {
            (Some(who), ..) => format!("{} must", list(who)),
            (_, Some(who), _) => format!("{} must never", list(who)),
            (_, _, Some(who)) => format!("nobody except {} may", list(who)),
            _ => "nobody".to_owned(),
        };
        let except = self.except.as_ref().map(|who| format!(" (except {})", list(who)));
        format!("{who} {}{}", self.act(), except.unwrap_or_default())
    }

    /// What it is about, in words.
    fn act(&self) -> String {
        if let Some(operations) = &self.operations {
            let operations: Vec<_> = operations.as_slice().iter().map(|one| one.name()).collect();
            let modifiers = self.modifiers.as_ref().map_or(&[][..], OneOrMany::as_slice);
            let modifiers: Vec<_> = modifiers.iter().map(|one| one.name()).collect();
            let with = match modifiers.is_empty() {
                true => String::new(),
                false => format!(" with {}", modifiers.join(", ")),
            };
            let below = if self.and_below { " and below" } else { "" };
            let place = self.collection.as_deref().unwrap_or_default();
            return format!("{}{with} in {place}{below}", operations.join(", "));
        }
        if let Some(call) = &self.call {
            return format!("call {call}");
        }
        if let Some(act) = &self.kubernetes {
            return act.to_string();
        }
        match self.ask.as_ref().map(serde_json::to_string) {
            Some(Ok(text)) => text,
            _ => "do anything".to_owned(),
        }
    }
}

impl fmt::Display for KubernetesAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verbs = self.verb.as_slice().join(", ");
        let Some(resource) = &self.resource else {
            return write!(f, "{verbs} {}", self.path.as_deref().unwrap_or_default());
        };
        write!(f, "{verbs} {resource}")?;
        if let Some(subresource) = &self.subresource {
            write!(f, "/{subresource}")?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => f.write_str(" in the whole cluster"),
        }
    }
}
