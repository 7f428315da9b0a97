"""Questions about who may do what, answered from what is in force. Nothing is changed and nothing is done.

Everybody may ask about oneself; other questions are for administrators. `inventory` says where objects lie, and which roles and
bindings Kubernetes has, as docs/api/authz.yaml describes it. `mke.rbac` answers the same questions offline.
"""

from __future__ import annotations

from typing import Any, Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Literal

from mke.client._access_records import Decision, WhoCan
from mke.client._flow import Flow, Request, call, fetch_object, given, mapping, names, path, rows, shown
from mke.errors import InvalidValueError


class AuditLog(Protocol):
    """A condensed audit log: `mke.rbac.AuditLog` is one."""

    @property
    def coverage(self) -> Any:
        """What was read and what was not."""
    @property
    def entries(self) -> Any:
        """The requests."""


def _ask(name: str, body: Mapping[str, Any], inventory: Mapping[str, Any] | None) -> Flow[dict[str, Any]]:
    sent = {**body, **given(inventory=inventory)}
    return (yield from fetch_object(Request("POST", path("api", "ucp", "authz", name), sent, safe=True)))


def _what(what: str | Mapping[str, Any], collection: str, modifiers: Iterable[str]) -> dict[str, Any]:
    if not isinstance(what, str):
        return mapping("what", what)
    used = [*names("modifiers", modifiers)]
    return {"kind": "check", "operation": what, "collection": collection, **given(modifiers=used or None)}


@call
def can_i(
    what: str | Mapping[str, Any],
    collection: str = "/",
    *,
    modifiers: Iterable[str] = (),
    user: str | None = None,
    anonymous: bool = False,
    inventory: Mapping[str, Any] | None = None,
) -> Flow[Decision]:
    """Whether something is allowed, and why. The answer is true or false, and holds the reason.

    Args:
        what: an operation such as `Service Create`, or a whole question as a mapping: `{"kind": "api", "method": "GET", "path":
            "/services"}`.
        collection: the path of the collection in which the operation is used.
        modifiers: what the use needs besides, such as `Privileged`.
        user: whom the question is about; this client when it is `None`.
        anonymous: ask about requests without credentials.
        inventory: where objects lie.

    Raises:
        mke.errors.ForbiddenError: only administrators ask about others.
        mke.errors.BadRequestError: that is no question.
    """
    body = _what(what, collection, modifiers)
    if user is not None or anonymous:
        body["user"] = user
    return Decision.read((yield from _ask("can-i", body, inventory)))


@call
def rights(
    user: str | None = None,
    *,
    collection: str | None = None,
    namespace: str | None = None,
    inventory: Mapping[str, Any] | None = None,
) -> Flow[Decision]:
    """Everything that somebody may do: `rights` in collections, `rules` in Kubernetes.

    Args:
        user: whom the question is about; this client when it is `None`.
        collection: only there.
        namespace: Kubernetes rules there.
        inventory: roles and bindings of Kubernetes.
    """
    body = {"kind": "rights", **given(user=user, collection=collection, namespace=namespace)}
    return Decision.read((yield from _ask("can-i", body, inventory)))


@call
def who_can(
    what: str | Mapping[str, Any],
    collection: str = "/",
    *,
    modifiers: Iterable[str] = (),
    inventory: Mapping[str, Any] | None = None,
) -> Flow[WhoCan]:
    """Everybody who may do something, and through which grants or bindings. The arguments are those of `can_i`."""
    return WhoCan.read((yield from _ask("who-can", _what(what, collection, modifiers), inventory)))


@call
def explain(
    what: str | Mapping[str, Any],
    collection: str = "/",
    *,
    user: str | None = None,
    modifiers: Iterable[str] = (),
    inventory: Mapping[str, Any] | None = None,
) -> Flow[dict[str, Any]]:
    """One decision with everything that it rests on, what would allow it, and a proof.

    Args:
        what: an operation, or a whole question.
        collection: the path of the collection in which the operation is used.
        user: whom the question is about; nobody in particular when it is `None`.
        modifiers: what the use needs besides.
        inventory: where objects lie.

    Returns:
        `decision`, `who`, `what`, `because`, `checks`, `allowed_by`, `obstacles`, `proof` and others.
    """
    body = {**_what(what, collection, modifiers), **given(user=user)}
    return (yield from _ask("explain", body, inventory))


@call
def access(
    collection: str | None = None,
    *,
    namespace: str | None = None,
    rows: Literal["users", "teams"] = "users",
    operations: Iterable[str] = (),
    system: bool = False,
    inventory: Mapping[str, Any] | None = None,
) -> Flow[dict[str, Any]]:
    """Who may do what in a collection or namespace, as a matrix and as a picture.

    Args:
        collection: the path of a collection,
        namespace: or a namespace of Kubernetes.
        rows: who stands in the rows.
        operations: only these; all when it is empty.
        system: also subjects of Kubernetes itself.
        inventory: roles and bindings of Kubernetes.

    Returns:
        `place`, `operations`, `rows`, each with `subject` and `may`, and the `graph` of the picture.
    """
    body = _access(collection, namespace, rows, operations, system)
    return (yield from _ask("access", body, inventory))


