"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Literal, overload

    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._system_records import Node
else:
    from mke.client._group import overload

from mke.client._calls import nodes as _calls
from mke.client._group import Group


class Nodes(Group):
    """Nodes: the machines of the swarm. They are named by id or host name."""

    def list(self) -> Table[Node]:
        """The nodes that this client sees. How the product does on them is known to administrators of a cluster with agents."""
        return self._run(_calls.list())

    def get(self, node: str) -> Node:
        """One node.

        Raises:
            mke.errors.NotFoundError: there is none of this name, or this client does not see it.
            mke.errors.InvalidValueError: several have this host name.
        """
        return self._run(_calls.get_(node))

    def inspect(self, node: str) -> dict[str, Any]:
        """One node as the Engine API describes it."""
        return self._run(_calls.inspect(node))

    def plan(self, node: str) -> dict[str, Any]:
        """What would be done on a node now, and what is against it: `plan` with `steps`, `refusals`, `unseen`. Nothing is changed.

        Raises:
            mke.errors.NotFoundError: there is no such node, or no agents run here.
            mke.errors.ServerError: the node does not answer.
        """
        return self._run(_calls.plan(node))

    @overload
    def set_labels(
        self,
        node: str,
        labels: Mapping[str, str] | None = None,
        *,
        remove: Iterable[str] = (),
        dry_run: Literal[False] = False,
    ) -> Node: ...
    @overload
    def set_labels(
        self,
        node: str,
        labels: Mapping[str, str] | None = None,
        *,
        remove: Iterable[str] = (),
        dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    def set_labels(
        self, node: str, labels: Mapping[str, str] | None = None, *, remove: Iterable[str] = (), dry_run: bool,
    ) -> Node | Planned: ...
    def set_labels(
        self,
        node: str,
        labels: Mapping[str, str] | None = None,
        *,
        remove: Iterable[str] = (),
        dry_run: bool = False,
    ) -> Node | Planned:
        """Sets labels and removes others; those that are not named stay. Nothing is sent when they are so already.

        Args:
            node: id or host name.
            labels: what is set.
            remove: the names of what is removed; one that is not there is no mistake.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.set_labels(node, labels, remove=remove), dry_run)

    @overload
    def set_availability(
        self, node: str, availability: Literal["active", "pause", "drain"], *, dry_run: Literal[False] = False,
    ) -> Node: ...
    @overload
    def set_availability(
        self, node: str, availability: Literal["active", "pause", "drain"], *, dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    def set_availability(
        self, node: str, availability: Literal["active", "pause", "drain"], *, dry_run: bool,
    ) -> Node | Planned: ...
    def set_availability(
        self, node: str, availability: Literal["active", "pause", "drain"], *, dry_run: bool = False,
    ) -> Node | Planned:
        """Says whether a node takes workloads: `active`; no new ones: `pause`; none at all: `drain`.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.set_availability(node, availability), dry_run)

    @overload
    def set_role(self, node: str, role: Literal["manager", "worker"], *, dry_run: Literal[False] = False) -> Node: ...
    @overload
    def set_role(self, node: str, role: Literal["manager", "worker"], *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def set_role(self, node: str, role: Literal["manager", "worker"], *, dry_run: bool) -> Node | Planned: ...
    def set_role(self, node: str, role: Literal["manager", "worker"], *, dry_run: bool = False) -> Node | Planned:
        """Makes a node a manager or a worker.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.set_role(node, role), dry_run)

    @overload
    def delete(self, node: str, *, force: bool = False, dry_run: Literal[False] = False) -> None: ...
    @overload
    def delete(self, node: str, *, force: bool = False, dry_run: Literal[True]) -> Planned: ...
    @overload
    def delete(self, node: str, *, force: bool = False, dry_run: bool) -> None | Planned: ...
    def delete(self, node: str, *, force: bool = False, dry_run: bool = False) -> None | Planned:
        """Removes a node from the swarm.

        Args:
            node: id or host name.
            force: also one that is not down.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.delete(node, force=force), dry_run)

    def wait(
        self,
        node: str,
        *,
        until: Literal["well", "ready", "down", "drained"] = "well",
        timeout: float = 300.0,
        interval: float = 1.0,
    ) -> Node:
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
        return self._run(_calls.wait(node, until=until, timeout=timeout, interval=interval))
