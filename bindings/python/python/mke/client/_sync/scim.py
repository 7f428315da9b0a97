"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, overload

    from mke.client._flow import Planned
    from mke.client._signin_records import ScimSettings, ScimToken
    from mke.client._system_records import ConfigChange
else:
    from mke.client._group import overload

from mke.client._calls import scim as _calls
from mke.client._group import Group


class Scim(Group):
    """Accounts and teams made by an identity provider (SCIM): whether it may, and the token that it shows."""

    def get(self) -> ScimSettings:
        """Whether it is on, the address that the provider is told, and which token opens it."""
        return self._run(_calls.get_())

    @overload
    def set(
        self,
        enabled: bool,
        *,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: Literal[False] = False,
    ) -> ScimSettings: ...
    @overload
    def set(
        self, enabled: bool, *, why: str | None = None, if_match: str | None = None, dry_run: Literal[True],
    ) -> ConfigChange: ...
    @overload
    def set(
        self, enabled: bool, *, why: str | None = None, if_match: str | None = None, dry_run: bool,
    ) -> ScimSettings | ConfigChange: ...
    def set(
        self, enabled: bool, *, why: str | None = None, if_match: str | None = None, dry_run: bool = False,
    ) -> ScimSettings | ConfigChange:
        """Switches it on or off, and returns how it stands then.

        Args:
            enabled: whether it shall be on.
            why: for the history of the configuration.
            if_match: the version that the change is based on.
            dry_run: only tell what would become different. Nothing is changed then.
        """
        return self._run(_calls.set(enabled, why=why, if_match=if_match, dry_run=dry_run))

    @overload
    def make_token(self, *, token: str | None = None, dry_run: Literal[False] = False) -> ScimToken: ...
    @overload
    def make_token(self, *, token: str | None = None, dry_run: Literal[True]) -> Planned: ...
    @overload
    def make_token(self, *, token: str | None = None, dry_run: bool) -> ScimToken | Planned: ...
    def make_token(self, *, token: str | None = None, dry_run: bool = False) -> ScimToken | Planned:
        """Makes the token that opens it, which is in the answer and nowhere else. The one before opens nothing any more.

        Args:
            token: one that was chosen; a random one when it is `None`.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.

        Raises:
            mke.errors.BadRequestError: the chosen one is too easy to guess.
        """
        return self._change(_calls.make_token(token=token), dry_run)

    @overload
    def delete_token(self, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def delete_token(self, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def delete_token(self, *, dry_run: bool) -> None | Planned: ...
    def delete_token(self, *, dry_run: bool = False) -> None | Planned:
        """Ends the token. Nothing opens SCIM then.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.delete_token(), dry_run)
