"""Lists of records: a sequence, a data frame, an Arrow table, HTML and a rich table."""

from __future__ import annotations

import io
import sys

import pytest

import mke
from mke import Table

ROWS = [
    {"name": "ada", "teams": ["ops", "dev"], "active": True},
    {"name": "<b>bob</b>", "teams": [], "active": None},
    {"name": "\x1b[31mred"},
]
TABLE = Table(ROWS, ("name", "active", "teams"))


class Record:
    def __init__(self, name: str) -> None:
        self.name = name


def test_it_is_a_sequence_of_its_rows() -> None:
    assert len(TABLE) == 3 and TABLE[0] is ROWS[0] and list(TABLE) == ROWS and ROWS[1] in TABLE
    assert TABLE == ROWS and TABLE == Table(ROWS, TABLE.columns) and TABLE != ROWS[:2] and TABLE != "ada"
    assert isinstance(TABLE[1:], Table) and TABLE[1:].columns == TABLE.columns and TABLE[1:] == ROWS[1:]
    assert repr(TABLE) == "<Table of 3: name, active, teams>"
    with pytest.raises(IndexError):
        TABLE[3]
    with pytest.raises(TypeError, match="unhashable"):
        hash(TABLE)


def test_rows_may_be_objects() -> None:
    table = Table([Record("ada")], ("name",))
    assert table.column("name") == ["ada"] and table.to_dicts() == [{"name": "ada"}]
    with pytest.raises(AttributeError, match="age"):
        Table([Record("ada")], ("age",)).to_dicts()


def test_a_column_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(KeyError, match="no column 'role': there are name, active, teams"):
        TABLE.column("role")


def test_text_is_aligned_and_cannot_move_the_cursor() -> None:
    assert str(TABLE).splitlines() == [
        "name         active  teams",
        "ada          True    ops, dev",
        "<b>bob</b>",
        "\\x1b[31mred",
    ]
    assert str(Table([], ("name",))) == "name" and str(Table([], ())) == ""


def test_html_is_escaped_and_long_tables_are_cut() -> None:
    html = TABLE._repr_html_()
    assert "<b>bob" not in html and "&lt;b&gt;bob&lt;/b&gt;" in html and "\x1b" not in html
    assert "<th>name</th><th>active</th><th>teams</th>" in html
    long = Table([{"n": n} for n in range(250)], ("n",))._repr_html_()
    assert long.count("<tr>") == 201 and long.endswith("<p>and 50 more</p>")


def test_pandas_gets_every_column_and_row() -> None:
    pandas = pytest.importorskip("pandas")
    frame = TABLE.to_pandas()
    assert list(frame.columns) == ["name", "active", "teams"] and list(frame["name"]) == TABLE.column("name")
    assert frame["active"][0] is True and pandas.isna(frame["active"][1])
    empty = Table([], ("name", "role")).to_pandas()
    assert list(empty.columns) == ["name", "role"] and len(empty) == 0


def test_arrow_keeps_types_and_reads_the_rest_as_text() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    rows = [{"n": 1, "tags": ["a"], "mixed": 1, "other": Record}, {"n": None, "tags": [], "mixed": "x", "other": None}]
    table = Table(rows, ("n", "tags", "mixed", "other")).to_arrow()
    assert [str(kind) for kind in table.schema.types] == ["int64", "list<item: string>", "string", "string"]
    assert table.column("mixed").to_pylist() == ["1", "x"] and table.column("other")[1].as_py() is None
    assert pyarrow.table(TABLE).column_names == ["name", "active", "teams"], "through the stream interface"


def test_rich_shows_brackets_as_they_are() -> None:
    rich = pytest.importorskip("rich.console")
    out = io.StringIO()
    rich.Console(file=out, width=80).print(Table([{"name": "[bold]ada[/bold]"}], ("name",)))
    assert "[bold]ada[/bold]" in out.getvalue()


@pytest.mark.parametrize(("method", "library"), [("to_pandas", "pandas"), ("to_arrow", "pyarrow")])
def test_a_missing_library_is_named_with_how_to_get_it(
    method: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"{method}\(\) needs {library}.*pip install 'mke\[") as caught:
        getattr(TABLE, method)()
    assert isinstance(caught.value, mke.MkeError) and caught.value.fields == {"library": library}
