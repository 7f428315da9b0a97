"""`Client`: how one is made, and the groups of methods that it has."""

from __future__ import annotations

from typing import TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Any

    from mke._native.client import Answer
    from mke.client._sync.accounts import Accounts
    from mke.client._sync.audit import Audit
    from mke.client._sync.authz import Authz
    from mke.client._sync.bundles import Bundles
    from mke.client._sync.collections import Collections
    from mke.client._sync.config import Configuration
    from mke.client._sync.grants import Grants
    from mke.client._sync.jobs import Jobs
    from mke.client._sync.keys import Keys
    from mke.client._sync.ldap import Ldap
    from mke.client._sync.members import Members
    from mke.client._sync.nodes import Nodes
    from mke.client._sync.organizations import Organizations
    from mke.client._sync.roles import Roles
    from mke.client._sync.saml import Saml
    from mke.client._sync.scim import Scim
    from mke.client._sync.second_factor import SecondFactors
    from mke.client._sync.sign_in import SignIn
    from mke.client._sync.system import System
    from mke.client._sync.teams import Teams

from mke._native.client import Connection
from mke.client._connect import authority_text, login_call, logout_call, one, vouched, raw_request
from mke.client._flow import run

__all__ = ["Client"]

C = TypeVar("C", bound="Client")


