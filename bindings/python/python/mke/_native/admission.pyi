from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, final

from mke._table import Table
from mke.rbac import Policy

_Record: TypeAlias = dict[str, Any]
_Form: TypeAlias = Mapping[str, Any]

@final
class Cluster:
    """A cluster as admission sees it. It does not change.

    `manifests` holds the objects that plugins look up, as YAML or JSON: namespaces, pod security policies, roles, bindings,
    service accounts, quotas, limit ranges, nodes. With `defaults` also what every cluster has: four namespaces, the
    roles of Kubernetes, and the two pod security policies of a fresh installation. `policy` brings the accounts,
    `settings` those of the configuration (`priv_attributes_user_accounts`, `enable_admin_ucp_scheduling`, `plugins`, …), and
    `signatures` says who signed an image.

    >>> import mke
    >>> cluster = mke.admission.Cluster()
    >>> pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
    ...        "spec": {"hostNetwork": True, "containers": [{"name": "c", "image": "nginx"}]}}
    >>> review = cluster.review(pod, user="jane-id")
    >>> bool(review), review.code
    (False, 403)
    >>> cluster.policies
    ['privileged', 'unprivileged']

    Raises:
        mke.errors.AdmissionManifestsError: the manifests cannot be read.
        mke.errors.AdmissionClusterError: a policy, role or binding cannot be used; all problems.
        mke.errors.AdmissionSettingsError: a setting names what is not there, or is idle; all problems.
        mke.errors.InquiryError: a setting that does not exist, or of the wrong kind.
    """
    def __new__(
        cls,
        manifests: str = "",
        *,
        policy: Policy | None = None,
        settings: _Form | None = None,
        signatures: Mapping[str, Sequence[str]] | None = None,
        defaults: bool = True,
    ) -> Cluster: ...
    @property
    def policies(self) -> list[str]:
        """The names of the pod security policies, in order."""
    def review(
        self,
        object: _Form,
        *,
        user: str,
        groups: Sequence[str] = ...,
        operation: str | None = None,
        namespace: str = "default",
        old: _Form | None = None,
    ) -> Review:
        """Whether an object may be written as it is, and what becomes of it: the plugins in their order.

        `operation` is `create`, `update`, `delete` or `connect`. `user` and `groups` are those that Kubernetes sees (see
        `Policy.kubernetes_identity`); groups that a name brings with it are added. An object without a namespace is in
        `namespace`. `old` is what an update replaces.

        Raises:
            mke.errors.UnreadableObjectError: the object does not say what it is.
        """

@final
class Review:
    """Whether an object may be written, with every reason against it or with what becomes of it. True when it may.

    >>> import mke
    >>> pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
    ...        "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    >>> review = mke.admission.Cluster().review(pod, user="jane-id")
    >>> review.allowed, review.pod_security_policy
    (True, 'privileged')
    """
    @property
    def allowed(self) -> bool:
        """Whether it may be written."""
    @property
    def reason(self) -> str:
        """Why not, in a word: `forbidden`, `not-found`, `conflict` or `invalid`; `admitted` when it may."""
    @property
    def code(self) -> int:
        """The status code that the API answers with: 403, 404, 409 or 422; 200 when it may."""
    @property
    def message(self) -> str:
        """The sentence that the API answers with; empty when it may."""
    @property
    def refusals(self) -> Table[_Record]:
        """Every no: a table with `plugin`, `status`, `message` and `reasons` (each with `path` and `message`)."""
    @property
    def notes(self) -> Table[_Record]:
        """What plugins did, or want to be known: a table with `plugin` and `text`."""
    @property
    def object(self) -> _Record | None:
        """The object as it will be stored; `None` when it is refused or deleted."""
    @property
    def patch(self) -> list[_Record]:
        """The changes from the object that was sent, as RFC 6902 writes them."""
    @property
    def pod_security_policy(self) -> str | None:
        """The pod security policy that admitted a pod; `None` when none was asked."""
    def to_dict(self) -> _Record:
        """All of it as plain data."""
    def __bool__(self) -> bool: ...
    def __eq__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

def plugins() -> Table[_Record]:
    """The plugins in their order: a table with `name`, `about`, `custom` (of this product, always on) and `deprecated`.

    >>> import mke
    >>> "PodSecurityPolicy" in mke.admission.plugins().column("name")
    True
    """
