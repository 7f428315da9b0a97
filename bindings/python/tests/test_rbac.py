"""Policies of collections: decisions, batches, reports."""

from __future__ import annotations

import array
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import mke
from mke.errors import InquiryError, InvalidValueError, MkeError, ProofError, RoleError, StateError
from mke.rbac import MODIFIERS, OPERATIONS, AuditLog, Policy, check, verify


@pytest.fixture(scope="module")
def bank() -> Policy:
    return Policy(
        users={"ann": {"admin": True}, "dina": {}, "sam": {}, "old": {"active": False}},
        orgs={"bank": {"members": ["dina"], "teams": {"ops": ["sam"]}}},
        collections=["/Prod", "/Prod/web", "/Test"],
        roles={"readers": {"Service": {"Service View": []}}},
        grants=[
            ("user:dina", "viewonly", "/Shared"),
            ("team:bank/ops", "restrictedcontrol", "/Prod"),
            {"id": "root", "subject": "user:sam", "role": "fullcontrol", "collection": "/Test"},
        ],
        resources=[{"type": "service", "name": "web", "collection": "/Prod/web"}],
    )


@pytest.mark.parametrize(
    ("subject", "operation", "collection", "modifiers", "allowed", "reason"),
    [
        ("dina", "Service View", "/Shared", (), True, "granted"),
        ("dina", "Service View", "/Shared/Private", (), True, "granted"),
        ("dina", "Service Create", "/Shared", (), False, "missing-operation"),
        ("dina", "Service View", "/Prod", (), False, "missing-operation"),
        ("sam", "Container Create", "/Prod/web", (), True, "granted"),
        ("sam", "Container Create", "/Prod/web", ("Privileged",), False, "missing-operation"),
        ("sam", "Container Create", "/Test", ("Privileged", "PID Mode"), True, "granted"),
        ("ann", "Container Create", "/", ("Privileged",), True, "administrator"),
        ("old", "Service View", "/Shared", (), False, "inactive"),
        (None, "Service View", "/Shared", (), False, "unauthenticated"),
    ],
)
def test_decisions(
    bank: Policy,
    subject: str | None,
    operation: str,
    collection: str,
    modifiers: tuple[str, ...],
    allowed: bool,
    reason: str,
) -> None:
    """One decision says the same in every way in which it can be asked."""
    decision = bank.decide(subject, operation, collection, *modifiers)
    assert (decision.allowed, bool(decision), decision.reason) == (allowed, allowed, reason)
    assert bank.allows(subject, operation, collection, *modifiers) is allowed
    assert list(bank.decide_many(subject, operation, collection, *modifiers)) == [allowed]
    answer = bank.answer(subject, check(operation, collection, *modifiers))
    assert answer["decision"] == ("allow" if allowed else "deny")
    assert (decision.subject, decision.operation, decision.collection) == (subject, operation, collection)
    assert set(decision.modifiers) == set(modifiers)
    assert bool(decision.grants) == (reason == "granted")
    assert bool(decision.missing) == (reason == "missing-operation")
    if not allowed:
        assert decision.message == answer["message"]
    assert decision.message in str(decision)


def test_a_decision_names_its_grants(bank: Policy) -> None:
    decision = bank.decide("sam", "Container Create", "/Prod/web")
    [grant] = decision.grants
    assert grant == {
        "subject": "team:bank/ops",
        "role": "restrictedcontrol",
        "role_name": "Restricted Control",
        "collection": "/Prod",
    }
    assert bank.grant_ids(grant) == ["grant-1"]
    missing = bank.decide("sam", "Container Create", "/Prod", "Privileged").missing
    assert missing == ({"operation": "Container Create", "collection": "/Prod", "modifier": "Privileged"},)


def test_decisions_compare_by_question(bank: Policy) -> None:
    one, same = (bank.decide("sam", "Service View", "/Prod") for _ in range(2))
    other = bank.decide("sam", "Service View", "/Test")
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "a decision"
    assert repr(one) == "<Decision allowed: sam: Service View in /Prod>"


