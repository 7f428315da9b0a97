"""Written by tools/make_client.py from `_synchronous.py`. `AsyncClient`: how one is made, and the groups of methods that it has."""

from __future__ import annotations

from typing import TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Any

    from mke._native.client import Answer
    from mke.client._async.accounts import AsyncAccounts
    from mke.client._async.audit import AsyncAudit
    from mke.client._async.authz import AsyncAuthz
    from mke.client._async.bundles import AsyncBundles
    from mke.client._async.collections import AsyncCollections
    from mke.client._async.config import AsyncConfiguration
    from mke.client._async.grants import AsyncGrants
    from mke.client._async.jobs import AsyncJobs
    from mke.client._async.keys import AsyncKeys
    from mke.client._async.ldap import AsyncLdap
    from mke.client._async.members import AsyncMembers
    from mke.client._async.nodes import AsyncNodes
    from mke.client._async.organizations import AsyncOrganizations
    from mke.client._async.roles import AsyncRoles
    from mke.client._async.saml import AsyncSaml
    from mke.client._async.scim import AsyncScim
    from mke.client._async.second_factor import AsyncSecondFactors
    from mke.client._async.sign_in import AsyncSignIn
    from mke.client._async.system import AsyncSystem
    from mke.client._async.teams import AsyncTeams

from mke._native.client import Connection
from mke.client._connect import authority_text, login_call, logout_call, one, vouched_async, raw_request
from mke.client._flow import run_async

__all__ = ["AsyncClient"]

C = TypeVar("C", bound="AsyncClient")


class AsyncClient:
    """A connection to a control plane for asyncio. It has the methods of `Client`, to be awaited.

    Made by `login`, `from_env`, `from_context` or `from_bundle`. Used in `async with`, it ends what it began: a session that `login`
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
    async def login(
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
            ca = await vouched_async(url, fingerprint, ca, insecure, timeout)
        nobody = Connection.open(url, ca=ca, insecure=insecure, timeout=timeout, retries=retries)
        token = await run_async(nobody, login_call(username, password, code))
        connection = Connection.open(url, ca=ca, token=token, insecure=insecure, timeout=timeout, retries=retries)
        if context is not None:
            connection.remember(context, username)
        return cls(connection, logged_in=context is None)

    @property
    def url(self) -> str:
        """Where the control plane is."""
        return self._connection.url

    @property
    def accounts(self) -> AsyncAccounts:
        """Users: people and programs."""
        from mke.client._async.accounts import AsyncAccounts

        return AsyncAccounts(self._connection)

    @property
    def organizations(self) -> AsyncOrganizations:
        """Organizations, which have members and teams."""
        from mke.client._async.organizations import AsyncOrganizations

        return AsyncOrganizations(self._connection)

    @property
    def teams(self) -> AsyncTeams:
        """Teams of organizations."""
        from mke.client._async.teams import AsyncTeams

        return AsyncTeams(self._connection)

    @property
    def members(self) -> AsyncMembers:
        """Who belongs to organizations and teams."""
        from mke.client._async.members import AsyncMembers

        return AsyncMembers(self._connection)

    @property
    def keys(self) -> AsyncKeys:
        """Public keys that stand for accounts."""
        from mke.client._async.keys import AsyncKeys

        return AsyncKeys(self._connection)

    @property
    def roles(self) -> AsyncRoles:
        """Roles: operations with their modifiers."""
        from mke.client._async.roles import AsyncRoles

        return AsyncRoles(self._connection)

    @property
    def collections(self) -> AsyncCollections:
        """Collections: places in the tree in which objects lie."""
        from mke.client._async.collections import AsyncCollections

        return AsyncCollections(self._connection)

    @property
    def grants(self) -> AsyncGrants:
        """Grants: who has which role where."""
        from mke.client._async.grants import AsyncGrants

        return AsyncGrants(self._connection)

    @property
    def config(self) -> AsyncConfiguration:
        """The configuration: file, parts, versions."""
        from mke.client._async.config import AsyncConfiguration

        return AsyncConfiguration(self._connection)

    @property
    def bundles(self) -> AsyncBundles:
        """Client bundles for `docker`, `kubectl` and this client."""
        from mke.client._async.bundles import AsyncBundles

        return AsyncBundles(self._connection)

    @property
    def nodes(self) -> AsyncNodes:
        """Nodes: the machines of the swarm."""
        from mke.client._async.nodes import AsyncNodes

        return AsyncNodes(self._connection)

    @property
    def authz(self) -> AsyncAuthz:
        """Questions about who may do what."""
        from mke.client._async.authz import AsyncAuthz

        return AsyncAuthz(self._connection)

    @property
    def jobs(self) -> AsyncJobs:
        """Synchronisations and what else takes a while."""
        from mke.client._async.jobs import AsyncJobs

        return AsyncJobs(self._connection)

    @property
    def second_factor(self) -> AsyncSecondFactors:
        """Codes besides passwords, and locks after failed logins."""
        from mke.client._async.second_factor import AsyncSecondFactors

        return AsyncSecondFactors(self._connection)

    @property
    def system(self) -> AsyncSystem:
        """Health, versions, certificates, tokens."""
        from mke.client._async.system import AsyncSystem

        return AsyncSystem(self._connection)

    @property
    def audit(self) -> AsyncAudit:
        """Who did what: what is recorded, and the records."""
        from mke.client._async.audit import AsyncAudit

        return AsyncAudit(self._connection)

    @property
    def sign_in(self) -> AsyncSignIn:
        """Which back ends look at logins."""
        from mke.client._async.sign_in import AsyncSignIn

        return AsyncSignIn(self._connection)

    @property
    def ldap(self) -> AsyncLdap:
        """An LDAP directory: settings, trials, synchronisations, the teams that it fills."""
        from mke.client._async.ldap import AsyncLdap

        return AsyncLdap(self._connection)

    @property
    def saml(self) -> AsyncSaml:
        """Signing in through an identity provider."""
        from mke.client._async.saml import AsyncSaml

        return AsyncSaml(self._connection)

    @property
    def scim(self) -> AsyncScim:
        """Accounts made by an identity provider."""
        from mke.client._async.scim import AsyncScim

        return AsyncScim(self._connection)

    async def request(
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
        return await run_async(self._connection, one(request))

    async def close(self) -> None:
        """Ends the session, if `login` began it here. The client must not be used afterwards."""
        if self._logged_in:
            self._logged_in = False
            await run_async(self._connection, logout_call())

    async def __aenter__(self: C) -> C:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncClient of {self.url}>"
