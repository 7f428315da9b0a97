from array import array
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Protocol, TypeAlias, final

from mke._table import Table
from mke.rbac._reports import (
    AccessReport,
    DiffReport,
    Explanation,
    PathsReport,
    ReplayReport,
    SimulateReport,
    TestReport,
    UnusedReport,
    WhoCanReport,
)

_Record: TypeAlias = dict[str, Any]
_Form: TypeAlias = Mapping[str, Any]

class _Array(Protocol):
    def __len__(self) -> int: ...
    def __getitem__(self, index: Any, /) -> Any: ...

OPERATIONS: tuple[str, ...]
MODIFIERS: tuple[str, ...]

@final
class Policy:
    """Accounts, collections, roles and grants that can be asked, offline. It does not change; `with_changes` makes another.

    Made from a state (`from_state`, `from_file`) or from its parts as keywords, in the form of a world of a state file:
    `users` and `orgs` (mappings by name, or names alone), `collections` (paths), `roles`, `grants` (mappings, or three
    texts: subject, role, collection), `nodes`, `resources`, `settings` and `k8s`. Built-in collections and roles are
    always there.

    >>> import mke
    >>> policy = mke.rbac.Policy(
    ...     users=["dina", "sam"],
    ...     orgs={"bank": {"teams": {"ops": ["sam"]}}},
    ...     collections=["/Prod"],
    ...     grants=[("user:dina", "viewonly", "/Shared"), ("team:bank/ops", "fullcontrol", "/Prod")],
    ... )
    >>> bool(policy.decide("sam", "Container Create", "/Prod", "Privileged"))
    True
    >>> policy.allows("dina", "Service Create", "/Prod")
    False
    >>> policy
    <Policy: 2 users, 8 collections, 5 grants>

    Raises:
        mke.errors.InquiryError: a part has a wrong form; `field` says where.
        mke.errors.StateError: names that stand for nothing, all of them.
    """
    def __new__(
        cls,
        *,
        users: Mapping[str, _Form] | Iterable[str] | None = None,
        orgs: Mapping[str, _Form] | Iterable[str] | None = None,
        collections: Iterable[str] | None = None,
        roles: _Form | None = None,
        grants: Iterable[_Form | tuple[str, str, str]] | None = None,
        nodes: Mapping[str, str] | None = None,
        resources: Iterable[_Form] | None = None,
        settings: _Form | None = None,
        k8s: _Form | None = None,
    ) -> Policy: ...
    @classmethod
    def from_state(cls, text: str, world: str | None = None) -> Policy:
        """The policy in the text of a state, YAML or JSON. The world must be named when there are several.

        >>> import mke
        >>> text = '''
        ... format: rbac-scenarios/1
        ... worlds: {bank: {users: {dina: {}}, grants: [{id: g1, subject: "user:dina", role: viewonly, collection: /Shared}]}}
        ... '''
        >>> mke.rbac.Policy.from_state(text).allows("dina", "Service View", "/Shared")
        True

        Raises:
            mke.errors.StateError: it cannot be read, or names stand for nothing.
        """
    @classmethod
    def from_file(cls, path: str | PathLike[str], world: str | None = None) -> Policy:
        """The policy in a state file.

        Raises:
            OSError: it cannot be read.
            mke.errors.StateError: see `from_state`.
        """
    @staticmethod
    def worlds(text: str) -> list[str]:
        """The names of the worlds in the text of a state, in order."""
    @property
    def users(self) -> tuple[str, ...]:
        """The names of all users, sorted. A user's position here is its number in `decide_many`."""
    @property
    def collections(self) -> tuple[str, ...]:
        """The paths of all collections, sorted. A collection's position here is its number in `decide_many`."""
    @property
    def roles(self) -> Table[_Record]:
        """All roles, the built-in ones first: a table with `id`, `name`, `system` and `operations` (type, operation, modifiers)."""
    @property
    def grants(self) -> Table[_Record]:
        """All grants on collections, the implied ones included: a table with `subject`, `role`, `role_name` and
        `collection`.
        """
    @property
    def warnings(self) -> list[str]:
        """What has no effect because it names what does not exist, in sentences."""
    @property
    def kubernetes(self) -> KubernetesPolicy:
        """The roles and bindings of Kubernetes in this state."""
    def decide(self, subject: str | None, operation: str, collection: str, /, *modifiers: str) -> Decision:
        """Whether the user may use the operation, with all these modifiers, in the collection. `None` is a request without
        credentials.

        Raises:
            mke.errors.InquiryError: a name stands for nothing: a misspelt one must not count as denied.
        """
    def allows(self, subject: str | None, operation: str, collection: str, /, *modifiers: str) -> bool:
        """The same as plain truth value."""
    def decide_many(
        self,
        subjects: str | Iterable[str | int | None] | _Array | None,
        operations: str | Iterable[str | int] | _Array,
        collections: str | Iterable[str | int] | _Array,
        /,
        *modifiers: str,
        threads: int | None = None,
    ) -> bytes:
        """Many decisions at once, with the interpreter released: one byte for each, 1 for allowed and 0 for denied.

        Each of the three is one name for all questions, or a list of names, or an array of positions: in `users` (-1
        for a request without credentials), in `OPERATIONS` and in `collections`. Every object with the buffer protocol
        is an array: `array.array`, `bytes`, `memoryview`, those of numpy. `numpy.frombuffer(verdicts, bool)` reads the
        answer. The work is shared among `threads`, by default as many as there are processors.

        >>> import mke
        >>> policy = mke.rbac.Policy(users=["dina", "sam"], grants=[("user:dina", "viewonly", "/Shared")])
        >>> list(policy.decide_many(policy.users, "Service View", "/Shared"))
        [1, 0]

        Raises:
            mke.errors.InquiryError: a name stands for nothing.
            mke.errors.InvalidValueError: lists of different lengths, or a position that stands for nothing.
        """
    def encode(
        self,
        subjects: str | Iterable[str | int | None] | _Array | None,
        operations: str | Iterable[str | int] | _Array,
        collections: str | Iterable[str | int] | _Array,
    ) -> tuple[array[int], array[int], array[int]]:
        """Names as arrays of positions, for `decide_many`: what is asked again and again need not be looked up each time.

        Raises:
            mke.errors.InquiryError: a name stands for nothing.
        """
    def kubernetes_identity(self, subject: str | None, /) -> _Record | None:
        """How Kubernetes sees a user of this policy: a mapping with `user` (the id) and `groups`. `None` when it is deactivated.

        Raises:
            mke.errors.InquiryError: there is no such user.
        """
    def answer(self, subject: str | None, question: _Form, /) -> _Record:
        """Answers any question of the form that `ucp authz can-i` takes: see `mke.rbac.check`, `create`, `update`, `listing`,
        `api`, `kubernetes` and the others. The user may stand in the question or before it. A mapping with `decision`
        (`allow`, `deny` or `error`) and what else applies.

        >>> import mke
        >>> policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
        >>> policy.answer("dina", mke.rbac.api("GET", "/v1.41/images/json"))["access"]
        'filter'

        Raises:
            mke.errors.InquiryError: it is no question.
        """
    def explain(self, subject: str | None, question: _Form, /) -> Explanation:
        """Why something is allowed or denied: every check with the grants behind it, what would have allowed it, and a proof.

        Raises:
            mke.errors.InquiryError: it is no question, or names what does not exist.
        """
    def who_can(self, question: _Form, /) -> WhoCanReport:
        """Everybody who can, and through what.

        >>> import mke
        >>> policy = mke.rbac.Policy(users=["dina", "sam"], grants=[("user:dina", "viewonly", "/Shared")])
        >>> [holder["name"] for holder in policy.who_can(mke.rbac.check("Service View", "/Shared")).users]
        ['dina']

        Raises:
            mke.errors.InquiryError: it is no question that is allowed or denied.
        """
    def access(
        self,
        collection: str | None = None,
        *,
        namespace: str | None = None,
        rows: str = "users",
        operations: Sequence[str] | None = None,
        system: bool = False,
    ) -> AccessReport:
        """Who may do what in a collection or in a namespace of Kubernetes, with a picture of who gets there through what.
        `rows` is `users` or `teams`.
        """
    def rights(
        self, subject: str | None, /, *, collection: str | None = None, namespace: str | None = None
    ) -> _Record:
        """Everything that a user may do, wherever that changes on the way down, and its rules of Kubernetes: the `rights` and
        `rules` of an answer.
        """
    def simulate(self, changes: str | Sequence[_Form], /, *, limit: int | None = None) -> SimulateReport:
        """What would change for whom: `changes` is a list of changes, or the text of one in YAML or JSON. Nothing is changed.

        >>> import mke
        >>> policy = mke.rbac.Policy(users=["dina"], collections=["/Prod"])
        >>> grant = {"grant": {"subject": "user:dina", "role": "viewonly", "collection": "/Prod"}}
        >>> policy.simulate([grant]).difference["counts"]["users_gaining"]
        1

        Raises:
            mke.errors.InquiryError: a change has a wrong form, or names what is not there.
        """
    def with_changes(self, changes: str | Sequence[_Form], /) -> Policy:
        """The policy after changes. This one stays as it is.

        Raises:
            mke.errors.InquiryError: a change has a wrong form, or names what is not there.
        """
    def diff(self, newer: Policy, /, *, limit: int | None = None) -> DiffReport:
        """Who gained and who lost from this policy to another. Users are compared by name and collections by path."""
    def escalation_paths(
        self,
        who: str | None = None,
        *,
        footholds: bool = False,
        admission: _Form | None = None,
        limit: int | None = None,
    ) -> PathsReport:
        """Who can become root on a node, and how. `who` is about one subject only; `footholds` also lists rights that only
        weaken the isolation of a node; `admission` says which pods the cluster lets in.
        """
    def unused(self, log: AuditLog, /, *, system: bool = False, limit: int | None = None) -> UnusedReport:
        """Grants and bindings that give more than a log shows as used, with what would have been enough."""
    def replay(self, log: AuditLog, /, *, limit: int | None = None) -> ReplayReport:
        """How the requests of a log would fare now: what was allowed then and is denied now, and the reverse."""
    def test(self, assertions: str | Sequence[_Form], /) -> TestReport:
        """Checks assertions: the text of a file of the format `policy-tests/1`, or a list of assertions. The report is true when
        all of them hold.

        >>> import mke
        >>> policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
        >>> report = policy.test([{"must-never": "user:dina", "do": "Service Create", "in": "/Shared"}])
        >>> bool(report), report.passed
        (True, 1)

        Raises:
            mke.errors.InquiryError: it is no list of assertions.
        """
    def facts(self) -> _Record:
        """The plain facts of this policy, against which `mke.rbac.verify` checks the proof of an explanation."""
    def grant_ids(self, grant: _Form) -> list[str]:
        """The ids that the state gives to a grant: a mapping with `subject`, `role`, `role_name` and `collection`."""
    def _repr_html_(self) -> str: ...

