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
    """Something about accounts, passwords, keys, sessions or sources of identities failed: what these errors have in common.

    Catch it where any of them means the same; `kind` tells the cases of each class apart, and the text says what to do.
    """


class SamlError(AuthError):
    """Signing in through an identity provider failed: what all errors of SAML have in common."""


class StorageError(StoreError):
    """The store of the accounts could not be read or changed. It is an `OSError`.

    Raised by every method of `mke.identity.AccountStore`, also when its file is damaged or of a newer version.

    Kinds:
        Store: the file or its lock failed; `source` says how.
        Record: what stands at `key` cannot be used; `source` says why. Bring back a backup, or update this package.
        Encode: a record cannot be written; `source` says why.
        Contended: others changed the same object all the time: try again.
    """


class AccountError(AuthError):
    """An account, a team or a membership was not made, changed or deleted. Nothing was changed.

    Raised by the methods of `mke.identity.AccountStore`, and by a synchronisation that writes.

    Kinds:
        Invalid: names or texts are not allowed; `problems` has all of them.
        NameInUse: choose another name than `name`.
        OriginInUse: this person of `source_name` has the account `id` already.
        NoSuchAccount, NoSuchTeam: there is none with this `id`.
        NotAUser, NotAnOrganization: `name` is of the other kind.
        NotAMember: `name` is not a member.
        LastAdministrator: make another administrator than `name` first.
        BuiltIn: the organization `name` can be neither deleted nor left.
        AlreadyInitialized: there is an administrator, who makes accounts.
        Imported: `name` comes from a source of identities: change it there.
        NotImported: `name` is kept here, and no source may change it.
        WrongPassword: the old password is wrong.
        TooMuch: `count` things (`what`) belong to it, and `max` are deleted at once: delete some first.
        Password: the password was not taken; `source` says why.
        Storage: the store failed; `source` says how.
    """


class AdoptionError(AuthError, PermissionError):
    """Somebody whom a source vouches for has no account to use, so the login is refused. It is a `PermissionError`.

    Kinds:
        Inactive: the account `name` was switched off: an administrator may switch it on.
        NotProvisioned: `name` has no account, and logins make none: synchronise first, or allow it.
        NameTaken: `name` is somebody else's: rename one of both at its source.
        Account: the account was not made; `source` says why.
    """


class BundleError(AuthError):
    """A client bundle was not made.

    Raised by `mke.pki.make_bundle`.

    Kinds:
        Pki: its certificate was not issued; `source` says why.
        TooLarge: `found` bytes are more than programs read: shorten the server's list of authorities.
        Pack: it could not be packed; `detail` says why.
    """


class BundlePlaceError(AuthError, ValueError):
    """A bundle cannot point to a place. It is a `ValueError`.

    Raised by `mke.pki.make_bundle`.

    Kinds:
        Host: `host` is neither a host name nor an address.
        ClusterId: `id` is no id of a cluster.
        Port: nobody can connect to port 0.
    """


class IdentityError(AuthError, PermissionError):
    """A key stands for nobody. It is a `PermissionError`; whoever shows the key is told the same in every case.

    Kinds:
        UnknownKey: the key `key_id` is not registered, or not any more.
        UnknownAccount: the account `account_id` is gone.
        Inactive: the account `account_name` was switched off.
        Organization: `account_name` is an organization, for which nobody can sign in.
    """


class JobError(AuthError, LookupError):
    """A job was not found or not stopped. It is a `LookupError`.

    Kinds:
        NoSuchJob: there is none with this `id`; old ones are forgotten.
        Over: the job `id` is `state`, and cannot be stopped any more.
        Storage: the store failed; `source` says how.
    """


class PublicKeyError(AuthError):
    """A public key of an account was not registered, changed or removed. Nothing was changed.

    Kinds:
        Refused: it is no key that can be used; `source` says why.
        Label: the label is too long, or has characters that move the cursor.
        InUse: the key `id` is registered already.
        NoSuchKey, NoSuchAccount: there is none with this `id`.
        TooMany: the account has as many as it may: delete some first.
        Storage: the store failed; `source` says how.
    """


class LdapError(AuthError, OSError):
    """A directory server, or the way to it, failed. It is an `OSError`, and nothing was concluded from what was read.

    Raised where a directory is asked: `mke.identity.ldap_fetch`, `ldap_sync`, `ldap_test_login`, mostly as the `source` of one of the
    classes below. `server` is its address in every kind.

    Kinds:
        Unreachable, Lost: there is no connection, or no more; `source` says why.
        Tls: the server is not trusted; `source` says why. Look at its certificate, its name, and `rootCerts`.
        Injected: the server spoke before the connection was protected: somebody may be changing what is sent.
        Malformed, Unexpected: what came is no answer to what was asked.
        TooLong: a message of `found` bytes was announced, and at most `max` are read.
        NoPages: set `noSimplePagination`.
        Refused: the server did not do `what`: `code`, `meaning`, and `message` in its own words.
        Reader: `readerDN` and `readerPassword` are not accepted.
        TooManyReferrals: the answer leads on for the `max`th time.
        TooMuch: there are more than `max` of `what`: search more narrowly.
        NoGroup: there is no group `group`.
    """


