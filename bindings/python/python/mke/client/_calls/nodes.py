"""Nodes: the machines of the swarm. They are named by id or host name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Literal

    from mke._table import Table

from mke.client._flow import Flow, Request, call, change, get, get_object, mapping, names, path, send, shown, wait as wait_for
from mke.client._system_records import Node
from mke.errors import ConflictError, InvalidValueError, NotFoundError, ServerError


@call
def list() -> Flow[Table[Node]]:
    """The nodes that this client sees. How the product does on them is known to administrators of a cluster with agents."""
    found = yield from get("nodes")
    reports = yield from _reports()
    return Node.table(_node(node, reports.get(node["ID"])) for node in found)


@call
def get_(node: str) -> Flow[Node]:
    """One node.

    Raises:
        mke.errors.NotFoundError: there is none of this name, or this client does not see it.
        mke.errors.InvalidValueError: several have this host name.
    """
    found = yield from _inspect(node)
    return _node(found, (yield from _reports()).get(found["ID"]))


@call
def inspect(node: str) -> Flow[dict[str, Any]]:
    """One node as the Engine API describes it."""
    return (yield from _inspect(node))


@call
def plan(node: str) -> Flow[dict[str, Any]]:
    """What would be done on a node now, and what is against it: `plan` with `steps`, `refusals`, `unseen`. Nothing is changed.

    Raises:
        mke.errors.NotFoundError: there is no such node, or no agents run here.
        mke.errors.ServerError: the node does not answer.
    """
    return (yield from get_object("api", "ucp", "nodes", node, "plan"))


@change
def set_labels(
    node: str, labels: Mapping[str, str] | None = None, *, remove: Iterable[str] = ()
) -> Flow[Node]:
    """Sets labels and removes others; those that are not named stay. Nothing is sent when they are so already.

    Args:
        node: id or host name.
        labels: what is set.
        remove: the names of what is removed; one that is not there is no mistake.
    """
    unwanted = names("remove", remove)
    wanted = mapping("labels", labels or {})

    def edit(spec: dict[str, Any]) -> None:
        kept = {name: value for name, value in (spec.get("Labels") or {}).items() if name not in unwanted}
        spec["Labels"] = {**kept, **wanted}

    return (yield from _update(node, edit))


@change
def set_availability(node: str, availability: Literal["active", "pause", "drain"]) -> Flow[Node]:
    """Says whether a node takes workloads: `active`; no new ones: `pause`; none at all: `drain`."""
    if availability not in ("active", "pause", "drain"):
        raise InvalidValueError(f"availability {shown(availability)}: write active, pause or drain")

    def edit(spec: dict[str, Any]) -> None:
        spec["Availability"] = availability

    return (yield from _update(node, edit))


@change
def set_role(node: str, role: Literal["manager", "worker"]) -> Flow[Node]:
    """Makes a node a manager or a worker."""
    if role not in ("manager", "worker"):
        raise InvalidValueError(f"role {shown(role)}: write manager or worker")

    def edit(spec: dict[str, Any]) -> None:
        spec["Role"] = role

    return (yield from _update(node, edit))


@change
def delete(node: str, *, force: bool = False) -> Flow[None]:
    """Removes a node from the swarm.

    Args:
        node: id or host name.
        force: also one that is not down.
    """
    found = yield from _inspect(node)
    yield from send(Request("DELETE", path("nodes", found["ID"], query={"force": force})))


@call
def wait(
    node: str,
    *,
    until: Literal["well", "ready", "down", "drained"] = "well",
    timeout: float = 300.0,
    interval: float = 1.0,
) -> Flow[Node]:
    """Waits until a node is so.

    Args:
        node: id or host name. A node that is not there yet is waited for.
        until: `well` (ready, and the product healthy on it where that is known), `ready`, `down`, or `drained` (no workload
            runs on it any more).
        timeout: how long, in seconds.
        interval: how long between two looks, in seconds.

    Raises:
        mke.errors.WaitTimeoutError: it was not so in time; `state` says how it was. It is a `TimeoutError`.
    """
    if until not in ("well", "ready", "down", "drained"):
        raise InvalidValueError(f"until {shown(until)}: write well, ready, down or drained")

    def look() -> Flow[tuple[Node | None, str]]:
        try:
            found = yield from get_(node)
        except (NotFoundError, ServerError) as error:
            return None, str(error)
        if until == "drained":
            running = yield from _tasks(found.id)
            well = found.availability == "drain" and running == 0
            return (found if well else None), f"availability {found.availability}, {running} tasks run on it"
        well = found.is_well if until == "well" else found.state == until
        health = f", product {found.health}" if found.health else ""
        return (found if well else None), f"state {found.state}{health}: {found.message or 'no message'}"

    return (yield from wait_for(f"node {node} is not {until}", look, timeout, interval))


def _tasks(node_id: str) -> Flow[int]:
    from json import dumps

    filters = dumps({"node": [node_id], "desired-state": ["running"]})
    tasks = yield from get("tasks", query={"filters": filters})
    return len(tasks)


def _inspect(node: str) -> Flow[dict[str, Any]]:
    found: dict[str, Any]
    try:
        found = yield from get_object("nodes", node)
    except NotFoundError as unknown:
        everyone = yield from get("nodes")
        named = [one for one in everyone if one.get("Description", {}).get("Hostname") == node]
        if len(named) > 1:
            ids = ", ".join(one["ID"] for one in named)
            raise InvalidValueError(f"several nodes are called {node!r}; give one of the ids {ids}") from None
        if not named:
            raise unknown
        found = named[0]
    return found


def _reports() -> Flow[dict[str, Any]]:
    """What agents say of nodes; nothing where there are none, or for those who may not ask."""
    answer = yield Request("GET", path("api", "ucp", "nodes"), check=False)
    if not answer.ok:
        return {}
    return {node["id"]: node for node in answer.json()["nodes"]}


def _update(node: str, edit: Callable[[dict[str, Any]], None]) -> Flow[Node]:
    """Changes the settings of a node. When somebody else changes them meanwhile, the change is made to theirs."""
    for last in (False, False, True):
        found = yield from _inspect(node)
        spec = {**found["Spec"]}
        edit(spec)
        if spec == found["Spec"]:
            break
        version = found["Version"]["Index"]
        try:
            yield from send(Request("POST", path("nodes", found["ID"], "update", query={"version": version}), spec))
            break
        except (ConflictError, ServerError) as error:
            # The Engine answers 500 when the settings are not at this version any more.
            if last or "out of sequence" not in str(error):
                raise
    return (yield from get_(found["ID"]))


def _node(node: dict[str, Any], report: dict[str, Any] | None) -> Node:
    spec, status = node.get("Spec") or {}, node.get("Status") or {}
    described = node.get("Description") or {}
    manager = node.get("ManagerStatus") or {}
    report = report or {}
    return Node(
        id=node["ID"],
        hostname=described.get("Hostname", ""),
        role=spec.get("Role", ""),
        availability=spec.get("Availability", ""),
        state=status.get("State", "unknown"),
        message=report.get("message") or status.get("Message", ""),
        address=status.get("Addr", ""),
        engine_version=(described.get("Engine") or {}).get("EngineVersion", ""),
        labels=spec.get("Labels") or {},
        is_leader=bool(manager.get("Leader", False)),
        health=report.get("state"),
        hint=report.get("hint"),
        agent_version=report.get("agent_version"),
        components=tuple(report.get("components") or ()),
        version=(node.get("Version") or {}).get("Index", 0),
    )
