//! Which policy admits a pod: one that its requester or its service account may use and that allows it as it is,
//! otherwise one that allows it after filling in defaults; each time the first by name (PSP-003).

use serde_json::Value;

use super::spec::PodSecurityPolicy;
use super::{defaults, limits};
use crate::admission::cluster::Cluster;
use crate::admission::outcome::Fault;
use crate::admission::pod::Pod;
use crate::admission::read::{At, Unreadable};
use crate::admission::requester::Requester;
use crate::kubernetes::Request;
use crate::kubernetes::identity::AUTHENTICATED;

/// The annotation that says which policy admitted a pod.
pub(crate) const POLICY_ANNOTATION: &str = "kubernetes.io/psp";

/// On whose account policies may be used.
pub(crate) struct Candidates<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) namespace: &'a str,
    /// Who asks; nobody when it is asked what a controller will be able to do.
    pub(crate) requester: Option<&'a Requester>,
    /// The service account of the pod.
    pub(crate) service_account: &'a str,
}

/// The policy that admits a pod, and the pod with its defaults.
pub(crate) struct Selected {
    pub(crate) policy: String,
    pub(crate) pod: Value,
}

/// Selects a policy, or says what is wrong under each policy that could be used. An update may not change a pod, so
/// only policies that allow it as it is count then; `hint` names the one to try first.
pub(crate) fn select(
    candidates: &Candidates<'_>,
    pod: &Value,
    may_mutate: bool,
    hint: Option<&str>,
) -> Result<Result<Selected, Vec<Fault>>, Unreadable> {
    let mut policies: Vec<&PodSecurityPolicy> = candidates
        .cluster
        .policies()
        .filter(|policy| candidates.may_use(&policy.name))
        .collect();
    policies.sort_by_key(|policy| (hint != Some(policy.name.as_str()), policy.name.as_str()));
    let mut faults = Vec::new();
    let mut changed = None;
    for policy in policies {
        let mut with_defaults = pod.clone();
        defaults::apply(policy, &mut with_defaults)?;
        let found = match Pod::of(At::root(&with_defaults))? {
            Some(pod) => limits::faults(policy, &pod)?,
            None => Vec::new(),
        };
        if !found.is_empty() {
            faults.extend(found.into_iter().map(|fault| Fault {
                message: format!("{} (policy {})", fault.message, policy.name),
                ..fault
            }));
            continue;
        }
        let selected = || Selected {
            policy: policy.name.clone(),
            pod: with_defaults.clone(),
        };
        if with_defaults == *pod {
            return Ok(Ok(selected()));
        }
        if may_mutate && changed.is_none() {
            changed = Some(selected());
        }
    }
    Ok(changed.ok_or(faults))
}

impl Candidates<'_> {
    /// Whether the requester or the service account may use a policy here.
    fn may_use(&self, policy: &str) -> bool {
        let pod_account = Requester::service_account(self.namespace, self.service_account);
        let asked = [self.requester, Some(&pod_account)];
        asked.into_iter().flatten().any(|requester| {
            let mut groups = requester.groups.clone();
            // Bindings can name everybody who works in a namespace (PSP-004).
            if requester.is_in(AUTHENTICATED) {
                groups.push(format!("system:authenticated:{}", self.namespace));
            }
            self.cluster.allows(&Request {
                user: requester.user.clone(),
                groups,
                verb: "use".to_owned(),
                group: "policy".to_owned(),
                resource: Some("podsecuritypolicies".to_owned()),
                name: Some(policy.to_owned()),
                namespace: Some(self.namespace.to_owned()),
                ..Request::default()
            })
        })
    }
}
