"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from mke.client._system_records import AuditSettings, ConfigChange
    from mke.rbac import AuditLog

from mke.client._calls import audit as _calls
from mke.client._group import AsyncGroup


class AsyncAudit(AsyncGroup):
    """Who did what: what is recorded, and the records of the controller that answers."""

    async def get(self) -> AuditSettings:
        """What is logged and audited."""
        return await self._run(_calls.get_())

    async def set(
        self,
        *,
        log_level: str | None = None,
        audit_level: Literal["", "metadata", "request"] | None = None,
        support_dump_includes_audit_logs: bool | None = None,
        why: str | None = None,
        if_match: str | None = None,
        dry_run: bool = False,
    ) -> ConfigChange:
        """Changes what is logged and audited; what is `None` stays.

        Args:
            log_level: from `DEBUG` to `EMERG`.
            audit_level: `""` for nothing, `metadata`, or `request` for bodies as well.
            support_dump_includes_audit_logs: whether support dumps hold audit records.
            why: for the history of the configuration.
            if_match: the version that the change is based on.
            dry_run: only tell what would become different. Nothing is changed then.
        """
        return await self._run(_calls.set(
                log_level=log_level,
                audit_level=audit_level,
                support_dump_includes_audit_logs=support_dump_includes_audit_logs,
                why=why,
                if_match=if_match,
                dry_run=dry_run,
            ))

    async def log(
        self,
        *,
        container: str = "ucp-controller",
        since: int | None = None,
        until: int | None = None,
        tail: int | None = None,
    ) -> AuditLog:
        """The audit records that a controller wrote, condensed for `authz.unused` and `authz.replay`.

        They are read from the output of its container on the manager that answers; each manager has its own, and containers keep as
        much of it as the Engine's settings say. An answer holds at most 64 MiB: name a time when there is more. Needs an Engine.

        Args:
            container: the name or id of the controller's container.
            since: from when, in seconds since 1970.
            until: until when.
            tail: only so many of the last lines.

        Raises:
            mke.errors.NotFoundError: there is no such container on this manager.
            mke.errors.BadAnswerError: the output is cut off, or longer than an answer may be.
        """
        return await self._run(_calls.log(container=container, since=since, until=until, tail=tail))
