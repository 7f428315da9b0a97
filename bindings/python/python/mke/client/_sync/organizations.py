"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal, overload

    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._records import Account
else:
    from mke.client._group import overload

from mke.client._calls import organizations as _calls
from mke.client._group import Group


class Organizations(Group):
    """Organizations: accounts that have members and teams."""

    def list(
        self, *, contains: str | None = None, order: Literal["name", "-name", "fullName", "-fullName"] = "name",
    ) -> Table[Account]:
        """Organizations.

        Args:
            contains: a part of the name or the full name.
            order: by which name; with `-` backwards.
        """
        return self._run(_calls.list(contains=contains, order=order).all())

    def iter(
        self, *, contains: str | None = None, order: Literal["name", "-name", "fullName", "-fullName"] = "name",
    ) -> Iterator[Account]:
        """Organizations. They are read page after page, as they are needed.

        Args:
            contains: a part of the name or the full name.
            order: by which name; with `-` backwards.
        """
        return self._pages(_calls.list(contains=contains, order=order))

    def get(self, name: str) -> Account:
        """One organization, by name or id.

        Raises:
            mke.errors.NotFoundError: there is none.
        """
        return self._run(_calls.get_(name))

    @overload
    def create(self, name: str, *, full_name: str = "", dry_run: Literal[False] = False) -> Account: ...
    @overload
    def create(self, name: str, *, full_name: str = "", dry_run: Literal[True]) -> Planned: ...
    @overload
    def create(self, name: str, *, full_name: str = "", dry_run: bool) -> Account | Planned: ...
    def create(self, name: str, *, full_name: str = "", dry_run: bool = False) -> Account | Planned:
        """Makes an organization.

        Raises:
            mke.errors.ConflictError: the name is in use.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.create(name, full_name=full_name), dry_run)

    @overload
    def update(self, name: str, *, full_name: str, dry_run: Literal[False] = False) -> Account: ...
    @overload
    def update(self, name: str, *, full_name: str, dry_run: Literal[True]) -> Planned: ...
    @overload
    def update(self, name: str, *, full_name: str, dry_run: bool) -> Account | Planned: ...
    def update(self, name: str, *, full_name: str, dry_run: bool = False) -> Account | Planned:
        """Changes the name that people read.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.update(name, full_name=full_name), dry_run)

    @overload
    def delete(self, name: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def delete(self, name: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def delete(self, name: str, *, dry_run: bool) -> None | Planned: ...
    def delete(self, name: str, *, dry_run: bool = False) -> None | Planned:
        """Deletes an organization with its teams and their grants.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.delete(name), dry_run)