@final
class Decision:
    """Whether something is allowed, and why. True when it is.

    >>> import mke
    >>> policy = mke.rbac.Policy(users={"dina": {}}, grants=[("user:dina", "viewonly", "/Shared")])
    >>> decision = policy.decide("dina", "Service Create", "/Shared")
    >>> bool(decision), decision.reason
    (False, 'missing-operation')
    >>> decision.message
    'access denied: no access to Service Create'
    >>> policy.decide("dina", "Service View", "/Shared").grants
    ({'subject': 'user:dina', 'role': 'viewonly', 'role_name': 'View Only', 'collection': '/Shared'},)
    """
    @property
    def allowed(self) -> bool:
        """Whether it is allowed."""
    @property
    def subject(self) -> str | None:
        """The name of the user who asks; `None` for a request without credentials."""
    @property
    def operation(self) -> str:
        """The operation."""
    @property
    def modifiers(self) -> tuple[str, ...]:
        """Its modifiers."""
    @property
    def collection(self) -> str:
        """The path of the collection."""
    @property
    def reason(self) -> str:
        """Why, in a word: `granted`, `administrator`, or the kind of denial: `missing-operation`, `inactive`,
        `unauthenticated`, …
        """
    @property
    def message(self) -> str:
        """Why, in a sentence. Of a denial what the caller would read: it names no collection."""
    @property
    def grants(self) -> tuple[_Record, ...]:
        """The grants that carry it: mappings with `subject`, `role`, `role_name` and `collection`, nearest collection first.
        None when it is denied, and for administrators.
        """
    @property
    def missing(self) -> tuple[_Record, ...]:
        """What is missing when it is denied: mappings with `operation`, `collection` and `modifier`, which is `None` when
        the operation itself is missing.
        """
    def explain(self) -> Explanation:
        """The whole reason: memberships, inheritance, what would have allowed it, and a proof. See `Policy.explain`."""
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class KubernetesPolicy:
    """Roles and bindings of a cluster that can be asked, offline. It does not change; `with_changes` makes another.

    Made from manifests (`from_manifests`, `from_file`), from the default roles of Kubernetes (`bootstrap`), or from roles
    and bindings in the form of `Policy.kubernetes.roles`.

    >>> import mke
    >>> cluster = mke.rbac.KubernetesPolicy.from_manifests('''
    ... apiVersion: rbac.authorization.k8s.io/v1
    ... kind: Role
    ... metadata: {namespace: blue, name: readers}
    ... rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
    ... ---
    ... apiVersion: rbac.authorization.k8s.io/v1
    ... kind: RoleBinding
    ... metadata: {namespace: blue, name: jane-reads}
    ... roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: readers}
    ... subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}]
    ... ''')
    >>> cluster.allows("jane", "get", "pods", namespace="blue")
    True
    >>> cluster.decide("jane", "delete", "pods", namespace="blue").message
    'user "jane" cannot delete resource "pods" in API group "" in the namespace "blue"'
    """
    def __new__(
        cls,
        roles: Iterable[_Form] | None = None,
        bindings: Iterable[_Form] | None = None,
        *,
        default_roles: bool = False,
    ) -> KubernetesPolicy: ...
    @classmethod
    def from_manifests(cls, text: str, *, namespace: str | None = None) -> KubernetesPolicy:
        """The roles and bindings in manifests, YAML or JSON; other kinds of objects are passed over. Roles and role bindings
        without a namespace are in `namespace`.

        Raises:
            mke.errors.ManifestError: an object cannot be read; all problems.
        """
    @classmethod
    def from_file(cls, path: str | PathLike[str], *, namespace: str | None = None) -> KubernetesPolicy:
        """The same from a file.

        Raises:
            OSError: it cannot be read.
            mke.errors.ManifestError: see `from_manifests`.
        """
    @staticmethod
    def bootstrap() -> KubernetesPolicy:
        """The roles and bindings that Kubernetes makes by itself."""
    @property
    def roles(self) -> Table[_Record]:
        """All roles: a table with `kind`, `name`, `namespace`, `labels`, `aggregate` and `rules`."""
    @property
    def bindings(self) -> Table[_Record]:
        """All bindings: a table with `kind`, `name`, `namespace`, `role` and `subjects`."""
    def decide(
        self,
        user: str,
        verb: str,
        resource: str | None = None,
        *,
        group: str = "",
        subresource: str | None = None,
        name: str | None = None,
        namespace: str | None = None,
        path: str | None = None,
        groups: Sequence[str] = ...,
    ) -> KubernetesDecision:
        """Whether roles allow a request. `resource` may hold a subresource (`pods/log`); `group` is the API group, empty for
        the core group; `path` is that of a request that is not about a resource. `user` and `groups` are those that
        Kubernetes sees: see `Policy.kubernetes_identity`.
        """
    def allows(
        self,
        user: str,
        verb: str,
        resource: str | None = None,
        *,
        group: str = "",
        subresource: str | None = None,
        name: str | None = None,
        namespace: str | None = None,
        path: str | None = None,
        groups: Sequence[str] = ...,
    ) -> bool:
        """The same as plain truth value."""
    def decide_many(self, requests: Iterable[_Form], /) -> bytes:
        """Many decisions at once, with the interpreter released: one byte for each request, 1 for allowed and 0 for denied.
        A request is a mapping with `user`, `groups`, `verb`, `group`, `resource`, `subresource`, `name`, `namespace` and
        `path`; all but `user` and `verb` may be left out.

        Raises:
            mke.errors.InquiryError: a request has a wrong form.
        """
    def rules_for(
        self, user: str, *, groups: Sequence[str] = ..., namespace: str | None = None
    ) -> Table[_Record]:
        """Every rule that somebody holds in a namespace, or in the whole cluster: a table with `verbs`, `apiGroups`,
        `resources`, `resourceNames` and `nonResourceURLs`. Membership in `system:masters` adds none.
        """
    def who_can(
        self,
        verb: str,
        resource: str | None = None,
        *,
        group: str = "",
        subresource: str | None = None,
        name: str | None = None,
        namespace: str | None = None,
        path: str | None = None,
    ) -> Table[_Record]:
        """Whom bindings allow a request: a table with `kind` (`User`, `Group`, `ServiceAccount`), `name` and `through`. Members
        of `system:masters` may do everything and are not listed for it.
        """
    def may_write_role(
        self, user: str, verb: str, role: _Form, *, groups: Sequence[str] = ..., old: _Form | None = None
    ) -> WriteDecision:
        """Whether somebody may write a role: it takes the plain permission, and everything that the role gives. `verb` is
        `create`, `update` or `patch`; `old` is what an update replaces, when this policy does not have it.
        """
    def may_write_binding(
        self, user: str, verb: str, binding: _Form, *, groups: Sequence[str] = ..., old: _Form | None = None
    ) -> WriteDecision:
        """Whether somebody may write a binding: it takes the plain permission, and everything that its role gives or the verb
        `bind` on it. See `may_write_role`.
        """
    def may_impersonate(self, user: str, target: _Form, *, groups: Sequence[str] = ...) -> WriteDecision:
        """Whether somebody may act as somebody else: `target` is a mapping with `user`, `groups` and `extra`."""
    def with_changes(self, changes: Iterable[_Form], /) -> KubernetesPolicy:
        """The policy after changes: mappings with one of the keys `put_role`, `remove_role`, `put_binding` and
        `remove_binding`. This one stays as it is.

        Raises:
            mke.errors.InquiryError: a change has a wrong form.
        """
    def to_manifests(self) -> _Record:
        """The roles and bindings as manifests: a list object of Kubernetes as plain data."""
    def _repr_html_(self) -> str: ...

