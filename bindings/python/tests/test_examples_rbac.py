"""The examples that need no server, run as their users run them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "examples" / "python"


def python(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=directory, env=dict(os.environ), capture_output=True, text=True, check=False)


def test_policy_tests() -> None:
    """Policy tests in a pipeline: all of them hold."""
    found = entry_points()
    points = found.select(group="pytest11") if hasattr(found, "select") else found.get("pytest11", [])
    plugin = [] if any(point.value == "mke.testing" for point in points) else ["-p", "mke.testing"]
    done = python(EXAMPLES / "policy_tests", "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", *plugin)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "13 passed" in done.stdout
