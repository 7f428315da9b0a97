"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, overload

    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._records import Job, LogLine
else:
    from mke.client._group import overload

from mke.client._calls import jobs as _calls
from mke.client._group import AsyncGroup


class AsyncJobs(AsyncGroup):
    """Jobs: synchronisations with the directory, which `ldap.sync` asks for, and what else takes a while."""

    async def list(self, *, action: str | None = None, limit: int = 100) -> Table[Job]:
        """Jobs, newest first.

        Args:
            action: only those of this kind.
            limit: at most so many.
        """
        return await self._run(_calls.list(action=action, limit=limit))

    async def get(self, job: str) -> Job:
        """One job, by its id."""
        return await self._run(_calls.get_(job))

    @overload
    async def cancel(self, job: str, *, dry_run: Literal[False] = False) -> Job: ...
    @overload
    async def cancel(self, job: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    async def cancel(self, job: str, *, dry_run: bool) -> Job | Planned: ...
    async def cancel(self, job: str, *, dry_run: bool = False) -> Job | Planned:
        """Stops a job.

        Raises:
            mke.errors.ConflictError: it is over.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.cancel(job), dry_run)

    async def logs(self, job: str) -> Table[LogLine]:
        """What a job has written down."""
        return await self._run(_calls.logs(job))

    async def wait(self, job: str, *, timeout: float = 600.0, interval: float = 1.0) -> Job:
        """Waits until a job is over, well or not: look at `status` and `error`.

        Args:
            job: its id.
            timeout: how long, in seconds.
            interval: how long between two looks, in seconds.

        Raises:
            mke.errors.WaitTimeoutError: it was not over in time. It is a `TimeoutError`.
        """
        return await self._run(_calls.wait(job, timeout=timeout, interval=interval))
