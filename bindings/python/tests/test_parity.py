"""What waits comes in two forms, one for threads and one for asyncio, with the same names, arguments and results."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

from surface import modules

SOURCE = Path(__file__).parents[1] / "python/mke"


def pairs() -> list[tuple[str, Any, Any]]:
    """Classes `X` and `AsyncX`, functions and methods `f` and `f_async`, with the name of the first."""
    found = []
    for module in modules():
        things = vars(module)
        for name, thing in things.items():
            if inspect.isclass(thing) and f"Async{name}" in things:
                found.append((f"{module.__name__}.{name}", thing, things[f"Async{name}"]))
            if inspect.isclass(thing):
                members = vars(thing)
                found += [
                    (f"{module.__name__}.{name}.{member}", members[member], members[f"{member}_async"])
                    for member in members
                    if f"{member}_async" in members
                ]
            elif f"{name}_async" in things:
                found.append((f"{module.__name__}.{name}", thing, things[f"{name}_async"]))
    return found


def surface(cls: type[Any]) -> dict[str, Any]:
    return {name: inspect.getattr_static(cls, name) for name in dir(cls) if not name.startswith("_")}


def arguments(thing: Any) -> list[tuple[str, Any, Any]]:
    thing = getattr(thing, "__func__", thing)
    return [(one.name, one.kind, one.default) for one in inspect.signature(thing).parameters.values()]


def test_there_are_pairs() -> None:
    assert any(name.endswith("client.Client") for name, _, _ in pairs())


def test_both_forms_have_the_same_names_and_arguments() -> None:
    different = []
    for name, one, other in pairs():
        if not inspect.isclass(one):
            if arguments(one) != arguments(other):
                different.append(f"{name}: {arguments(one)} and {arguments(other)}")
            continue
        sync, waits = surface(one), surface(other)
        different += [f"{name}.{each} is in one form only" for each in sync.keys() ^ waits.keys()]
        for each in sync.keys() & waits.keys():
            if callable(getattr(sync[each], "__func__", sync[each])) and arguments(sync[each]) != arguments(waits[each]):
                different.append(f"{name}.{each}: {arguments(sync[each])} and {arguments(waits[each])}")
    assert not different, "\n".join(different)


def test_both_forms_say_the_same() -> None:
    """The text may speak of awaiting; what is promised is the same, so it has as much to say."""
    silent = [name for name, one, other in pairs() if bool(one.__doc__) != bool(other.__doc__)]
    assert not silent


def test_both_forms_of_the_types_are_the_same() -> None:
    """In the stubs `f_async` is `f` with an awaitable result."""
    different, seen = [], 0
    for stub in SOURCE.glob("_native/*.pyi"):
        scopes: list[Any] = [ast.parse(stub.read_text())]
        scopes += [node for node in scopes[0].body if isinstance(node, ast.ClassDef)]
        for scope in scopes:
            functions = {node.name: node for node in scope.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
            for name, one in functions.items():
                other = functions.get(f"{name}_async")
                if other is None:
                    continue
                seen += 1
                result = re.sub(r"^(?:Awaitable|Coroutine)\[(?:Any, Any, )?(.*)\]$", r"\1", text(other.returns))
                if text(one.args) != text(other.args) or text(one.returns) != result:
                    different.append(f"{stub.name}: {name}")
    assert seen and not different


def text(node: ast.AST | None) -> str:
    return "" if node is None else ast.unparse(node)
