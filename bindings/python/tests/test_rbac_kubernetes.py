"""Roles and bindings of Kubernetes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mke.errors import InquiryError, ManifestError
from mke.rbac import KubernetesPolicy

MANIFESTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {namespace: blue, name: readers}
rules: [{apiGroups: [""], resources: [pods, pods/log], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: blue, name: jane-reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: readers}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}
- {kind: ServiceAccount, name: runner, namespace: builds}
"""


@pytest.fixture(scope="module")
def cluster() -> KubernetesPolicy:
    return KubernetesPolicy.from_manifests(MANIFESTS)


def test_decisions(cluster: KubernetesPolicy) -> None:
    """Allowed and denied requests, with what decided."""
    allowed = cluster.decide("jane", "get", "pods/log", namespace="blue")
    assert allowed
    assert allowed.reason == "rule"
    assert allowed.message == "RoleBinding blue/jane-reads gives Role blue/readers to User jane (rule 1 of Role blue/readers)"
    assert allowed.evidence is not None
    assert allowed.evidence["binding"]["name"] == "jane-reads"
    assert allowed.request["subresource"] == "log"
    for denied in (
        cluster.decide("jane", "get", "pods", namespace="red"),
        cluster.decide("jane", "get", "pods"),
        cluster.decide("jane", "delete", "pods", namespace="blue"),
        cluster.decide("jane", "get", path="/healthz"),
        cluster.decide("sam", "get", "pods", namespace="blue"),
    ):
        assert not denied
        assert (denied.reason, denied.evidence) == ("no-rule", None)
        assert "cannot" in denied.message
    root = cluster.decide("sam", "delete", "nodes", groups=["system:masters"])
    assert (root.allowed, root.reason) == (True, "masters")
    assert cluster.decide("jane", "get", "pods") == cluster.decide("jane", "get", "pods")


def test_a_batch(cluster: KubernetesPolicy) -> None:
    requests = [
        {"user": user, "verb": verb, "resource": "pods", "namespace": "blue"} for user in ("jane", "sam") for verb in ("get", "delete")
    ]
    assert list(cluster.decide_many(requests)) == [1, 0, 0, 0]
    assert cluster.decide_many(iter([])) == b""
    with pytest.raises(InquiryError, match="colour"):
        cluster.decide_many([{"user": "jane", "verb": "get", "colour": "red"}])


def test_who_can_and_rules(cluster: KubernetesPolicy) -> None:
    found = cluster.who_can("get", "pods", namespace="blue")
    assert [(row["kind"], row["name"]) for row in found] == [("User", "jane"), ("ServiceAccount", "builds:runner")]
    assert len(cluster.who_can("delete", "pods", namespace="blue")) == 0
    [rule] = cluster.rules_for("jane", namespace="blue")
    assert rule["verbs"] == ["get", "list"]
    assert len(cluster.rules_for("jane")) == 0


def test_escalation() -> None:
    """Nobody gives what is not held, nor acts as somebody else without permission."""
    cluster = KubernetesPolicy(
        roles=[
            {"kind": "ClusterRole", "name": "writer", "rules": [
                {"verbs": ["create", "update"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"]},
                {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]},
            ]},
        ],
        bindings=[
            {"kind": "ClusterRoleBinding", "role": {"kind": "ClusterRole", "name": "writer"}, "subjects": [{"kind": "User", "name": "jane"}]},
        ],
    )
    own = {"kind": "ClusterRole", "name": "new", "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}
    more = {"kind": "ClusterRole", "name": "new", "rules": [{"verbs": ["delete"], "apiGroups": [""], "resources": ["pods"]}]}
    assert cluster.may_write_role("jane", "create", own)
    refused = cluster.may_write_role("jane", "create", more)
    assert not refused
    assert not refused.is_error
    assert "delete" in str(refused)
    assert cluster.may_write_role("ann", "create", more, groups=["system:masters"])
    binding = {"kind": "ClusterRoleBinding", "name": "b", "role": {"kind": "ClusterRole", "name": "gone"}}
    assert cluster.may_write_binding("ann", "create", binding).is_error
    assert not cluster.may_impersonate("jane", {"user": "ann"})
    acting = cluster.may_impersonate("ann", {"user": "jane"}, groups=["system:masters"])
    assert acting.identity is not None and acting.identity["user"] == "jane"
    assert cluster.may_impersonate("ann", {"groups": ["g"]}, groups=["system:masters"]).is_error
    with pytest.raises(InquiryError):
        cluster.may_write_role("jane", "invent", own)


def test_changes_make_another_policy(cluster: KubernetesPolicy) -> None:
    key = {"kind": "RoleBinding", "namespace": "blue", "name": "jane-reads"}
    after = cluster.with_changes([{"remove_binding": key}])
    assert not after.allows("jane", "get", "pods", namespace="blue")
    assert cluster.allows("jane", "get", "pods", namespace="blue")


def test_manifests(tmp_path: Path, cluster: KubernetesPolicy) -> None:
    import json

    again = KubernetesPolicy.from_manifests(json.dumps(cluster.to_manifests()))
    assert list(again.bindings) == list(cluster.bindings)
    path = tmp_path / "roles.yaml"
    path.write_text(MANIFESTS, encoding="utf-8")
    assert repr(KubernetesPolicy.from_file(path)) == "<KubernetesPolicy: 1 roles, 1 bindings>"
    with pytest.raises(ManifestError) as caught:
        KubernetesPolicy.from_manifests("{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {}, rules: 7}")
    assert caught.value.problems
    assert len(KubernetesPolicy.bootstrap().roles) > 40