@pytest.mark.parametrize(
    ("question", "what", "name"),
    [
        (("nobody", "Service View", "/Prod"), "user", "nobody"),
        (("sam", "Service Look", "/Prod"), "operation", "Service Look"),
        (("sam", "Service View", "/prod"), "collection", "/prod"),
        (("sam", "Service View", "/Prod", "privileged"), "modifier", "privileged"),
    ],
)
def test_a_misspelt_name_is_no_denial(bank: Policy, question: tuple[str, ...], what: str, name: str) -> None:
    """What stands for nothing is an error wherever it is asked, so that a test cannot pass by a typing mistake."""
    for ask in (bank.decide, bank.allows, bank.decide_many):
        with pytest.raises(InquiryError, match=name) as caught:
            ask(*question)
        assert (caught.value.kind, caught.value.what, caught.value.name) == ("Unknown", what, name)
        assert isinstance(caught.value, ValueError)


def test_arguments_of_other_types_are_refused(bank: Policy) -> None:
    questions: list[Any] = [(1, "Service View", "/Prod"), ("sam", 2, "/Prod"), ("sam", "Service View", b"/Prod")]
    for question in questions:
        with pytest.raises(InvalidValueError, match="must be a name"):
            bank.decide(*question)


def everything(policy: Policy) -> tuple[list[str | None], list[str], list[str]]:
    questions = [
        (user, operation, collection)
        for user in (*policy.users, None)
        for operation in OPERATIONS
        for collection in policy.collections
    ]
    subjects, operations, collections = map(list, zip(*questions))
    return subjects, operations, collections


def test_a_batch_decides_as_single_questions(bank: Policy) -> None:
    """Names, positions in lists and positions in arrays of every width: the same verdicts."""
    subjects, operations, collections = everything(bank)
    expected = [bank.allows(*question) for question in zip(subjects, operations, collections)]
    assert 0 < sum(expected) < len(expected)
    encoded = bank.encode(subjects, operations, collections)
    lists = tuple(column.tolist() for column in encoded)
    ways: list[Any] = [(subjects, operations, collections), encoded, lists]
    ways += [tuple(array.array(code, column) for column in encoded) for code in "bhilq"]
    ways.append((encoded[0], bytes(encoded[1].tolist()), memoryview(array.array("L", encoded[2]))))
    for way in ways:
        verdicts = bank.decide_many(*way)
        assert isinstance(verdicts, bytes)
        assert list(map(bool, verdicts)) == expected
    for threads in (1, 2, 7, 10_000):
        assert list(map(bool, bank.decide_many(*encoded, threads=threads))) == expected


def test_a_batch_of_numpy(bank: Policy) -> None:
    numpy = pytest.importorskip("numpy")
    subjects, operations, collections = everything(bank)
    encoded = [numpy.array(column) for column in bank.encode(subjects, operations, collections)]
    expected = bank.decide_many(subjects, operations, collections)
    assert bank.decide_many(*encoded) == expected
    # Every second one, which does not lie in one piece of memory.
    halves = [column[::2] for column in encoded]
    assert bank.decide_many(*halves) == expected[::2]
    assert numpy.frombuffer(expected, bool).sum() == sum(expected)
    for wrong in (encoded[0].astype(float), encoded[0].reshape(1, -1), encoded[0].astype(">i4")):
        with pytest.raises(InvalidValueError, match="whole numbers"):
            bank.decide_many(wrong, "Service View", "/Prod")


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        (([4], "Service View", "/Prod"), r"subjects\[0\] is 4, positions go from 0 to 3"),
        (([0, -2], "Service View", "/Prod"), r"subjects\[1\] is -2"),
        (("sam", [-1], "/Prod"), r"operations\[0\] is -1"),
        (("sam", [len(OPERATIONS)], "/Prod"), r"operations\[0\] is"),
        (("sam", "Service View", [-1]), r"collections\[0\] is -1"),
        ((array.array("Q", [2**64 - 1]), "Service View", "/Prod"), r"subjects\[0\] is"),
        (([0, 1], ["Service View"], "/Prod"), "equally long, found 2 and 1"),
        (([1.5], "Service View", "/Prod"), "must hold names"),
    ],
)
def test_positions_that_stand_for_nothing(bank: Policy, columns: Any, problem: str) -> None:
    with pytest.raises(InvalidValueError, match=problem):
        bank.decide_many(*columns)


def test_an_empty_batch(bank: Policy) -> None:
    assert bank.decide_many([], "Service View", "/Prod") == b""
    assert bank.decide_many([], [], []) == b""


