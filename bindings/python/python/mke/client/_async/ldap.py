"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal, overload

    from mke.client._flow import Planned
    from mke.client._records import Job
    from mke.client._signin_records import LdapTrial, MemberSync
    from mke.client._system_records import ConfigChange
else:
    from mke.client._group import overload

from mke.client._calls import ldap as _calls
from mke.client._group import AsyncGroup


class AsyncLdap(AsyncGroup):
    """An LDAP directory: its settings, trial logins, synchronisations, and the teams that it fills."""

    async def get(self) -> dict[str, Any]:
        """The settings, as a mapping of the API. Passwords are not in it."""
        return await self._run(_calls.get_())

    @overload
    async def set(
        self,
        settings: Mapping[str, Any],
        *,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: Literal[False] = False,
    ) -> dict[str, Any]: ...
    @overload
    async def set(
        self,
        settings: Mapping[str, Any],
        *,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: Literal[True],
    ) -> ConfigChange: ...
    @overload
    async def set(
        self, settings: Mapping[str, Any], *, why: str | None = None, if_match: str | None = None, dry_run: bool,
    ) -> dict[str, Any] | ConfigChange: ...
    async def set(
        self,
        settings: Mapping[str, Any],
        *,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any] | ConfigChange:
        """Replaces the settings, and returns them. They do not count before `sign_in.set(backend="ldap")`.

        A password that is left out stays as it was for the same server and reader; an empty one binds without.

        Args:
            settings: a mapping as `get` returns it.
            why: for the history of the configuration.
            if_match: the version that the change is based on.
            dry_run: only tell what would become different. Nothing is changed then.

        Raises:
            mke.errors.BadRequestError: the settings have mistakes; the text names all of them.
        """
        return await self._run(_calls.set(settings, why=why, if_match=if_match, dry_run=dry_run))

    async def test_login(
        self, username: str, password: str, *, settings: Mapping[str, Any] | None = None,
    ) -> LdapTrial:
        """Tries a login with the directory. It changes nothing, and makes no session.

        Args:
            username: who would log in.
            password: their password.
            settings: settings that need not be saved; those that are when it is `None`.

        Raises:
            mke.errors.BadRequestError: the settings have mistakes.
        """
        return await self._run(_calls.test_login(username, password, settings=settings))

    async def sync(self, *, dry_run: bool = False, accept_deactivations: bool = False) -> Job:
        """Asks for a synchronisation: `jobs.wait` waits for it, `jobs.logs` tells what it did. When one waits already, that one is the answer.

        Args:
            dry_run: the job only says what it would do, also while the directory is not switched on yet.
            accept_deactivations: deactivate however many the directory does not list any more.

        Raises:
            mke.errors.ConflictError: the directory is not switched on.
        """
        return await self._run(_calls.sync(dry_run=dry_run, accept_deactivations=accept_deactivations))

    async def team_members(self, team: str) -> MemberSync:
        """How the directory says who belongs to a team.

        Args:
            team: ORGANIZATION/TEAM.
        """
        return await self._run(_calls.team_members(team))

    @overload
    async def set_team_members(
        self,
        team: str,
        *,
        enabled: bool = True,
        group_dn: str = "",
        group_member_attribute: str = "",
        search_base_dn: str = "",
        search_subtree: bool = False,
        search_filter: str = "",
        allow_others: bool | None = None,
        dry_run: Literal[False] = False,
    ) -> MemberSync: ...
    @overload
    async def set_team_members(
        self,
        team: str,
        *,
        enabled: bool = True,
        group_dn: str = "",
        group_member_attribute: str = "",
        search_base_dn: str = "",
        search_subtree: bool = False,
        search_filter: str = "",
        allow_others: bool | None = None,
        dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    async def set_team_members(
        self,
        team: str,
        *,
        enabled: bool = True,
        group_dn: str = "",
        group_member_attribute: str = "",
        search_base_dn: str = "",
        search_subtree: bool = False,
        search_filter: str = "",
        allow_others: bool | None = None,
        dry_run: bool,
    ) -> MemberSync | Planned: ...
    async def set_team_members(
        self,
        team: str,
        *,
        enabled: bool = True,
        group_dn: str = "",
        group_member_attribute: str = "",
        search_base_dn: str = "",
        search_subtree: bool = False,
        search_filter: str = "",
        allow_others: bool | None = None,
        dry_run: bool = False,
    ) -> MemberSync | Planned:
        """Says how the directory fills a team: by a group, or by a search. Switched on, it is done at once.

        Args:
            team: ORGANIZATION/TEAM.
            enabled: whether it does.
            group_dn: the group whose members count,
            group_member_attribute: and the attribute that names them;
            search_base_dn: or where a search begins,
            search_subtree: whether it goes below the entries right there,
            search_filter: and its filter.
            allow_others: whether accounts that are kept here may be members as well; as before when it is `None`.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.

        Raises:
            mke.errors.BadRequestError: a name or filter cannot be read; the text names all of them.
        """
        return await self._change(_calls.set_team_members(
                team,
                enabled=enabled,
                group_dn=group_dn,
                group_member_attribute=group_member_attribute,
                search_base_dn=search_base_dn,
                search_subtree=search_subtree,
                search_filter=search_filter,
                allow_others=allow_others,
            ), dry_run)

    async def organization_admins(self, organization: str) -> MemberSync:
        """How the directory says who administers an organization."""
        return await self._run(_calls.organization_admins(organization))

    @overload
    async def set_organization_admins(
        self,
        organization: str,
        *,
        enabled: bool = True,
        group_dn: str = "",
        group_member_attribute: str = "",
        search_base_dn: str = "",
        search_subtree: bool = False,
        search_filter: str = "",
        allow_others: bool | None = None,
        dry_run: Literal[False] = False,
    ) -> MemberSync: ...
    @overload
    async def set_organization_admins(
        self,
        organization: str,
        *,
        enabled: bool = True,
        group_dn: str = "",
        group_member_attribute: str = "",
        search_base_dn: str = "",
        search_subtree: bool = False,
        search_filter: str = "",
        allow_others: bool | None = None,
        dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    async def set_organization_admins(
        self,
        organization: str,
        *,
        enabled: bool = True,
        group_dn: str = "",
        group_member_attribute: str = "",
        search_base_dn: str = "",
        search_subtree: bool = False,
        search_filter: str = "",
        allow_others: bool | None = None,
        dry_run: bool,
    ) -> MemberSync | Planned: ...
    async def set_organization_admins(
        self,
        organization: str,
        *,
        enabled: bool = True,
        group_dn: str = "",
        group_member_attribute: str = "",
        search_base_dn: str = "",
        search_subtree: bool = False,
        search_filter: str = "",
        allow_others: bool | None = None,
        dry_run: bool = False,
    ) -> MemberSync | Planned:
        """Says how the directory names the administrators of an organization: as `set_team_members` does for a team.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.set_organization_admins(
                organization,
                enabled=enabled,
                group_dn=group_dn,
                group_member_attribute=group_member_attribute,
                search_base_dn=search_base_dn,
                search_subtree=search_subtree,
                search_filter=search_filter,
                allow_others=allow_others,
            ), dry_run)
