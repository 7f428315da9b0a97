"""Writes the methods of `Client` and `AsyncClient` from the calls in `python/mke/client/_calls`.

A call is said once, as a function; this makes it a method of a synchronous and of an asynchronous class, with its signature, its
documentation and, for changes, `dry_run`. `--check` only says whether the files are as they would be written.
"""

from __future__ import annotations

import ast
import pathlib
import sys

CLIENT = pathlib.Path(__file__).parent.parent / "python" / "mke" / "client"

# The name of the class of each module, and so of the attribute of the client.
GROUPS = {
    "accounts": "Accounts",
    "organizations": "Organizations",
    "teams": "Teams",
    "members": "Members",
    "keys": "Keys",
    "roles": "Roles",
    "collections": "Collections",
    "grants": "Grants",
    "config": "Configuration",
    "bundles": "Bundles",
    "nodes": "Nodes",
    "authz": "Authz",
    "jobs": "Jobs",
    "second_factor": "SecondFactors",
    "system": "System",
    "audit": "Audit",
    "sign_in": "SignIn",
    "ldap": "Ldap",
    "saml": "Saml",
    "scim": "Scim",
}

DRY_RUN = """Args (besides):
    dry_run: change nothing, and return the request that would have been sent. What must be known for it is read."""


# What differs between `_synchronous.py`, which people write, and `_asynchronous.py`, in order.
DIFFERENCES = (
    ("A connection to a control plane.", "A connection to a control plane for asyncio. It has the methods of `Client`, to be awaited."),
    ("Used in `with`", "Used in `async with`"),
    ("Client", "AsyncClient"),
    ("AsyncClientError", "ClientError"),
    ("methods of `AsyncClient`", "methods of `Client`"),
    ("AsyncClient bundles", "Client bundles"),
    ("mke.client._sync.", "mke.client._async."),
    ("    def login(", "    async def login("),
    ("    def request(", "    async def request("),
    ("    def close(", "    async def close("),
    ("    def __enter__(", "    async def __aenter__("),
    ("    def __exit__(", "    async def __aexit__("),
    ("= vouched(", "= await vouched_async("),
    ("one, vouched", "one, vouched_async"),
    (" run(", " await run_async("),
    ("import run\n", "import run_async\n"),
    ("        self.close()", "        await self.close()"),
    *((f" {group}{end}", f" Async{group}{end}") for group in GROUPS.values() for end in ("\n", ":\n", "(self._connection)\n")),
)


def main() -> int:
    files = {
        CLIENT / ("_async" if asynchronous else "_sync") / f"{module}.py": written(module, group, asynchronous)
        for module, group in GROUPS.items()
        for asynchronous in (False, True)
    }
    text = (CLIENT / "_synchronous.py").read_text()
    for ours, theirs in DIFFERENCES:
        text = text.replace(ours, theirs)
    text = text.replace('"""', '"""Written by tools/make_client.py from `_synchronous.py`. ', 1)
    files[CLIENT / "_asynchronous.py"] = text
    stale = [file for file, text in files.items() if not file.exists() or file.read_text() != text]
    if "--check" not in sys.argv:
        for file in stale:
            file.write_text(files[file])
    if stale and "--check" in sys.argv:
        print(f"not as the calls say: {', '.join(file.name for file in stale)}; run {pathlib.Path(__file__).name}")
        return 1
    return 0


