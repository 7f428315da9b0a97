//! Decides which user name and groups Kubernetes sees (R82, R89, R90), and what a written subject becomes.
//!
//! Kubernetes sees ids: the user name of a person is the account id, an organization is the group `org:<id>`, a
//! team the group `team:<organization id>:<team id>`. Administrators are in `system:masters`. People write names;
//! [`Directory::rewrite`] replaces them by ids when a binding is written.
//!
//! ```
//! use mke_rbac::kubernetes::BindingSubject;
//! use mke_rbac::kubernetes::identity::Directory;
//! use mke_rbac::model::{Model, Organization, Team, User};
//!
//! let model = Model {
//!     users: vec![User { id: "u-1".into(), name: "jane".into(), admin: false, active: true,
//!         private_collection: None, default_collection: None }],
//!     organizations: vec![Organization { id: "o-1".into(), name: "shop".into(), members: vec![] }],
//!     teams: vec![Team { id: "t-1".into(), organization: "o-1".into(), name: "ops".into(), members: vec!["u-1".into()] }],
//!     ..Model::default()
//! };
//! let directory = Directory::new(&model);
//!
//! let jane = directory.identity("u-1").unwrap();
//! assert_eq!(jane.user, "u-1");
//! assert_eq!(jane.groups, ["org:o-1", "team:o-1:t-1", "system:authenticated"]);
//!
//! let written = BindingSubject::Group { name: "shop:ops".into() };
//! assert_eq!(directory.rewrite(&written), BindingSubject::Group { name: "team:o-1:t-1".into() });
//! ```

mod directory;
mod draft;

pub use directory::Directory;
pub use draft::{DraftError, Scope};

use serde::{Deserialize, Serialize};

/// The group of everybody who proved who they are.
pub const AUTHENTICATED: &str = "system:authenticated";

/// The group of everybody who did not.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";

/// The user name of requests without credentials.
pub const ANONYMOUS: &str = "system:anonymous";

/// The group of all service accounts; that of a namespace follows behind a colon.
pub const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";

const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// Who asks, as Kubernetes sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The user name.
    pub user: String,
    /// The groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

impl Identity {
    /// A request without credentials.
    pub fn anonymous() -> Self {
        Self {
            user: ANONYMOUS.to_owned(),
            groups: vec![UNAUTHENTICATED.to_owned()],
        }
    }

    /// A service account (R89).
    ///
    /// ```
    /// use mke_rbac::kubernetes::identity::Identity;
    /// let account = Identity::service_account("builds", "runner");
    /// assert_eq!(account.user, "system:serviceaccount:builds:runner");
    /// assert_eq!(account.groups, ["system:serviceaccounts", "system:serviceaccounts:builds", "system:authenticated"]);
    /// ```
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let mut groups = service_account_groups(namespace);
        groups.push(AUTHENTICATED.to_owned());
        Self {
            user: service_account_user(namespace, name),
            groups,
        }
    }
}

/// The user name of a service account.
pub fn service_account_user(namespace: &str, name: &str) -> String {
    format!("{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}")
}

/// Namespace and name of the service account with this user name. None for other users.
///
/// ```
/// use mke_rbac::kubernetes::identity::split_service_account;
/// assert_eq!(split_service_account("system:serviceaccount:builds:runner"), Some(("builds", "runner")));
/// assert_eq!(split_service_account("system:serviceaccount:builds"), None);
/// ```
pub fn split_service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    let valid = |part: &str| !part.is_empty() && !part.contains(':');
    (valid(namespace) && valid(name)).then_some((namespace, name))
}

/// Whether this user name is that of a service account; makes no text.
pub(super) fn is_service_account(user: &str, namespace: &str, name: &str) -> bool {
    let rest = user.strip_prefix(SERVICE_ACCOUNT_PREFIX);
    let rest = rest.and_then(|rest| rest.strip_prefix(namespace));
    rest.and_then(|rest| rest.strip_prefix(':')) == Some(name)
}

/// The groups of a service account besides [`AUTHENTICATED`].
pub(super) fn service_account_groups(namespace: &str) -> Vec<String> {
    vec![
        SERVICE_ACCOUNTS.to_owned(),
        format!("{SERVICE_ACCOUNTS}:{namespace}"),
    ]
}

/// The group of an organization.
pub fn organization_group(organization: &str) -> String {
    format!("org:{organization}")
}

/// The group of a team.
pub fn team_group(organization: &str, team: &str) -> String {
    format!("team:{organization}:{team}")
}
