"""What all errors have in common. Public in `mke.errors`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["InvalidValueError", "MissingLibraryError", "MkeError"]


class MkeError(Exception):
    """An error of `mke`.

    Attributes:
        kind: which case it is, a word that does not change (`"NotATable"`).
        fields: what else is known, by name; each is an attribute as well, unless the name is taken.
    """

    kind: str
    fields: dict[str, Any]

    def __init__(self, message: str, kind: str = "", /, **fields: Any) -> None:
        super().__init__(message)
        self.kind = kind or type(self).__name__
        self.fields = fields

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # Users see the module that is public, in what is printed and in what is pickled.
        if cls.__module__.startswith("mke._errors."):
            cls.__module__ = "mke.errors"

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("fields", {})
        if name in fields:
            return fields[name]
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")


MkeError.__module__ = "mke.errors"


class InvalidValueError(MkeError, ValueError):
    """An argument has a shape or a value that nothing can be done with."""


class MissingLibraryError(MkeError, ImportError):
    """An optional library is not installed: `library` names it, the text says how to install it."""

    library: str