@final
class KubernetesDecision:
    """Whether Kubernetes roles allow a request, and why. True when they do."""
    @property
    def allowed(self) -> bool:
        """Whether it is allowed."""
    @property
    def reason(self) -> str:
        """Why, in a word: `rule`, `masters` (the group `system:masters` passes everything) or `no-rule`."""
    @property
    def message(self) -> str:
        """Why, in a sentence: the binding, role and rule that allow it, or what cannot be done."""
    @property
    def evidence(self) -> _Record | None:
        """What decided: a mapping with `binding`, `subject`, `role`, `rule_index` and `rule`; `None` when it is denied, and
        for `system:masters`.
        """
    @property
    def request(self) -> _Record:
        """The request, as a mapping."""
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class WriteDecision:
    """Whether somebody may write a role or binding, or act as somebody else, with every reason against it. True when allowed.

    >>> import mke
    >>> cluster = mke.rbac.KubernetesPolicy.bootstrap()
    >>> role = {"kind": "ClusterRole", "name": "mine", "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}
    >>> decision = cluster.may_write_role("jane", "create", role)
    >>> decision.allowed, decision.is_error, len(decision.problems)
    (False, False, 2)
    """
    @property
    def allowed(self) -> bool:
        """Whether it is allowed."""
    @property
    def is_error(self) -> bool:
        """Whether the request is wrong, whoever makes it."""
    @property
    def reason(self) -> str:
        """Why it is allowed, in a sentence; empty when it is not."""
    @property
    def problems(self) -> tuple[str, ...]:
        """Every reason against it, in sentences."""
    @property
    def identity(self) -> _Record | None:
        """As whom further requests are decided, after an impersonation that is allowed: a mapping with `user` and `groups`."""
    def __bool__(self) -> bool: ...
    def _repr_html_(self) -> str: ...

