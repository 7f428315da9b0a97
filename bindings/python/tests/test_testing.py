"""The plugin for pytest, seen from a project that uses it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from mke.rbac import KubernetesPolicy, Policy, check
from mke.testing import assert_allowed, assert_denied, assert_holds, assert_only

pytest_plugins = ["pytester"]

STATE = """
format: rbac-scenarios/1
worlds:
  bank: {users: {dina: {}}, grants: [{id: g, subject: "user:dina", role: viewonly, collection: /Shared}]}
"""

TESTS = """
import pytest
from mke.testing import assert_allowed, assert_denied

def test_looks(policy):
    assert_allowed(policy.decide("dina", "Service View", "/Shared"))

def test_makes(policy):
    assert_allowed(policy.decide("dina", "Service Create", "/Shared"))

@pytest.mark.mke_state("other.yaml", world="b")
def test_other(policy):
    assert policy.users == ("sam",)

def test_same_object(policy, request):
    from mke.testing.policies import _POLICIES
    assert policy in request.config.stash[_POLICIES].values()
"""


def installed() -> bool:
    """Whether pytest loads the plugin by itself."""
    try:
        version("mke")
    except PackageNotFoundError:
        return False
    return True


def run(pytester: pytest.Pytester, *more: str) -> pytest.RunResult:
    plugin = () if installed() else ("-p", "mke.testing")
    return pytester.runpytest_subprocess(*plugin, *more)


def test_the_fixture_loads_the_state_of_the_project(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmke_state = access/state.yaml\nasyncio_default_fixture_loop_scope = function")
    pytester.mkdir("access").joinpath("state.yaml").write_text(STATE)
    pytester.path.joinpath("other.yaml").write_text(
        "format: rbac-scenarios/1\nworlds: {a: {}, b: {users: {sam: {}}}}", encoding="utf-8"
    )
    pytester.makepyfile(TESTS)
    result = run(pytester, "--strict-markers")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*AssertionError: denied, and should be allowed",
            "*missing: Service Create in /Shared",
            "*would be allowed by: Restricted Control for user:dina on /Shared",
        ]
    )


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("", "*needs a state: set `mke_state`*"),
        ("mke_state = absent.yaml", "*cannot be used: *absent.yaml*"),
        ("mke_state = state.yaml\nmke_world = ship", "*there is no world `ship`*"),
    ],
)
def test_a_state_that_is_not_there(pytester: pytest.Pytester, ini: str, message: str) -> None:
    pytester.makeini(f"[pytest]\nasyncio_default_fixture_loop_scope = function\n{ini}")
    pytester.path.joinpath("state.yaml").write_text(STATE)
    pytester.makepyfile("def test_looks(policy): pass")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_the_plugin_is_light(pytester: pytest.Pytester) -> None:
    """A project that does not use the fixtures does not load the library."""
    pytester.makepyfile("import sys\ndef test_light(): assert 'mke._native' not in sys.modules")
    run(pytester).assert_outcomes(passed=1)


def test_a_program_that_is_not_there(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has the package alone is told what is missing, where it is looked for, and where it comes from; in one line, not in a trace."""
    monkeypatch.delenv("MKE_UCP", raising=False)
    monkeypatch.setenv("PATH", str(pytester.path))
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile("def test_onboarding(mke_client): pass")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the fixture `mke_server` cannot start a control plane: no program `ucp`*--ucp*MKE_UCP*PATH*release*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    named = run(pytester, "--ucp", "/nowhere/ucp")
    named.stdout.fnmatch_lines(["*no program `/nowhere/ucp`*"])


@pytest.fixture
def bank() -> Policy:
    return Policy(users={"ann": {"admin": True}, "dina": {}}, grants=[("user:dina", "viewonly", "/Shared")])


def test_assertions_fail_with_reasons(bank: Policy, tmp_path: Path) -> None:
    assert_denied(bank.decide("dina", "Service Create", "/Shared"), "missing-operation")
    with pytest.raises(AssertionError, match="'missing-operation', expected 'inactive'"):
        assert_denied(bank.decide("dina", "Service Create", "/Shared"), "inactive")
    with pytest.raises(AssertionError, match="allowed by View Only for user:dina on /Shared"):
        assert_denied(bank.decide("dina", "Service View", "/Shared"))
    question = check("Service View", "/Shared")
    assert_only(bank.who_can(question), ["ann", "dina"])
    with pytest.raises(AssertionError, match="(?s)ann can, through admin.*sam cannot"):
        assert_only(bank.who_can(question), ["dina", "sam"])
    text = "format: policy-tests/1\ntests: [{must-never: 'user:dina', do: Service View, in: /Shared}]"
    path = tmp_path / "policy-tests.yaml"
    path.write_text(text, encoding="utf-8")
    for assertions in (text, path, [{"must-never": "user:dina", "do": "Service View", "in": "/Shared"}]):
        with pytest.raises(AssertionError, match="dina"):
            assert_holds(bank, assertions)
    cluster = KubernetesPolicy.bootstrap()
    assert_denied(cluster.decide("jane", "delete", "nodes"), "no-rule")
    with pytest.raises(AssertionError, match='user "jane" cannot delete resource "nodes"'):
        assert_allowed(cluster.decide("jane", "delete", "nodes"))
