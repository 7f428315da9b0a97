//! Decides nothing: the roles and bindings that Kubernetes 1.20 makes when it starts, as data.

use std::sync::LazyLock;

use super::model::Rbac;

/// See `NOTICE` for where it comes from.
const DATA: &str = include_str!("../../data/kubernetes-1.20.yaml");

static BOOTSTRAP: LazyLock<Rbac> = LazyLock::new(|| {
    // A test reads it, so it is well-formed; if it were not, nobody would have a right.
    serde_yaml_ng::from_str(DATA).unwrap_or_default()
});

impl Rbac {
    /// The cluster roles, roles and bindings that Kubernetes 1.20 makes when it starts: those for people (`admin`,
    /// `edit`, `view`, …), for the parts of the system, for its controllers and for the namespaces `kube-system`
    /// and `kube-public`. Roles of the node authorizer are among them; the node authorizer itself is not.
    ///
    /// ```
    /// use mke_rbac::kubernetes::{Authorizer, Rbac, Request};
    /// let authorizer = Authorizer::compile(&Rbac::bootstrap());
    /// let request = Request {
    ///     user: "jane".into(),
    ///     groups: vec!["system:authenticated".into()],
    ///     verb: "get".into(),
    ///     path: Some("/version".into()),
    ///     ..Request::default()
    /// };
    /// assert!(authorizer.allows(&request));
    /// ```
    pub fn bootstrap() -> Self {
        BOOTSTRAP.clone()
    }
}
