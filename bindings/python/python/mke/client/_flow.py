"""What a call consists of: requests one after another, and what is made of their answers.

A call is a generator. It yields requests and pauses, is sent the answers, and returns its result. It never waits itself, so one call
serves `Client` and `AsyncClient`; `run` and `run_async` are all that differs between the two.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Callable, Generator, TypeVar, Union

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mke._native.client import Answer, Connection

from mke._native.client import escape
from mke.errors import BadAnswerError, InvalidValueError, MkeError

T = TypeVar("T")
_Call = TypeVar("_Call", bound=Callable[..., Any])


@dataclass(frozen=True)
class Request:
    """One request to a control plane.

    Attributes:
        method: the HTTP method.
        path: path and query, from the first `/`, escaped.
        body: what is sent as JSON; `None` for nothing.
        data: what is sent as it is, in the place of `body`.
        content_type: the media type of `data`.
        if_match: the entity tag that the object must have.
        accept: the media type that is wanted.
        safe: whether it changes nothing although it is no GET.
        timeout: how long it may take, in seconds, other than the client's usual time.
        check: whether an answer that is no success is an exception.
    """

    method: str
    path: str
    # May hold passwords: never shown.
    body: Any = field(default=None, repr=False)
    data: bytes | None = field(default=None, repr=False)
    content_type: str = ""
    if_match: str | None = None
    accept: str | None = None
    safe: bool = False
    timeout: float | None = None
    check: bool = True

    @property
    def changes(self) -> bool:
        """Whether it may change something."""
        return not self.safe and self.method not in ("GET", "HEAD")

    def _arguments(self) -> dict[str, Any]:
        return {
            "body": self.body,
            "data": self.data,
            "content_type": self.content_type,
            "if_match": self.if_match,
            "accept": self.accept,
            "safe": self.safe,
            "timeout": self.timeout,
            "check": self.check,
        }


@dataclass(frozen=True)
class Pause:
    """Waits so many seconds before the call goes on."""

    seconds: float


# A generic alias must exist at run time, because other modules of this package import it.
Flow = Generator[Union[Request, Pause], "Answer", T]


@dataclass(frozen=True)
class Planned:
    """A change that was not made, because `dry_run=True` was said: the request that would have been sent.

    It is false when nothing would have been sent, because everything is as it shall be already.

        >>> from mke.client import Planned, Request
        >>> planned = Planned(Request("DELETE", "/accounts/jane"))
        >>> planned
        <Planned DELETE /accounts/jane>
        >>> bool(planned), planned.method, planned.path
        (True, 'DELETE', '/accounts/jane')
    """

    request: Request | None = None

    @property
    def method(self) -> str:
        """The HTTP method; empty when nothing would be sent."""
        return self.request.method if self.request else ""

    @property
    def path(self) -> str:
        """Path and query; empty when nothing would be sent."""
        return self.request.path if self.request else ""

    @property
    def body(self) -> Any:
        """What would be sent as JSON. It holds passwords that were given."""
        return self.request.body if self.request else None

    def __bool__(self) -> bool:
        return self.request is not None

    def __repr__(self) -> str:
        return f"<Planned {self.method} {self.path}>" if self.request else "<Planned nothing>"

    def _repr_html_(self) -> str:
        from html import escape as inert

        return f"<code>{inert(repr(self)[1:-1])}</code>"


def planned(flow: Flow[Any]) -> Flow[Planned]:
    """The call up to its first change: what it reads is read, what it would change is told."""
    try:
        step = next(flow)
        while True:
            if isinstance(step, Request) and step.changes:
                return Planned(step)
            try:
                answer = yield step
            except Exception as error:
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration:
        return Planned()
    finally:
        flow.close()


def _advance(flow: Flow[T], answer: Answer) -> Request | Pause:
    """Hands an answer on. What a call cannot read is no mistake of its caller, but an answer that breaks the API's promise."""
    try:
        return flow.send(answer)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, MkeError):
            raise
        raise BadAnswerError(f"unexpected answer: {answer!r} has another shape", reason=repr(error)) from error


def run(connection: Connection, flow: Flow[T]) -> T:
    """Carries a call out and waits for it."""
    try:
        step = next(flow)
        while True:
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                step = next(flow)
                continue
            try:
                answer = connection.send(step.method, step.path, **step._arguments())
            except Exception as error:
                step = flow.throw(error)
            else:
                step = _advance(flow, answer)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        flow.close()


async def run_async(connection: Connection, flow: Flow[T]) -> T:
    """Carries a call out while other tasks run."""
    import asyncio

    try:
        step = next(flow)
        while True:
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                step = next(flow)
                continue
            try:
                answer = await connection.send_async(step.method, step.path, **step._arguments())
            except Exception as error:
                step = flow.throw(error)
            else:
                step = _advance(flow, answer)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        flow.close()


def call(function: _Call) -> _Call:
    """Marks a call that becomes a method as it stands."""
    return function


def change(function: _Call) -> _Call:
    """Marks a call that changes something: its method also takes `dry_run`."""
    return function


def trial(function: _Call) -> _Call:
    """Marks a change that the control plane itself can try: its result is `X | ConfigChange`, the second with `dry_run=True`."""
    return function


def listing(function: _Call) -> _Call:
    """Marks a list of records: it becomes the method `list`, which reads it whole, and `iter`, which reads page after page."""
    return function