def test_a_second_thread_works_during_a_batch(bank: Policy) -> None:
    """The interpreter is free while a batch is decided: a thread that counts in Python gets on during one call.

    No thread is made to hand the interpreter over by itself, so that counting goes on only while the call has let it go.
    """
    count = 0
    stop = threading.Event()

    def counting() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            time.sleep(0)

    encoded = bank.encode(*everything(bank))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    thread = threading.Thread(target=counting)
    thread.start()
    try:
        # A processor must be free for the other thread at some time during the call, so the calls become longer.
        for size in (10**5, 10**6, 10**7):
            times = size // len(encoded[0]) + 1
            columns: Any = [array.array("i", column.tobytes() * times) for column in encoded]
            before = count
            bank.decide_many(*columns, threads=1)
            if count > before:
                return
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()
    pytest.fail("the other thread did not get on during ten million decisions")


def test_explanations_carry_proofs(bank: Policy) -> None:
    """Every explanation of a check is borne out by the facts, by a checker of its own, and by no others."""
    facts = bank.facts()
    others = bank.with_changes([{"revoke": {"subject": "user:dina", "role": "viewonly", "collection": "/Shared"}}]).facts()
    for user, allowed in (("dina", True), ("sam", False), (None, False), ("ann", True)):
        why = bank.explain(user, check("Secret View", "/Shared"))
        assert (why.decision == "allow") is allowed
        assert verify(why.proof, facts) is allowed
        assert bank.decide(user, "Secret View", "/Shared").explain() == why
    proof = bank.explain("dina", check("Secret View", "/Shared")).proof
    with pytest.raises(ProofError):
        verify(proof, others)
    with pytest.raises(InvalidValueError):
        verify(proof, {"users": {}})


def test_an_explanation_says_what_would_help(bank: Policy) -> None:
    why = bank.explain("dina", check("Service Create", "/Prod"))
    [help] = why.allowed_by
    assert help["subject"] == "user:dina"
    assert help["collection"] == "/Prod"
    after = bank.with_changes([{"grant": {key: help[key] for key in ("subject", "role", "collection")}}])
    assert after.allows("dina", "Service Create", "/Prod")
    assert not bank.allows("dina", "Service Create", "/Prod"), "the policy that was changed stays as it was"


def test_who_can(bank: Policy) -> None:
    report = bank.who_can(check("Service Create", "/Prod"))
    assert report.users.column("name") == ["ann", "sam"]
    assert report.users[0]["through"] == ["admin"]
    assert not report.anonymous
    assert report.subjects.column("name") == ["team:bank/ops"]
    assert json.loads(json.dumps(report.to_dict()))["what"] == report.what
    assert "sam" in str(report)
    with pytest.raises(InquiryError, match="neither allowed nor denied"):
        bank.who_can(mke.rbac.visible_collections())


def test_access(bank: Policy) -> None:
    report = bank.access("/Prod", operations=["Service View"])
    assert report.rows.column("subject") == ["user:ann", "user:sam"]
    assert [row["subject"] for row in report.matrix()] == ["user:ann", "user:sam"]
    assert report.svg.startswith("<svg")
    assert report._repr_html_() == report.svg
    teams = bank.access("/Prod", rows="teams").rows.column("subject")
    assert "team:bank/ops" in teams
    with pytest.raises(InquiryError):
        bank.access("/Prod", rows="crowds")
    with pytest.raises(InquiryError, match="no collection"):
        bank.access("/Nowhere")


def test_rights(bank: Policy) -> None:
    places = {place["collection"]: place.get("like") for place in bank.rights("sam")["rights"]}
    assert places["/Prod"] == "Restricted Control"
    assert places["/Test"] == "Full Control"


def test_what_if_and_difference(bank: Policy) -> None:
    changes = [
        {"add-member": {"user": "dina", "to": "team:bank/ops"}},
        {"revoke": {"subject": "user:sam", "role": "fullcontrol", "collection": "/Test"}},
    ]
    report = bank.simulate(changes)
    assert report.changes == ["add dina to team:bank/ops", "revoke fullcontrol for user:sam on /Test"]
    counts = report.difference["counts"]
    assert (counts["users_gaining"], counts["users_losing"]) == (1, 1)
    as_text = bank.simulate(json.dumps(changes))
    assert as_text == report
    difference = bank.diff(bank.with_changes(changes))
    assert difference.counts == counts
    back = bank.with_changes(changes).diff(bank)
    assert (back.counts["gained"], back.counts["lost"]) == (counts["lost"], counts["gained"])
    with pytest.raises(InquiryError, match=r"changes\[0\]"):
        bank.simulate([{"revoke": {"subject": "user:dina", "role": "fullcontrol", "collection": "/Test"}}])
    with pytest.raises(InquiryError):
        bank.with_changes([{"promote": "dina"}])
    with pytest.raises(TypeError):
        bank.diff("another")  # type: ignore[arg-type]


