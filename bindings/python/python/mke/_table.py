"""Lists of records that notebooks, terminals, pandas and Arrow understand.

What a library returns as a list of records is a `Table`: a sequence like any other, with columns in a fixed order. pandas,
pyarrow and rich are loaded only by the method that needs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeVar, overload

    import pandas as _pandas
    import pyarrow as _pyarrow
    from rich.table import Table as RichTable

    _Row = TypeVar("_Row", covariant=True)
else:

    def overload(function: object) -> object:
        return function


__all__ = ["Table"]

# A notebook must stay quick with a hundred thousand rows.
_SHOWN = 200


class Table(Sequence["_Row"]):
    """Records in a fixed order, with named columns. It does not change.

    It is a sequence: it has a length, can be indexed, sliced (which gives a `Table`), compared with a list, and iterated. A row
    is a mapping, or an object whose attributes are the columns. A mapping without a key has `None` there.

        >>> from mke import Table
        >>> accounts = Table([{"name": "ada", "active": True}, {"name": "bob"}], ("name", "active"))
        >>> accounts
        <Table of 2: name, active>
        >>> [row["name"] for row in accounts]
        ['ada', 'bob']
        >>> accounts.column("active")
        [True, None]
        >>> print(accounts)
        name  active
        ada   True
        bob

    Notebooks show it as a table, and so does `rich.print`. `to_pandas` and `to_arrow` hand it on; every library that reads
    the Arrow stream interface (polars, duckdb) takes it as it is.
    """

    __slots__ = ("_columns", "_rows")

    def __init__(self, rows: Iterable[_Row], columns: Iterable[str]) -> None:
        self._rows: tuple[_Row, ...] = tuple(rows)
        self._columns: tuple[str, ...] = tuple(columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return self._columns

    def column(self, name: str) -> list[Any]:
        """The values of one column, one for each row.

        Raises:
            KeyError: there is no such column.
        """
        if name not in self._columns:
            wanted = repr(name[:80]) if isinstance(name, str) else f"of type {type(name).__name__}"
            raise KeyError(f"no column {wanted}: there are {', '.join(self._columns)}")
        return [_cell(row, name) for row in self._rows]

    def to_dicts(self) -> list[dict[str, Any]]:
        """Every row as a dictionary with all columns.

        >>> from mke import Table
        >>> Table([{"name": "ada"}], ("name", "active")).to_dicts()
        [{'name': 'ada', 'active': None}]
        """
        return [{name: _cell(row, name) for name in self._columns} for row in self._rows]

    def to_pandas(self) -> _pandas.DataFrame:
        """A data frame of pandas with the columns of the table and the index 0, 1, 2 and so on.

        Raises:
            mke.errors.MissingLibraryError: pandas is not installed. It is an `ImportError`.
        """
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise _missing("to_pandas", "pandas", "pandas") from error
        return DataFrame({name: self.column(name) for name in self._columns}, columns=list(self._columns))

    def to_arrow(self) -> _pyarrow.Table:
        """A table of Arrow. Texts, numbers, truth values, lists and mappings keep their type; a column of anything else, or
        of several types, is text.

        Raises:
            mke.errors.MissingLibraryError: pyarrow is not installed. It is an `ImportError`.
        """
        try:
            import pyarrow
        except ImportError as error:
            raise _missing("to_arrow", "pyarrow", "arrow") from error
        arrays = []
        for name in self._columns:
            values = self.column(name)
            try:
                array = pyarrow.array(values)
            except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError, OverflowError):
                array = pyarrow.array([None if value is None else str(value) for value in values], pyarrow.string())
            arrays.append(array)
        return pyarrow.Table.from_arrays(arrays, names=list(self._columns))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    @overload
    def __getitem__(self, index: int) -> _Row: ...
    @overload
    def __getitem__(self, index: slice) -> Table[_Row]: ...
    def __getitem__(self, index: int | slice) -> _Row | Table[_Row]:
        if isinstance(index, slice):
            return Table(self._rows[index], self._columns)
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[_Row]:
        return iter(self._rows)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Table):
            return self._columns == other._columns and self._rows == other._rows
        if isinstance(other, (list, tuple)):
            return len(self._rows) == len(other) and all(mine == theirs for mine, theirs in zip(self._rows, other))
        return NotImplemented

    # Rows are mappings more often than not, which have no hash.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Table of {len(self._rows)}: {', '.join(self._columns)}>"

    def __str__(self) -> str:
        lines = [list(self._columns), *([_text(_cell(row, name)) for name in self._columns] for row in self._rows)]
        widths = [max(map(len, cells)) for cells in zip(*lines)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    def _repr_html_(self) -> str:
        from html import escape

        def line(tag: str, cells: Iterable[str]) -> str:
            return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = (line("td", (_text(_cell(row, name)) for name in self._columns)) for row in self._rows[:_SHOWN])
        more = len(self._rows) - _SHOWN
        return (
            f"<table><thead>{line('th', self._columns)}</thead><tbody>{''.join(body)}</tbody></table>"
            + (f"<p>and {more} more</p>" if more > 0 else "")
        )

    def __rich__(self) -> RichTable:
        from rich.table import Table as RichTable
        from rich.text import Text

        # `Text`, because rich would read brackets in a plain text as its own markup.
        table = RichTable()
        for name in self._columns:
            table.add_column(Text(name))
        for row in self._rows:
            table.add_row(*(Text(_text(_cell(row, name))) for name in self._columns))
        return table


def _cell(row: object, name: str) -> Any:
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name)


def _text(value: object) -> str:
    """A value for people: nothing for `None`, and no character that moves the cursor or changes colours."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(map(_text, value))
    text = str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _missing(method: str, library: str, extra: str) -> ImportError:
    from mke._errors.base import MissingLibraryError

    return MissingLibraryError(
        f"{method}() needs {library}, which is not installed: pip install 'mke[{extra}]'", library=library
    )
