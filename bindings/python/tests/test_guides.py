"""The pages about Python do what they say: every block of code runs, in order, and prints what the page shows."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import ssl
import urllib.request
from pathlib import Path

import pytest
from slapd import Slapd, person

from mke.testing import Server

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "docs/guide/python.md", ROOT / "docs/guide/python-walk.md", ROOT / "bindings/python/README.md"]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(page: Path) -> None:
    """Runs the blocks of a page as one program. A block of `text` after one of `python` is what that one prints.

    With `MKE_UPDATE_DOCS=1` those are written anew.
    """
    names = {"__name__": "__main__"}
    printed = ""
    text = page.read_text()
    for block in BLOCK.finditer(text):
        kind, content = block.groups()
        line = text.count("\n", 0, block.start()) + 2
        if kind == "python":
            out = io.StringIO()
            # Line numbers are those of the page.
            code = compile("\n" * (line - 1) + content, str(page), "exec")
            with contextlib.redirect_stdout(out):
                exec(code, names)
            printed = out.getvalue()
        elif kind == "text" and os.environ.get("MKE_UPDATE_DOCS"):
            page.write_text(page.read_text().replace(block[0], f"```text\n{printed}```"))
        elif kind == "text":
            assert printed == content, f"{page}:{line}: the block before prints\n{printed}"


def token(server: Server) -> str:
    """A session of the administrator."""
    body = json.dumps({"username": server.username, "password": server.password}).encode()
    request = urllib.request.Request(f"{server.url}/auth/login", body, {"Content-Type": "application/json"})
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with urllib.request.urlopen(request, context=context) as answer:
        return str(json.load(answer)["auth_token"])


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_pages_do_what_they_say(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page.name == "python-walk.md":
        pytest.importorskip("matplotlib").use("agg")
    # What the pages read and write lies in a directory of their own.
    shutil.copy(ROOT / "conformance/cases/swarm-orcabank-advanced.yaml", tmp_path / "state.yaml")
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "slapd"
    directory.mkdir()
    with Server() as server, Slapd(directory, person("jane", "Jane Doe") + person("joe", "Joe Roe")) as ldap:
        monkeypatch.setenv("LDAP_URL", ldap.url)
        for name, value in server.environment(token(server)).items():
            monkeypatch.setenv(name, value)
        run(page)
    if page.name == "python-walk.md":
        review = (tmp_path / "review.html").read_text()
        assert "finn" in review and "<svg" in review and (tmp_path / "reach.svg").stat().st_size > 2000
