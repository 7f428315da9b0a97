"""Jobs: synchronisations with the directory, which `ldap.sync` asks for, and what else takes a while."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mke._table import Table

from mke.client._flow import Flow, Request, call, change, fetch, get, path, wait as wait_for
from mke.client._records import Job, LogLine

_JOBS = ("enzi", "v0", "jobs")


@call
def list(*, action: str | None = None, limit: int = 100) -> Flow[Table[Job]]:
    """Jobs, newest first.

    Args:
        action: only those of this kind.
        limit: at most so many.
    """
    answer = yield from get(*_JOBS, query={"action": action, "limit": limit})
    return Job.read_table(answer["jobs"])


@call
def get_(job: str) -> Flow[Job]:
    """One job, by its id."""
    return Job.read((yield from get(*_JOBS, job)))


@change
def cancel(job: str) -> Flow[Job]:
    """Stops a job.

    Raises:
        mke.errors.ConflictError: it is over.
    """
    return Job.read((yield from fetch(Request("POST", path(*_JOBS, job, "cancel")))))


@call
def logs(job: str) -> Flow[Table[LogLine]]:
    """What a job has written down."""
    answer = yield from fetch(Request("GET", path(*_JOBS, job, "logs"), accept="application/json"))
    return LogLine.read_table(answer)


@call
def wait(job: str, *, timeout: float = 600.0, interval: float = 1.0) -> Flow[Job]:
    """Waits until a job is over, well or not: look at `status` and `error`.

    Args:
        job: its id.
        timeout: how long, in seconds.
        interval: how long between two looks, in seconds.

    Raises:
        mke.errors.WaitTimeoutError: it was not over in time. It is a `TimeoutError`.
    """

    def look() -> Flow[tuple[Job | None, str]]:
        found = yield from get_(job)
        return (found if found.is_over else None), f"it is {found.status}"

    return (yield from wait_for(f"job {job} is not over", look, timeout, interval))