class Client:
    """A connection to a control plane.

    Made by `login`, `from_env`, `from_context` or `from_bundle`. Used in `with`, it ends what it began: a session that `login`
    made is ended with it.

    Requests that change nothing are sent again, `retries` times, when the connection is lost or the server is busy; changes only
    when the server certainly did not look at them. `timeout` is for each request, in seconds, its answer included.
    """

    __slots__ = ("_connection", "_logged_in")

    def __init__(self, connection: Connection, *, logged_in: bool = False) -> None:
        self._connection = connection
        self._logged_in = logged_in

    @classmethod
    def from_env(cls: type[C], *, timeout: float = 60.0, retries: int = 2) -> C:
        """The client that `MKE_URL`, `MKE_TOKEN` and `MKE_CA_FILE` describe, or the context in use.

        Raises:
            mke.errors.NotLoggedInError: neither is there.
        """
        return cls(Connection.from_env(timeout=timeout, retries=retries))

    @classmethod
    def from_context(cls: type[C], name: str | None = None, *, timeout: float = 60.0, retries: int = 2) -> C:
        """The client of a context that `ucp login` keeps; of the one in use when there is no name.

        Raises:
            mke.errors.NoSuchContextError: there is none of this name. It is a `LookupError`.
            mke.errors.NotLoggedInError: none is in use.
        """
        return cls(Connection.from_context(name, timeout=timeout, retries=retries))

    @classmethod
    def from_bundle(
        cls: type[C], path: str | os.PathLike[str], *, url: str | None = None, timeout: float = 60.0, retries: int = 2
    ) -> C:
        """The client that a bundle was made for: its certificate proves who asks.

        Args:
            path: a directory into which a bundle was unpacked, or its archive.
            url: where the control plane is, when that is not what the bundle says.
            timeout: for each request, in seconds.
            retries: how often a request is sent again that may be.

        Raises:
            mke.errors.ClientError: it is no bundle.
        """
        return cls(Connection.from_bundle(path, url=url, timeout=timeout, retries=retries))

    @classmethod
    def from_token(
        cls: type[C],
        url: str,
        token: str,
        *,
        ca: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        insecure: bool = False,
        timeout: float = 60.0,
        retries: int = 2,
    ) -> C:
        """The client for a token that is there already. The server is verified as in `login`."""
        ca = authority_text(ca, ca_file)
        return cls(Connection.open(url, ca=ca, token=token, insecure=insecure, timeout=timeout, retries=retries))

    @classmethod
    def login(
        cls: type[C],
        url: str,
        username: str,
        password: str,
        *,
        code: str | None = None,
        ca: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        fingerprint: str | None = None,
        insecure: bool = False,
        context: str | None = None,
        timeout: float = 60.0,
        retries: int = 2,
    ) -> C:
        """Logs in. The server is verified before the password is sent: say by what.

        Args:
            url: `https://HOST[:PORT]`.
            username: who.
            password: the password.
            code: the code of the second factor, where the account has one.
            ca: the authority that the server's certificate chains to (PEM),
            ca_file: or a file with it,
            fingerprint: or the SHA-256 fingerprint of the authority that the server itself names, in hexadecimal,
            insecure: or verify nothing.
            context: keep the session as a context of this name, as `ucp login` does. It is not ended by `close` then.
            timeout: for each request, in seconds.
            retries: how often a request is sent again that may be.

        Raises:
            mke.errors.UntrustedError: the server is not the one that was meant. Nothing was sent.
            mke.errors.UnauthenticatedError: name or password is wrong, or a code is needed.
            mke.errors.TooManyRequestsError: too many logins failed; `retry_after` says for how long.
        """
        ca = authority_text(ca, ca_file)
        if fingerprint is not None:
            ca = vouched(url, fingerprint, ca, insecure, timeout)
        nobody = Connection.open(url, ca=ca, insecure=insecure, timeout=timeout, retries=retries)
        token = run(nobody, login_call(username, password, code))
        connection = Connection.open(url, ca=ca, token=token, insecure=insecure, timeout=timeout, retries=retries)
        if context is not None:
            connection.remember(context, username)
        return cls(connection, logged_in=context is None)

    @property
    def url(self) -> str:
        """Where the control plane is."""
        return self._connection.url

    @property
    def accounts(self) -> Accounts:
        """Users: people and programs."""
        from mke.client._sync.accounts import Accounts

        return Accounts(self._connection)

    @property
    def organizations(self) -> Organizations:
        """Organizations, which have members and teams."""
        from mke.client._sync.organizations import Organizations

        return Organizations(self._connection)

    @property
    def teams(self) -> Teams:
        """Teams of organizations."""
        from mke.client._sync.teams import Teams

        return Teams(self._connection)

    @property
    def members(self) -> Members:
        """Who belongs to organizations and teams."""
        from mke.client._sync.members import Members

        return Members(self._connection)

    @property
    def keys(self) -> Keys:
        """Public keys that stand for accounts."""
        from mke.client._sync.keys import Keys

        return Keys(self._connection)

    @property
    def roles(self) -> Roles:
        """Roles: operations with their modifiers."""
        from mke.client._sync.roles import Roles

        return Roles(self._connection)

    @property
    def collections(self) -> Collections:
        """Collections: places in the tree in which objects lie."""
        from mke.client._sync.collections import Collections

        return Collections(self._connection)

    @property
    def grants(self) -> Grants:
        """Grants: who has which role where."""
        from mke.client._sync.grants import Grants

        return Grants(self._connection)

    @property
    def config(self) -> Configuration:
        """The configuration: file, parts, versions."""
        from mke.client._sync.config import Configuration

        return Configuration(self._connection)

    @property
    def bundles(self) -> Bundles:
        """Client bundles for `docker`, `kubectl` and this client."""
        from mke.client._sync.bundles import Bundles

        return Bundles(self._connection)

    @property
    def nodes(self) -> Nodes:
        """Nodes: the machines of the swarm."""
        from mke.client._sync.nodes import Nodes

        return Nodes(self._connection)

    @property
    def authz(self) -> Authz:
        """Questions about who may do what."""
        from mke.client._sync.authz import Authz

        return Authz(self._connection)

    @property
    def jobs(self) -> Jobs:
        """Synchronisations and what else takes a while."""
        from mke.client._sync.jobs import Jobs

        return Jobs(self._connection)

    @property
    def second_factor(self) -> SecondFactors:
        """Codes besides passwords, and locks after failed logins."""
        from mke.client._sync.second_factor import SecondFactors

        return SecondFactors(self._connection)

    @property
    def system(self) -> System:
        """Health, versions, certificates, tokens."""
        from mke.client._sync.system import System

        return System(self._connection)

    @property
    def audit(self) -> Audit:
        """Who did what: what is recorded, and the records."""
        from mke.client._sync.audit import Audit

        return Audit(self._connection)

    @property
    def sign_in(self) -> SignIn:
        """Which back ends look at logins."""
        from mke.client._sync.sign_in import SignIn

        return SignIn(self._connection)

    @property
    def ldap(self) -> Ldap:
        """An LDAP directory: settings, trials, synchronisations, the teams that it fills."""
        from mke.client._sync.ldap import Ldap

        return Ldap(self._connection)

    @property
    def saml(self) -> Saml:
        """Signing in through an identity provider."""
        from mke.client._sync.saml import Saml

        return Saml(self._connection)

    @property
    def scim(self) -> Scim:
        """Accounts made by an identity provider."""
        from mke.client._sync.scim import Scim

        return Scim(self._connection)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | str | None = None,
        query: Mapping[str, str | int | bool | None] | None = None,
        content_type: str = "",
        if_match: str | None = None,
        accept: str | None = None,
        timeout: float | None = None,
        check: bool = True,
    ) -> Answer:
        """Sends any request, for what has no method here.

        Args:
            method: the HTTP method.
            path: the path, from `/`; elements with special characters must be escaped.
            json: what is sent as JSON,
            data: or as it is.
            query: what stands behind `?`; what is `None` is left out.
            content_type: the media type of `data`.
            if_match: the entity tag that the object must have.
            accept: the media type that is wanted.
            timeout: for this request, in seconds.
            check: whether an answer that is no success is an exception.

        Raises:
            mke.errors.ApiError: the answer is no success, and `check` is true.
        """
        request = raw_request(method, path, json, data, query, content_type, if_match, accept, timeout, check)
        return run(self._connection, one(request))

    def close(self) -> None:
        """Ends the session, if `login` began it here. The client must not be used afterwards."""
        if self._logged_in:
            self._logged_in = False
            run(self._connection, logout_call())

    def __enter__(self: C) -> C:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client of {self.url}>"
