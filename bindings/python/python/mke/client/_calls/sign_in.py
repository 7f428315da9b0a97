"""Which back ends look at logins: accounts kept here, a directory, an identity provider."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

from mke.client._flow import Flow, Request, call, fetch, get, given, path, trial
from mke.client._signin_records import SignInSettings
from mke.client._system_records import ConfigChange

_PLACE = ("enzi", "v0", "config", "auth")


@call
def get_() -> Flow[SignInSettings]:
    """Which back ends look at logins. Administrators only."""
    return SignInSettings.read((yield from get(*_PLACE)))


@trial
def set(
    *,
    backend: Literal["managed", "ldap"] | None = None,
    saml_enabled: bool | None = None,
    saml_login_text: str | None = None,
    scim_enabled: bool | None = None,
    managed_password_disabled: bool | None = None,
    managed_password_fallback_user: str | None = None,
    why: str | None = None,
    if_match: str | None = None,
    dry_run: bool = False,
) -> Flow[SignInSettings | ConfigChange]:
    """Changes which back ends look at logins; what is `None` stays.

    Args:
        backend: `managed` for accounts kept here alone, `ldap` for those of a directory as well.
        saml_enabled: whether people may sign in through an identity provider. Excludes `ldap`.
        saml_login_text: what the button says that leads there.
        scim_enabled: whether an identity provider may make and change accounts.
        managed_password_disabled: whether passwords kept here open nothing, but for the fallback user.
        managed_password_fallback_user: an administrator with a password kept here.
        why: for the history of the configuration.
        if_match: the version that the change is based on.

    Raises:
        mke.errors.BadRequestError: nobody could log in any more, or two settings exclude each other. Nothing was changed.
    """
    body = given(
        backend=backend,
        samlEnabled=saml_enabled,
        samlLoginText=saml_login_text,
        scimEnabled=scim_enabled,
        managedPasswordDisabled=managed_password_disabled,
        managedPasswordFallbackUser=managed_password_fallback_user,
    )
    place = path(*_PLACE, query={"dry-run": dry_run, "why": why})
    answer: Any = yield from fetch(Request("PUT", place, body, if_match=if_match, safe=dry_run))
    return ConfigChange.read(answer) if dry_run else SignInSettings.read(answer)
