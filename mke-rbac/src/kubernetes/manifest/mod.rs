//! Decides whether a stream of Kubernetes manifests holds well-formed roles and bindings, and reads them.
//!
//! Read are `Role`, `ClusterRole`, `RoleBinding` and `ClusterRoleBinding` of `rbac.authorization.k8s.io/v1`, and of
//! `v1beta1`, which has the same form; `v1alpha1` is refused, because a user called `*` means everybody there.
//! Lists (`List`, `RoleList`, …) are opened. Objects of other kinds are counted and skipped, so that a whole
//! directory of manifests can be given. A malformed role or binding is never skipped: every problem of the whole
//! stream is reported, and nothing is read.
//!
//! Metadata besides name, namespace and labels is dropped.

mod fields;
mod object;
mod read;
mod write;

pub use read::{MAX_BYTES, MAX_OBJECTS, Manifests};

use std::fmt;

/// Why manifests cannot be read: every problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Lines(.problems))]
pub struct ManifestError {
    /// In order of the documents; at least one.
    pub problems: Vec<ManifestProblem>,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestProblem {
    /// Which document, from 1; 0 when it is about the whole text.
    pub document: usize,
    /// Which object, as far as it is known: `Role blue/reader`.
    pub object: Option<String>,
    /// The field: `rules[0].verbs`.
    pub field: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl fmt::Display for ManifestProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.document > 0 {
            write!(f, "document {}", self.document)?;
            if let Some(object) = &self.object {
                write!(f, " ({object})")?;
            }
            f.write_str(": ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

struct Lines<'a>(&'a [ManifestProblem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            let line = if position > 0 { "\n" } else { "" };
            write!(f, "{line}{problem}")?;
        }
        Ok(())
    }
}
