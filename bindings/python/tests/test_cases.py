"""The conformance cases, asked from Python: the same files, and the same meaning of what is expected, as `conformance/runner`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import mke

CASES = Path(__file__).parents[3] / "conformance" / "cases"
FILES = sorted(CASES.glob("*.yaml"))
# How many there are: a file that is passed over must be noticed.
QUESTIONS = 136 + 493


def load(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    file: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), loader)
    return file


def gather() -> list[Any]:
    found = []
    for path in FILES:
        file = load(path)
        for case in [*file.get("scenarios", ()), *file.get("kubernetes_cases", ())]:
            found.append(pytest.param(path, case, id=case["id"]))
    return found


ALL = gather()


def test_no_case_is_left_out() -> None:
    """Every case of every file is asked, each under a name of its own."""
    assert len(ALL) == QUESTIONS
    assert len({case.id for case in ALL}) == QUESTIONS


class Worlds:
    """Policies by file and name, each made once."""

    def __init__(self) -> None:
        self.texts: dict[Path, str] = {}
        self.policies: dict[tuple[Path, str], mke.rbac.Policy] = {}
        self.clusters: dict[tuple[Path, str], mke.rbac.KubernetesPolicy] = {}
        self.files: dict[Path, dict[str, Any]] = {}

    def policy(self, path: Path, world: str) -> mke.rbac.Policy:
        key = (path, world)
        if key not in self.policies:
            text = self.texts.setdefault(path, path.read_text(encoding="utf-8"))
            self.policies[key] = mke.rbac.Policy.from_state(text, world)
        return self.policies[key]

    def cluster(self, path: Path, name: str) -> mke.rbac.KubernetesPolicy:
        key = (path, name)
        if key not in self.clusters:
            sets = self.files.setdefault(path, load(path))["kubernetes_sets"][name]
            self.clusters[key] = mke.rbac.KubernetesPolicy(
                sets.get("roles"), sets.get("bindings"), default_roles=sets.get("default_roles", False)
            )
        return self.clusters[key]


@pytest.fixture(scope="session")
def worlds() -> Worlds:
    return Worlds()


@pytest.mark.parametrize(("path", "case"), ALL)
def test_case(path: Path, case: dict[str, Any], worlds: Worlds) -> None:
    """Every expected field is as the case says; lists compare as sets."""
    if "world" in case:
        of_a_world(worlds.policy(path, case["world"]), case)
    else:
        of_kubernetes(path, case, worlds)


def of_a_world(policy: mke.rbac.Policy, case: dict[str, Any]) -> None:
    question = dict(case["request"], kind=case["kind"])
    answer = policy.answer(None, question)
    got = {
        **answer,
        "decided_by": deciders(policy, answer.get("decided_by")),
        "missing": checks(answer.get("missing")),
        "eligible_nodes": as_set(answer.get("eligible_nodes")),
        "visible": as_set(answer.get("visible")),
        "operations": held(answer.get("operations")),
    }
    expect = dict(case["expect"])
    for field, read in (
        ("decided_by", as_set),
        ("missing", checks),
        ("eligible_nodes", as_set),
        ("visible", as_set),
        ("operations", held),
    ):
        if field in expect:
            expect[field] = read(expect[field])
    assert {field: got.get(field) for field in expect} == expect


def of_kubernetes(path: Path, case: dict[str, Any], worlds: Worlds) -> None:
    request, expect = case["request"], case["expect"].replace(" ", "_").replace("-", "_")
    if case["kind"] == "covers":
        missing = mke.rbac.covers(request["owner"], request["requested"])
        assert ("not_covered" if missing else "covered") == expect.replace("uncovered", "not_covered"), missing
        return
    cluster = worlds.cluster(path, case["set"])
    user, groups = case["user"], case.get("groups", [])
    if case["kind"] == "authorize":
        words = dict(request)
        decision = cluster.decide(user, words.pop("verb"), words.pop("resource", None), groups=groups, **words)
        assert ("allow" if decision else "deny") == expect, decision
        [verdict] = cluster.decide_many([{**request, "user": user, "groups": groups}])
        assert verdict == decision.allowed
        return
    if case["kind"] == "impersonate":
        found = cluster.may_impersonate(user, request["target"], groups=groups)
    else:
        what = "role" if case["kind"] == "write_role" else "binding"
        new, old = request[what], request.get("old", request.get("existing"))
        if what == "binding" and old is not None:
            # The sets need not name their bindings, but an update is about one that has a name.
            name = new.get("name", "updated")
            new, old = (dict(new, name=name) if "name" not in new else new), dict(old, name=name)
        write = cluster.may_write_role if what == "role" else cluster.may_write_binding
        found = write(user, request["verb"], new, groups=groups, old=old)
    got = "allow" if found else "error" if found.is_error else "deny"
    # An error is a refusal too.
    assert got == expect or (got, expect) == ("error", "deny"), found


def deciders(policy: mke.rbac.Policy, found: list[Any] | None) -> set[str] | None:
    """The ids of the grants that decided; one that the file does not know is shown in full."""
    if found is None:
        return None
    ids: set[str] = set()
    for decider in found:
        ids.update([decider] if isinstance(decider, str) else policy.grant_ids(decider) or [str(decider)])
    return ids


def checks(found: list[dict[str, Any]] | None) -> set[tuple[str, str, str | None]] | None:
    if found is None:
        return None
    return {(check["operation"], check["collection"], check.get("modifier")) for check in found}


def as_set(found: list[str] | None) -> set[str] | None:
    return None if found is None else set(found)


def held(found: dict[str, list[str]] | None) -> dict[str, set[str]] | None:
    return None if found is None else {operation: set(modifiers) for operation, modifiers in found.items()}
