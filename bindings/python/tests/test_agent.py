"""`mke.agent`: what a node shall run, the way there, and what speaks against it."""

from __future__ import annotations

import json

import pytest

from mke import agent
from mke.agent import Cluster, Desired, Node, Plan
from mke.agent_types import ClusterState, Observed
from mke.config import Config
from mke.errors import InvalidValueError, NodeFactsError, UpgradeRefusedError, InvalidVersionError

MANAGERS = [Node(f"n{number}", f"manager-{number}", "manager", f"192.0.2.{number}") for number in (1, 2, 3)]
WORKER = Node("w1", "worker-1", "worker", "192.0.2.21", orchestrator="kubernetes")
CLUSTER = Cluster("c1", managers=MANAGERS, version="3.8.2")
HEALTHY: ClusterState = {
    "managers": [{"id": node.id, "store": "healthy", "healthy": True} for node in MANAGERS],
    "turn": None,
}


def observed_of(desired: Desired) -> Observed:
    """A node on which everything that is wanted runs, as far as a plan looks at it."""
    ours = {"com.docker.ucp.InstanceID": desired.cluster_id}
    return {
        "networks": {row["name"]: {"driver": row["driver"], "labels": ours} for row in desired.networks},
        "volumes": {row["name"]: {"driver": "local", "labels": ours, "files": {}} for row in desired.volumes},
        "images": sorted({row["image"] for row in desired.containers}),
    }


def test_a_node_runs_what_its_role_and_its_system_ask_for() -> None:
    manager, worker = agent.desired(CLUSTER, MANAGERS[0]), agent.desired(CLUSTER, WORKER)
    assert "ucp-kv" in manager and "ucp-kv" not in worker
    assert {row["name"] for row in worker.containers} & {row["name"] for row in agent.components(role="worker")}
    assert all(row["image"].endswith(":3.8.2") for row in manager.containers)
    windows = Node("w2", "windows-1", "worker", "192.0.2.22", os="windows")
    assert agent.desired(CLUSTER, windows) != worker
    swarm_only = Cluster("c1", managers=MANAGERS, config=Config("[cluster_config]\nswarm_only = true\n"))
    assert not agent.desired(swarm_only, WORKER).pods
    assert Desired.from_dict(json.loads(json.dumps(manager.to_dict()))) == manager


def test_orchestrators_are_labels_of_the_node() -> None:
    assert WORKER.labels == {
        "com.docker.ucp.orchestrator.swarm": "false",
        "com.docker.ucp.orchestrator.kubernetes": "true",
    }
    assert WORKER.orchestrator == "kubernetes" and MANAGERS[0].orchestrator == "none"
    assert Node.from_dict(WORKER.to_dict()) == WORKER


def test_a_plan_has_steps_with_reasons_and_can_be_kept() -> None:
    desired = agent.desired(CLUSTER, MANAGERS[0])
    plan = agent.plan(desired, state=HEALTHY)
    assert plan and len(plan) == len(plan.steps) and plan.purpose == "converge"
    assert all(step.reason and str(step).endswith(step.reason) for step in plan.steps)
    assert {"create-network", "create-volume", "pull"} <= {step.kind for step in plan.steps}
    assert all(need < place for place, step in enumerate(plan.steps) for need in step.needs)
    kept = Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert kept == plan and str(kept) == str(plan)
    assert agent.check(plan, desired, state=HEALTHY) == []


def test_what_is_there_needs_no_step() -> None:
    desired = agent.desired(CLUSTER, WORKER)
    empty, half = agent.plan(desired, state=HEALTHY), agent.plan(desired, observed_of(desired), state=HEALTHY)
    assert {"create-network", "create-volume", "pull"} & {step.kind for step in empty.steps}
    assert not {"create-network", "create-volume", "pull"} & {step.kind for step in half.steps}


def test_checks_are_made_by_others_than_plans() -> None:
    desired = agent.desired(CLUSTER, MANAGERS[0])
    data = agent.plan(desired, state=HEALTHY).to_dict()
    data["steps"].append({"action": {"remove-volume": {"name": "ucp-kv"}}, "reason": "somebody likes it so"})
    (refusal,) = agent.check(Plan.from_dict(data), desired, state=HEALTHY)
    assert refusal.step == len(data["steps"]) - 1 and refusal.why in str(refusal)
    other = agent.desired(Cluster("c2", managers=MANAGERS), MANAGERS[0])
    assert agent.check(agent.plan(desired, state=HEALTHY), other, state=HEALTHY)[0].step is None


