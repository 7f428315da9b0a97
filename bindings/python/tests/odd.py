"""What new users hand over by mistake, and things of the package to try it on."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Iterator

import mke


class Stubborn:
    """Refuses whatever one does with it."""

    def refuse(self, *_: object) -> Any:
        raise RuntimeError("stubborn")

    __str__ = __iter__ = __len__ = __hash__ = __getitem__ = __fspath__ = __index__ = __float__ = __bool__ = refuse

    def __repr__(self) -> str:
        return "Stubborn()"


def nested(depth: int) -> list[Any]:
    """Lists in lists."""
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


LOOP: dict[str, Any] = {}
LOOP["a"] = [LOOP]

ODD: dict[str, Any] = {
    "nothing": None,
    "a truth value": True,
    "zero": 0,
    "a negative number": -1,
    "a huge number": 10**40,
    "no number": float("nan"),
    "without end": float("inf"),
    "an empty text": "",
    "a zero byte": "a\0b",
    "half a character": "\ud800x",
    "a long text": "x" * 200_000,
    "bytes that are no text": b"\xff\xfe",
    "an empty list": [],
    "a list of nothing": [None],
    "a mixed tuple": (1, "a", None),
    "a mapping of nothing": {},
    "keys that are no texts": {1: 2},
    "a class": object,
    "an object": object(),
    "a stubborn object": Stubborn(),
    "a module": mke,
    "too deep": nested(100_000),
    "in itself": LOOP,
}

# What may come out: an error of this package, or what Python itself raises for an argument of the wrong kind.
FINE = (mke.MkeError, TypeError, ValueError, OverflowError, OSError, LookupError, RecursionError)
# More would fill a terminal. Python's own errors of files repeat the path.
LONGEST = 20_000


def trouble(call: Callable[..., Any], *positional: Any, **named: Any) -> str:
    """What is wrong with how a call ends; empty when it returns, or raises what it may."""
    try:
        call(*positional, **named)
    except FINE as error:
        if len(str(error)) > LONGEST and not isinstance(error, OSError):
            return f"{type(error).__name__} of {len(str(error))} characters"
    except RuntimeError as error:
        return "" if str(error) == "stubborn" else repr(error)
    except BaseException as error:  # a panic is no `Exception`
        return f"{type(error).__name__}: {str(error)[:200]}"
    return ""


def ways(call: Callable[..., Any], value: Any) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Arguments with the value in every place that must be given, and then in each other place as well."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return
    needed = [one for one in parameters if one.default is one.empty and one.kind is not one.VAR_KEYWORD]
    first = [value for one in needed if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    named = {one.name: value for one in needed if one.kind is one.KEYWORD_ONLY}
    yield first, named
    for one in parameters:
        if one.default is not one.empty and one.kind is not one.POSITIONAL_ONLY:
            yield first, {**named, one.name: value}
