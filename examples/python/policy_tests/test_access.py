"""Policy tests for a pipeline: the state beside this file is asked what must be and what must never be.

Run it with `pytest`. Where `mke` is installed its plugin brings the fixture `policy`, which loads the state that `pytest.ini` names.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mke.rbac import OPERATIONS, Policy, api, check, create
from mke.testing import assert_allowed, assert_denied, assert_holds, assert_only

HERE = Path(__file__).parent


def test_the_assertions_of_the_security_team(policy: Policy) -> None:
    """A file that people write who know no Python."""
    assert_holds(policy, HERE / "policy-tests.yaml")


@pytest.mark.parametrize(
    ("user", "operation", "collection"),
    [
        ("dina", "Container Create", "/Staging"),
        ("dina", "Service View", "/Production/payments"),
        ("sam", "Service Update", "/Production/payments"),
        ("mike", "Secret View", "/Production/payments"),
    ],
)
def test_everybody_can_work(policy: Policy, user: str, operation: str, collection: str) -> None:
    assert_allowed(policy.decide(user, operation, collection))


@pytest.mark.parametrize(
    ("user", "operation", "collection"),
    [
        ("dina", "Service Update", "/Production"),
        ("sam", "Container Exec", "/Production"),
        ("mike", "Service Update", "/Staging"),
    ],
)
def test_nobody_can_more(policy: Policy, user: str, operation: str, collection: str) -> None:
    assert_denied(policy.decide(user, operation, collection), "missing-operation")


def test_who_deploys_to_production(policy: Policy) -> None:
    assert_only(policy.who_can(check("Service Create", "/Production")), ["ann", "sam"])


def test_auditors_only_look(policy: Policy) -> None:
    """Every operation everywhere, in one call."""
    looking = {"History", "Logs", "Stats", "Tasks", "Top", "View"}
    changing = [operation for operation in OPERATIONS if operation.split()[-1] not in looking]
    # The own private collection is for work.
    places = [place for place in policy.collections if not place.startswith("/Shared/Private")]
    for place in places:
        verdicts = policy.decide_many("mike", changing, place)
        # Everybody may place workloads on the nodes of /Shared.
        allowed = {operation for operation, verdict in zip(changing, verdicts) if verdict}
        assert allowed <= {"Node Schedule"}, place


def test_whole_requests(policy: Policy) -> None:
    """An object with everything that it refers to, and a call of the Engine API with its body."""
    service = create("service", "/Production/payments", uses=["secret/db-password"])
    assert policy.answer("sam", service)["decision"] == "allow"
    assert policy.answer("dina", service)["decision"] == "deny"
    body = {"Image": "alpine", "HostConfig": {"Privileged": True}, "Labels": {"com.docker.ucp.access.label": "/Staging"}}
    answer = policy.answer("dina", api("POST", "/containers/create", body=body))
    assert [missing.get("modifier") for missing in answer["missing"]] == ["Privileged"]


def test_no_way_to_become_root(policy: Policy) -> None:
    """No right of anybody adds up to root on a node, administrators aside."""
    for user in policy.users:
        if user != "ann":
            assert policy.escalation_paths(f"user:{user}").root == 0, user


def test_a_change_before_it_is_made(policy: Policy) -> None:
    """What a new grant would give, and to whom."""
    change = {"grant": {"subject": "team:bank/developers", "role": "deploy", "collection": "/Production"}}
    report = policy.simulate([change])
    assert report.difference["counts"]["users_gaining"] == 1
    with pytest.raises(AssertionError, match="dina"):
        assert_holds(policy.with_changes([change]), HERE / "policy-tests.yaml")
