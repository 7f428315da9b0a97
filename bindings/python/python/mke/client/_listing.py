"""Lists that come in pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Generic, TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mke._table import Table
    from mke.client._flow import Flow

from mke.client._flow import Request, path
from mke.client._records import Record
from mke.errors import BadAnswerError

R = TypeVar("R", bound=Record)

# How many records are asked for at once.
PAGE = 200
# A faulty server must not keep a program busy for ever.
_MOST_PAGES = 10_000


def _nothing() -> Flow[Any]:
    return None
    yield  # makes it a call that sends nothing


@dataclass(frozen=True)
class Page(Generic[R]):
    """One page: its records, and where the next one starts; empty at the end."""

    records: tuple[R, ...]
    next: str


@dataclass(frozen=True)
class Listing(Generic[R]):
    """A list, described: where it is, and what is made of its entries.

    Attributes:
        record: the class of the records.
        elements: the elements of the path.
        key: the field of the answer that holds the entries; empty when the answer is the list.
        query: the query, without paging.
        prepare: what must be known before entries can be read.
        decode: the record of an entry, from the entry, the whole page and what `prepare` found.
    """

    record: type[R]
    elements: tuple[str, ...]
    key: str
    query: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    prepare: Callable[[], Flow[Any]] = _nothing
    decode: Callable[[Any, Any, Any], R] | None = None
    page_size: int = PAGE

    def page(self, start: str, prepared: Any) -> Flow[Page[R]]:
        """The page that starts there."""
        query = {**self.query, "limit": self.page_size, "start": start or None}
        place = path(*self.elements, query=query)
        answer = yield Request("GET", place)
        body = answer.json()
        items = body.get(self.key) if self.key and isinstance(body, dict) else body
        following = body.get("nextPageStart") if self.key and isinstance(body, dict) else answer.next_page
        if items is None and self.key in (body if isinstance(body, dict) else ()):
            items = []
        if not isinstance(items, list):
            raise BadAnswerError(f"unexpected answer from {place}: no list `{self.key}`", path=place, reason="no list")
        if not isinstance(following, (str, type(None))):
            raise BadAnswerError(f"unexpected answer from {place}: `nextPageStart` is no text", path=place, reason="no marker")
        decode = self.decode
        records = tuple(self.record.read(item) if decode is None else decode(item, body, prepared) for item in items)
        return Page(records, "" if following == start else following or "")

    def all(self) -> Flow[Table[R]]:
        """Every page, as one table."""
        prepared = yield from self.prepare()
        records: list[R] = []
        start, seen = "", {""}
        while True:
            page = yield from self.page(start, prepared)
            records.extend(page.records)
            start = self.following(page, seen)
            if not start:
                return self.record.table(records)

    def following(self, page: Page[R], seen: set[str]) -> str:
        """Where the next page starts; empty at the end. `seen` are the starts so far."""
        if page.next in seen - {""} or len(seen) > _MOST_PAGES:
            place = path(*self.elements)
            raise BadAnswerError(f"unexpected answer from {place}: the list does not end", path=place, reason="no end")
        seen.add(page.next)
        return page.next
