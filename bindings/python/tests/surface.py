"""Everything public of the package, by its full name: what the tests of documentation, types and pairs look at."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any, Iterator

import mke


def modules() -> list[ModuleType]:
    """The public modules: no part of their name begins with an underscore."""
    names = [mke.__name__]
    for found in pkgutil.walk_packages(mke.__path__, "mke."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            names.append(found.name)
    return [importlib.import_module(name) for name in sorted(names)]


def public() -> Iterator[tuple[str, Any]]:
    """Modules, what they name in `__all__`, and the members of classes. What several modules show comes once."""
    seen = set()
    for module in modules():
        yield module.__name__, module
        own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", None) == module.__name__]
        for name in getattr(module, "__all__", [name for name in own if not name.startswith("_")]):
            thing = getattr(module, name)
            if inspect.ismodule(thing) or id(thing) in seen or not (inspect.isclass(thing) or callable(thing)):
                continue
            seen.add(id(thing))
            yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing):
                for member, value in vars(thing).items():
                    if not member.startswith("_") and described(value):
                        yield f"{module.__name__}.{name}.{member}", value


def described(value: object) -> bool:
    """Whether a member of a class is something that has a documentation of its own."""
    return (
        inspect.isroutine(value)
        or isinstance(value, (property, classmethod, staticmethod))
        or inspect.isgetsetdescriptor(value)
        or inspect.ismethoddescriptor(value)
    )


def documentation(thing: Any) -> str:
    """The text that `help` shows."""
    inner = getattr(thing, "__func__", thing)
    return inspect.cleandoc(getattr(inner, "__doc__", None) or "")