@final
class AuditLog:
    """An audit log, condensed: what was asked, by whom, how often, and what came of it. Holds neither bodies nor secrets.

    Both kinds of records are understood: those of this product's controller, and events of Kubernetes (`audit.k8s.io/v1`).
    What cannot be read is counted in `coverage`.

    >>> import mke
    >>> log = mke.rbac.AuditLog(["not a record"])
    >>> log.coverage["unreadable"]
    1
    """
    def __new__(cls, lines: str | Iterable[str]) -> AuditLog: ...
    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> AuditLog:
        """Reads a file, line by line.

        Raises:
            OSError: it cannot be read.
        """
    @property
    def coverage(self) -> _Record:
        """What was read and what was not: a mapping with `first`, `last`, `lines`, `requests`, `unreadable`, `complaints`
        and others.
        """
    @property
    def entries(self) -> Table[_Record]:
        """The requests: a table with `user`, `outcome`, `count` and `last`, and `engine` or `kubernetes`."""
    def __len__(self) -> int: ...

def check_role(name: str, operations: _Form) -> _Record:
    """Checks a new role, and gives its operations in their usual form: type, operation, list of modifiers.

    >>> import mke
    >>> mke.rbac.check_role("readers", {"Service": {"Service View": []}})
    {'Service': {'Service View': []}}

    Raises:
        mke.errors.RoleError: the name or the operations are wrong; all problems.
    """

def builtin_roles() -> Table[_Record]:
    """The roles that every installation has: a table with `id`, `name`, `system_role` and `operations`.

    >>> import mke
    >>> mke.rbac.builtin_roles().column("id")
    ['none', 'viewonly', 'restrictedcontrol', 'scheduler', 'fullcontrol']
    """

def covers(owner: Iterable[_Form], requested: Iterable[_Form]) -> list[str]:
    """Whether rules hold everything that other rules give: what they lack, in words; none when they hold it all.

    >>> import mke
    >>> mine = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    >>> mke.rbac.covers(mine, mine)
    []

    Raises:
        mke.errors.InquiryError: a rule has a wrong form.
    """

def verify(proof: _Form | None, facts: _Form) -> bool:
    """Checks the proof of an explanation against plain facts, without any code of the engine that took the decision.
    Whether the decision that it proves is yes.

    >>> import mke
    >>> policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
    >>> why = policy.explain("dina", mke.rbac.check("Service View", "/Shared"))
    >>> mke.rbac.verify(why.proof, policy.facts())
    True

    Raises:
        mke.errors.ProofError: the facts do not bear it out.
        mke.errors.InvalidValueError: the facts are not of the form that `Policy.facts` gives.
    """
