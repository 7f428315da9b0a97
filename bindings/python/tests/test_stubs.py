"""The types of the native modules carry the documentation that the modules have.

Editors show what is written in the stubs, `help` what is written in Rust. It is written once, in Rust:
`MKE_UPDATE_DOCS=1 python -m pytest tests/test_stubs.py` copies it into the stubs.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
from pathlib import Path
from typing import Any, Iterator

import pytest
from surface import documentation

NATIVE = Path(__file__).parents[1] / "python/mke/_native"
STUBS = sorted(NATIVE.glob("*.pyi"))
Definition = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.mark.parametrize("stub", STUBS, ids=[stub.stem for stub in STUBS])
def test_stubs_say_what_the_module_says(stub: Path) -> None:
    module = importlib.import_module("mke._native" if stub.stem == "__init__" else f"mke._native.{stub.stem}")
    lines = stub.read_text().split("\n")
    wrong = [(name, node, text) for name, node, text in definitions(ast.parse(stub.read_text()), module) if said(node) != text]
    if os.environ.get("MKE_UPDATE_DOCS"):
        for _, node, text in sorted(wrong, key=lambda one: -one[1].lineno):
            write(lines, node, text)
        stub.write_text("\n".join(lines))
    else:
        assert not wrong, f"{stub}: {', '.join(name for name, _, _ in wrong)}: run this test with MKE_UPDATE_DOCS=1"


def test_every_native_module_has_a_stub() -> None:
    import mke._native

    modules = {name for name, value in vars(mke._native).items() if inspect.ismodule(value)}
    assert modules == {stub.stem for stub in STUBS} - {"__init__"}


def definitions(tree: ast.Module, module: Any) -> Iterator[tuple[str, Any, str]]:
    """What the module has and the stub describes, with the text that it has there."""
    for node, owner, scope in [(node, module, "") for node in tree.body] + [
        (node, getattr(module, each.name, None), f"{each.name}.")
        for each in tree.body
        if isinstance(each, ast.ClassDef)
        for node in each.body
    ]:
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        overloaded = any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list)
        thing = inspect.getattr_static(owner, node.name, None) if owner is not None else None
        # Dictionaries and protocols exist for types only.
        if thing is not None and not overloaded:
            yield scope + node.name, node, documentation(thing)


def said(node: Any) -> str:
    return inspect.cleandoc(ast.get_docstring(node, clean=False) or "")


def write(lines: list[str], node: Any, text: str) -> None:
    """Puts the text where the docstring of the definition is."""
    first = node.body[0]
    indent = " " * (node.col_offset + 4)
    body = re.sub(r'"""', r'\\"\\"\\"', text.replace("\\", "\\\\"))
    quoted = f'"""{body}"""' if "\n" not in body else f'"""{body}\n"""'
    docstring = [(indent + line).rstrip() for line in quoted.split("\n")]
    start, end = first.lineno - 1, first.end_lineno
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        before = lines[start][: first.col_offset].rstrip()
        # `def f(): ...` has its body on the same line.
        lines[start:end] = ([before] if before else []) + (docstring if text else [f"{indent}..."])
    elif text:
        # A definition begins with its marks.
        start = min([start, *(mark.lineno - 1 for mark in getattr(first, "decorator_list", []))])
        lines[start:start] = docstring
