"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal, overload

    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._records import Team, TeamMembership
else:
    from mke.client._group import overload

from mke.client._calls import teams as _calls
from mke.client._group import Group


class Teams(Group):
    """Teams: some members of one organization. They are named `ORGANIZATION/TEAM`."""

    def list(self, organization: str) -> Table[Team]:
        """The teams of an organization."""
        return self._run(_calls.list(organization).all())

    def iter(self, organization: str) -> Iterator[Team]:
        """The teams of an organization. They are read page after page, as they are needed."""
        return self._pages(_calls.list(organization))

    def get(self, team: str) -> Team:
        """One team.

        Raises:
            mke.errors.NotFoundError: there is none.
        """
        return self._run(_calls.get_(team))

    def of(self, user: str, organization: str) -> Table[TeamMembership]:
        """The teams of an organization that a user belongs to."""
        return self._run(_calls.of(user, organization))

    @overload
    def create(self, team: str, *, description: str = "", dry_run: Literal[False] = False) -> Team: ...
    @overload
    def create(self, team: str, *, description: str = "", dry_run: Literal[True]) -> Planned: ...
    @overload
    def create(self, team: str, *, description: str = "", dry_run: bool) -> Team | Planned: ...
    def create(self, team: str, *, description: str = "", dry_run: bool = False) -> Team | Planned:
        """Makes a team in an organization that is there.

        Raises:
            mke.errors.ConflictError: the organization has such a team.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.create(team, description=description), dry_run)

    @overload
    def update(
        self,
        team: str,
        *,
        name: str | None = None,
        description: str | None = None,
        dry_run: Literal[False] = False,
    ) -> Team: ...
    @overload
    def update(
        self, team: str, *, name: str | None = None, description: str | None = None, dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    def update(
        self, team: str, *, name: str | None = None, description: str | None = None, dry_run: bool,
    ) -> Team | Planned: ...
    def update(
        self, team: str, *, name: str | None = None, description: str | None = None, dry_run: bool = False,
    ) -> Team | Planned:
        """Changes name or description; what is `None` stays.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.update(team, name=name, description=description), dry_run)

    @overload
    def delete(self, team: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def delete(self, team: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def delete(self, team: str, *, dry_run: bool) -> None | Planned: ...
    def delete(self, team: str, *, dry_run: bool = False) -> None | Planned:
        """Deletes a team with its grants. Its members stay in the organization.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.delete(team), dry_run)
