"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, overload

    from mke.client._signin_records import SignInSettings
    from mke.client._system_records import ConfigChange
else:
    from mke.client._group import overload

from mke.client._calls import sign_in as _calls
from mke.client._group import Group


class SignIn(Group):
    """Which back ends look at logins: accounts kept here, a directory, an identity provider."""

    def get(self) -> SignInSettings:
        """Which back ends look at logins. Administrators only."""
        return self._run(_calls.get_())

    @overload
    def set(
        self,
        *,
        backend: Literal["managed", "ldap"] | None = None,
        saml_enabled: bool | None = None,
        saml_login_text: str | None = None,
        scim_enabled: bool | None = None,
        managed_password_disabled: bool | None = None,
        managed_password_fallback_user: str | None = None,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: Literal[False] = False,
    ) -> SignInSettings: ...
    @overload
    def set(
        self,
        *,
        backend: Literal["managed", "ldap"] | None = None,
        saml_enabled: bool | None = None,
        saml_login_text: str | None = None,
        scim_enabled: bool | None = None,
        managed_password_disabled: bool | None = None,
        managed_password_fallback_user: str | None = None,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: Literal[True],
    ) -> ConfigChange: ...
    @overload
    def set(
        self,
        *,
        backend: Literal["managed", "ldap"] | None = None,
        saml_enabled: bool | None = None,
        saml_login_text: str | None = None,
        scim_enabled: bool | None = None,
        managed_password_disabled: bool | None = None,
        managed_password_fallback_user: str | None = None,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: bool,
    ) -> SignInSettings | ConfigChange: ...
    def set(
        self,
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
    ) -> SignInSettings | ConfigChange:
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
            dry_run: only tell what would become different. Nothing is changed then.

        Raises:
            mke.errors.BadRequestError: nobody could log in any more, or two settings exclude each other. Nothing was changed.
        """
        return self._run(_calls.set(
                backend=backend,
                saml_enabled=saml_enabled,
                saml_login_text=saml_login_text,
                scim_enabled=scim_enabled,
                managed_password_disabled=managed_password_disabled,
                managed_password_fallback_user=managed_password_fallback_user,
                why=why,
                if_match=if_match,
                dry_run=dry_run,
            ))
