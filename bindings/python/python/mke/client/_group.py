"""What the groups of methods of both clients have in common."""

from __future__ import annotations

from typing import TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from mke._native.client import Connection
    from mke.client._flow import Flow, Planned
    from mke.client._listing import Listing

from mke.client._flow import planned, run, run_async
from mke.client._records import Record

T = TypeVar("T")
R = TypeVar("R", bound=Record)


def overload(function: object) -> object:
    """`typing.overload` at run time, without its cost."""
    return function


class Group:
    """Methods about one kind of thing."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _run(self, flow: Flow[T]) -> T:
        return run(self._connection, flow)

    def _change(self, flow: Flow[T], dry_run: bool) -> T | Planned:
        if dry_run:
            return run(self._connection, planned(flow))
        return run(self._connection, flow)

    def _pages(self, listing: Listing[R]) -> Iterator[R]:
        prepared = run(self._connection, listing.prepare())
        start, seen = "", {""}
        while True:
            page = run(self._connection, listing.page(start, prepared))
            yield from page.records
            start = listing.following(page, seen)
            if not start:
                return

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._connection.url}>"


class AsyncGroup:
    """Methods about one kind of thing, to be awaited."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def _run(self, flow: Flow[T]) -> T:
        return await run_async(self._connection, flow)

    async def _change(self, flow: Flow[T], dry_run: bool) -> T | Planned:
        if dry_run:
            return await run_async(self._connection, planned(flow))
        return await run_async(self._connection, flow)

    async def _pages(self, listing: Listing[R]) -> AsyncIterator[R]:
        prepared = await run_async(self._connection, listing.prepare())
        start, seen = "", {""}
        while True:
            page = await run_async(self._connection, listing.page(start, prepared))
            for record in page.records:
                yield record
            start = listing.following(page, seen)
            if not start:
                return

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._connection.url}>"
