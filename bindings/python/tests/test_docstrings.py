"""Everything public is documented, and the examples do what they say."""

from __future__ import annotations

import doctest

import pytest
from surface import documentation, modules, public

import mke

PUBLIC = list(public())
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize(("name", "thing"), PUBLIC, ids=[name for name, _ in PUBLIC])
def test_it_is_documented(name: str, thing: object) -> None:
    # Their names are those of keys of the configuration, which `mke.config.explain` describes.
    if name.startswith("mke.config_types."):
        return
    # A class that says nothing itself shows what its base says.
    inherited = {documentation(base) for base in thing.__bases__} if isinstance(thing, type) else set()
    assert documentation(thing) not in {"", *inherited}, f"{name} has no docstring"


EXAMPLES = [(name, documentation(thing)) for name, thing in PUBLIC if ">>>" in documentation(thing)]


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_the_examples_are_true(name: str, text: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    # As in the module that shows it, so that an example may call a function by its own name.
    home = max((module for module in modules() if f"{name}.".startswith(f"{module.__name__}.")), key=lambda module: len(module.__name__))
    names = {**{public: thing for public, thing in vars(home).items() if not public.startswith("_")}, "mke": mke}
    example = doctest.DocTestParser().get_doctest(text, names, name, name, 0)
    said: list[str] = []
    failures, _ = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
    assert not failures, "".join(said)


def test_there_are_examples() -> None:
    assert EXAMPLES