def test_escalation_paths(bank: Policy) -> None:
    report = bank.escalation_paths()
    assert report.root > 0
    assert any("user:sam" in entry["who"] for entry in report.entries)
    dina = bank.escalation_paths("user:dina")
    assert (dina.root, list(dina.entries)) == (0, [])
    with pytest.raises(InquiryError):
        bank.escalation_paths("user:nobody")


def test_logs(tmp_path: Path, bank: Policy) -> None:
    record = {
        "audit": {
            "timestamp": "2026-11-01T10:00:00Z",
            "level": "Metadata",
            "auditID": "1",
            "stage": "ResponseComplete",
            "user": {"uid": "u-sam", "username": "sam"},
            "verb": "GET",
            "requestURI": "/services/web",
            "responseStatus": {"code": 200},
        }
    }
    event = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Event",
        "level": "Metadata",
        "auditID": "2",
        "stage": "ResponseComplete",
        "verb": "get",
        "user": {"username": "u-sam", "groups": ["system:authenticated"]},
        "objectRef": {"resource": "pods", "namespace": "blue", "name": "web"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "2026-11-01T10:00:00Z",
    }
    lines = [json.dumps(record), json.dumps(event), "no record"]
    log = AuditLog(lines)
    path = tmp_path / "audit.log"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert AuditLog.from_file(path).coverage == log.coverage == AuditLog("\n".join(lines)).coverage
    assert log.coverage["lines"] == 3
    assert len(log) == len(log.entries)
    assert any("kubernetes" in entry for entry in log.entries)
    replayed = bank.replay(log)
    assert replayed.denied_now == 1
    assert "pods" in replayed.flips[0]["request"]
    unused = bank.unused(log)
    assert unused.grants == 4
    assert unused.idle_grants > 0
    with pytest.raises(OSError):
        AuditLog.from_file(tmp_path / "absent.log")


def test_assertions(bank: Policy) -> None:
    report = bank.test(
        [
            {"name": "no privileges", "must-never": "team:bank/ops", "do": "Container Create", "with": "Privileged", "in": "/Prod"},
            {"must": "user:dina", "do": "Service Create", "in": "/Prod"},
            {"must": "user:nobody", "do": "Service View", "in": "/Prod"},
        ]
    )
    assert (report.passed, report.failed, report.errors) == (1, 1, 1)
    assert not report
    assert report.tests.column("outcome") == ["passed", "failed", "error"]
    assert report.junit().startswith("<?xml")
    text = "format: policy-tests/1\ntests: [{must-never: 'user:dina', do: Service Create, in: /Prod}]"
    assert bank.test(text)
    with pytest.raises(InquiryError):
        bank.test("format: policy-tests/2\ntests: []")
    with pytest.raises(InquiryError):
        bank.test([])


def test_questions_of_every_form(bank: Policy) -> None:
    """Helpers give what the library understands."""
    rbac = mke.rbac
    assert bank.answer("sam", rbac.create("service", "/Prod"))["collection"] == "/Prod"
    assert bank.answer("dina", rbac.create("service", "/Prod"))["decision"] == "deny"
    assert bank.answer("sam", rbac.update("service/web", label="/Test"))["decision"] == "allow"
    assert bank.answer("sam", rbac.listing("service"))["visible"] == ["web"]
    assert "/Prod/web" in bank.answer("sam", rbac.visible_collections())["visible"]
    assert bank.answer("sam", rbac.schedule("/Prod"))["decision"] in ("allow", "deny")
    assert "Service View" in bank.answer("sam", rbac.effective("/Prod"))["operations"]
    created = rbac.api("POST", "/v1.41/services/create", body={"Name": "x", "TaskTemplate": {"ContainerSpec": {"Image": "a"}}})
    assert bank.answer("sam", created)["decision"] in ("allow", "deny")
    assert bank.answer("sam", rbac.api("GET", "/nowhere"))["error"] == "no-such-endpoint"
    assert bank.answer(None, rbac.kubernetes("get", "pods", account="sam"))["decision"] == "deny"
    assert bank.answer("nobody", check("Service View", "/Prod"))["error"] == "unknown-user"
    with pytest.raises(InquiryError, match="colour"):
        bank.answer("sam", dict(check("Service View", "/Prod"), colour="red"))


