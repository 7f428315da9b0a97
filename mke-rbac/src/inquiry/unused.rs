//! `unused`: rights that an audit log never shows in use, and smaller roles that would have been enough.
//!
//! What cannot be found out counts as used, so that nobody loses a right that was exercised: a call whose object is not
//! known counts for every collection, and a call whose body was not recorded counts with every modifier.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::difference::{Operations, Uses, plural, rule_text, rules_of};
use super::log::{AuditLog, Coverage, LogEntry, LogUser, Logged, Outcome, Spots, request};
use super::simulate::limit;
use super::{Inquiry, InquiryError, Report, Scene};
use crate::decision::Subject;
use crate::kubernetes::{Atom, Authorizer, Binding, BindingKind, Request, Rule};
use crate::model::{Grant, GrantObject};
use crate::question::GrantTriple;
use crate::role::{Rights, RoleBody};

/// Which rights does a log never show?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unused {
    /// The log.
    pub log: AuditLog,
    /// Whether bindings of Kubernetes itself, whose names start with `system:`, are listed too.
    #[serde(default)]
    pub system: bool,
    /// Most grants and most bindings that are listed.
    #[serde(default = "limit")]
    pub limit: usize,
}

/// Grants and bindings that give more than was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnusedReport {
    /// What the log covers.
    pub coverage: Coverage,
    /// How many grants there are, without those of private collections, which follow the settings.
    pub grants: u64,
    /// How many of them were not used at all.
    pub idle_grants: u64,
    /// How many bindings there are, without those left out.
    pub bindings: u64,
    /// How many of them were not used at all.
    pub idle_bindings: u64,
    /// Grants with unused rights, those without any use first.
    pub unused_grants: Vec<UnusedGrant>,
    /// Bindings with unused rights, those without any use first.
    pub unused_bindings: Vec<UnusedBinding>,
    /// How many entries a limit left out of the two lists.
    pub left_out: usize,
}

/// A grant that gives more than was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnusedGrant {
    /// The grant.
    pub grant: GrantTriple,
    /// How many requests used it. One that several grants allow counts for each of them.
    pub requests: u64,
    /// When it was used last, as the log writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// What was used, or may have been.
    pub used: Operations,
    /// What was never used.
    pub unused: Operations,
    /// What would have been enough.
    pub proposal: Proposal,
}

/// What would have been enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proposal {
    /// No grant at all.
    Remove,
    /// A role that exists.
    Role(String),
    /// A new role with these operations.
    New(RoleBody),
}

/// A binding that gives more than was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnusedBinding {
    /// The binding.
    pub binding: String,
    /// Its role.
    pub role: String,
    /// How many requests used it.
    pub requests: u64,
    /// When it was used last, as the log writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Rules of the role that matched nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused: Vec<Rule>,
    /// Rules that would have been enough; none when it was not used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposal: Vec<Rule>,
}

/// What was seen of a grant.
#[derive(Debug, Default)]
struct Seen {
    requests: u64,
    last: String,
    rights: Rights,
}

/// What was seen of a binding.
#[derive(Debug, Default)]
struct Bound {
    requests: u64,
    last: String,
    atoms: Vec<Atom>,
    rules: Vec<Rule>,
}

impl Inquiry for Unused {
    const NAME: &'static str = "unused";
    type Report = UnusedReport;

    fn ask(&self, scene: &Scene<'_>) -> Result<UnusedReport, InquiryError> {
        let mut seen: HashMap<Grant, Seen> = HashMap::new();
        let authorizer = Authorizer::compile(scene.kubernetes());
        let mut bound: HashMap<String, Bound> = HashMap::new();
        for entry in &self.log.entries {
            // What was refused used no right; what failed otherwise may have.
            if matches!(entry.outcome, Outcome::Denied(_)) {
                continue;
            }
            match &entry.request {
                Logged::Engine(call) => {
                    if let Some(subject) = account(scene, &entry.user) {
                        note_grants(scene, &subject, &Spots::new(scene, call), entry, &mut seen);
                    }
                }
                Logged::Kubernetes(asked) => {
                    note_bindings(&authorizer, &request(&entry.user, asked), entry, &mut bound);
                }
            }
        }
        let mut report = UnusedReport {
            coverage: self.log.coverage.clone(),
            grants: 0,
            idle_grants: 0,
            bindings: 0,
            idle_bindings: 0,
            unused_grants: Vec::new(),
            unused_bindings: Vec::new(),
            left_out: 0,
        };
        self.grants(scene, &seen, &mut report);
        self.bindings(&authorizer, &bound, &mut report);
        Ok(report)
    }
}