def test_a_preview_says_all_of_it() -> None:
    preview = agent.preview(CLUSTER, WORKER, state=HEALTHY)
    assert not preview.is_settled and preview.refusals == [] and preview.unseen == []
    assert preview.plan == agent.plan(agent.desired(CLUSTER, WORKER), state=HEALTHY)
    assert str(preview).startswith("node worker-1 (w1), worker, version 3.8.2\n")
    paused = Node("w1", "worker-1", "worker", "192.0.2.21", labels={"com.docker.ucp.agent-pause": "true"})
    (blocked,) = agent.preview(CLUSTER, paused, state=HEALTHY).plan.blocked
    assert "agent-pause" in blocked["why"]


def test_a_preview_of_a_manager_says_what_is_done_in_kubernetes() -> None:
    assert agent.preview(CLUSTER, WORKER, state=HEALTHY).addons is None
    swarm_only = Cluster("c1", managers=MANAGERS, config=Config("[cluster_config]\nswarm_only = true\n"))
    assert agent.preview(swarm_only, MANAGERS[0], state=HEALTHY).addons is None
    fresh = agent.preview(CLUSTER, MANAGERS[0], state=HEALTHY)
    addons = fresh.addons
    assert addons is not None and not addons["looked"] and addons["refusals"] == []
    assert any(image.endswith("/ucp-calico-node:3.8.2") for image in addons["missing_images"])
    manifests = [step["change"]["create"]["object"] for step in addons["plan"]["steps"]]
    assert "create DaemonSet kube-system/calico-node: it is missing" in str(fresh)
    msr = {"name": "registry", "role": "worker", "orchestrator": "mixed", "msr": True}
    there = {"kind": "List", "items": [*manifests, {"kind": "Node", "metadata": {"name": "registry"}}]}
    again = agent.preview(CLUSTER, MANAGERS[0], state=HEALTHY, nodes=[*MANAGERS, WORKER, msr], objects=there)
    assert again.addons is not None and again.addons["looked"]
    (step,) = again.addons["plan"]["steps"]
    assert step["change"]["taint"] == {"node": "registry", "taint": {"key": "com.docker.ucp.manager", "effect": "NoSchedule"}}
    with pytest.raises(InvalidValueError):
        agent.preview(CLUSTER, MANAGERS[0], objects={"kind": "Pod"})


def test_an_uninstallation_takes_away_what_is_ours() -> None:
    desired = agent.desired(CLUSTER, WORKER)
    plan = agent.plan(desired, observed_of(desired), state=HEALTHY, purpose="uninstall")
    assert {step.kind for step in plan.steps} == {"remove-volume", "remove-network"}
    assert not agent.plan(desired, state=HEALTHY, purpose="uninstall")


def test_what_is_said_wrongly_is_refused() -> None:
    with pytest.raises(NodeFactsError) as raised:
        Node("n 1", "windows;1", "manager", "0.0.0.0", os="windows")
    assert len(raised.value.problems) == 4
    for role, os in [("master", "linux"), ("worker", "plan9")]:
        with pytest.raises(InvalidValueError):
            Node("n1", "node-1", role, "192.0.2.1", os=os)
    with pytest.raises(ValueError):
        Node("n1", "node-1", "worker", "nowhere")
    with pytest.raises(InvalidValueError):
        Node("n1", "node-1", "worker", "192.0.2.1", orchestrator="nomad")
    with pytest.raises(InvalidValueError):
        Cluster("c1", managers=[WORKER])
    with pytest.raises(InvalidValueError):
        Cluster("c1", managers=MANAGERS, store_members=["n9"])
    with pytest.raises(InvalidVersionError):
        Cluster("c1", managers=MANAGERS, version="latest")
    with pytest.raises(InvalidValueError, match="container"):
        agent.plan(agent.desired(CLUSTER, WORKER), {"container": {}})  # type: ignore[arg-type]  # pyright: ignore


def test_the_tables_of_the_product() -> None:
    names = agent.components().column("name")
    assert len(set(names)) == len(names)
    workers, all_volumes = agent.volumes(role="worker"), agent.volumes()
    assert len(workers) < len(all_volumes)
    assert 6443 in agent.ports().column("number") and 6443 not in agent.ports(swarm_only=True).column("number")
    assert set(agent.images(swarm_only=True)) < set(agent.images())
    assert agent.images(windows=True) and agent.pods()
    assert len(agent.components(version="3.8.2", swarm_only=True)) < len(names)
    with pytest.raises(InvalidVersionError):
        agent.components(version="3")


def test_paths_between_versions() -> None:
    """Upgrades that skip a version are refused with what is possible."""
    agent.check_upgrade("3.7.5", "3.8.2")
    with pytest.raises(UpgradeRefusedError) as raised:
        agent.check_upgrade("3.6.0", "3.8.2")
    assert raised.value.why and raised.value.allowed == agent.allowed_upgrades("3.6.0")
    assert agent.kernel_advice("3.4.2", (4, 10)) and agent.kernel_advice("3.8.2", (6, 1)) is None
    assert agent.availability(5)["tolerated"] == 2