def written(module: str, group: str, asynchronous: bool) -> str:
    """The module with one class."""
    source = (CLIENT / "_calls" / f"{module}.py").read_text()
    tree = ast.parse(source)
    kind = "Async" if asynchronous else ""
    about = ast.get_docstring(tree) or ""
    methods = "\n\n".join(
        method
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
        for method in methods_of(node, asynchronous)
    )
    needed = {node.id for node in ast.walk(ast.parse(f"class X:\n{methods}")) if isinstance(node, ast.Name)}
    typing = sorted(needed & {"Any", "Literal"})
    abstract = sorted(needed & {"AsyncIterator", "Callable", "Iterable", "Iterator", "Mapping"})
    lines = ['"""Written by tools/make_client.py from the calls of the same name."""', "", "from __future__ import annotations", ""]
    lines += ["TYPE_CHECKING = False", "if TYPE_CHECKING:"]
    if abstract:
        lines.append(f"    from collections.abc import {', '.join(abstract)}")
    lines.append(f"    from typing import {', '.join([*typing, 'overload'])}" if "overload" in needed else "")
    if typing and "overload" not in needed:
        lines[-1] = f"    from typing import {', '.join(typing)}"
    if not lines[-1]:
        lines.pop()
    used = {*origins(tree, module), ("mke.client._flow", "Planned"), ("mke._table", "Table")}
    places = sorted({origin for origin, name in used if name in needed})
    ours = [
        f"    from {place} import {', '.join(sorted(name for origin, name in used if origin == place and name in needed))}"
        for place in places
    ]
    if ours:
        if lines[-1] != "if TYPE_CHECKING:":
            lines.append("")
        lines += ours
    if lines[-1] == "if TYPE_CHECKING:":
        lines = lines[:-2]
    elif "overload" in needed:
        lines += ["else:", "    from mke.client._group import overload"]
    if lines[-1]:
        lines.append("")
    lines += [f"from mke.client._calls import {module} as _calls", f"from mke.client._group import {kind}Group", "", ""]
    lines += [f"class {kind}{group}({kind}Group):", f'    """{about}"""' if "\n" not in about else indented(about, 4)]
    return "\n".join(lines) + "\n\n" + methods + "\n"