def path(*elements: str, query: Mapping[str, str | int | bool | None] | None = None) -> str:
    """A path of escaped elements. Parts of the query that are `None` are left out.

    >>> path("accounts", "a/b", query={"limit": 2, "all": True, "start": None})
    '/accounts/a%2Fb?limit=2&all=true'
    """
    for element in elements:
        if not isinstance(element, str) or element in ("", ".", ".."):
            raise InvalidValueError(f"{shown(element)} is no name")
    text = "".join(f"/{escaped(element)}" for element in elements)
    found = parts(query)
    return f"{text}?{'&'.join(found)}" if found else text


def parts(query: Mapping[str, str | int | bool | None] | None) -> list[str]:
    """The parts of a query, escaped; what is `None` is left out."""
    given = [(key, value) for key, value in (query or {}).items() if value is not None]
    for key, value in given:
        if not isinstance(value, (str, int)):
            raise InvalidValueError(f"{key}: a text, a number or a truth value is needed, not {shown(value)}")
    return [f"{escaped(key)}={escaped(str(value).lower() if isinstance(value, bool) else str(value))}" for key, value in given]


def escaped(text: str) -> str:
    """A text as it stands in a path or a query."""
    try:
        return escape(text)
    except UnicodeEncodeError:
        raise InvalidValueError(f"{shown(text)} has half of a character, which cannot be sent") from None


def shown(value: object) -> str:
    """A value as it stands in the text of an error: not whole when it is long."""
    if not isinstance(value, (str, int, float, bytes, type(None))):
        return f"of type {type(value).__name__}"
    text = repr(value[:80] if isinstance(value, (str, bytes)) else value)
    return text if len(text) < 90 else f"{text[:80]}…"


def text(what: str, value: object) -> str:
    """An argument that must be a text."""
    if not isinstance(value, str):
        raise InvalidValueError(f"{what}: a text is needed, not {shown(value)}")
    return value


def text_bytes(what: str, value: object) -> bytes:
    """A text as it is sent."""
    try:
        return text(what, value).encode()
    except UnicodeEncodeError as error:
        raise InvalidValueError(f"{what}: character {error.start} is half of one, which cannot be sent") from None


def mapping(what: str, value: object) -> dict[str, Any]:
    """An argument that must be a mapping, as a dictionary."""
    from collections.abc import Mapping

    if not isinstance(value, Mapping):
        raise InvalidValueError(f"{what}: a mapping is needed, not {shown(value)}")
    return dict(value)


def rows(what: str, values: object) -> list[dict[str, Any]]:
    """An argument that must be several mappings."""
    from collections.abc import Iterable

    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidValueError(f"{what}: several mappings are needed, not {shown(values)}")
    return [mapping(f"{what}[{place}]", value) for place, value in enumerate(values)]


def given(**fields: Any) -> dict[str, Any]:
    """The fields that were given: not `None`."""
    return {name: value for name, value in fields.items() if value is not None}


def fetch(request: Request) -> Flow[Any]:
    """One request, and its answer as plain data."""
    answer = yield request
    return answer.json()


def fetch_object(request: Request) -> Flow[dict[str, Any]]:
    """One request, and its answer, which must be an object."""
    found = yield from fetch(request)
    if not isinstance(found, dict):
        raise BadAnswerError(f"unexpected answer from {request.path}: no object", path=request.path, reason="no object")
    return found


def get_object(*elements: str, query: Mapping[str, str | int | bool | None] | None = None) -> Flow[dict[str, Any]]:
    """Reads one object as plain data."""
    return (yield from fetch_object(Request("GET", path(*elements, query=query))))


def text_of(answer: Any, key: str) -> str:
    """A text in an answer."""
    value = answer[key]
    if not isinstance(value, str):
        raise BadAnswerError(f"unexpected answer: `{key}` is no text", reason=f"{key} is no text")
    return value


def texts_of(answer: Any, key: str) -> tuple[str, ...]:
    """Several texts in an answer."""
    values = answer[key]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadAnswerError(f"unexpected answer: `{key}` is no list of texts", reason=f"{key} is no list of texts")
    return tuple(values)


def send(request: Request) -> Flow[None]:
    """One request whose answer says nothing."""
    yield request


def get(*elements: str, query: Mapping[str, str | int | bool | None] | None = None) -> Flow[Any]:
    """Reads one object."""
    return (yield from fetch(Request("GET", path(*elements, query=query))))


def names(what: str, values: Iterable[str]) -> tuple[str, ...]:
    """Several names. A single text is not taken apart into letters."""
    if isinstance(values, str):
        raise InvalidValueError(f"{what}: write [{shown(values)}], one text is no list")
    try:
        found = tuple(values)
    except TypeError:
        raise InvalidValueError(f"{what}: several texts are needed, not {shown(values)}") from None
    return tuple(text(what, value) for value in found)


def wait(
    what: str,
    look: Callable[[], Flow[tuple[T | None, str]]],
    timeout: float,
    interval: float,
) -> Flow[T]:
    """Looks again and again until there is a result. `look` returns one, or `None` and what is the case instead.

    Raises:
        mke.errors.WaitTimeoutError: there was none within `timeout` seconds.
    """
    from mke.errors import WaitTimeoutError

    if not timeout >= 0 or not interval > 0:
        raise InvalidValueError(f"timeout {timeout!r} and interval {interval!r} must be seconds, not below 0")
    deadline = time.monotonic() + timeout
    while True:
        result, state = yield from look()
        if result is not None:
            return result
        left = deadline - time.monotonic()
        if left <= 0:
            raise WaitTimeoutError(f"{what} within {timeout:g} s: {state}", waited=timeout, state=state)
        yield Pause(min(interval, left))