def test_kubernetes_of_a_state() -> None:
    policy = Policy(
        users=["dina", "sam"],
        orgs={"bank": {"teams": {"ops": ["sam"]}}},
        k8s={
            "roles": [{"kind": "ClusterRole", "name": "view", "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}],
            "bindings": [
                {
                    "kind": "RoleBinding",
                    "name": "ops",
                    "namespace": "blue",
                    "role": {"kind": "ClusterRole", "name": "view"},
                    "subjects": [{"kind": "Group", "name": "team:o-bank:t-bank/ops"}],
                }
            ],
        },
    )
    sam, dina = (policy.kubernetes_identity(name) for name in ("sam", "dina"))
    assert sam is not None and dina is not None
    cluster = policy.kubernetes
    assert cluster.allows(sam["user"], "get", "pods", namespace="blue", groups=sam["groups"])
    assert not cluster.allows(dina["user"], "get", "pods", namespace="blue", groups=dina["groups"])
    assert policy.kubernetes_identity(None) == {"user": "system:anonymous", "groups": ["system:unauthenticated"]}
    assert policy.access(namespace="blue").rows.column("subject")


def test_states(tmp_path: Path) -> None:
    text = "format: rbac-scenarios/1\nworlds: {one: {users: {a: {}}}, two: {}}"
    assert Policy.worlds(text) == ["one", "two"]
    assert Policy.from_state(text, "one").users == ("a",)
    path = tmp_path / "state.yaml"
    path.write_text(text, encoding="utf-8")
    assert Policy.from_file(path, "two").users == ()
    with pytest.raises(StateError) as caught:
        Policy.from_state(text)
    assert (caught.value.kind, caught.value.known) == ("NoSuchWorld", ["one", "two"])
    with pytest.raises(StateError) as caught:
        Policy(users=["a"], grants=[("user:b", "viewonly", "/Nowhere"), ("user:a", "none", "/Shard")])
    assert caught.value.kind == "Problems"
    assert len(caught.value.problems) == 3
    with pytest.raises(StateError, match="line"):
        Policy.from_state("format: [")
    with pytest.raises(InquiryError, match="colour"):
        Policy(users={"a": {"colour": "red"}})
    with pytest.raises(OSError):
        Policy.from_file(tmp_path / "absent.yaml")


def test_policies_are_shown(bank: Policy) -> None:
    assert repr(bank) == "<Policy: 4 users, 12 collections, 7 grants>"
    assert bank.users == ("ann", "dina", "old", "sam")
    assert bank.collections[0] == "/"
    assert bank.roles.column("name")[-1] == "readers"
    assert {"subject": "user:dina", "role": "viewonly", "role_name": "View Only", "collection": "/Shared"} in list(bank.grants)
    assert bank.warnings == []


def test_html_is_escaped() -> None:
    policy = Policy(users=["<b>"], collections=["/<i>"], grants=[("user:<b>", "viewonly", "/<i>")])
    decision = policy.decide("<b>", "Service View", "/<i>")
    for shown in (decision, policy, policy.explain("<b>", check("Service View", "/<i>")), policy.access("/<i>")):
        html = shown._repr_html_()
        assert "<b>:" not in html and "/<i>" not in html
        assert "&lt;b&gt;" in html


def test_roles() -> None:
    body = {"Container": {"Container Create": ["Privileged"]}}
    assert mke.rbac.check_role("mine", body) == body
    with pytest.raises(RoleError) as caught:
        mke.rbac.check_role("mine", {"Container": {"Container Make": []}, "Ship": {}})
    assert (caught.value.kind, len(caught.value.problems)) == ("Body", 2)
    with pytest.raises(RoleError) as caught:
        mke.rbac.check_role("", {})
    assert caught.value.kind == "Name"
    assert len(mke.rbac.builtin_roles()) == 5


def test_words() -> None:
    assert len(OPERATIONS) == len(set(OPERATIONS)) == 62
    assert "Privileged" in MODIFIERS


def test_reports_have_no_other_fields(bank: Policy) -> None:
    report = bank.who_can(check("Service View", "/Prod"))
    with pytest.raises(AttributeError):
        report.colour  # noqa: B018
    assert {"users", "anonymous"} <= set(dir(report))
    assert report == bank.who_can(check("Service View", "/Prod"))
    assert hash(report) == hash(bank.who_can(check("Service View", "/Prod")))
    assert report != bank.who_can(check("Service View", "/Test"))


def test_every_error_is_one_of_mke(bank: Policy) -> None:
    with pytest.raises(MkeError):
        bank.decide("nobody", "Service View", "/Prod")
