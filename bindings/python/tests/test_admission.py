"""Reviews of Kubernetes objects."""

from __future__ import annotations

from typing import Any

import pytest

from mke.admission import Cluster, plugins
from mke.errors import (
    AdmissionClusterError,
    AdmissionManifestsError,
    AdmissionSettingsError,
    InquiryError,
    UnreadableObjectError,
)
from mke.rbac import Policy

POLICY = """
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: 00-readonly}
spec:
  readOnlyRootFilesystem: true
  runAsUser: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
  seLinux: {rule: RunAsAny}
  volumes: ['*']
"""
USE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: use-readonly}
rules: [{apiGroups: [policy], resources: [podsecuritypolicies], verbs: [use], resourceNames: [00-readonly]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: use-readonly}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: use-readonly}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane-id}]
"""


def pod(**more: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "nginx", **more.pop("container", {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [container], **more}}


@pytest.mark.parametrize(
    ("object", "who", "allowed"),
    [
        (pod(), {"user": "jane-id"}, True),
        (pod(hostNetwork=True), {"user": "jane-id"}, False),
        (pod(hostPID=True), {"user": "jane-id"}, False),
        (pod(container={"securityContext": {"privileged": True}}), {"user": "jane-id"}, False),
        (pod(container={"securityContext": {"privileged": True}}), {"user": "root", "groups": ["system:masters"]}, True),
        (pod(), {"user": "jane-id", "namespace": "absent"}, False),
    ],
)
def test_reviews(object: dict[str, Any], who: dict[str, Any], allowed: bool) -> None:
    """What a pod asks for decides, and who asks; every refusal says why."""
    review = Cluster().review(object, **who)
    assert (review.allowed, bool(review)) == (allowed, allowed)
    assert (review.code == 200) is allowed
    assert (review.reason == "admitted") is allowed
    assert (len(review.refusals) == 0) is allowed
    assert (review.object is not None) is allowed
    assert bool(review.message) is not allowed
    assert review == Cluster().review(object, **who)
    assert review.to_dict()["decision"] == ("allowed" if allowed else "denied")


def test_what_becomes_of_an_object() -> None:
    sent = pod()
    review = Cluster().review(sent, user="jane-id")
    assert review.object is not None
    assert review.object["spec"]["serviceAccountName"] == "default"
    assert review.patch, "defaults are filled in"
    assert "annotations" not in sent["metadata"], "what was sent stays as it was"
    assert review.notes.columns == ("plugin", "text")


def test_a_policy_is_selected() -> None:
    """The first policy by name that the requester may use and that allows the pod as it is."""
    readonly = pod(container={"securityContext": {"readOnlyRootFilesystem": True}})
    before = Cluster(f"{POLICY}")
    cluster = Cluster(f"{POLICY}---{USE}")
    assert cluster.policies == ["00-readonly", "privileged", "unprivileged"]
    assert before.review(readonly, user="jane-id").pod_security_policy == "privileged", "nobody may use it"
    assert cluster.review(readonly, user="sam-id").pod_security_policy == "privileged", "somebody else may use it"
    assert cluster.review(pod(), user="jane-id").pod_security_policy == "privileged", "it does not allow the pod as it is"
    assert cluster.review(readonly, user="jane-id").pod_security_policy == "00-readonly"


def test_updates_and_deletions() -> None:
    cluster = Cluster()
    old = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    assert cluster.review(old, user="jane-id", operation="update", old=old)
    deleted = cluster.review(old, user="jane-id", operation="delete")
    assert deleted.object is None
    assert deleted.patch == []
    with pytest.raises(InquiryError, match="operation"):
        cluster.review(old, user="jane-id", operation="repair")


def test_settings_and_accounts() -> None:
    policy = Policy(users={"jane": {}, "root": {"admin": True}})
    settings = {
        "priv_attributes_user_accounts": ["jane"],
        "priv_attributes_allowed_for_user_accounts": ["hostNetwork"],
    }
    identity = policy.kubernetes_identity("jane")
    assert identity is not None
    trusting = Cluster(policy=policy, settings=settings)
    strict = Cluster(policy=policy)
    refused = {refusal["plugin"] for refusal in strict.review(pod(hostNetwork=True), **identity).refusals}
    still = {refusal["plugin"] for refusal in trusting.review(pod(hostNetwork=True), **identity).refusals}
    assert refused - still, "the exception lifts a refusal"
    with pytest.raises(AdmissionSettingsError) as caught:
        Cluster(policy=policy, settings={**settings, "priv_attributes_user_accounts": ["root", "nobody"]})
    assert len(caught.value.problems) == 2
    with pytest.raises(InquiryError, match="colour"):
        Cluster(settings={"colour": "red"})


def test_what_cannot_be_read() -> None:
    with pytest.raises(AdmissionManifestsError) as manifests:
        Cluster("{apiVersion: v1, kind: Namespace, metadata: {}}")
    assert manifests.value.kind == "Unnamed"
    with pytest.raises(AdmissionClusterError) as cluster:
        Cluster("{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: p}, spec: {privileged: 7}}")
    assert cluster.value.problems
    with pytest.raises(UnreadableObjectError) as unreadable:
        Cluster().review({"kind": "Pod"}, user="jane-id")
    assert unreadable.value.path
    assert Cluster(defaults=False).policies == []


def test_plugins() -> None:
    names = plugins().column("name")
    assert len(names) == len(set(names)) == 15
    assert any(plugins().column("custom"))
    assert all(plugins().column("about"))
