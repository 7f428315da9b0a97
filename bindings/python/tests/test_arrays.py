"""Batches take names and positions from NumPy, pandas and Arrow as they come, and refuse what holds neither."""

from __future__ import annotations

from typing import Any, Callable

import pytest

import mke

numpy, pandas, pyarrow = (pytest.importorskip(name) for name in ("numpy", "pandas", "pyarrow"))

POLICY = mke.rbac.Policy(users=["dina", "sam"], grants=[("user:dina", "viewonly", "/Shared")])
USERS = ["dina", "sam", "dina"]
POSITIONS = [POLICY.users.index(user) for user in USERS]

NAMES: dict[str, Callable[[], Any]] = {
    "a tuple": lambda: tuple(USERS),
    "a generator": lambda: (user for user in USERS),
    "an array of texts": lambda: numpy.array(USERS),
    "an array of objects": lambda: numpy.array(USERS, dtype=object),
    "a series": lambda: pandas.Series(USERS),
    "a series of texts": lambda: pandas.Series(USERS, dtype="string"),
    "categories": lambda: pandas.Series(USERS, dtype="category"),
    "an index": lambda: pandas.Index(USERS),
    "an array of Arrow": lambda: pyarrow.array(USERS),
    "a column of Arrow": lambda: pyarrow.table({"user": USERS})["user"],
    "a column of a table": lambda: mke.Table([{"user": user} for user in USERS], ("user",)).column("user"),
}
NUMBERS: dict[str, Callable[[], Any]] = {
    "a list": lambda: POSITIONS,
    **{f"an array of {kind}": lambda kind=kind: numpy.array(POSITIONS, dtype=kind) for kind in ("i1", "u2", "i4", "u4", "i8", "u8")},
    "every second one": lambda: numpy.repeat(numpy.array(POSITIONS), 2)[::2],
    "an array that cannot be written to": lambda: numpy.frombuffer(numpy.array(POSITIONS, dtype="i4").tobytes(), dtype="i4"),
    "a series": lambda: pandas.Series(POSITIONS),
    "an array of Arrow": lambda: pyarrow.array(POSITIONS).to_numpy(),
}
REFUSED: dict[str, Callable[[], Any]] = {
    "numbers with a point": lambda: numpy.array([0.0, 1.0]),
    "the other order of bytes": lambda: numpy.array(POSITIONS, dtype=">i4"),
    "two dimensions": lambda: numpy.array([USERS]),
    "two dimensions of numbers": lambda: numpy.array([POSITIONS]),
    "nobody has this position": lambda: numpy.array([10**9]),
    "a negative position": lambda: numpy.array([-5]),
    "a huge position": lambda: numpy.array([2**64 - 1], dtype="u8"),
    "objects of other kinds": lambda: numpy.array([object()], dtype=object),
    "truth values": lambda: numpy.array([True]),
    "moments": lambda: numpy.array(["2026-01-01"], dtype="datetime64[D]"),
    "numbers of Arrow": lambda: pyarrow.array([1.5]),
    "a data frame": lambda: pandas.DataFrame({"user": [1.5]}),
}


def same(users: Any) -> bytes:
    return bytes(POLICY.decide_many(users, "Service View", "/Shared"))


@pytest.mark.parametrize("name", [*(f"names: {name}" for name in NAMES), *(f"numbers: {name}" for name in NUMBERS)])
def test_what_is_taken(name: str) -> None:
    kind, _, which = name.partition(": ")
    assert same((NAMES if kind == "names" else NUMBERS)[which]()) == b"\1\0\1"


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    """With the argument in the text."""
    with pytest.raises((mke.MkeError, LookupError), match="subject"):
        same(REFUSED[name]())
