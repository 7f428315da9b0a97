"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, overload

    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._signin_records import HeldBundle, SamlProvider, SamlSettings, SamlStatus
    from mke.client._system_records import ConfigChange
else:
    from mke.client._group import overload

from mke.client._calls import saml as _calls
from mke.client._group import AsyncGroup


class AsyncSaml(AsyncGroup):
    """Signing in through an identity provider: its settings, how it stands, the teams that it fills, and the bundles of its people."""

    async def get(self) -> SamlSettings:
        """Where the identity provider is. `sign_in.set(saml_enabled=True)` switches it on."""
        return await self._run(_calls.get_())

    @overload
    async def set(
        self,
        *,
        metadata_url: str | None = None,
        root_certs: str | None = None,
        tls_skip_verify: bool | None = None,
        host: str | None = None,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: Literal[False] = False,
    ) -> SamlSettings: ...
    @overload
    async def set(
        self,
        *,
        metadata_url: str | None = None,
        root_certs: str | None = None,
        tls_skip_verify: bool | None = None,
        host: str | None = None,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: Literal[True],
    ) -> ConfigChange: ...
    @overload
    async def set(
        self,
        *,
        metadata_url: str | None = None,
        root_certs: str | None = None,
        tls_skip_verify: bool | None = None,
        host: str | None = None,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: bool,
    ) -> SamlSettings | ConfigChange: ...
    async def set(
        self,
        *,
        metadata_url: str | None = None,
        root_certs: str | None = None,
        tls_skip_verify: bool | None = None,
        host: str | None = None,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: bool = False,
    ) -> SamlSettings | ConfigChange:
        """Changes where the identity provider is; what is `None` stays. What cannot be fetched is not saved.

        Args:
            metadata_url: where it describes itself; empty for none.
            root_certs: the authorities that its server must chain to (PEM).
            tls_skip_verify: whether its server is not verified.
            host: under which name it knows this cluster; empty for the usual one.
            why: for the history of the configuration.
            if_match: the version that the change is based on.
            dry_run: only tell what would become different. Nothing is changed then.

        Raises:
            mke.errors.ApiError: the description cannot be fetched, or is none of an identity provider.
        """
        return await self._run(_calls.set(
                metadata_url=metadata_url,
                root_certs=root_certs,
                tls_skip_verify=tls_skip_verify,
                host=host,
                why=why,
                if_match=if_match,
                dry_run=dry_run,
            ))

    async def status(self) -> SamlStatus:
        """How it stands: the addresses that the provider needs, what is known of it, and what to look at."""
        return await self._run(_calls.status())

    async def metadata(self) -> str:
        """The description of this cluster for the provider (XML).

        Raises:
            mke.errors.NotFoundError: SAML is not switched on.
        """
        return await self._run(_calls.metadata())

    @overload
    async def refresh(self, *, dry_run: Literal[False] = False) -> SamlProvider: ...
    @overload
    async def refresh(self, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    async def refresh(self, *, dry_run: bool) -> SamlProvider | Planned: ...
    async def refresh(self, *, dry_run: bool = False) -> SamlProvider | Planned:
        """Fetches the provider's description now.

        Raises:
            mke.errors.NotFoundError: SAML is not switched on.
            mke.errors.ApiError: it cannot be fetched; what was known before stays in use.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.refresh(), dry_run)

    async def bundles(
        self, *, source: Literal["imported", "local", "all"] = "imported", account: str | None = None,
    ) -> Table[HeldBundle]:
        """The client bundles that people hold. They open the cluster whatever the identity provider thinks of their owners.

        Args:
            source: those of people from elsewhere, of accounts kept here, or all.
            account: only those of one account, wherever it comes from.
        """
        return await self._run(_calls.bundles(source=source, account=account))

    @overload
    async def revoke_bundles(
        self,
        *,
        source: Literal["imported", "local", "all"] = "imported",
        account: str | None = None,
        dry_run: Literal[False] = False,
    ) -> Table[HeldBundle]: ...
    @overload
    async def revoke_bundles(
        self,
        *,
        source: Literal["imported", "local", "all"] = "imported",
        account: str | None = None,
        dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    async def revoke_bundles(
        self,
        *,
        source: Literal["imported", "local", "all"] = "imported",
        account: str | None = None,
        dry_run: bool,
    ) -> Table[HeldBundle] | Planned: ...
    async def revoke_bundles(
        self,
        *,
        source: Literal["imported", "local", "all"] = "imported",
        account: str | None = None,
        dry_run: bool = False,
    ) -> Table[HeldBundle] | Planned:
        """Ends such bundles, and returns them. The one that this client uses stays.

        Args:
            source: those of people from elsewhere, of accounts kept here, or all.
            account: only those of one account, wherever it comes from.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.revoke_bundles(source=source, account=account), dry_run)

    async def team_group(self, team: str) -> str | None:
        """The group of the identity provider that a team is linked to; `None` for none.

        Args:
            team: ORGANIZATION/TEAM.
        """
        return await self._run(_calls.team_group(team))

    @overload
    async def set_team_group(self, team: str, group: str | None, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    async def set_team_group(self, team: str, group: str | None, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    async def set_team_group(self, team: str, group: str | None, *, dry_run: bool) -> None | Planned: ...
    async def set_team_group(self, team: str, group: str | None, *, dry_run: bool = False) -> None | Planned:
        """Links a team to a group of the identity provider, or to none. Members follow at each of their logins.

        Args:
            team: ORGANIZATION/TEAM.
            group: the name of the group as the provider sends it; `None` ends the link.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.set_team_group(team, group), dry_run)
