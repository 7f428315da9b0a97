"""The control plane itself: its health, versions, certificates and what is audited."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from mke._table import Table

from mke.client._flow import Flow, Request, call, fetch, get, get_object, given, path, text_of, wait
from mke.client._system_records import AuditSettings, Banner, ConfigChange, Health
from mke.errors import ClientError

_LOGGING = ("api", "ucp", "config", "logging")


@call
def health() -> Flow[Health]:
    """Whether the manager that answers works."""
    answer = yield Request("GET", path("_ping"), check=False)
    return Health(answer.ok, answer.text if not answer.ok else "")


@call
def wait_healthy(*, timeout: float = 300.0, interval: float = 1.0) -> Flow[Health]:
    """Waits until the manager that answers works. Nobody that answers is waited for as well.

    Args:
        timeout: how long, in seconds.
        interval: how long between two looks, in seconds.

    Raises:
        mke.errors.WaitTimeoutError: it did not in time; `state` says what it said. It is a `TimeoutError`.
    """

    def look() -> Flow[tuple[Health | None, str]]:
        try:
            found = yield from health()
        except ClientError as error:
            if error.kind not in ("Unreachable", "TimedOut"):
                raise
            return None, f"{error}"
        return (found if found else None), found.message or "it says nothing"

    return (yield from wait("the control plane is not healthy", look, timeout, interval))


@call
def version() -> Flow[dict[str, Any]]:
    """The versions of the control plane and of the engine behind it, as `docker version` shows them."""
    return (yield from get_object("version"))


@call
def info() -> Flow[dict[str, Any]]:
    """What `docker info` shows. Needs an engine."""
    return (yield from get_object("info"))


@call
def authority() -> Flow[str]:
    """The authority that the server's certificate chains to (PEM)."""
    answer = yield Request("GET", path("ca"))
    return answer.text


@call
def banners() -> Flow[Table[Banner]]:
    """What everybody who logs in must be told, such as that a certificate ends soon."""
    return Banner.read_table((yield from get("api", "banner")))


@call
def metrics() -> Flow[str]:
    """The counters of the controller that answers, as Prometheus reads them."""
    answer = yield Request("GET", path("metrics"))
    return answer.text


@call
def audit_settings() -> Flow[AuditSettings]:
    """What is logged and audited."""
    return AuditSettings.read((yield from get(*_LOGGING)))


@call
def set_audit_settings(
    *,
    log_level: str | None = None,
    audit_level: Literal["", "metadata", "request"] | None = None,
    support_dump_includes_audit_logs: bool | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> Flow[ConfigChange]:
    """Changes what is logged and audited; what is `None` stays.

    Args:
        log_level: from `DEBUG` to `EMERG`.
        audit_level: `""` for nothing, `metadata`, or `request` for bodies as well.
        support_dump_includes_audit_logs: whether support dumps hold audit records.
        why: for the history of the configuration.
        dry_run: only tell what would become different. Nothing is changed then.
    """
    body = given(
        logLevel=log_level, auditLevel=audit_level, supportDumpIncludeAuditLogs=support_dump_includes_audit_logs
    )
    place = path(*_LOGGING, query={"dry-run": dry_run, "why": why})
    return ConfigChange.read((yield from fetch(Request("PUT", place, body, safe=dry_run))))


@call
def registry_token(service: str, *scopes: str) -> Flow[str]:
    """A token for a registry that trusts this control plane.

    Args:
        service: the name of the registry, as its configuration has it.
        *scopes: what it is for: `repository:NAME:pull,push`.
    """
    answer = yield from get("auth", "token", query={"service": service, "scope": " ".join(scopes) or None})
    return text_of(answer, "token")
