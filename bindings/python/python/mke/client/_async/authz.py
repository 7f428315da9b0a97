"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Literal

    from mke.client._access_records import Decision, WhoCan
    from mke.client._calls.authz import AuditLog
    from mke.client._flow import rows

from mke.client._calls import authz as _calls
from mke.client._group import AsyncGroup


class AsyncAuthz(AsyncGroup):
    """Questions about who may do what, answered from what is in force. Nothing is changed and nothing is done.

    Everybody may ask about oneself; other questions are for administrators. `inventory` says where objects lie, and which roles and
    bindings Kubernetes has, as docs/api/authz.yaml describes it. `mke.rbac` answers the same questions offline.
    """

    async def can_i(
        self,
        what: str | Mapping[str, Any],
        collection: str = "/",
        *,
        modifiers: Iterable[str] = (),
        user: str | None = None,
        anonymous: bool = False,
        inventory: Mapping[str, Any] | None = None,
    ) -> Decision:
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
        return await self._run(_calls.can_i(
                what,
                collection,
                modifiers=modifiers,
                user=user,
                anonymous=anonymous,
                inventory=inventory,
            ))

    async def rights(
        self,
        user: str | None = None,
        *,
        collection: str | None = None,
        namespace: str | None = None,
        inventory: Mapping[str, Any] | None = None,
    ) -> Decision:
        """Everything that somebody may do: `rights` in collections, `rules` in Kubernetes.

        Args:
            user: whom the question is about; this client when it is `None`.
            collection: only there.
            namespace: Kubernetes rules there.
            inventory: roles and bindings of Kubernetes.
        """
        return await self._run(_calls.rights(user, collection=collection, namespace=namespace, inventory=inventory))

    async def who_can(
        self,
        what: str | Mapping[str, Any],
        collection: str = "/",
        *,
        modifiers: Iterable[str] = (),
        inventory: Mapping[str, Any] | None = None,
    ) -> WhoCan:
        """Everybody who may do something, and through which grants or bindings. The arguments are those of `can_i`."""
        return await self._run(_calls.who_can(what, collection, modifiers=modifiers, inventory=inventory))

    async def explain(
        self,
        what: str | Mapping[str, Any],
        collection: str = "/",
        *,
        user: str | None = None,
        modifiers: Iterable[str] = (),
        inventory: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
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
        return await self._run(_calls.explain(what, collection, user=user, modifiers=modifiers, inventory=inventory))

    async def access(
        self,
        collection: str | None = None,
        *,
        namespace: str | None = None,
        rows: Literal["users", "teams"] = "users",
        operations: Iterable[str] = (),
        system: bool = False,
        inventory: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
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
        return await self._run(_calls.access(
                collection,
                namespace=namespace,
                rows=rows,
                operations=operations,
                system=system,
                inventory=inventory,
            ))

    async def access_image(
        self,
        collection: str | None = None,
        *,
        namespace: str | None = None,
        rows: Literal["users", "teams"] = "users",
        operations: Iterable[str] = (),
        system: bool = False,
        inventory: Mapping[str, Any] | None = None,
    ) -> str:
        """The picture of `access` (SVG): who reaches a place through which team and role. The arguments are those of `access`."""
        return await self._run(_calls.access_image(
                collection,
                namespace=namespace,
                rows=rows,
                operations=operations,
                system=system,
                inventory=inventory,
            ))

    async def simulate(
        self, changes: Iterable[Mapping[str, Any]], *, limit: int = 100, inventory: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """What changes would do: every decision that flips. Nothing is changed.

        Args:
            changes: such as `{"grant": {"subject": "team:bank/ops", "role": "View Only", "collection": "/Shared"}}`.
            limit: how many entries are listed; counts stay exact.
            inventory: where objects lie.
        """
        return await self._run(_calls.simulate(changes, limit=limit, inventory=inventory))

    async def diff(
        self,
        *,
        state: str | None = None,
        world: str | None = None,
        manifests: str | None = None,
        reverse: bool = False,
        limit: int = 100,
        inventory: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Who gained and who lost between what is in force and another state.

        Args:
            state: the text of a state file.
            world: which world of it.
            manifests: roles and bindings of Kubernetes (YAML or JSON).
            reverse: from the other state to what is in force.
            limit: how many entries are listed; counts stay exact.
            inventory: where objects lie.
        """
        return await self._run(_calls.diff(
                state=state,
                world=world,
                manifests=manifests,
                reverse=reverse,
                limit=limit,
                inventory=inventory,
            ))

    async def escalation_paths(
        self,
        who: str | None = None,
        *,
        footholds: bool = False,
        limit: int = 100,
        inventory: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Who can become root on a node, and how.

        Args:
            who: `user:NAME`, `service-account:NAMESPACE/NAME`, `group:NAME` or `kubernetes-user:NAME`; everybody when it is `None`.
            footholds: also what is the first step only.
            limit: how many are listed.
            inventory: where objects lie.

        Returns:
            `subjects`, `root`, `conditional` and `entries`.
        """
        return await self._run(_calls.escalation_paths(who, footholds=footholds, limit=limit, inventory=inventory))

    async def unused(
        self, log: AuditLog, *, system: bool = False, limit: int = 100, inventory: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Rights that an audit log never shows in use.

        Args:
            log: what was done: `mke.rbac.AuditLog.from_file(path)`.
            system: also bindings of Kubernetes itself.
            limit: how many are listed.
            inventory: roles and bindings of Kubernetes.

        Returns:
            `coverage`, `grants`, `idle_grants`, `unused_grants` and others.
        """
        return await self._run(_calls.unused(log, system=system, limit=limit, inventory=inventory))

    async def replay(
        self, log: AuditLog, *, limit: int = 100, inventory: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The requests of an audit log, decided on what is in force now.

        Args:
            log: what was done: `mke.rbac.AuditLog.from_file(path)`.
            limit: how many flips are listed; counts stay exact.
            inventory: where objects lie.

        Returns:
            `coverage`, `same`, `denied_now`, `allowed_now` and `flips`.
        """
        return await self._run(_calls.replay(log, limit=limit, inventory=inventory))

    async def test(
        self, assertions: Mapping[str, Any], *, inventory: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Checks assertions of what must be and what must never be: the content of a `policy-tests/1` file.

        Returns:
            `passed`, `failed`, `errors` and `tests`.
        """
        return await self._run(_calls.test(assertions, inventory=inventory))

    async def to_mke4(self, *, inventory: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Organizations, teams, roles and bindings as objects of Kubernetes for MKE 4, and what does not come along.

        Returns:
            `rbac`, `counts`, `renamed` and `left`.
        """
        return await self._run(_calls.to_mke4(inventory=inventory))
