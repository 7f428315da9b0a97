"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Literal, overload

    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._records import Team, TeamMembership
else:
    from mke.client._group import overload

from mke.client._calls import teams as _calls
from mke.client._group import AsyncGroup


class AsyncTeams(AsyncGroup):
    """Teams: some members of one organization. They are named `ORGANIZATION/TEAM`."""

    async def list(self, organization: str) -> Table[Team]:
        """The teams of an organization."""
        return await self._run(_calls.list(organization).all())

    def iter(self, organization: str) -> AsyncIterator[Team]:
        """The teams of an organization. They are read page after page, as they are needed."""
        return self._pages(_calls.list(organization))

    async def get(self, team: str) -> Team:
        """One team.

        Raises:
            mke.errors.NotFoundError: there is none.
        """
        return await self._run(_calls.get_(team))

    async def of(self, user: str, organization: str) -> Table[TeamMembership]:
        """The teams of an organization that a user belongs to."""
        return await self._run(_calls.of(user, organization))

    @overload
    async def create(self, team: str, *, description: str = "", dry_run: Literal[False] = False) -> Team: ...
    @overload
    async def create(self, team: str, *, description: str = "", dry_run: Literal[True]) -> Planned: ...
    @overload
    async def create(self, team: str, *, description: str = "", dry_run: bool) -> Team | Planned: ...
    async def create(self, team: str, *, description: str = "", dry_run: bool = False) -> Team | Planned:
        """Makes a team in an organization that is there.

        Raises:
            mke.errors.ConflictError: the organization has such a team.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.create(team, description=description), dry_run)

    @overload
    async def update(
        self,
        team: str,
        *,
        name: str | None = None,
        description: str | None = None,
        dry_run: Literal[False] = False,
    ) -> Team: ...
    @overload
    async def update(
        self, team: str, *, name: str | None = None, description: str | None = None, dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    async def update(
        self, team: str, *, name: str | None = None, description: str | None = None, dry_run: bool,
    ) -> Team | Planned: ...
    async def update(
        self, team: str, *, name: str | None = None, description: str | None = None, dry_run: bool = False,
    ) -> Team | Planned:
        """Changes name or description; what is `None` stays.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.update(team, name=name, description=description), dry_run)

    @overload
    async def delete(self, team: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    async def delete(self, team: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    async def delete(self, team: str, *, dry_run: bool) -> None | Planned: ...
    async def delete(self, team: str, *, dry_run: bool = False) -> None | Planned:
        """Deletes a team with its grants. Its members stay in the organization.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.delete(team), dry_run)
