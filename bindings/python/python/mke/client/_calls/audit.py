"""Who did what: what is recorded, and the records of the controller that answers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from mke._native.client import Answer
    from mke.rbac import AuditLog

from mke.client._flow import Flow, Request, call, fetch, get, given, path
from mke.client._system_records import AuditSettings, ConfigChange
from mke.errors import BadAnswerError

_LOGGING = ("api", "ucp", "config", "logging")
# Of each piece of a container's output: which stream, three zeros, and how long it is.
_HEAD = 8


@call
def get_() -> Flow[AuditSettings]:
    """What is logged and audited."""
    return AuditSettings.read((yield from get(*_LOGGING)))


@call
def set(
    *,
    log_level: str | None = None,
    audit_level: Literal["", "metadata", "request"] | None = None,
    support_dump_includes_audit_logs: bool | None = None,
    why: str | None = None,
    if_match: str | None = None,
    dry_run: bool = False,
) -> Flow[ConfigChange]:
    """Changes what is logged and audited; what is `None` stays.

    Args:
        log_level: from `DEBUG` to `EMERG`.
        audit_level: `""` for nothing, `metadata`, or `request` for bodies as well.
        support_dump_includes_audit_logs: whether support dumps hold audit records.
        why: for the history of the configuration.
        if_match: the version that the change is based on.
        dry_run: only tell what would become different. Nothing is changed then.
    """
    body = given(
        logLevel=log_level, auditLevel=audit_level, supportDumpIncludeAuditLogs=support_dump_includes_audit_logs
    )
    place = path(*_LOGGING, query={"dry-run": dry_run, "why": why})
    return ConfigChange.read((yield from fetch(Request("PUT", place, body, if_match=if_match, safe=dry_run))))


@call
def log(
    *, container: str = "ucp-controller", since: int | None = None, until: int | None = None, tail: int | None = None
) -> Flow[AuditLog]:
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
    from mke.rbac import AuditLog

    query = {"stdout": True, "since": since, "until": until, "tail": "all" if tail is None else tail}
    answer = yield Request("GET", path("containers", container, "logs", query=query))
    return AuditLog(_output(answer).decode(errors="replace"))


def _output(answer: Answer) -> bytes:
    """What a container wrote. Without a terminal each piece has a head; records are ASCII, so nothing else begins with such bytes."""
    body = answer.body
    if body[:1] not in (b"\0", b"\1", b"\2"):
        return body
    pieces, place = [], 0
    while place < len(body):
        begin = place + _HEAD
        place = begin + int.from_bytes(body[begin - 4 : begin], "big")
        if begin > len(body) or place > len(body):
            raise BadAnswerError("unexpected answer: the output of the container is cut off", reason="cut off")
        pieces.append(body[begin:place])
    return b"".join(pieces)