/// The account of a record: by id, or by name when ids are those of another installation.
pub(super) fn account(scene: &Scene<'_>, user: &LogUser) -> Option<Subject> {
    if user.id.is_empty() && user.name.is_empty() {
        return Some(Subject::Anonymous);
    }
    match scene.policy.user(&user.id) {
        Some(known) => Some(Subject::Account(known.id.clone())),
        None => scene.names().user(&user.name),
    }
}

fn note_grants(
    scene: &Scene<'_>,
    subject: &Subject,
    spots: &Spots<'_>,
    entry: &LogEntry,
    seen: &mut HashMap<Grant, Seen>,
) {
    let policy = scene.policy;
    // Administrators pass without grants.
    if policy.is_administrator(subject) {
        return;
    }
    let spots = spots.of(subject);
    for grant in policy.grants_of(subject) {
        let (GrantObject::Collection(place), Some(role)) = (&grant.object, policy.role(grant.role.as_str()))
        else {
            continue;
        };
        let rights = *role.operations.rights();
        let mut used = Rights::NONE;
        for spot in &spots {
            let here = spot.collection.as_ref().is_none_or(|at| policy.covers(place, at));
            if let Some(held) = rights.modifiers(spot.operation).filter(|_| here) {
                let modifiers = match spot.more_modifiers {
                    true => held,
                    false => spot.modifiers,
                };
                used.insert(spot.operation, modifiers);
            }
        }
        if used.is_empty() {
            continue;
        }
        let seen = seen.entry(grant).or_default();
        seen.rights = seen.rights.union(&used);
        seen.requests += entry.count;
        if entry.last > seen.last {
            seen.last.clone_from(&entry.last);
        }
    }
}

fn note_bindings(
    authorizer: &Authorizer,
    request: &Request,
    entry: &LogEntry,
    bound: &mut HashMap<String, Bound>,
) {
    for held in authorizer.held_rules(&request.user, &request.groups, request.scope()) {
        let with_urls = held.binding.kind == BindingKind::ClusterRoleBinding;
        if !held.rule.allows(request, with_urls) {
            continue;
        }
        let bound = bound.entry(key(held.binding)).or_default();
        bound.requests += entry.count;
        if entry.last > bound.last {
            bound.last.clone_from(&entry.last);
        }
        if !bound.rules.contains(held.rule) {
            bound.rules.push(held.rule.clone());
        }
        let named = !held.rule.resource_names.is_empty();
        let atom = atom(request, named);
        if !bound.atoms.contains(&atom) {
            bound.atoms.push(atom);
        }
    }
}

/// What a request used, with the name of the object only where the rule has names too.
fn atom(request: &Request, named: bool) -> Atom {
    match &request.resource {
        None => Atom::Url {
            verb: request.verb.clone(),
            url: request.path.clone().unwrap_or_default(),
        },
        Some(resource) => Atom::Resource {
            verb: request.verb.clone(),
            group: request.group.clone(),
            resource: match &request.subresource {
                Some(subresource) => format!("{resource}/{subresource}"),
                None => resource.clone(),
            },
            name: request.name.clone().filter(|_| named),
        },
    }
}

fn key(binding: &Binding) -> String {
    serde_json::to_string(binding).unwrap_or_default()
}

impl Unused {
    fn grants(&self, scene: &Scene<'_>, seen: &HashMap<Grant, Seen>, report: &mut UnusedReport) {
        let policy = scene.policy;
        let nothing = Seen::default();
        for grant in policy.grants().filter(|grant| policy.has_grant(grant)) {
            let (Some(triple), Some(role)) = (scene.names().grant(&grant), policy.role(grant.role.as_str()))
            else {
                continue;
            };
            let rights = role.operations.rights();
            report.grants += 1;
            let seen = seen.get(&grant).unwrap_or(&nothing);
            report.idle_grants += u64::from(seen.requests == 0);
            let unused = Uses::of(rights).minus(Uses::of(&seen.rights));
            if unused.is_empty() && !rights.is_empty() {
                continue;
            }
            report.unused_grants.push(UnusedGrant {
                grant: triple,
                requests: seen.requests,
                last: (!seen.last.is_empty()).then(|| seen.last.clone()),
                used: Uses::of(&seen.rights).into(),
                unused: unused.into(),
                proposal: proposal(scene, rights, &seen.rights),
            });
        }
        report.unused_grants.sort_by(|one, other| {
            let unused = |entry: &UnusedGrant| std::cmp::Reverse(entry.unused.names().len());
            let idle = |entry: &UnusedGrant| entry.requests > 0;
            (idle(one), unused(one), &one.grant).cmp(&(idle(other), unused(other), &other.grant))
        });
        report.left_out += report.unused_grants.len().saturating_sub(self.limit);
        report.unused_grants.truncate(self.limit);
    }

