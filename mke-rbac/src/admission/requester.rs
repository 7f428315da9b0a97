//! Who asks the Kubernetes API for a change, and which special requesters there are.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::kubernetes::MASTERS;
use crate::kubernetes::identity::{
    ANONYMOUS, AUTHENTICATED, Identity, SERVICE_ACCOUNTS, service_account_user, split_service_account,
};

/// Controllers that write pods or volumes for objects that were reviewed before, each as a service account of
/// `kube-system`.
const CONTROLLERS: [&str; 8] = [
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "job-controller",
    "persistent-volume-binder",
    "replicaset-controller",
    "replication-controller",
    "statefulset-controller",
];

/// Programs of the control plane that act under their own names.
const PROGRAMS: [&str; 3] = [
    "system:apiserver",
    "system:kube-controller-manager",
    "system:kube-scheduler",
];

/// Who asks: the name and groups that Kubernetes sees (R82, R89).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requester {
    /// The account id, or a name starting with `system:`.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
}

impl Requester {
    /// A requester with the groups that its name brings with it: `system:authenticated`, and those of a service
    /// account (R89).
    pub fn new(user: impl Into<String>, groups: impl IntoIterator<Item = String>) -> Self {
        let user = user.into();
        let mut groups: Vec<String> = groups.into_iter().collect();
        let mut add = |group: String| {
            if !groups.contains(&group) {
                groups.push(group);
            }
        };
        if let Some((namespace, _)) = split_service_account(&user) {
            add(SERVICE_ACCOUNTS.to_owned());
            add(format!("{SERVICE_ACCOUNTS}:{namespace}"));
        }
        if user != ANONYMOUS {
            add(AUTHENTICATED.to_owned());
        }
        Self { user, groups }
    }

    /// An administrator: in the group `system:masters` (R90).
    pub fn administrator(user: impl Into<String>) -> Self {
        Self::new(user, [MASTERS.to_owned()])
    }

    /// A service account.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self::new(service_account_user(namespace, name), [])
    }

    /// Whether this is an administrator.
    pub fn is_administrator(&self) -> bool {
        self.is_in(MASTERS)
    }

    /// Namespace and name, when this is a service account.
    pub fn as_service_account(&self) -> Option<(&str, &str)> {
        split_service_account(&self.user)
    }

    /// The node's name, when this is a kubelet.
    pub fn as_node(&self) -> Option<&str> {
        self.user
            .strip_prefix("system:node:")
            .filter(|name| !name.is_empty() && self.is_in("system:nodes"))
    }

    /// Whether this is Kubernetes itself, at work on an object that was reviewed when somebody wrote it.
    pub fn is_control_plane(&self) -> bool {
        PROGRAMS.contains(&self.user.as_str())
            || matches!(self.as_service_account(), Some(("kube-system", name)) if CONTROLLERS.contains(&name))
    }

    pub(super) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|found| found == group)
    }
}

impl fmt::Display for Requester {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.user)
    }
}

impl From<Identity> for Requester {
    fn from(identity: Identity) -> Self {
        Self {
            user: identity.user,
            groups: identity.groups,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_are_special() {
        assert!(Requester::service_account("kube-system", "job-controller").is_control_plane());
        assert!(!Requester::service_account("dev", "job-controller").is_control_plane());
        assert!(!Requester::service_account("kube-system", "default").is_control_plane());
        assert_eq!(
            Requester::new("system:node:n1", []).as_node(),
            None,
            "the group is missing"
        );
        assert!(!Requester::new(ANONYMOUS, []).is_in(AUTHENTICATED));
    }
}
