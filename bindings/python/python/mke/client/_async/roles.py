"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal, overload

    from mke._table import Table
    from mke.client._access_records import Role
    from mke.client._flow import Planned
else:
    from mke.client._group import overload

from mke.client._calls import roles as _calls
from mke.client._group import AsyncGroup


class AsyncRoles(AsyncGroup):
    """Roles: operations with their modifiers."""

    async def list(self) -> Table[Role]:
        """Every role, built-in ones first."""
        return await self._run(_calls.list())

    async def get(self, role: str) -> Role:
        """One role, by name or id.

        Raises:
            mke.errors.NotFoundError: there is none.
            mke.errors.InvalidValueError: several have this name.
        """
        return await self._run(_calls.get_(role))

    @overload
    async def create(
        self, name: str, operations: Mapping[str, Mapping[str, Any]], *, dry_run: Literal[False] = False,
    ) -> str: ...
    @overload
    async def create(
        self, name: str, operations: Mapping[str, Mapping[str, Any]], *, dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    async def create(
        self, name: str, operations: Mapping[str, Mapping[str, Any]], *, dry_run: bool,
    ) -> str | Planned: ...
    async def create(
        self, name: str, operations: Mapping[str, Mapping[str, Any]], *, dry_run: bool = False,
    ) -> str | Planned:
        """Makes a role and returns its id.

        Args:
            name: its name.
            operations: type of object, then operation, then modifiers: `{"Service": {"Service View": []}}`.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.

        Raises:
            mke.errors.BadRequestError: an operation or modifier does not exist; `detail` lists all of them.
        """
        return await self._change(_calls.create(name, operations), dry_run)

    @overload
    async def delete(self, role: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    async def delete(self, role: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    async def delete(self, role: str, *, dry_run: bool) -> None | Planned: ...
    async def delete(self, role: str, *, dry_run: bool = False) -> None | Planned:
        """Deletes a role, by name or id.

        Raises:
            mke.errors.ConflictError: it is built in, or a grant names it.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.delete(role), dry_run)

    async def total(self) -> Role:
        """Everything that this client may do anywhere, as one role."""
        return await self._run(_calls.total())

    async def in_default_collection(self) -> Role:
        """What this client may do in its default collection, as one role."""
        return await self._run(_calls.in_default_collection())
