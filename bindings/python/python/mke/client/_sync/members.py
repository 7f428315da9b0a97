"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal, overload

    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._records import Member
else:
    from mke.client._group import overload

from mke.client._calls import members as _calls
from mke.client._group import Group


class Members(Group):
    """Members of organizations (`ORGANIZATION`) and of teams (`ORGANIZATION/TEAM`)."""

    def list(self, place: str, *, filter: Literal["all", "admins", "non-admins"] = "all") -> Table[Member]:
        """The members of an organization or team.

        Args:
            place: `ORGANIZATION` or `ORGANIZATION/TEAM`.
            filter: which.
        """
        return self._run(_calls.list(place, filter=filter).all())

    def iter(self, place: str, *, filter: Literal["all", "admins", "non-admins"] = "all") -> Iterator[Member]:
        """The members of an organization or team. They are read page after page, as they are needed.

        Args:
            place: `ORGANIZATION` or `ORGANIZATION/TEAM`.
            filter: which.
        """
        return self._pages(_calls.list(place, filter=filter))

    def get(self, place: str, user: str) -> Member:
        """One member.

        Raises:
            mke.errors.NotFoundError: the user is no member.
        """
        return self._run(_calls.get_(place, user))

    @overload
    def add(self, place: str, user: str, *, admin: bool = False, dry_run: Literal[False] = False) -> Member: ...
    @overload
    def add(self, place: str, user: str, *, admin: bool = False, dry_run: Literal[True]) -> Planned: ...
    @overload
    def add(self, place: str, user: str, *, admin: bool = False, dry_run: bool) -> Member | Planned: ...
    def add(self, place: str, user: str, *, admin: bool = False, dry_run: bool = False) -> Member | Planned:
        """Makes a user a member, or changes how it is one. Who joins a team joins its organization as well.

        Args:
            place: `ORGANIZATION` or `ORGANIZATION/TEAM`.
            user: name or id.
            admin: whether the user administers the organization or team.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.add(place, user, admin=admin), dry_run)

    @overload
    def remove(self, place: str, user: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def remove(self, place: str, user: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def remove(self, place: str, user: str, *, dry_run: bool) -> None | Planned: ...
    def remove(self, place: str, user: str, *, dry_run: bool = False) -> None | Planned:
        """Ends a membership: of a team alone, or of an organization and all its teams.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.remove(place, user), dry_run)
