"""The errors of `mke-auth`: accounts, sessions, sources of identities. Public in `mke.errors`."""

from __future__ import annotations

from mke._errors.base import MkeError as _MkeError
from mke._errors.core import StoreError

__all__ = [
    "AccountError",
    "AdoptionError",
    "AuthError",
    "BundleError",
    "BundlePlaceError",
    "DirectoryError",
    "IdentityError",
    "JobError",
    "LdapError",
    "LdapFetchError",
    "LdapFilterError",
    "LdapLoginError",
    "LdapMessageError",
    "LdapNameError",
    "LdapSyncError",
    "LdapTlsError",
    "LoginError",
    "PasswordError",
    "PublicKeyError",
    "RecordError",
    "SamlAdmissionError",
    "SamlError",
    "SamlHostError",
    "SamlKeyError",
    "SamlMetadataError",
    "SamlRefusedError",
    "ScimError",
    "ScimTokenError",
    "SecondFactorError",
    "SessionError",
    "StorageError",
]


class AuthError(_MkeError):
    """Something about accounts, passwords, keys, sessions or sources of identities failed."""


class SamlError(AuthError):
    """Signing in through an identity provider failed."""


class StorageError(StoreError):
    """Why what is stored could not be read or changed."""


class AccountError(AuthError):
    """Why an account, team or membership was not made, changed or deleted. Nothing was changed then."""


class AdoptionError(AuthError):
    """Why somebody whom a source vouches for has no account to use."""


class BundleError(AuthError):
    """Why a bundle was not made."""


class BundlePlaceError(AuthError, ValueError):
    """Why a bundle cannot point to a place."""


class IdentityError(AuthError, PermissionError):
    """Why a key stands for nobody. Callers answer all of them alike."""


class JobError(AuthError, LookupError):
    """Why something about jobs could not be done."""


class PublicKeyError(AuthError):
    """Why a key was not registered, changed or removed."""


class LdapError(AuthError, OSError):
    """A failure of a directory server, or of the way to it."""


class LdapMessageError(LdapError):
    """Why bytes are not what they should be. What a server sends must not end in more than a refusal."""


class LdapNameError(LdapError, ValueError):
    """Why a text is no distinguished name."""


class LdapFetchError(LdapError):
    """Why the directory was not read. Nothing may be concluded from what was."""


class LdapFilterError(LdapError, ValueError):
    """Why a text is no filter."""


class LdapLoginError(LdapError, PermissionError):
    """Why nobody has logged in."""


class LdapSyncError(LdapError):
    """Why a synchronisation did not happen, or not to its end. Nobody was deactivated, unless writing itself
    failed: what was written then was planned and checked, and the next run goes on from there."""


class LdapTlsError(LdapError):
    """Why no certificate could be trusted at all."""


class PasswordError(AuthError, ValueError):
    """Why a password was not hashed or checked."""


class RecordError(AuthError, ValueError):
    """Why a record cannot be read."""


class SamlHostError(SamlError, ValueError):
    """A host cannot be used in the addresses of SAML."""


class SamlKeyError(SamlError):
    """Why there is no key to sign with."""


class SamlRefusedError(SamlError, PermissionError):
    """Why a SAML message or a metadata document was refused. Nothing was believed then."""


class SamlMetadataError(SamlError, OSError):
    """Why no metadata came back."""


class SamlAdmissionError(SamlError, PermissionError):
    """Why a proof logs nobody in."""


class ScimError(AuthError, ValueError):
    """Why a request was not done. Nothing was changed then."""


class ScimTokenError(AuthError, PermissionError):
    """Why a token was not taken."""


class SecondFactorError(AuthError, PermissionError):
    """Why a second factor was not made, used or switched off."""


class DirectoryError(AuthError):
    """Why a directory did not confirm a password. The texts are for the log; who asks is told nothing of it."""


class LoginError(AuthError, PermissionError):
    """Why nobody was logged in."""


class SessionError(AuthError, PermissionError):
    """Why a token opens nothing. Callers answer all of them alike."""
