"""The types of `Config.to_dict()` list exactly the keys that there are.

`mke/config_types.py` is written from the keys of the libraries: `MKE_UPDATE_DOCS=1 pytest test_config_types.py` writes it anew.
"""

from __future__ import annotations

import os
import pathlib

import mke
from mke import config_types
from mke._native.config import _shape

FILE = pathlib.Path(config_types.__file__)
FILES = pathlib.Path(__file__).parents[3] / "mke-core/tests/config_files"
HEAD = '''"""The types of `Config.to_dict()`, `InterlockConfig.to_dict()` and `AzureConfig.to_dict()`: every key by its name.

Written from the keys of the libraries by a test. Import it for annotations only:

    if TYPE_CHECKING:
        from mke.config_types import ConfigDict
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Dict, List, Optional, TypedDict, Union

from mke.config import Secret

# What a key can hold. Which of these it takes says `Key.kind`.
Value = Union[bool, int, str, Secret, Sequence[str], Mapping[str, str]]
'''
KINDS = {
    "true or false": "bool",
    "whole number": "int",
    "text": "str",
    "secret": "Secret",
    "list of texts": "List[str]",
    "map of texts": "Dict[str, str]",
}
AROUND = {"table": "{}", "rows": "List[{}]", "named": "Dict[str, {}]"}


def name_of(root: str, path: str) -> str:
    """`auth/sessions` of the configuration is `AuthSessions`."""
    words = [word for step in path.split("/") for word in step.replace(".", "_").split("_") if word]
    start = "" if root == "Config" else root
    return start + "".join(word[0].upper() + word[1:] for word in words) if words else f"{root}Dict"


def render() -> str:
    """The text of the module."""
    classes = []
    for file, root in (("config", "Config"), ("interlock", "Interlock"), ("azure", "Azure")):
        for path, keys, children in reversed(_shape(file)):
            fields = [
                (name, f"Optional[{KINDS[kind]}]" if optional else KINDS[kind]) for name, kind, optional in keys
            ] + [(name, AROUND[how].format(name_of(root, below))) for name, how, below in children]
            table = path.replace("/", ".")
            about = f"`[{table}]`" if table else f"The whole file ({file})"
            if all(name.isidentifier() for name, _ in fields):
                lines = "".join(f"    {name}: {kind}\n" for name, kind in fields)
                classes.append(f'class {name_of(root, path)}(TypedDict):\n    """{about}."""\n\n{lines}')
            else:
                lines = "".join(f'        "{name}": {kind},\n' for name, kind in fields)
                name = name_of(root, path)
                classes.append(f'# {about}.\n{name} = TypedDict(\n    "{name}",\n    {{\n{lines}    }},\n)\n')
    return HEAD + "".join(f"\n\n{text}" for text in classes)


def test_the_types_are_those_of_the_keys() -> None:
    text = render()
    if os.environ.get("MKE_UPDATE_DOCS"):
        FILE.write_text(text)
    assert FILE.read_text() == text, "write it anew: MKE_UPDATE_DOCS=1 pytest test_config_types.py"


def check(value: object, kind: object, at: str) -> None:
    """Compares a value with its type, as far as dictionaries go."""
    if isinstance(value, dict) and hasattr(kind, "__annotations__"):
        assert set(value) == set(kind.__annotations__), at
        for name, inner in config_types_of(kind).items():
            check(value[name], inner, f"{at}.{name}")


def config_types_of(kind: object) -> dict[str, object]:
    import typing

    return typing.get_type_hints(kind)


def test_values_have_the_shape_of_their_types() -> None:
    check(mke.config.Config().to_dict(), config_types.ConfigDict, "config")
    check(mke.config.InterlockConfig((FILES / "interlock.toml").read_text()).to_dict(), config_types.InterlockDict, "interlock")
