"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, overload

    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._system_records import Banner, Health, ServerCertificate
    from mke.config import Secret
else:
    from mke.client._group import overload

from mke.client._calls import system as _calls
from mke.client._group import AsyncGroup


class AsyncSystem(AsyncGroup):
    """The control plane itself: its health, versions, certificates and tokens."""

    async def health(self) -> Health:
        """Whether the manager that answers works."""
        return await self._run(_calls.health())

    async def wait_healthy(self, *, timeout: float = 300.0, interval: float = 1.0) -> Health:
        """Waits until the manager that answers works. Nobody that answers is waited for as well.

        Args:
            timeout: how long, in seconds.
            interval: how long between two looks, in seconds.

        Raises:
            mke.errors.WaitTimeoutError: it did not in time; `state` says what it said. It is a `TimeoutError`.
        """
        return await self._run(_calls.wait_healthy(timeout=timeout, interval=interval))

    async def version(self) -> dict[str, Any]:
        """The versions of the control plane and of the engine behind it, as `docker version` shows them."""
        return await self._run(_calls.version())

    async def info(self) -> dict[str, Any]:
        """What `docker info` shows. Needs an engine."""
        return await self._run(_calls.info())

    async def authority(self) -> str:
        """The authority that the server's certificate chains to (PEM)."""
        return await self._run(_calls.authority())

    async def banners(self) -> Table[Banner]:
        """What everybody who logs in must be told, such as that a certificate ends soon."""
        return await self._run(_calls.banners())

    async def metrics(self) -> str:
        """The counters of the controller that answers, as Prometheus reads them."""
        return await self._run(_calls.metrics())

    async def certificate(self) -> ServerCertificate:
        """The certificate that the server shows. Administrators only."""
        return await self._run(_calls.certificate())

    @overload
    async def set_certificate(
        self,
        certificate: str,
        key: str | Secret,
        *,
        ca: str = "",
        client_cas: str | None = None,
        dry_run: Literal[False] = False,
    ) -> None: ...
    @overload
    async def set_certificate(
        self,
        certificate: str,
        key: str | Secret,
        *,
        ca: str = "",
        client_cas: str | None = None,
        dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    async def set_certificate(
        self, certificate: str, key: str | Secret, *, ca: str = "", client_cas: str | None = None, dry_run: bool,
    ) -> None | Planned: ...
    async def set_certificate(
        self,
        certificate: str,
        key: str | Secret,
        *,
        ca: str = "",
        client_cas: str | None = None,
        dry_run: bool = False,
    ) -> None | Planned:
        """Replaces the certificate that the server shows. Bundles name the authority before, so their users need new ones.

        Args:
            certificate: the certificate and what lies between it and the authority (PEM).
            key: its private key (PEM).
            ca: the authority (PEM).
            client_cas: further authorities whose certificates open accounts (PEM); as before when it is `None`.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.

        Raises:
            mke.errors.BadRequestError: they do not belong together, or cannot serve. Nothing was changed.
        """
        return await self._change(_calls.set_certificate(certificate, key, ca=ca, client_cas=client_cas), dry_run)

    async def registry_authorities(self) -> str:
        """The authorities of the trusted registries, for whoever has to trust them too (PEM)."""
        return await self._run(_calls.registry_authorities())

    async def token_keys(self) -> dict[str, Any]:
        """The public keys that tokens for registries are signed with, as a set of JSON Web Keys."""
        return await self._run(_calls.token_keys())

    async def pre_logon_message(self) -> str:
        """What everybody is shown before logging in; empty for nothing."""
        return await self._run(_calls.pre_logon_message())

    async def metrics_targets(self) -> tuple[str, ...]:
        """Where Prometheus finds the counters: HOST:PORT of each controller."""
        return await self._run(_calls.metrics_targets())

    async def registry_token(self, service: str, *scopes: str) -> str:
        """A token for a registry that trusts this control plane.

        Args:
            service: the name of the registry, as its configuration has it.
            *scopes: what it is for: `repository:NAME:pull,push`.
        """
        return await self._run(_calls.registry_token(service, *scopes))
