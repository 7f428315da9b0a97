"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from mke._table import Table
    from mke.client._system_records import AuditSettings, Banner, ConfigChange, Health

from mke.client._calls import system as _calls
from mke.client._group import Group


class System(Group):
    """The control plane itself: its health, versions, certificates and what is audited."""

    def health(self) -> Health:
        """Whether the manager that answers works."""
        return self._run(_calls.health())

    def wait_healthy(self, *, timeout: float = 300.0, interval: float = 1.0) -> Health:
        """Waits until the manager that answers works. Nobody that answers is waited for as well.

        Args:
            timeout: how long, in seconds.
            interval: how long between two looks, in seconds.

        Raises:
            mke.errors.WaitTimeoutError: it did not in time; `state` says what it said. It is a `TimeoutError`.
        """
        return self._run(_calls.wait_healthy(timeout=timeout, interval=interval))

    def version(self) -> dict[str, Any]:
        """The versions of the control plane and of the engine behind it, as `docker version` shows them."""
        return self._run(_calls.version())

    def info(self) -> dict[str, Any]:
        """What `docker info` shows. Needs an engine."""
        return self._run(_calls.info())

    def authority(self) -> str:
        """The authority that the server's certificate chains to (PEM)."""
        return self._run(_calls.authority())

    def banners(self) -> Table[Banner]:
        """What everybody who logs in must be told, such as that a certificate ends soon."""
        return self._run(_calls.banners())

    def metrics(self) -> str:
        """The counters of the controller that answers, as Prometheus reads them."""
        return self._run(_calls.metrics())

    def audit_settings(self) -> AuditSettings:
        """What is logged and audited."""
        return self._run(_calls.audit_settings())

    def set_audit_settings(
        self,
        *,
        log_level: str | None = None,
        audit_level: Literal["", "metadata", "request"] | None = None,
        support_dump_includes_audit_logs: bool | None = None,
        why: str | None = None,
        dry_run: bool = False,
    ) -> ConfigChange:
        """Changes what is logged and audited; what is `None` stays.

        Args:
            log_level: from `DEBUG` to `EMERG`.
            audit_level: `""` for nothing, `metadata`, or `request` for bodies as well.
            support_dump_includes_audit_logs: whether support dumps hold audit records.
            why: for the history of the configuration.
            dry_run: only tell what would become different. Nothing is changed then.
        """
        return self._run(_calls.set_audit_settings(
                log_level=log_level,
                audit_level=audit_level,
                support_dump_includes_audit_logs=support_dump_includes_audit_logs,
                why=why,
                dry_run=dry_run,
            ))

    def registry_token(self, service: str, *scopes: str) -> str:
        """A token for a registry that trusts this control plane.

        Args:
            service: the name of the registry, as its configuration has it.
            *scopes: what it is for: `repository:NAME:pull,push`.
        """
        return self._run(_calls.registry_token(service, *scopes))