    fn bindings(&self, authorizer: &Authorizer, seen: &HashMap<String, Bound>, report: &mut UnusedReport) {
        let nothing = Bound::default();
        for binding in authorizer.bindings() {
            let system = binding
                .name
                .as_deref()
                .is_some_and(|name| name.starts_with("system:"));
            if system && !self.system {
                continue;
            }
            report.bindings += 1;
            let seen = seen.get(&key(binding)).unwrap_or(&nothing);
            report.idle_bindings += u64::from(seen.requests == 0);
            let rules = binding
                .role_key()
                .and_then(|key| authorizer.rules_of(&key))
                .unwrap_or_default();
            let unused: Vec<_> = rules
                .into_iter()
                .map(|(_, rule)| rule)
                .filter(|rule| !seen.rules.contains(rule))
                .cloned()
                .collect();
            if unused.is_empty() && seen.requests > 0 {
                continue;
            }
            report.unused_bindings.push(UnusedBinding {
                binding: binding.to_string(),
                role: binding.role.to_string(),
                requests: seen.requests,
                last: (!seen.last.is_empty()).then(|| seen.last.clone()),
                unused,
                proposal: rules_of(&seen.atoms),
            });
        }
        report.unused_bindings.sort_by(|one, other| {
            (one.requests > 0, &one.binding).cmp(&(other.requests > 0, &other.binding))
        });
        report.left_out += report.unused_bindings.len().saturating_sub(self.limit);
        report.unused_bindings.truncate(self.limit);
    }
}

/// A role that exists and is just enough, else a new one.
fn proposal(scene: &Scene<'_>, granted: &Rights, used: &Rights) -> Proposal {
    if used.is_empty() {
        return Proposal::Remove;
    }
    let same = scene
        .policy
        .roles()
        .iter()
        .find(|role| role.operations.rights() == used);
    match same {
        Some(role) => Proposal::Role(role.name.clone()),
        None => {
            debug_assert!(granted.covers(used), "only what a grant gives is used through it");
            Proposal::New(RoleBody::from(*used))
        }
    }
}

impl Report for UnusedReport {}

impl fmt::Display for UnusedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.coverage.text())?;
        writeln!(
            f,
            "{} of {} never used, {} of {} never used",
            self.idle_grants,
            plural(self.grants, "grant"),
            self.idle_bindings,
            plural(self.bindings, "binding"),
        )?;
        for entry in &self.unused_grants {
            write!(f, "\n{}: ", entry.grant)?;
            used(f, entry.requests, entry.last.as_deref())?;
            if entry.requests > 0 {
                writeln!(f, "  used:   {}", entry.used)?;
                writeln!(f, "  unused: {}", entry.unused)?;
            }
            match &entry.proposal {
                Proposal::Remove => writeln!(f, "  remove it")?,
                Proposal::Role(name) => writeln!(f, "  role {name} is enough")?,
                Proposal::New(body) => {
                    let role = serde_json::to_string(body).unwrap_or_default();
                    writeln!(f, "  a role of its own is enough: {role}")?;
                }
            }
        }
        for entry in &self.unused_bindings {
            write!(f, "\n{} of {}: ", entry.binding, entry.role)?;
            used(f, entry.requests, entry.last.as_deref())?;
            if entry.requests == 0 {
                writeln!(f, "  remove it")?;
                continue;
            }
            for rule in &entry.unused {
                writeln!(f, "  unused: {}", rule_text(rule))?;
            }
            for rule in &entry.proposal {
                writeln!(f, "  enough: {}", rule_text(rule))?;
            }
        }
        if self.left_out > 0 {
            let more = plural(self.left_out as u64, "entry");
            writeln!(f, "\n{more} more left out; a higher limit shows them")?;
        }
        Ok(())
    }
}

fn used(f: &mut fmt::Formatter<'_>, requests: u64, last: Option<&str>) -> fmt::Result {
    match (requests, last) {
        (0, _) => writeln!(f, "never used"),
        (count, Some(last)) => writeln!(f, "{}, the last at {last}", plural(count, "request")),
        (count, None) => writeln!(f, "{}", plural(count, "request")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Operation;

    #[test]
    fn nothing_seen_means_remove() {
        let inventory = crate::question::Inventory::default();
        let policy = crate::Policy::compile(crate::model::Model::with_builtin_collections());
        let scene = Scene::new(&policy, &inventory);
        assert_eq!(proposal(&scene, &Rights::all(), &Rights::NONE), Proposal::Remove);
        let view: Rights = [Operation::NodeSchedule, Operation::NodeView]
            .into_iter()
            .collect();
        assert_eq!(
            proposal(&scene, &Rights::all(), &view),
            Proposal::Role("Scheduler".to_owned())
        );
    }
}
