"""What inquiries find: the fields of a report as attributes, its text for people, and a view for notebooks."""

from __future__ import annotations

from mke._table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Report:
    """What an inquiry found. Fields are attributes, lists of records are tables, `str()` is a text for people, and
    `to_dict()` is all of it as plain data. True unless the answer is "no"."""

    __slots__ = ("_data", "_extra", "_no", "_text")

    # Every field with what it is when the library leaves it out.
    _fields: dict[str, Any] = {}
    # The columns of fields that are lists of records.
    _columns: dict[str, tuple[str, ...]] = {}

    def __init__(self, data: dict[str, Any], text: str, no: bool = False, extra: str | None = None, /) -> None:
        self._data = data
        self._text = text
        self._no = no
        self._extra = extra

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain data, as the API and `ucp` write them."""
        return dict(self._data)

    def __getattr__(self, name: str) -> Any:
        fields = type(self)._fields
        if name not in fields:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        value = self._data.get(name, fields[name])
        columns = type(self)._columns.get(name)
        return value if columns is None else Table(value, columns)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *type(self)._fields})

    def __bool__(self) -> bool:
        return not self._no

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Report) and self._data == other._data

    def __hash__(self) -> int:
        return hash((type(self), self._text))

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        first = self._text.partition("\n")[0]
        return f"<{type(self).__name__}: {first}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self._text)}</pre>"


class WhoCanReport(Report):
    """Everybody who can.

    Attributes:
        what: what was asked, in words.
        users: active users by name, each with `through`: grants, or `admin` for administrators.
        anonymous: whether requests without credentials can.
        subjects: everybody to whom a grant or binding gives it: teams, organizations, users, and those of Kubernetes.
    """

    __slots__ = ()
    what: str
    users: Table[dict[str, Any]]
    anonymous: bool
    subjects: Table[dict[str, Any]]
    _fields = {"what": "", "users": (), "anonymous": False, "subjects": ()}
    _columns = {"users": ("name", "account", "through"), "subjects": ("name", "account", "through")}


class AccessReport(Report):
    """Who may do what in a place, and who gets there through what.

    Attributes:
        place: the path of the collection, or the namespace.
        operations: the operations that were asked for; all when empty.
        rows: a row for each subject: `subject`, `administrator`, and `may` (operations with modifiers) or `rules`.
        graph: the picture before it is drawn: `nodes`, `edges`, `heads`, `title`, `remarks`.
        svg: the picture.
    """

    __slots__ = ()
    place: str
    operations: list[str]
    rows: Table[dict[str, Any]]
    graph: dict[str, Any]
    _fields = {"place": "", "operations": (), "rows": (), "graph": {}}
    _columns = {"rows": ("subject", "administrator", "may", "rules")}

    @property
    def svg(self) -> str:
        """The picture of who gets there through what, as SVG."""
        return self._extra or ""

    def matrix(self) -> Table[dict[str, Any]]:
        """A row for each subject and operation: `subject`, `operation`, `modifiers`. Of a collection."""
        rows = [
            {"subject": row["subject"], "operation": held["operation"], "modifiers": held.get("modifiers", [])}
            for row in self.rows
            for held in row.get("may", ())
        ]
        return Table(rows, ("subject", "operation", "modifiers"))

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return self.svg or super()._repr_html_()


class Explanation(Report):
    """A decision with its grounds.

    Attributes:
        decision: `allow` or `deny`.
        who: the name of the user, or `anonymous`.
        what: what was asked, in words.
        access: the class of the call, when no operation opens it.
        because: why, in one sentence.
        collection: where the object lies after the request.
        constraint: the placement constraint.
        checks: everything that was checked, with the grants behind it or what is missing.
        allowed_by: grants that would have allowed it, all of them together.
        obstacles: why no grant would have allowed it.
        kubernetes: what decided about a request to Kubernetes.
        proof: the same for a checker: see `mke.rbac.verify`.
    """

    __slots__ = ()
    decision: str
    who: str
    what: str
    access: str | None
    because: str
    collection: str | None
    constraint: str | None
    checks: Table[dict[str, Any]]
    allowed_by: Table[dict[str, Any]]
    obstacles: list[str]
    kubernetes: dict[str, Any] | None
    proof: dict[str, Any] | None
    _fields = {
        "decision": "",
        "who": "",
        "what": "",
        "access": None,
        "because": "",
        "collection": None,
        "constraint": None,
        "checks": (),
        "allowed_by": (),
        "obstacles": (),
        "kubernetes": None,
        "proof": None,
    }
    _columns = {
        "checks": ("operation", "modifiers", "collection", "through", "missing"),
        "allowed_by": ("subject", "role", "collection", "needs"),
    }


class SimulateReport(Report):
    """What changes would do.

    Attributes:
        changes: the changes, in words.
        difference: the decisions that flip: `counts`, `swarm`, `kubernetes`, `left_out`.
    """

    __slots__ = ()
    changes: list[str]
    difference: dict[str, Any]
    _fields = {"changes": (), "difference": {}}


class DiffReport(Report):
    """Who gained and who lost from one policy to another.

    Attributes:
        difference: the decisions that flip: `counts`, `swarm`, `kubernetes`, `left_out`.
    """

    __slots__ = ()
    difference: dict[str, Any]
    _fields = {"difference": {}, "failed": False}

    @property
    def counts(self) -> dict[str, int]:
        """How many decisions flip, and for how many users: exact, also of what is not listed."""
        counts: dict[str, int] = self._data["difference"]["counts"]
        return counts


class PathsReport(Report):
    """Who can become root on a node, and how.

    Attributes:
        subjects: how many subjects were looked at.
        root: how many of them become root for certain.
        conditional: how many become root under a condition.
        entries: subjects with the same paths together: `who`, `count`, `paths`.
        left_out: how many entries a limit left out.
    """

    __slots__ = ()
    subjects: int
    root: int
    conditional: int
    entries: Table[dict[str, Any]]
    left_out: int
    _fields = {"subjects": 0, "root": 0, "conditional": 0, "entries": (), "left_out": 0}
    _columns = {"entries": ("who", "count", "paths")}


class UnusedReport(Report):
    """Grants and bindings that give more than was used.

    Attributes:
        coverage: what the log covers.
        grants, bindings: how many there are.
        idle_grants, idle_bindings: how many of them were not used at all.
        unused_grants, unused_bindings: those with unused rights, each with what would have been enough.
        left_out: how many entries a limit left out.
    """

    __slots__ = ()
    coverage: dict[str, Any]
    grants: int
    idle_grants: int
    bindings: int
    idle_bindings: int
    unused_grants: Table[dict[str, Any]]
    unused_bindings: Table[dict[str, Any]]
    left_out: int
    _fields = {
        "coverage": {},
        "grants": 0,
        "idle_grants": 0,
        "bindings": 0,
        "idle_bindings": 0,
        "unused_grants": (),
        "unused_bindings": (),
        "left_out": 0,
    }
    _columns = {
        "unused_grants": ("grant", "requests", "last", "used", "unused", "proposal"),
        "unused_bindings": ("binding", "role", "requests", "last", "unused", "proposal"),
    }


class ReplayReport(Report):
    """How the requests of a log would fare now.

    Attributes:
        coverage: what the log covers.
        same: requests with the same verdict.
        denied_now, allowed_now: requests that flip.
        unclear: requests without a verdict.
        flips: requests that flip: `user`, `request`, `allowed_now`, `why`, `count`, `last`.
        left_out: how many entries a limit left out.
    """

    __slots__ = ()
    coverage: dict[str, Any]
    same: int
    denied_now: int
    allowed_now: int
    unclear: int
    flips: Table[dict[str, Any]]
    left_out: int
    _fields = {
        "coverage": {},
        "same": 0,
        "denied_now": 0,
        "allowed_now": 0,
        "unclear": 0,
        "flips": (),
        "left_out": 0,
        "failed": False,
    }
    _columns = {"flips": ("user", "request", "allowed_now", "why", "count", "last")}


class TestReport(Report):
    """What became of each assertion. True when all of them hold.

    Attributes:
        passed, failed, errors: how many hold, do not, cannot be checked.
        tests: each of them: `name`, `outcome`, `reason`, `message`, `counterexamples`, `count`.
    """

    # pytest must not take it for a class of tests.
    __test__ = False
    __slots__ = ()
    passed: int
    failed: int
    errors: int
    tests: Table[dict[str, Any]]
    _fields = {"passed": 0, "failed": 0, "errors": 0, "tests": ()}
    _columns = {"tests": ("name", "outcome", "reason", "message", "counterexamples", "count")}

    def junit(self) -> str:
        """The report as JUnit XML, which pipelines show."""
        return self._extra or ""
