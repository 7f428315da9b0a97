//! Decides nothing: the answer to "who may do this?".

use std::collections::BTreeMap;

use serde::Serialize;

use super::evidence::RuleEvidence;
use super::model::{BindingKind, BindingSubject};

/// Whom bindings allow a request, each once, in order of the names, with one way by which it is allowed.
///
/// Members of the group `system:masters` may do everything and are not listed for it (R90). A group stands for its
/// members, which Kubernetes does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KubernetesWhoCan<'a> {
    /// Users by name.
    pub users: BTreeMap<&'a str, RuleEvidence<'a>>,
    /// Groups by name.
    pub groups: BTreeMap<&'a str, RuleEvidence<'a>>,
    /// Service accounts by namespace and name.
    #[serde(serialize_with = "with_text_keys")]
    pub service_accounts: BTreeMap<(&'a str, &'a str), RuleEvidence<'a>>,
}

impl<'a> KubernetesWhoCan<'a> {
    /// Whether no binding allows it.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty() && self.service_accounts.is_empty()
    }

    /// Adds a holder, unless it is there already. A service account without a namespace, in a cluster role
    /// binding, is nobody (R89).
    pub(super) fn add(&mut self, evidence: RuleEvidence<'a>) {
        match evidence.subject {
            BindingSubject::User { name } => {
                self.users.entry(name).or_insert(evidence);
            }
            BindingSubject::Group { name } => {
                self.groups.entry(name).or_insert(evidence);
            }
            BindingSubject::ServiceAccount { name, namespace } => {
                let inside = evidence.binding.kind == BindingKind::RoleBinding;
                let own = evidence.binding.namespace.as_deref().filter(|_| inside);
                let written = namespace.as_deref().filter(|namespace| !namespace.is_empty());
                if let Some(namespace) = written.or(own) {
                    self.service_accounts.entry((namespace, name)).or_insert(evidence);
                }
            }
        }
    }
}

/// Keys become `namespace:name`, as keys of JSON are texts.
fn with_text_keys<S: serde::Serializer>(
    accounts: &BTreeMap<(&str, &str), RuleEvidence<'_>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let written = accounts.iter();
    serializer
        .collect_map(written.map(|((namespace, name), evidence)| (format!("{namespace}:{name}"), evidence)))
}
