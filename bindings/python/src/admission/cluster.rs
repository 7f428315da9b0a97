//! A cluster as admission sees it: its objects, accounts and settings.

use mke_rbac::admission::{
    self, AdmissionOperation, AdmissionRequest, Objects, RawSettings, Requester, Settings, Signatures,
};
use mke_rbac::model::Model;
use pyo3::prelude::*;
use serde_json::Value;

use super::review::Review;
use crate::convert::from_python;
use crate::errors::OrRaise as _;
use crate::rbac::{Policy, read};

/// A cluster as admission sees it. It does not change.
///
/// `manifests` holds the objects that plugins look up, as YAML or JSON: namespaces, pod security policies, roles, bindings,
/// service accounts, quotas, limit ranges, nodes. With `defaults` also what every cluster has: four namespaces, the
/// roles of Kubernetes, and the two pod security policies of a fresh installation. `policy` brings the accounts,
/// `settings` those of the configuration (`priv_attributes_user_accounts`, `enable_admin_ucp_scheduling`, `plugins`, …), and
/// `signatures` says who signed an image.
///
/// >>> import mke
/// >>> cluster = mke.admission.Cluster()
/// >>> pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
/// ...        "spec": {"hostNetwork": True, "containers": [{"name": "c", "image": "nginx"}]}}
/// >>> review = cluster.review(pod, user="jane-id")
/// >>> bool(review), review.code
/// (False, 403)
/// >>> cluster.policies
/// ['privileged', 'unprivileged']
///
/// Raises:
///     mke.errors.AdmissionManifestsError: the manifests cannot be read.
///     mke.errors.AdmissionClusterError: a policy, role or binding cannot be used; all problems.
///     mke.errors.AdmissionSettingsError: a setting names what is not there, or is idle; all problems.
///     mke.errors.InquiryError: a setting that does not exist, or of the wrong kind.
#[pyclass(module = "mke.admission", frozen)]
pub(crate) struct Cluster {
    cluster: admission::Cluster,
    settings: Settings,
}

#[pymethods]
impl Cluster {
    #[new]
    #[pyo3(signature = (manifests="", *, policy=None, settings=None, signatures=None, defaults=true))]
    fn new(
        py: Python<'_>,
        manifests: &str,
        policy: Option<&Bound<'_, Policy>>,
        settings: Option<&Bound<'_, PyAny>>,
        signatures: Option<&Bound<'_, PyAny>>,
        defaults: bool,
    ) -> PyResult<Self> {
        let settings: RawSettings =
            settings.map_or_else(|| Ok(RawSettings::default()), |form| read("settings", form))?;
        let signatures: Signatures =
            signatures.map_or_else(|| Ok(Signatures::new()), |form| read("signatures", form))?;
        let policy = policy.map(|policy| policy.get().world().policy().clone());
        let mut objects = if defaults {
            Objects::defaults()
        } else {
            Objects::empty()
        };
        py.detach(|| objects.read(manifests)).or_raise()?;
        let cluster = py.detach(|| {
            let model = policy.map_or_else(Model::default, |policy| policy.to_model());
            admission::Cluster::new(objects, &model)
        });
        let cluster = cluster.or_raise()?.with_signatures(signatures);
        Ok(Self {
            settings: settings.check(&cluster).or_raise()?,
            cluster,
        })
    }

    /// The names of the pod security policies, in order.
    #[getter]
    fn policies(&self) -> Vec<&str> {
        self.cluster
            .policies()
            .map(|policy| policy.name.as_str())
            .collect()
    }

    /// Whether an object may be written as it is, and what becomes of it: the plugins in their order.
    ///
    /// `operation` is `create`, `update`, `delete` or `connect`. `user` and `groups` are those that Kubernetes sees (see
    /// `Policy.kubernetes_identity`); groups that a name brings with it are added. An object without a namespace is in
    /// `namespace`. `old` is what an update replaces.
    ///
    /// Raises:
    ///     mke.errors.UnreadableObjectError: the object does not say what it is.
    #[pyo3(signature = (object, *, user, groups=Vec::new(), operation=None, namespace="default", old=None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a request, most of them keywords"
    )]
    fn review(
        &self,
        py: Python<'_>,
        object: &Bound<'_, PyAny>,
        user: &str,
        groups: Vec<String>,
        operation: Option<&Bound<'_, PyAny>>,
        namespace: &str,
        old: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Review> {
        let object: Value = from_python("object", object)?;
        let old: Option<Value> = old.map(|old| from_python("old", old)).transpose()?;
        let operation: AdmissionOperation = match operation {
            Some(form) => read("operation", form)?,
            None => AdmissionOperation::Create,
        };
        let requester = Requester::new(user, groups);
        let mut request = AdmissionRequest::of(operation, requester, object, namespace).or_raise()?;
        if old.is_some() {
            request.old_object = old;
        }
        let outcome = py.detach(|| admission::review(&request, &self.cluster, &self.settings));
        Ok(Review::new(outcome))
    }

    fn __repr__(&self) -> String {
        format!("<Cluster: pod security policies {}>", self.policies().join(", "))
    }
}
