"""Records about the cluster itself: its configuration, its nodes, its health."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mke._table import Table

from mke.client._records import Record


@dataclass(frozen=True)
class ConfigFile(Record):
    """The configuration file in force.

    Attributes:
        text: the file, with the comments of whoever wrote it. Secrets are shown as stars, `[auth.ldap]` is left out.
        etag: its version as `if_match` takes it.
    """

    text: str
    etag: str | None = None


@dataclass(frozen=True)
class Difference(Record):
    """A key that became different, or would.

    Attributes:
        key: its path.
        before: its value as TOML; stars for a secret, `None` when it was not there.
        after: the same afterwards.
        effect: what that touches: `live`, `restarts …`, `all nodes …`, `install only` or `nothing`.
        refused: whether it cannot be changed any more.
        risk: what may go wrong.
    """

    key: str
    before: str | None = None
    after: str | None = None
    effect: str = ""
    refused: bool = False
    risk: str | None = None

    _columns: ClassVar[tuple[str, ...]] = ("key", "before", "after", "effect", "refused")


@dataclass(frozen=True)
class Impact(Record):
    """What a change touches.

    Attributes:
        live: how many keys every controller follows at once.
        restarts: components that restart on managers.
        all_nodes: components that are brought in line on every node.
        refused: keys that cannot be changed any more.
    """

    live: int = 0
    restarts: tuple[str, ...] = ()
    all_nodes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    _keys: ClassVar[dict[str, str]] = {"all_nodes": "all_nodes"}


def _no_differences() -> Table[Difference]:
    return Difference.table(())


_DIFFERENCES: dict[str, Callable[[Any], Any]] = {"differences": Difference.read_table, "impact": Impact.read}


@dataclass(frozen=True, eq=False)
class ConfigChange(Record):
    """What a change of the configuration did, or with `dry_run` would do. It is true when something becomes different.

    Attributes:
        version: the version in force afterwards.
        changed: whether something became different, or would.
        dry_run: whether nothing was changed.
        differences: the keys.
        impact: what that touches.
        warnings: unknown keys that were kept, and changed keys on which nothing acts yet.
        message: for people.
    """

    version: int
    changed: bool
    dry_run: bool = False
    differences: Table[Difference] = field(default_factory=_no_differences)
    impact: Impact = Impact()
    warnings: tuple[str, ...] = ()
    message: str = ""

    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = _DIFFERENCES

    def __bool__(self) -> bool:
        return self.changed

    def _repr_html_(self) -> str:
        return self.differences._repr_html_()


@dataclass(frozen=True)
class ConfigEntry(Record):
    """A line of the configuration's history.

    Attributes:
        version: the number.
        by: who made it.
        at: when (RFC 3339).
        why: what they said.
        differences: how many keys became different.
        current: whether it is in force.
    """

    version: int
    by: str
    at: str
    why: str = ""
    differences: int = 0
    current: bool = False


@dataclass(frozen=True, eq=False)
class ConfigVersion(Record):
    """One version of the configuration.

    Attributes:
        version: the number.
        by: who made it.
        at: when (RFC 3339).
        why: what they said.
        text: the file, secrets shown as stars.
        differences: what it changed; with `against`, what would become different if that one took its place.
    """

    version: int
    by: str
    at: str
    why: str = ""
    text: str = ""
    differences: Table[Difference] = field(default_factory=_no_differences)

    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {"differences": Difference.read_table}


@dataclass(frozen=True, eq=False)
class ConfigDrift(Record):
    """How far what runs is from what is stored. It is true when they differ.

    Attributes:
        stored: the version that is stored.
        running: the version that the controller which answers runs with.
        differences: from what runs to what is stored.
        impact: what bringing it in line touches.
    """

    stored: int
    running: int
    differences: Table[Difference] = field(default_factory=_no_differences)
    impact: Impact = Impact()

    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = _DIFFERENCES

    def __bool__(self) -> bool:
        return len(self.differences) > 0


@dataclass(frozen=True)
class Node(Record):
    """A machine of the swarm.

    Attributes:
        id: its id.
        hostname: its name.
        role: `manager` or `worker`.
        availability: `active`, `pause` or `drain`.
        state: `ready`, `down`, `disconnected` or `unknown`: what the swarm and the product's own components say together.
        message: why, for people.
        address: where the others reach it.
        engine_version: the version of its engine.
        labels: its labels.
        is_leader: whether it leads the managers.
        health: `healthy`, `pending` or `error`: how the product does on it; `None` where no agents run.
        hint: what to do about it.
        agent_version: the version of the agent on it.
        components: what the agent says of the components on it.
        version: the version of the node's settings, which a change names.
    """

    id: str
    hostname: str
    role: str
    availability: str
    state: str
    message: str = ""
    address: str = ""
    engine_version: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    is_leader: bool = False
    health: str | None = None
    hint: str | None = None
    agent_version: str | None = None
    components: tuple[Any, ...] = ()
    version: int = 0

    _columns: ClassVar[tuple[str, ...]] = ("hostname", "role", "availability", "state", "health", "message", "id")

    @property
    def is_well(self) -> bool:
        """Whether it is ready, and healthy where that is known."""
        return self.state == "ready" and self.health in (None, "healthy")


@dataclass(frozen=True)
class Health(Record):
    """Whether the manager that answered works. It is true when it does.

    Attributes:
        healthy: whether it does.
        message: why not; for administrators with a certificate the cause.
    """

    healthy: bool
    message: str = ""

    def __bool__(self) -> bool:
        return self.healthy


@dataclass(frozen=True)
class Banner(Record):
    """What everybody who logs in must be told.

    Attributes:
        level: how urgent it is.
        message: the text.
    """

    level: str
    message: str


@dataclass(frozen=True)
class BulkResult(Record):
    """What became of one of many changes. It is true when it was made.

    Attributes:
        op: `update` or `delete`.
        ref: the account.
        success: whether it was made.
        error: why not: a mapping with `code` and `message`.
    """

    op: str
    ref: str
    success: bool
    error: Mapping[str, Any] | None = None

    def __bool__(self) -> bool:
        return self.success


@dataclass(frozen=True)
class AuditSettings(Record):
    """What is logged and audited.

    Attributes:
        log_level: from `DEBUG` to `EMERG`.
        audit_level: `""` for nothing, `metadata`, or `request` for bodies as well.
        support_dump_includes_audit_logs: whether support dumps hold audit records.
    """

    log_level: str = ""
    audit_level: str = ""
    support_dump_includes_audit_logs: bool = False

    _keys: ClassVar[dict[str, str]] = {"support_dump_includes_audit_logs": "supportDumpIncludeAuditLogs"}


@dataclass(frozen=True)
class ServerCertificate(Record):
    """The certificate that the server shows.

    Attributes:
        certificate: the certificate and what lies between it and the authority (PEM).
        authority: the authority that it chains to (PEM).
        not_after: when it ends (RFC 3339).
    """

    certificate: str
    authority: str = ""
    not_after: str | None = None

    _keys: ClassVar[dict[str, str]] = {"certificate": "cert", "authority": "ca"}
    _columns: ClassVar[tuple[str, ...]] = ("not_after", "certificate", "authority")
