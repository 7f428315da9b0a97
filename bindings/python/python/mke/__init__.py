"""Access decisions, configurations, networks, certificates and clusters, at native speed and offline.

Each part is a module of its own and is loaded when it is first asked for:

    >>> import mke
    >>> document = mke.config.Document("[auth.sessions]\\nlifetime_minutes = 60 # ours\\n")
    >>> document.get("auth.sessions.lifetime_minutes")
    60
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from mke import admission as admission
    from mke import agent as agent
    from mke import client as client
    from mke import config as config
    from mke import errors as errors
    from mke import identity as identity
    from mke import net as net
    from mke import pki as pki
    from mke import rbac as rbac
    from mke._table import Table as Table

    __version__: str

from mke._errors.base import MkeError as MkeError

__all__ = ["MkeError", "Table", "admission", "agent", "client", "config", "errors", "identity", "net", "pki", "rbac"]

_PARTS = frozenset(__all__) - {"MkeError", "Table"}


def __getattr__(name: str) -> ModuleType | type[Table[object]] | str:
    if name in _PARTS:
        import importlib

        return importlib.import_module(f"mke.{name}")
    if name == "__version__":
        from mke._native import VERSION

        return VERSION
    if name == "Table":
        from mke._table import Table

        return Table
    raise AttributeError(f"module 'mke' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
