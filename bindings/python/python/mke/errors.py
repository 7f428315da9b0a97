"""What can go wrong, one class for each error of the libraries.

Every class derives from `MkeError`, and from a builtin exception where one fits, so that code which knows nothing of `mke`
catches it as well.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mke.config import Problem

__all__ = [
    "ConfigEditError",
    "ConfigError",
    "ConfigPathError",
    "InvalidValueError",
    "MissingLibraryError",
    "MkeError",
    "UnknownKeyError",
]


class MkeError(Exception):
    """An error of `mke`.

    Attributes:
        kind: which case it is, a word that does not change (`"NotATable"`).
        fields: what else is known, by name; each is an attribute as well.
    """

    kind: str
    fields: dict[str, Any]

    def __init__(self, message: str, kind: str = "", /, **fields: Any) -> None:
        super().__init__(message)
        self.kind = kind or type(self).__name__
        self.fields = fields

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("fields", {})
        if name in fields:
            return fields[name]
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")


class InvalidValueError(MkeError, ValueError):
    """An argument has a shape or a value that nothing can be done with."""


class MissingLibraryError(MkeError, ImportError):
    """An optional library is not installed: `library` names it, the text says how to install it."""

    library: str


class ConfigError(MkeError, ValueError):
    """A configuration with mistakes: all of them, in `problems`, each with its line, column, key and remedy."""

    problems: list[Problem]


class ConfigEditError(MkeError, ValueError):
    """A key cannot be set or removed there. The document is as it was."""


class ConfigPathError(MkeError, ValueError):
    """A text is no path of a key."""


class UnknownKeyError(MkeError, KeyError):
    """There is no such key of the configuration.

    Attributes:
        key: what was asked for.
        nearest: the known key that is most like it, or None.
    """

    key: str
    nearest: str | None

    def __str__(self) -> str:
        # `KeyError` would show the text in quotes.
        return Exception.__str__(self)