def origins(tree: ast.Module, module: str) -> list[tuple[str, str]]:
    """Where the names of annotations come from."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mke."):
            found += [(node.module or "", alias.name) for alias in node.names]
        if isinstance(node, ast.ClassDef):
            found.append((f"mke.client._calls.{module}", node.name))
    return found


def indented(text: str, spaces: int) -> str:
    """A documentation comment of several lines."""
    pad = " " * spaces
    lines = [f"{pad}{line}".rstrip() for line in text.splitlines()]
    return f'{pad}"""' + "\n".join(lines).lstrip() + f'\n{pad}"""'


def methods_of(node: ast.FunctionDef, asynchronous: bool) -> list[str]:
    """The methods that a call becomes."""
    mark = node.decorator_list[0]
    assert isinstance(mark, ast.Name), node.name
    name = node.name.rstrip("_")
    about = ast.get_docstring(node) or ""
    returns = node.returns
    assert isinstance(returns, ast.Subscript), node.name
    result = ast.unparse(returns.slice)
    inner = f"_calls.{node.name}({passed(node)})"
    if mark.id == "call":
        return [method(name, node, result, about, f"self._run({inner})", asynchronous)]
    if mark.id == "trial":
        # The control plane tries it itself, so the call knows `dry_run`, and two results.
        done, _, tried = result.rpartition(" | ")
        assert tried == "ConfigChange" and node.args.kwonlyargs[-1].arg == "dry_run", node.name
        head, args = about.split("Args:", 1)
        rest = args.split("\n\n", 1)
        dry = "    dry_run: only tell what would become different. Nothing is changed then."
        about = f"{head}Args:{rest[0]}\n{dry}" + (f"\n\n{rest[1]}" if len(rest) > 1 else "")
        each = [
            method(name, node, done, None, "...", asynchronous, "dry_run: Literal[False] = False"),
            method(name, node, tried, None, "...", asynchronous, "dry_run: Literal[True]"),
            method(name, node, result, None, "...", asynchronous, "dry_run: bool"),
        ]
        overloads = "\n".join(f"    @overload\n{one}" for one in each)
        return [overloads + "\n" + method(name, node, result, about, f"self._run({inner})", asynchronous)]
    if mark.id == "change":
        about += ("\n\n" if "\n" in about else "\n\n") + DRY_RUN if "Args:" not in about else ""
        if "Args:" in about:
            head, tail = about.split("Args:", 1)
            rest = tail.split("\n\n", 1)
            dry = "    dry_run: change nothing, and return the request that would have been sent. What must be known for it is read."
            about = f"{head}Args:{rest[0]}\n{dry}" + (f"\n\n{rest[1]}" if len(rest) > 1 else "")
        about = about.replace("Args (besides):", "Args:")
        default = "dry_run: bool = False"
        each = [
            method(name, node, result, None, "...", asynchronous, "dry_run: Literal[False] = False"),
            method(name, node, "Planned", None, "...", asynchronous, "dry_run: Literal[True]"),
            method(name, node, f"{result} | Planned", None, "...", asynchronous, "dry_run: bool"),
        ]
        overloads = "\n".join(f"    @overload\n{one}" for one in each)
        body = f"self._change({inner}, dry_run)"
        return [overloads + "\n" + method(name, node, f"{result} | Planned", about, body, asynchronous, default)]
    assert mark.id == "listing", mark.id
    iterate = "iter" if name == "list" else f"iter_{name}"
    iterator = "AsyncIterator" if asynchronous else "Iterator"
    first, *rest = about.split("\n\n", 1)
    paged = "\n\n".join([f"{first} They are read page after page, as they are needed.", *rest])
    return [
        method(name, node, f"Table[{result}]", about, f"self._run({inner}.all())", asynchronous),
        method(iterate, node, f"{iterator}[{result}]", paged, f"self._pages({inner})", asynchronous, plain=True),
    ]


def method(
    name: str,
    node: ast.FunctionDef,
    result: str,
    about: str | None,
    body: str,
    asynchronous: bool,
    extra: str | None = None,
    plain: bool = False,
) -> str:
    """One method. An overload has no `about`."""
    arguments = ["self", *parameters(node, extra)]
    start = "    async def" if asynchronous and not plain else "    def"
    if asynchronous and not plain and body != "...":
        body = f"await {body}"
    head = f"{start} {name}({', '.join(arguments)}) -> {result}:"
    if len(head) > 116:
        head = f"{start} {name}(\n        {', '.join(arguments)},\n    ) -> {result}:"
        if max(map(len, head.splitlines())) > 116:
            inner = "".join(f"        {argument},\n" for argument in arguments)
            head = f"{start} {name}(\n{inner}    ) -> {result}:"
    if about is None:
        return f"{head} ..."
    line = f"        return {body}"
    if len(line) > 120:
        handed, close = inner_arguments(body)
        line = f"        return {handed[0]}\n" + "".join(f"            {one},\n" for one in handed[1:]) + f"        {close}"
    documented = f'        """{about}"""' if "\n" not in about else indented(about, 8)
    return f"{head}\n{documented}\n{line}"


def inner_arguments(body: str) -> tuple[list[str], str]:
    """A long call of a call, in lines: its start, the arguments of the inner one, its end."""
    start, rest = body.split("(_calls.", 1)
    name, rest = rest.split("(", 1)
    arguments, end = rest.split(")", 1)
    return [f"{start}(_calls.{name}(", *(f"    {one}" for one in arguments.split(", "))], f"    ){end}"


def parameters(node: ast.FunctionDef, extra: str | None) -> list[str]:
    """The parameters as they are written, with another one that must be named."""
    args = node.args
    assert not args.posonlyargs and args.kwarg is None, node.name
    plain = [None] * (len(args.args) - len(args.defaults)) + list(args.defaults)
    found = [parameter(arg, default) for arg, default in zip(args.args, plain)]
    if args.vararg:
        found.append(f"*{parameter(args.vararg, None)}")
    elif args.kwonlyargs or extra:
        found.append("*")
    named = [one for one in zip(args.kwonlyargs, args.kw_defaults) if not extra or one[0].arg != "dry_run"]
    found += [parameter(arg, default) for arg, default in named]
    return [*found, extra] if extra else found


def parameter(arg: ast.arg, default: ast.expr | None) -> str:
    assert arg.annotation is not None, arg.arg
    text = f"{arg.arg}: {ast.unparse(arg.annotation)}"
    return text.replace("'", '"') if default is None else f"{text} = {ast.unparse(default)}".replace("'", '"')


def passed(node: ast.FunctionDef) -> str:
    """The arguments, handed on."""
    args = node.args
    handed = [arg.arg for arg in args.args]
    if args.vararg:
        handed.append(f"*{args.vararg.arg}")
    return ", ".join([*handed, *(f"{arg.arg}={arg.arg}" for arg in args.kwonlyargs)])


if __name__ == "__main__":
    raise SystemExit(main())
