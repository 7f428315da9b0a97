//! What changed between two policies, in names, for people and for scripts.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::uses::Uses;
use crate::kubernetes::Rule;

/// Who gained and who lost, on the Swarm side and in Kubernetes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Exact numbers, also of what is not listed.
    pub counts: DifferenceCounts,
    /// Users for whom Swarm decisions flip, those with the same flips together, the largest change first.
    pub swarm: Vec<SubjectChange>,
    /// Users, groups and service accounts for whom Kubernetes decisions flip.
    pub kubernetes: Vec<KubernetesSubjectChange>,
    /// How many entries a limit left out of the two lists.
    pub left_out: usize,
}

/// Numbers of decisions that flip. One decision is about one user, one collection and one operation, or one operation
/// with one modifier; in Kubernetes about one subject, one scope and one combination of verb, group, resource and
/// name, or of verb and URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DifferenceCounts {
    /// Decisions from no to yes.
    pub gained: u64,
    /// Decisions from yes to no.
    pub lost: u64,
    /// Users that gain something.
    pub users_gaining: u64,
    /// Users that lose something.
    pub users_losing: u64,
    /// Kubernetes decisions from no to yes.
    pub kubernetes_gained: u64,
    /// Kubernetes decisions from yes to no.
    pub kubernetes_lost: u64,
}

/// The same flips for one or several users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectChange {
    /// Who: `user:<name>`; for several the team or organization whose members they are, exactly; `every user`;
    /// `anonymous` for requests without credentials.
    pub who: String,
    /// Names of the users, the first ones when there are many.
    pub users: Vec<String>,
    /// How many users.
    pub count: u64,
    /// Decisions that each of them gains.
    pub gained: u64,
    /// Decisions that each of them loses.
    pub lost: u64,
    /// Where, and what.
    pub places: Vec<PlaceChange>,
}

/// What became of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceState {
    /// It is in both policies.
    Kept,
    /// It is gone.
    Removed,
    /// It is new.
    Added,
}

/// The same flips on one or several collections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceChange {
    /// The path of the topmost collection; what is said holds below it too. [`PlaceChange::OWN_PRIVATE`] for the
    /// private collection of each user.
    pub collection: String,
    /// The path that it had before, when it moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<String>,
    /// Of which collections there it holds.
    pub state: PlaceState,
    /// How many collections these are.
    pub collections: u64,
    /// Paths below for which it does not hold; they stand for themselves where something changed. The first ones
    /// when there are many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// How many such paths there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub exceptions: usize,
    /// Operations from no to yes, such as `Service View`, `Container Create with Privileged`.
    pub gained: Operations,
    /// Operations from yes to no.
    pub lost: Operations,
}

impl PlaceChange {
    /// How the private collection of each user is called.
    pub const OWN_PRIVATE: &str = "own private collection";
}

const fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Operations, and operations with one modifier. In JSON a list of texts: `Service View`, `Container Create with
/// Privileged`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Operations(Uses);

impl From<Uses> for Operations {
    fn from(uses: Uses) -> Self {
        Self(uses)
    }
}

impl Operations {
    /// Each as text.
    pub fn names(&self) -> Vec<String> {
        self.0.names()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// For people, by type of object.
impl fmt::Display for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Operations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.names())
    }
}

impl<'de> Deserialize<'de> for Operations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Uses::from_names(&names)
            .map(Self)
            .map_err(|name| D::Error::custom(format!("`{name}` is no operation")))
    }
}

/// The same flips for one or several subjects of Kubernetes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSubjectChange {
    /// `user:<name>` for accounts, `User <name>`, `Group <name>`, `ServiceAccount <namespace>:<name>` for others; the
    /// first ones when there are many.
    pub who: Vec<String>,
    /// How many.
    pub count: u64,
    /// Where, and what.
    pub scopes: Vec<ScopeChange>,
}

/// What flips in one scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeChange {
    /// The namespace; absent for the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Namespaces in which it was so before and stays so, because something else says the same there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// What goes from no to yes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gained: Vec<Rule>,
    /// What goes from yes to no.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Rule>,
}

impl Difference {
    /// Whether nothing flips.
    pub fn is_empty(&self) -> bool {
        !self.gains() && !self.losses()
    }

    /// Whether somebody gains something.
    pub const fn gains(&self) -> bool {
        self.counts.gained > 0 || self.counts.kubernetes_gained > 0
    }

