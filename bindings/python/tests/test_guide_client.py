"""The guide of the client says what is so: its examples run, in order, against a control plane."""

from __future__ import annotations

import pathlib
import re

from mke.testing import Server

GUIDE = pathlib.Path(__file__).parents[3] / "docs" / "guide" / "python-client.md"


def test_the_guide_is_true(request, tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 10
    with Server(ucp=request.config.getoption("--ucp")) as server:
        known = {"URL": server.url, "PASSWORD": server.password, "CA_FILE": server.ca_file, "HOME": tmp_path}
        for number, block in enumerate(blocks, start=1):
            exec(compile(block, f"{GUIDE.name}, example {number}", "exec"), known)  # noqa: S102


def test_every_error_of_the_guide_exists():
    import builtins

    import mke

    rows = re.findall(r"^\| `(\w+Error)` \| (?:`(\w+)`)? ?\|", GUIDE.read_text(), re.MULTILINE)
    assert len(rows) == 9
    for name, builtin in rows:
        assert not builtin or issubclass(getattr(mke.errors, name), getattr(builtins, builtin)), name
