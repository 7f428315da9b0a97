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
from mke.client._group import Group


class Roles(Group):
    """Roles: operations with their modifiers."""

    def list(self) -> Table[Role]:
        """Every role, built-in ones first."""
        return self._run(_calls.list())

    def get(self, role: str) -> Role:
        """One role, by name or id.

        Raises:
            mke.errors.NotFoundError: there is none.
            mke.errors.InvalidValueError: several have this name.
        """
        return self._run(_calls.get_(role))

    @overload
    def create(
        self, name: str, operations: Mapping[str, Mapping[str, Any]], *, dry_run: Literal[False] = False,
    ) -> str: ...
    @overload
    def create(self, name: str, operations: Mapping[str, Mapping[str, Any]], *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def create(self, name: str, operations: Mapping[str, Mapping[str, Any]], *, dry_run: bool) -> str | Planned: ...
    def create(
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
        return self._change(_calls.create(name, operations), dry_run)

    @overload
    def delete(self, role: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def delete(self, role: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def delete(self, role: str, *, dry_run: bool) -> None | Planned: ...
    def delete(self, role: str, *, dry_run: bool = False) -> None | Planned:
        """Deletes a role, by name or id.

        Raises:
            mke.errors.ConflictError: it is built in, or a grant names it.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.delete(role), dry_run)

    def total(self) -> Role:
        """Everything that this client may do anywhere, as one role."""
        return self._run(_calls.total())

    def in_default_collection(self) -> Role:
        """What this client may do in its default collection, as one role."""
        return self._run(_calls.in_default_collection())
