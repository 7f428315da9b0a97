"""Which public errors the libraries have, read from their sources in Rust.

An error is a public type that derives `thiserror::Error` or implements `std::error::Error`. It is public when a path of public
modules leads to it, or to a `pub use` of it.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclasses.dataclass
class RustError:
    """A public error."""

    path: str
    """The shortest public path: `mke_core::pki::PkiError`."""
    file: str
    kinds: dict[str, list[str] | tuple[str, ...]]
    """For each variant (of a struct: its own name) the names of its fields, or the types of those without names. Of a struct those
    that are public."""
    is_enum: bool


def public_errors(crate: str) -> list[RustError]:
    """The errors that a user of a crate can name."""
    modules = _modules(ROOT / crate / "src")
    exports = _exports(modules)
    found = []
    for name, module in modules.items():
        for match in _ITEM.finditer(module.code):
            attributes, visibility, keyword, item = match.groups()
            derives = any(re.search(r"\bError\b", one) for one in re.findall(r"derive\(([^)]*)\)", attributes))
            implements = re.search(rf"impl(<[^>]*>)?\s+(std::error::|core::error::)?Error for {item}\b", module.code)
            if visibility != "pub" or not (derives or implements):
                continue
            paths = [(*at, as_name) for at, names in exports.items() for as_name, target in names.items() if target == (name, item)]
            if paths:
                path = min(paths, key=lambda path: (len(path), path))
                rest = module.code[match.end() :]
                kinds = _variants(rest) if keyword == "enum" else {item: _fields(rest, of_struct=True)}
                file = str(module.file.relative_to(ROOT))
                found.append(RustError("::".join((crate.replace("-", "_"), *path)), file, kinds, keyword == "enum"))
    return sorted(found, key=lambda error: error.path)


_ITEM = re.compile(r"((?:#\[(?:[^\n]|\n[^#])*?\]\s*)*)\b(pub(?:\([^)]*\))?|)\s*\b(enum|struct)\s+(\w+)")


@dataclasses.dataclass
class _Module:
    file: Path
    code: str
    public: bool
    children: set[str]


def _modules(source: Path) -> dict[tuple[str, ...], _Module]:
    """Every module by its path, without those of tests."""
    modules: dict[tuple[str, ...], _Module] = {}

    def read(path: tuple[str, ...], file: Path, directory: Path, public: bool) -> None:
        code = _blank(file.read_text())
        children = set()
        for attributes, visibility, name in re.findall(r"((?:#\[(?:[^\n]|\n[^#])*?\]\s*)*)\b(pub(?:\([^)]*\))?|)\s*\bmod (\w+);", code):
            below = next((f for f in (directory / f"{name}.rs", directory / name / "mod.rs") if f.exists()), None)
            if below and "cfg(test)" not in attributes and "test-util" not in attributes:
                children.add(name)
                read((*path, name), below, directory / name, public and visibility == "pub")
        modules[path] = _Module(file, code, public, children)

    read((), source / "lib.rs", source, True)
    return modules


def _blank(text: str) -> str:
    """The code without comments and without the contents of texts."""
    pattern = r'//[^\n]*|/\*.*?\*/|r(#+)".*?"\1|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\[^u]|\\u\{[^}]*\})\''
    return re.sub(pattern, lambda match: "" if match[0].startswith("/") else '""', text, flags=re.DOTALL)


def _exports(modules: dict[tuple[str, ...], _Module]) -> dict[tuple[str, ...], dict[str, tuple[tuple[str, ...], str]]]:
    """What each public module offers by name: where it is defined."""
    every: dict[tuple[str, ...], dict[str, tuple[tuple[str, ...], str]]] = {
        path: {item: (path, item) for _, seen, _, item in _ITEM.findall(module.code) if seen == "pub"}
        for path, module in modules.items()
    }
    uses = [(path, use) for path, module in modules.items() for use in _uses(path, module)]
    changed = True
    while changed:
        changed = False
        for path, (target, name, as_name) in uses:
            offered = every.get(target, {})
            new = dict(offered) if name == "*" else {as_name: offered[name]} if name in offered else {}
            if not new.items() <= every[path].items():
                every[path].update(new)
                changed = True
    return {path: names for path, names in every.items() if modules[path].public}


def _uses(path: tuple[str, ...], module: _Module) -> list[tuple[tuple[str, ...], str, str]]:
    """The `pub use` of a module, each as the module it takes from, the name there and the name here."""
    found = []
    for tree in re.findall(r"\bpub use ([^;]+);", module.code):
        for words in _leaves(tree):
            *prefix, last = words.split("::")
            name, _, as_name = (part.strip() for part in last.partition(" as "))
            if prefix and prefix[0] == "crate":
                target: tuple[str, ...] = tuple(prefix[1:])
            else:
                target = path
                while prefix and prefix[0] in ("self", "super"):
                    target = target[:-1] if prefix.pop(0) == "super" else target
                target = (*target, *prefix)
            found.append((target, name, as_name or name))
    return found


def _leaves(tree: str) -> list[str]:
    """`a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`."""
    tree = tree.strip()
    if not tree.endswith("}"):
        return [tree]
    head, _, body = tree.partition("{")
    return [head.strip() + leaf for part in _split(body[:-1]) for leaf in _leaves(part)]


def _split(body: str) -> list[str]:
    """The parts between commas that are in no bracket."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(body):
        if character in "([{<":
            depth += 1
        elif character in ")]}>" and body[index - 1] != "-":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(body[start:index])
            start = index + 1
    return [part.strip() for part in (*parts, body[start:]) if part.strip()]


def _inside(text: str, brackets: str) -> str:
    """What is between the bracket that a text begins with and its partner."""
    depth = 0
    for index, character in enumerate(text):
        depth += (character == brackets[0]) - (character == brackets[1])
        if depth == 0:
            return text[1:index]
    raise ValueError(f"no {brackets[1]} in {text[:80]}")


def _without_attributes(text: str) -> str:
    text = text.strip()
    while text.startswith("#["):
        text = text[len(_inside(text[1:], "[]")) + 3 :].strip()
    return text


def _fields(rest: str, *, of_struct: bool = False) -> list[str] | tuple[str, ...]:
    """The fields of a struct or a variant whose name stands before `rest`."""
    rest = rest.strip()
    if rest.startswith("<"):
        rest = rest[len(_inside(rest, "<>")) + 2 :].strip()
    if rest[:1] not in ("(", "{"):
        return ()
    inside = [_without_attributes(field) for field in _split(_inside(rest, "()" if rest[0] == "(" else "{}"))]
    fields = [re.sub(r"^pub\s+", "", field) for field in inside if not of_struct or re.match(r"pub\s", field)]
    if rest[0] == "{":
        return [field.partition(":")[0].strip() for field in fields]
    # Without names there is no saying which of some fields are meant.
    return tuple(fields) if len(fields) == len(inside) else ()


def _variants(rest: str) -> dict[str, list[str] | tuple[str, ...]]:
    body = _inside(rest[rest.index("{") :], "{}")
    variants = {}
    for part in map(_without_attributes, _split(body)):
        name = re.match(r"\w+", part)
        if name:
            variants[name[0]] = _fields(part[name.end() :])
    return variants
