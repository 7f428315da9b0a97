"""The fixture that loads a policy, and assertions about decisions. Nothing of the library is loaded before a test asks."""

from __future__ import annotations

from pathlib import Path

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Union

    from mke.admission import Review
    from mke.rbac import Decision, KubernetesDecision, Policy, TestReport, WhoCanReport, WriteDecision

    _AnyDecision = Union[Decision, KubernetesDecision, WriteDecision, Review]

__all__ = ["assert_allowed", "assert_denied", "assert_holds", "assert_only", "policy"]

_MARKER = "mke_state"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the state lies: `mke_state` and `mke_world` in the configuration of pytest."""
    parser.addini("mke_state", "the state file of the fixture `policy`, from the directory of this configuration")
    parser.addini("mke_world", "the world in that file, when it has several")


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(path, world=None): the state of the fixture `policy`, from the directory of the test",
    )


@pytest.fixture
def policy(request: pytest.FixtureRequest) -> Policy:
    """The `mke.rbac.Policy` in the state that the marker `mke_state` or the configuration names. Each file is read once."""
    path, world = _state(request)
    kept: dict[tuple[Path, str | None], Policy] = request.config.stash.setdefault(_POLICIES, {})
    if (path, world) not in kept:
        from mke.rbac import Policy

        try:
            kept[path, world] = Policy.from_file(path, world)
        except (OSError, ValueError) as error:
            raise pytest.UsageError(f"the state of the fixture `policy` cannot be used: {path}: {error}") from error
    return kept[path, world]


_POLICIES = pytest.StashKey["dict[tuple[Path, str | None], Policy]"]()


def _state(request: pytest.FixtureRequest) -> tuple[Path, str | None]:
    marker = request.node.get_closest_marker(_MARKER)
    if marker is not None:
        path, world = _marked(*marker.args, **marker.kwargs)
        return (request.path.parent / path).resolve(), world
    config = request.config
    path = config.getini("mke_state")
    if not path:
        raise pytest.UsageError(
            "the fixture `policy` needs a state: set `mke_state` in the configuration of pytest,"
            " or mark the test with `@pytest.mark.mke_state(path)`"
        )
    base = config.rootpath if config.inipath is None else config.inipath.parent
    return (base / path).resolve(), config.getini("mke_world") or None


def _marked(path: str, world: str | None = None) -> tuple[str, str | None]:
    return path, world


def assert_allowed(decision: _AnyDecision) -> None:
    """Fails unless the decision is yes, and says what is missing and which grant would help.

    >>> import mke
    >>> policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
    >>> assert_allowed(policy.decide("dina", "Service View", "/Shared"))
    >>> assert_allowed(policy.decide("dina", "Service Create", "/Shared"))
    Traceback (most recent call last):
        ...
    AssertionError: denied, and should be allowed
      dina: Service Create in /Shared: access denied: no access to Service Create
      missing: Service Create in /Shared
      would be allowed by: Restricted Control for user:dina on /Shared
    """
    __tracebackhide__ = True
    if not decision:
        raise AssertionError("\n  ".join(["denied, and should be allowed", *_reasons(decision)]))


def assert_denied(decision: _AnyDecision, reason: str | None = None) -> None:
    """Fails unless the decision is no, and says what allows it. With `reason` also unless it is denied for this reason:
    `missing-operation`, `inactive`, `unauthenticated`, …

    >>> import mke
    >>> policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
    >>> assert_denied(policy.decide("dina", "Service Create", "/Shared"), "missing-operation")
    >>> assert_denied(policy.decide("dina", "Service View", "/Shared"))
    Traceback (most recent call last):
        ...
    AssertionError: allowed, and should be denied
      dina: Service View in /Shared: allowed by View Only for user:dina on /Shared
    """
    __tracebackhide__ = True
    if decision:
        raise AssertionError("\n  ".join(["allowed, and should be denied", *_reasons(decision)]))
    if reason is not None and decision.reason != reason:
        head = f"denied for the reason {decision.reason!r}, expected {reason!r}"
        raise AssertionError("\n  ".join([head, *_reasons(decision)]))


def assert_only(report: WhoCanReport, names: Iterable[str]) -> None:
    """Fails unless exactly these users can, administrators included, and nobody without credentials.

    >>> import mke
    >>> policy = mke.rbac.Policy(users=["dina", "sam"], grants=[("user:dina", "viewonly", "/Shared")])
    >>> assert_only(policy.who_can(mke.rbac.check("Service View", "/Shared")), ["dina"])
    """
    __tracebackhide__ = True
    through = {holder["name"]: holder["through"] for holder in report.users}
    expected = set(names)
    problems = [f"{name} can, through {_through(through[name])}" for name in sorted(through.keys() - expected)]
    problems += [f"{name} cannot" for name in sorted(expected - through.keys())]
    if report.anonymous:
        problems.append("requests without credentials can")
    if problems:
        raise AssertionError("\n  ".join([f"{report.what}: not exactly those who should", *problems]))


def assert_holds(policy: Policy, assertions: str | Path | Sequence[Mapping[str, Any]]) -> None:
    """Fails unless all assertions hold: the path of a file of the format `policy-tests/1`, its text, or a list.

    >>> import mke
    >>> policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
    >>> assert_holds(policy, [{"must-never": "user:dina", "do": "Service Create", "in": "/Shared"}])
    """
    __tracebackhide__ = True
    if isinstance(assertions, Path):
        assertions = assertions.read_text(encoding="utf-8")
    report: TestReport = policy.test(assertions)
    if not report:
        raise AssertionError(str(report))


def _reasons(decision: _AnyDecision) -> list[str]:
    from mke.rbac import Decision

    reasons = [str(decision)]
    if not isinstance(decision, Decision) or decision:
        return reasons
    for missing in decision.missing:
        with_modifier = f" with {missing['modifier']}" if missing["modifier"] else ""
        reasons.append(f"missing: {missing['operation']}{with_modifier} in {missing['collection']}")
    why = decision.explain()
    for help in why.allowed_by:
        role = help["role"] or f"a new role with {', '.join(help['needs'])}"
        reasons.append(f"would be allowed by: {role} for {help['subject']} on {help['collection']}")
    reasons.extend(why.obstacles)
    return reasons


def _through(deciders: Sequence[Any]) -> str:
    return "; ".join(
        decider if isinstance(decider, str) else f"{decider['role_name']} for {decider['subject']} on {decider['collection']}"
        for decider in deciders
    )