class LdapMessageError(LdapError):
    """Bytes are no message of a directory: what a server sent ends in this, and in nothing worse. It stands as `source` in an `LdapError`.

    Kinds:
        Overrun, Length, Missing, Trailing: it is longer or shorter than it says.
        Tag: something else than `expected` was `found`.
        Number, Text: a value is not of its type.
    """


class LdapNameError(LdapError, ValueError):
    """A text is no distinguished name. It is a `ValueError` too.

    Raised by `mke.identity.Dn`. Write names as `uid=jane,ou=people,dc=example,dc=com`, and values in them with `escape_dn_value`. Its only
    kind is DnError.
    """


class LdapFetchError(LdapError):
    """A directory was not read to its end, so nothing is concluded from it, and nobody is changed.

    Raised by `mke.identity.ldap_fetch` and `ldap_sync`. `source` is the `LdapError` behind it.

    Kinds:
        Users: the user search number `search` (from 0) below `base` failed.
        Team: the members of the team `name` were not read.
        Admins: the administrators were not read.
    """


class LdapFilterError(LdapError, ValueError):
    """A text is no search filter (RFC 4515). It is a `ValueError` too.

    Raised by `mke.identity.LdapFilter`, and for filters in settings. `LdapFilter.equals` makes one of what a person typed.

    Kinds:
        TooLong: it has `found` bytes, more than any directory takes.
        TooDeep: it has too many brackets in brackets.
        Syntax: `why`, at character number `at` (from 0).
    """


class LdapLoginError(LdapError, PermissionError):
    """Nobody has logged in with a directory. It is a `PermissionError`.

    Kinds:
        Denied: the directory was asked, and the login is refused; `source` says why, for the log and not for whoever tried.
        Unavailable: the directory was not asked to the end; `source` says why.
        TooSlow: it did not answer in time.
    """


class LdapSyncError(LdapError):
    """A synchronisation did not happen, or not to its end.

    Raised by `mke.identity.ldap_sync`. Nobody was changed, unless it is of the kind `Write`: what was written then had been checked, and
    the next run goes on from there. With `dry_run=True` the same is found, and nothing written.

    Kinds:
        Teams: the settings of some teams make no sense; `problems` has all of them.
        Fetch: the directory was not read; `source` says why.
        Refused: the plan is too much to do unasked; `problems` says what, such as more deactivations than are allowed. Look at it with
            `dry_run=True`, and accept it with `accept_deactivations=True`.
        Write: the changes were not written to their end; `source` says why.
    """


class LdapTlsError(LdapError):
    """Nothing could be set up to trust a directory by, so nobody was asked.

    Kinds:
        Certificates: `rootCerts` holds no certificate that can be read; `detail` says why.
        NoSystemRoots: the machine trusts no authority: give the one of the server in `rootCerts`.
        Setup: the rest of TLS cannot be set up; `detail` says why.
    """


class PasswordError(AuthError, ValueError):
    """A password was not hashed or checked. It is a `ValueError`, and the password is in no text of it.

    Raised by `mke.identity.AccountStore.create_user`, mostly as the `source` of an `AccountError`.

    Kinds:
        TooShort: it has `found` characters: choose a longer one.
        TooLong: it has `found` bytes.
        Busy: too many are being checked: try again.
        NotAHash: what is stored is no hash of a password.
        Failed: it could not be hashed; `detail` says why.
    """


class RecordError(AuthError, ValueError):
    """What is stored about an account cannot be read. It is a `ValueError`, and stands as `source` in a `StorageError`.

    Kinds:
        Newer: a newer version (`found`) of this package wrote the `what`: update this one.
        Unversioned: the `what` says no version, so nobody knows what it means.
        Malformed: the `what` is damaged; `source` says where.
    """


class SamlHostError(SamlError, ValueError):
    """A host cannot be used in the addresses of SAML. It is a `ValueError` too.

    Raised by `mke.identity.ServiceProvider`. Give the host name under which people reach the cluster: `host` is what was given. Its only
    kind is HostError.
    """


class SamlKeyError(SamlError):
    """There is no key to sign requests to an identity provider with.

    Kinds:
        Generate: none could be made; `detail` says why.
        Unusable: the stored one is damaged: delete it, and another one is made.
    """


