"""The examples that need no server, run as their users run them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "examples" / "python"


def python(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=directory, env=dict(os.environ), capture_output=True, text=True, check=False)


def installed() -> bool:
    """Whether pytest loads the plugin by itself."""
    try:
        version("mke")
    except PackageNotFoundError:
        return False
    return True


def test_policy_tests() -> None:
    """Policy tests in a pipeline: all of them hold."""
    plugin = [] if installed() else ["-p", "mke.testing"]
    done = python(EXAMPLES / "policy_tests", "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", *plugin)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "13 passed" in done.stdout


def test_a_review_of_a_state(tmp_path: Path) -> None:
    """A review is written, compares with an older state, and tells a pipeline when somebody can become root."""
    state = EXAMPLES / "policy_tests" / "state.yaml"
    worse = tmp_path / "worse.yaml"
    grant = '    - {id: worse, subject: "user:dina", role: fullcontrol, collection: /Staging}\n    resources:'
    worse.write_text(state.read_text(encoding="utf-8").replace("    resources:", grant), encoding="utf-8")
    review = tmp_path / "review.html"
    well = python(EXAMPLES, "review_state.py", str(state), str(review), "--fail-on-root")
    assert well.returncode == 0, well.stdout + well.stderr
    html = review.read_text(encoding="utf-8")
    assert "/Production/payments" in html and "<svg" in html and "team:bank/operators" in html
    badly = python(EXAMPLES, "review_state.py", str(worse), str(review), "--fail-on-root", "--since", str(state))
    assert badly.returncode == 1, badly.stdout + badly.stderr
    assert "1 users gain something, 0 lose something" in review.read_text(encoding="utf-8")
    absent = python(EXAMPLES, "review_state.py", str(tmp_path / "absent.yaml"), str(review))
    assert absent.returncode == 2
    assert absent.stderr.startswith("error: ")
