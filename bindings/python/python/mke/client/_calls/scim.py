"""Accounts and teams made by an identity provider (SCIM): whether it may, and the token that it shows."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

from mke.client._flow import Flow, Request, call, change, fetch, get, given, path, send, trial
from mke.client._signin_records import ScimSettings, ScimToken
from mke.client._system_records import ConfigChange

_PLACE = ("api", "ucp", "config", "auth", "scim")


@call
def get_() -> Flow[ScimSettings]:
    """Whether it is on, the address that the provider is told, and which token opens it."""
    return ScimSettings.read((yield from get(*_PLACE)))


@trial
def set(
    enabled: bool, *, why: str | None = None, if_match: str | None = None, dry_run: bool = False
) -> Flow[ScimSettings | ConfigChange]:
    """Switches it on or off, and returns how it stands then.

    Args:
        enabled: whether it shall be on.
        why: for the history of the configuration.
        if_match: the version that the change is based on.
    """
    place = path(*_PLACE, query={"dry-run": dry_run, "why": why})
    answer: Any = yield from fetch(Request("PUT", place, {"enabled": enabled}, if_match=if_match, safe=dry_run))
    return ConfigChange.read(answer) if dry_run else (yield from get_())


@change
def make_token(*, token: str | None = None) -> Flow[ScimToken]:
    """Makes the token that opens it, which is in the answer and nowhere else. The one before opens nothing any more.

    Args:
        token: one that was chosen; a random one when it is `None`.

    Raises:
        mke.errors.BadRequestError: the chosen one is too easy to guess.
    """
    return ScimToken.read((yield from fetch(Request("POST", path(*_PLACE, "token"), given(token=token)))))


@change
def delete_token() -> Flow[None]:
    """Ends the token. Nothing opens SCIM then."""
    yield from send(Request("DELETE", path(*_PLACE, "token")))