class SamlRefusedError(SamlError, PermissionError):
    """A SAML message or a metadata document was refused, and nothing in it was believed. It is a `PermissionError`.

    Raised by `mke.identity.verify_response` and `IdentityProvider`. The kind is for the log: whoever tried to log in is told the same in
    every case.

    Kinds:
        Encoding, Xml, Markup, Namespace, DuplicateId, Structure, Ambiguous: the document is not one that can be read in one way only;
            `detail` says where.
        TooMuch: it has more than `max` of `what`.
        Unsigned, SignatureForm, Algorithm, Digest, Signature, NoKey: nobody who is trusted signed what counts. After the provider changed
            its key, fetch its metadata anew.
        Encrypted: it is encrypted, which is not supported: switch it off at the provider.
        Issuer, Audience, Destination: it is from, or for, somebody else: `found`.
        Status: the provider says that nobody logged in; `detail` has its words.
        Early, Late: it is not valid at this time: compare the clocks; `detail` has the times.
        Unsolicited, OtherRequest: it answers no request of this browser: begin the login here.
    """


class SamlMetadataError(SamlError, OSError):
    """The metadata of an identity provider did not come. It is an `OSError`; what was known before stays in use.

    Kinds:
        NoUrl: no address is set.
        Url: `url` cannot be used: `why`.
        Roots: `rootCerts` cannot be used; `detail` says why.
        Private: `host` leads to `address`, where no provider may be.
        Connect: there is no trusted connection to `host`: `why`.
        Proxy: the proxy did not let it through; `detail` has its words.
        Status: the server answered with `status` for `url`.
        TooLarge, Redirects, Slow: `url` sends too much, leads on too often, or takes too long.
    """


class SamlAdmissionError(SamlError, PermissionError):
    """The identity provider proved who somebody is, and the login is refused all the same. It is a `PermissionError`.

    Kinds:
        Used: the same proof was shown before: begin the login again.
        Name: the provider's `name` for the person is no account name; `source` says why.
        Taken: the account `name` is somebody else's: rename one of both.
        Account: the account was not made or changed; `source` says why.
        Storage: the store failed; `source` says how.
    """


class ScimError(AuthError, ValueError):
    """A request of SCIM was not done, and nothing was changed. It is a `ValueError`.

    Raised by `mke.identity.scim_matches` and `scim_patched`; `ScimService.handle` answers with the same as a response. Its only kind is
    ScimError.

    Attributes:
        status: the HTTP status that a client gets.
        scim_type: the word for programs (RFC 7644, section 3.12), such as `invalidFilter`; `None` where there is none.
        detail: what is wrong, for people.
        cause: what failed behind it, for the log; `None` where the request itself is wrong.
    """


class ScimTokenError(AuthError, PermissionError):
    """A token for SCIM was not taken. It is a `PermissionError`.

    Kinds:
        Unusable: a chosen token is too short, too long, or has other characters than a token may.
        Wrong: it is missing or not the one.
        TooManyAttempts: too many were wrong: wait `retry_after` seconds.
        Storage: the store failed; `source` says how.
    """


class SecondFactorError(AuthError, PermissionError):
    """A second factor was not made, used or switched off. It is a `PermissionError`.

    Kinds:
        Needed: send a code with the password.
        WrongCode: the code is wrong, too old, or was used: wait for the next one.
        AlreadyOn: switch it off first.
        NotBegun: there is nothing to confirm: begin the enrolment again.
        NotOn: it is not switched on.
        NotAUser: only active users have one.
        Seal: the seed cannot be opened here; `source` says why.
        Unusable: that of the account `account_id` is damaged: an administrator must switch it off.
        Storage: the store failed; `source` says how.
    """


class DirectoryError(AuthError):
    """A directory did not confirm a password. The texts are for the log; whoever tries to log in learns nothing of them.

    Kinds:
        Refused: it says no; `detail` says why.
        Unavailable: it was not asked to the end; `detail` says why.
    """


class LoginError(AuthError, PermissionError):
    """Nobody was logged in. It is a `PermissionError`.

    Kinds:
        InvalidCredentials: name or password is wrong; which of both is not told.
        TooManyAttempts: too many logins failed: wait `retry_after` seconds.
        SecondFactorNeeded: send a code of the second factor.
        SecondFactor: the code was not taken; `source` says why.
        Busy: too many logins at once: try again.
        Password: the password could not be checked; `source` says why.
        Storage: the session was not stored; `source` says how.
    """


class SessionError(AuthError, PermissionError):
    """A token opens nothing. It is a `PermissionError`; whoever shows the token is told the same in every case.

    Kinds:
        Malformed: it is no token of a session.
        Unknown: there is no such session, or no more.
        Expired: the session `session_id` is over: log in again.
        Account: its account cannot be used; `source` says why.
        UnknownAccount: the account `account_id` is gone.
    """
