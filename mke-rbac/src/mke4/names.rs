//! Decides names of cluster roles that are free and that Kubernetes takes.
//!
//! A name is taken when Kubernetes makes a role or binding of it by itself, when one that comes along has it, or when
//! it was given out before, or a binding refers to it: an empty role called `view` would take everything from whoever holds that of Kubernetes.

use std::collections::BTreeSet;

use crate::kubernetes::{BindingKind, Rbac, RoleKind};

/// The longest name part of a label's key.
const MAX_LABEL: usize = 63;

/// What stands before the name in a label's key.
const LABEL_PREFIX: &str = "aggregate-to-";

/// The domain of the labels by which aggregated roles choose what belongs to them.
const DOMAIN: &str = "mke.mirantis.com";

/// Gives out names.
#[derive(Debug)]
pub(super) struct Allocator {
    taken: BTreeSet<String>,
    labels: BTreeSet<String>,
}

impl Allocator {
    /// Names of the cluster's own roles and bindings, and those of Kubernetes, are taken.
    pub(super) fn new(kubernetes: &Rbac) -> Self {
        let bootstrap = Rbac::bootstrap();
        let all = [kubernetes, &bootstrap];
        let roles = all.iter().flat_map(|rbac| rbac.roles.iter());
        let roles = roles
            .filter(|role| role.kind == RoleKind::ClusterRole)
            .map(|role| role.name.clone());
        let bindings = all.iter().flat_map(|rbac| rbac.bindings.iter());
        let bindings = bindings.filter(|binding| binding.kind == BindingKind::ClusterRoleBinding);
        let bindings = bindings.filter_map(|binding| binding.name.clone());
        // A binding of a role that does not exist must not find one all of a sudden.
        let referred = kubernetes
            .bindings
            .iter()
            .map(|binding| binding.role.name.clone());
        let keys = kubernetes.roles.iter().flat_map(|role| role.labels.keys());
        let keys = keys.filter_map(|key| {
            key.strip_prefix(DOMAIN)?
                .strip_prefix('/')?
                .strip_prefix(LABEL_PREFIX)
        });
        Self {
            labels: keys.map(str::to_owned).collect(),
            taken: roles.chain(bindings).chain(referred).collect(),
        }
    }

    /// The expected name, the first of the others that is free, or the last one with a number; and why it is not the
    /// expected one. Characters that Kubernetes does not take become dashes.
    pub(super) fn take(&mut self, expected: &str, others: &[String]) -> (String, Option<&'static str>) {
        let safe = plain(expected);
        let why = (safe != expected).then_some("Kubernetes does not take every character of the name");
        if self.taken.insert(safe.clone()) {
            return (safe, why);
        }
        let why = Some("the name is taken");
        for other in others.iter().map(|other| plain(other)) {
            if self.taken.insert(other.clone()) {
                return (other, why);
            }
        }
        let last = others.last().map_or(safe, |other| plain(other));
        let mut number = 2u64;
        loop {
            let name = format!("{last}-{number}");
            if self.taken.insert(name.clone()) {
                return (name, why);
            }
            number += 1;
        }
    }

    /// The key of the label by which the aggregated role of this name chooses roles.
    pub(super) fn label(&mut self, name: &str) -> String {
        let most = MAX_LABEL - LABEL_PREFIX.len();
        let mut short = name.to_owned();
        let mut number = 1u64;
        while short.len() > most || !self.labels.insert(short.clone()) {
            number += 1;
            let end = format!("-{number}");
            let start: String = name.chars().take(most - end.len()).collect();
            short = format!("{start}{end}");
        }
        format!("{DOMAIN}/{LABEL_PREFIX}{short}")
    }
}

/// Letters, digits, `.`, `_` and `-` of ASCII, with one of the first two at both ends.
fn plain(name: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let mut mapped = String::with_capacity(name.len());
    for c in name.chars() {
        // One dash for all in a row.
        if fine(c) {
            mapped.push(c);
        } else if !mapped.ends_with('-') {
            mapped.push('-');
        }
    }
    let trimmed = mapped.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if trimmed.is_empty() {
        "unnamed".to_owned()
    } else {
        trimmed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels() {
        let mut names = Allocator::new(&Rbac::default());
        let taken = Some("the name is taken");
        let odd = Some("Kubernetes does not take every character of the name");
        for (expected, others, name, why) in [
            ("ops-team", &[][..], "ops-team", None),
            ("ops-team", &["shop-ops-team".to_owned()], "shop-ops-team", taken),
            (
                "ops-team",
                &["shop-ops-team".to_owned()],
                "shop-ops-team-2",
                taken,
            ),
            ("view", &["view-swarm".to_owned()], "view-swarm", taken),
            ("cluster-admin", &[], "cluster-admin-2", taken),
            ("Web & team/é", &[], "Web-team", odd),
            ("Web-team", &[], "Web-team-2", taken),
            ("..", &[], "unnamed", odd),
        ] {
            assert_eq!(names.take(expected, others), (name.to_owned(), why), "{expected}");
        }
        let long = "a".repeat(60);
        let keys: BTreeSet<_> = (0..1_000).map(|_| names.label(&long)).collect();
        assert_eq!(keys.len(), 1_000);
        assert!(
            keys.iter().all(|key| key.len() <= MAX_LABEL + DOMAIN.len() + 1),
            "{keys:?}"
        );
        assert_eq!(names.label("b-org"), "mke.mirantis.com/aggregate-to-b-org");
    }
}