    /// Whether somebody loses something.
    pub const fn losses(&self) -> bool {
        self.counts.lost > 0 || self.counts.kubernetes_lost > 0
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no decision changes");
        }
        let counts = &self.counts;
        if counts.gained + counts.lost > 0 {
            writeln!(
                f,
                "Swarm: {} gained by {}, {} lost by {}",
                plural(counts.gained, "decision"),
                plural(counts.users_gaining, "user"),
                plural(counts.lost, "decision"),
                plural(counts.users_losing, "user"),
            )?;
        }
        for change in &self.swarm {
            write!(f, "\n{change}")?;
        }
        if counts.kubernetes_gained + counts.kubernetes_lost > 0 {
            if counts.gained + counts.lost > 0 {
                writeln!(f)?;
            }
            writeln!(
                f,
                "Kubernetes: {} gained, {} lost",
                plural(counts.kubernetes_gained, "decision"),
                plural(counts.kubernetes_lost, "decision"),
            )?;
        }
        for change in &self.kubernetes {
            write!(f, "\n{change}")?;
        }
        if self.left_out > 0 {
            writeln!(
                f,
                "\n{} more left out; a higher limit shows them",
                plural(self.left_out as u64, "entry")
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for SubjectChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.who)?;
        if self.count > 1 || self.users.first().is_some_and(|user| !self.who.ends_with(user)) {
            write!(
                f,
                " ({}: {})",
                plural(self.count, "user"),
                shortened(&self.users, self.count)
            )?;
        }
        writeln!(f)?;
        self.places.iter().try_for_each(|place| place.fmt(f))
    }
}

impl fmt::Display for PlaceChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        for (word, operations) in [("gains", &self.gained), ("loses", &self.lost)] {
            if !operations.is_empty() {
                writeln!(f, "  {word} on {place}: {operations}")?;
            }
        }
        if self.exceptions > 0 {
            let listed = shortened(&self.except, self.exceptions as u64);
            writeln!(f, "    except on {listed}")?;
        }
        Ok(())
    }
}

impl PlaceChange {
    fn place(&self) -> String {
        let mut text = self.collection.clone();
        if let Some(old) = &self.moved_from {
            text.push_str(&format!(" (was {old})"));
        }
        match (self.state, self.collections) {
            (PlaceState::Kept, 1) => {}
            (PlaceState::Kept, count) => {
                text.push_str(&format!(" and below ({})", plural(count, "collection")))
            }
            (PlaceState::Added, count) => text.push_str(&format!(" ({})", plural(count, "new collection"))),
            (PlaceState::Removed, count) => {
                text.push_str(&format!(" ({})", plural(count, "removed collection")));
            }
        }
        text
    }
}

impl fmt::Display for KubernetesSubjectChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", shortened(&self.who, self.count))?;
        for scope in &self.scopes {
            let place = match &scope.namespace {
                Some(namespace) => format!("in namespace {namespace}"),
                None => "in the whole cluster".to_owned(),
            };
            for (word, rules) in [("gains", &scope.gained), ("loses", &scope.lost)] {
                for rule in rules {
                    writeln!(f, "  {word} {place}: {}", rule_text(rule))?;
                }
            }
            if !scope.except.is_empty() {
                writeln!(
                    f,
                    "    not in {}, where it stays as it was",
                    scope.except.join(", ")
                )?;
            }
        }
        Ok(())
    }
}

/// A rule on one line: `get, list pods, services`, `get secrets named db`, `get /metrics`.
pub(in crate::inquiry) fn rule_text(rule: &Rule) -> String {
    let verbs = rule.verbs.join(", ");
    if !rule.non_resource_urls.is_empty() {
        return format!("{verbs} {}", rule.non_resource_urls.join(", "));
    }
    let mut resources = Vec::new();
    for group in &rule.api_groups {
        for resource in &rule.resources {
            resources.push(match (group.as_str(), resource.as_str()) {
                ("*", "*") => "everything".to_owned(),
                ("" | "*", resource) => resource.to_owned(),
                (group, "*") => format!("everything of {group}"),
                (group, resource) => format!("{resource}.{group}"),
            });
        }
    }
    let named = match rule.resource_names.is_empty() {
        true => String::new(),
        false => format!(" named {}", rule.resource_names.join(", ")),
    };
    format!("{verbs} {}{named}", resources.join(", "))
}

/// `1 user`, `2 users`, `2 entries`.
pub(in crate::inquiry) fn plural(count: u64, word: &str) -> String {
    match (count, word.strip_suffix('y')) {
        (1, _) => format!("1 {word}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{count} {stem}ies"),
        _ => format!("{count} {word}s"),
    }
}

/// The listed names and how many more there are.
pub(in crate::inquiry) fn shortened(listed: &[String], count: u64) -> String {
    let text = listed.join(", ");
    match count.saturating_sub(listed.len() as u64) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