@call
def access_image(
    collection: str | None = None,
    *,
    namespace: str | None = None,
    rows: Literal["users", "teams"] = "users",
    operations: Iterable[str] = (),
    system: bool = False,
    inventory: Mapping[str, Any] | None = None,
) -> Flow[str]:
    """The picture of `access` (SVG): who reaches a place through which team and role. The arguments are those of `access`."""
    body = {**_access(collection, namespace, rows, operations, system), **given(inventory=inventory)}
    place = path("api", "ucp", "authz", "access")
    answer = yield Request("POST", place, body, accept="image/svg+xml", safe=True)
    return answer.text


def _access(
    collection: str | None, namespace: str | None, rows: str, operations: Iterable[str], system: bool
) -> dict[str, Any]:
    wanted = [*names("operations", operations)]
    body = given(collection=collection, namespace=namespace, operations=wanted or None, system=system or None)
    return {"rows": rows, **body}


@call
def simulate(
    changes: Iterable[Mapping[str, Any]], *, limit: int = 100, inventory: Mapping[str, Any] | None = None
) -> Flow[dict[str, Any]]:
    """What changes would do: every decision that flips. Nothing is changed.

    Args:
        changes: such as `{"grant": {"subject": "team:bank/ops", "role": "View Only", "collection": "/Shared"}}`.
        limit: how many entries are listed; counts stay exact.
        inventory: where objects lie.
    """
    body = {"changes": rows("changes", changes), "limit": limit}
    return (yield from _ask("simulate", body, inventory))


@call
def diff(
    *,
    state: str | None = None,
    world: str | None = None,
    manifests: str | None = None,
    reverse: bool = False,
    limit: int = 100,
    inventory: Mapping[str, Any] | None = None,
) -> Flow[dict[str, Any]]:
    """Who gained and who lost between what is in force and another state.

    Args:
        state: the text of a state file.
        world: which world of it.
        manifests: roles and bindings of Kubernetes (YAML or JSON).
        reverse: from the other state to what is in force.
        limit: how many entries are listed; counts stay exact.
        inventory: where objects lie.
    """
    body = given(state=state, world=world, manifests=manifests, reverse=reverse or None, limit=limit)
    return (yield from _ask("diff", body, inventory))


@call
def escalation_paths(
    who: str | None = None,
    *,
    footholds: bool = False,
    limit: int = 100,
    inventory: Mapping[str, Any] | None = None,
) -> Flow[dict[str, Any]]:
    """Who can become root on a node, and how.

    Args:
        who: `user:NAME`, `service-account:NAMESPACE/NAME`, `group:NAME` or `kubernetes-user:NAME`; everybody when it is `None`.
        footholds: also what is the first step only.
        limit: how many are listed.
        inventory: where objects lie.

    Returns:
        `subjects`, `root`, `conditional` and `entries`.
    """
    body = given(who=who, footholds=footholds or None, limit=limit)
    return (yield from _ask("paths", body, inventory))


@call
def unused(
    log: AuditLog, *, system: bool = False, limit: int = 100, inventory: Mapping[str, Any] | None = None
) -> Flow[dict[str, Any]]:
    """Rights that an audit log never shows in use.

    Args:
        log: what was done: `mke.rbac.AuditLog.from_file(path)`.
        system: also bindings of Kubernetes itself.
        limit: how many are listed.
        inventory: roles and bindings of Kubernetes.

    Returns:
        `coverage`, `grants`, `idle_grants`, `unused_grants` and others.
    """
    body = {"log": _log(log), "system": system, "limit": limit}
    return (yield from _ask("unused", body, inventory))


@call
def replay(log: AuditLog, *, limit: int = 100, inventory: Mapping[str, Any] | None = None) -> Flow[dict[str, Any]]:
    """The requests of an audit log, decided on what is in force now.

    Args:
        log: what was done: `mke.rbac.AuditLog.from_file(path)`.
        limit: how many flips are listed; counts stay exact.
        inventory: where objects lie.

    Returns:
        `coverage`, `same`, `denied_now`, `allowed_now` and `flips`.
    """
    return (yield from _ask("replay", {"log": _log(log), "limit": limit}, inventory))


def _log(log: AuditLog) -> dict[str, Any]:
    if not hasattr(log, "coverage") or not hasattr(log, "entries"):
        raise InvalidValueError(f"log: an `mke.rbac.AuditLog` is needed, not {shown(log)}")
    return {"coverage": log.coverage, "entries": [*log.entries]}


@call
def test(assertions: Mapping[str, Any], *, inventory: Mapping[str, Any] | None = None) -> Flow[dict[str, Any]]:
    """Checks assertions of what must be and what must never be: the content of a `policy-tests/1` file.

    Returns:
        `passed`, `failed`, `errors` and `tests`.
    """
    return (yield from _ask("test", assertions, inventory))


@call
def to_mke4(*, inventory: Mapping[str, Any] | None = None) -> Flow[dict[str, Any]]:
    """Organizations, teams, roles and bindings as objects of Kubernetes for MKE 4, and what does not come along.

    Returns:
        `rbac`, `counts`, `renamed` and `left`.
    """
    return (yield from _ask("to-mke4", {}, inventory))
