"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Literal, overload

    from mke._table import Table
    from mke.client._access_records import Grant
    from mke.client._flow import Planned
    from mke.client._resolve import role_id, subject_id
else:
    from mke.client._group import overload

from mke.client._calls import grants as _calls
from mke.client._group import AsyncGroup


class AsyncGrants(AsyncGroup):
    """Grants: who has which role on which collection, and the same as bindings on namespaces of Kubernetes."""

    async def list(
        self,
        *,
        subject_id: str | None = None,
        including_inherited: bool = False,
        object_id: str | None = None,
        role_id: str | None = None,
        subject_type: Literal["user", "org", "team", "authenticated", "anonymous"] | None = None,
    ) -> Table[Grant]:
        """Grants: all for administrators, those that apply to this client otherwise. What is `None` narrows nothing down.

        Args:
            subject_id: the id of the subject.
            including_inherited: whether those of the subject's teams and organizations count as well.
            object_id: the id of the collection, or the name of the namespace.
            role_id: the id of the role.
            subject_type: the kind of subject.
        """
        return await self._run(_calls.list(
                subject_id=subject_id,
                including_inherited=including_inherited,
                object_id=object_id,
                role_id=role_id,
                subject_type=subject_type,
            ).all())

    def iter(
        self,
        *,
        subject_id: str | None = None,
        including_inherited: bool = False,
        object_id: str | None = None,
        role_id: str | None = None,
        subject_type: Literal["user", "org", "team", "authenticated", "anonymous"] | None = None,
    ) -> AsyncIterator[Grant]:
        """Grants: all for administrators, those that apply to this client otherwise. What is `None` narrows nothing down. They are read page after page, as they are needed.

        Args:
            subject_id: the id of the subject.
            including_inherited: whether those of the subject's teams and organizations count as well.
            object_id: the id of the collection, or the name of the namespace.
            role_id: the id of the role.
            subject_type: the kind of subject.
        """
        return self._pages(_calls.list(
                subject_id=subject_id,
                including_inherited=including_inherited,
                object_id=object_id,
                role_id=role_id,
                subject_type=subject_type,
            ))

    @overload
    async def create(
        self,
        subject: str,
        role: str,
        collection: str | None = None,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        dry_run: Literal[False] = False,
    ) -> None: ...
    @overload
    async def create(
        self,
        subject: str,
        role: str,
        collection: str | None = None,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    async def create(
        self,
        subject: str,
        role: str,
        collection: str | None = None,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        dry_run: bool,
    ) -> None | Planned: ...
    async def create(
        self,
        subject: str,
        role: str,
        collection: str | None = None,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        dry_run: bool = False,
    ) -> None | Planned:
        """Grants a role. One that exists stays.

        Args:
            subject: `user:NAME`, `org:NAME`, `team:ORG/TEAM`, `authenticated` or `anonymous`.
            role: its name or id.
            collection: where: path or id of a collection;
            namespace: or a namespace of Kubernetes;
            all_namespaces: or all of them.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.

        Raises:
            mke.errors.NotFoundError: subject, role or collection is not there.
            mke.errors.InvalidValueError: not exactly one place is given.
        """
        return await self._change(_calls.create(
                subject,
                role,
                collection,
                namespace=namespace,
                all_namespaces=all_namespaces,
            ), dry_run)

    @overload
    async def delete(
        self,
        subject: str,
        role: str,
        collection: str | None = None,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        dry_run: Literal[False] = False,
    ) -> None: ...
    @overload
    async def delete(
        self,
        subject: str,
        role: str,
        collection: str | None = None,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    async def delete(
        self,
        subject: str,
        role: str,
        collection: str | None = None,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        dry_run: bool,
    ) -> None | Planned: ...
    async def delete(
        self,
        subject: str,
        role: str,
        collection: str | None = None,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        dry_run: bool = False,
    ) -> None | Planned:
        """Takes exactly this grant back; the arguments are those of `create`.

        Raises:
            mke.errors.NotFoundError: there is no such grant.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.delete(
                subject,
                role,
                collection,
                namespace=namespace,
                all_namespaces=all_namespaces,
            ), dry_run)
