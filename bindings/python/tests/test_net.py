"""`mke.net`: plans and checks of the library, from Python; nothing of this machine is changed."""

from __future__ import annotations

import ipaddress
import json
import pathlib
import socket

import pytest

import mke
from mke.errors import (
    AutodetectionError,
    BalancerError,
    DaemonFileError,
    HostError,
    InvalidValueError,
    KernelError,
    KernelKeyError,
    NoPlaceError,
)
from mke.net import AddressPlan, AddressRange, Host, Kernel, KernelTrial, LoadBalancer
from mke.net_types import Route

ETH0: Route = {"net": "192.168.0.0/24", "interface": "eth0", "gateway": None}


# Addresses.


def test_a_plan_names_what_gets_in_whose_way() -> None:
    """Overlaps are found by purpose."""
    host = Host(routes=[ETH0])
    plan = mke.net.plan_addresses(host, nodes={"n2": "192.168.7.4"})
    errors = [conflict for conflict in plan.conflicts if conflict.severity == "error"]
    assert {(conflict.one.purpose, conflict.other.purpose) for conflict in errors} == {("pods", "host"), ("pods", "node")}
    assert errors[0].shared == "192.168.0.0/24" and "eth0" in str(errors[0])
    assert {entry.purpose for entry in plan.ranges} <= set(mke.net.PURPOSES)


def test_a_proposal_moves_only_what_is_in_the_way() -> None:
    """What is in nobody's way stays."""
    host = Host(routes=[ETH0])
    proposal = mke.net.propose_addresses(host)
    assert proposal["service_cluster_ip_range"] == "10.96.0.0/16"
    assert proposal["pod_cidr"] not in (None, "192.168.0.0/16")
    pod_cidr = proposal["pod_cidr"]
    assert pod_cidr is not None
    document = mke.config.Document()
    document.set("cluster_config.pod_cidr", pod_cidr)
    again = mke.net.plan_addresses(host, config=document.read())
    assert not [conflict for conflict in again.conflicts if conflict.severity == "error"]


def test_networks_are_placed_or_all_named() -> None:
    everything = [AddressRange("host", net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
    wanted = [AddressRange("pods", "192.168.0.0/16"), AddressRange("services", "10.96.0.0/16")]
    with pytest.raises(NoPlaceError) as raised:
        mke.net.place_networks(wanted, everything)
    assert len(raised.value.problems) == 2
    placed = mke.net.place_networks(wanted, [AddressRange("host", ipaddress.ip_network("192.168.4.0/24"))])
    assert [entry.net for entry in placed] == ["10.0.0.0/16", "10.96.0.0/16"]
    with pytest.raises(InvalidValueError):
        mke.net.place_networks([AddressRange("pods", "fd00::/64")], [])


def test_ranges_and_pools_are_checked() -> None:
    for purpose, net in [("nothing", "10.0.0.0/8"), ("pods", "10.0.0.0/33"), ("pods", "ten")]:
        with pytest.raises(InvalidValueError):
            AddressRange(purpose, net)
    with pytest.raises(InvalidValueError):
        mke.net.plan_addresses(Host(), overlay_pools=[{"base": "10.0.0.0/24", "size": 8}])
    assert AddressRange("pods", "10.1.2.3/8").net == "10.0.0.0/8"
    assert AddressPlan([]).conflicts == []


def test_capacity_is_counted() -> None:
    assert mke.net.capacity_problems(nodes=10, pods="10.4.0.0/16", services="10.96.0.0/16", services_wanted=100) == []
    (problem,) = mke.net.capacity_problems(nodes=2, services="10.96.0.0/30", services_wanted=100)
    assert "100 are wanted" in problem
    assert mke.net.capacity_problems(nodes=500, overlay_pools=[{"base": "10.0.0.0/24", "size": 24}], overlays_wanted=2)


def test_a_host_is_looked_up_or_written_down() -> None:
    seen = Host.observe()
    assert seen == Host(
        routes=list(seen.routes), addresses=seen.addresses, name_servers=seen.name_servers
    ) and seen.to_dict()["routes"] == seen.routes.to_dicts()
    with pytest.raises(HostError) as raised:
        Host.observe("/nowhere")
    assert isinstance(raised.value, OSError) and "proc/net/route" in str(raised.value)
    with pytest.raises(InvalidValueError):
        Host(routes=[{"net": "10.0.0.0/8"}])  # type: ignore[typeddict-item]  # pyright: ignore


# Ports.


def test_ports_follow_the_configuration() -> None:
    """A changed port changes everywhere."""
    config = mke.config.Config("[cluster_config]\ncontroller_port = 8443\n")
    numbers = mke.net.needed_ports("manager", config=config, swarm_grpc=3377).column("number")
    assert {8443, 3377} <= set(numbers) and not {443, 2377} & set(numbers)
    assert {row["number"] for row in mke.net.needed_ports("worker")} < {row["number"] for row in mke.net.needed_ports("manager")}
    assert "8443" in mke.net.nftables_rules("manager", ["192.0.2.1"], config=config)
    assert "--add-source=192.0.2.1" in mke.net.firewalld_rules("manager", ["192.0.2.1"])
    assert mke.net.aws_security_group("worker", "sg-1", ["0.0.0.0/0"])
    with pytest.raises(InvalidValueError):
        mke.net.needed_ports("master")


def test_who_has_a_needed_port_is_named() -> None:
    """Somebody on a needed port is named with the remedy."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = mke.config.Config(
            f"[cluster_config]\ncontroller_port = {port}\nnodeport_range = \"{'20000-20100' if port > 20100 else '40000-40100'}\"\n"
        )
        assert port in [row["port"] for row in mke.net.listening()]
        (found,) = [row for row in mke.net.port_conflicts("manager", config=config) if row["number"] == port]
        assert found["setting"] == "cluster_config.controller_port" and "stop it" in found["message"]
        name = found["by"]["process"]
        assert name is not None
        known = mke.net.port_conflicts("manager", config=config, ours=[name])
        assert port not in [row["number"] for row in known]


# Kernel parameters: a directory that looks like a machine.


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    for row in mke.net.parameters():
        file = tmp_path / "proc/sys" / row["name"].replace(".", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        value = row["product"] if row["product"].lstrip("-").isdigit() else "7"
        file.write_text(f"{value}\n")
    (tmp_path / "proc/sys/net/ipv4/ip_local_reserved_ports").write_text("32768-35535\n")
    (tmp_path / "etc/sysctl.d").mkdir(parents=True)
    return tmp_path


def value_of(root: pathlib.Path, name: str) -> str:
    return (root / "proc/sys" / name.replace(".", "/")).read_text().strip()


NAME = "net.ipv4.tcp_fin_timeout"


@pytest.fixture
def with_name(root: pathlib.Path) -> pathlib.Path:
    (root / "proc/sys/net/ipv4/tcp_fin_timeout").write_text("60\n")
    return root


def test_parameters_are_planned_written_confirmed_and_taken_back(with_name: pathlib.Path) -> None:
    """There and back, and what others set meanwhile is theirs."""
    kernel = Kernel(with_name)
    assert kernel.values([NAME])[NAME] == "60"
    assert kernel.values()["net.ipv4.ip_forward"] == "1"
    plan = kernel.plan(values={NAME: "31"})
    assert [(step.key, step.before, step.after) for step in plan.steps] == [(NAME, "60", "31")]
    assert kernel.apply(plan, dry_run=True) == plan.steps and value_of(with_name, NAME) == "60"
    assert kernel.status()["standing"] == "untouched"

    events: list[tuple[str, str]] = []
    kernel.apply(plan, hold=3600, progress=lambda name, subject: events.append((name, subject)))
    assert value_of(with_name, NAME) == "31"
    assert [name for name, _ in events] == ["recorded", "wrote", "waiting"]
    assert kernel.status()["standing"] == "waiting"
    with pytest.raises(KernelError) as raised:
        kernel.apply(kernel.plan(values={NAME: "30"}))
    assert raised.value.kind == "Unconfirmed"

    assert kernel.confirm(dry_run=True) == plan.steps and kernel.status()["standing"] == "waiting"
    assert kernel.confirm() == plan.steps
    assert f"{NAME} = 31" in (with_name / "etc/sysctl.d/95-ucp.conf").read_text()
    with pytest.raises(KernelError) as raised:
        kernel.confirm()
    assert raised.value.kind == "NothingToConfirm"

    (with_name / "proc/sys/net/ipv4/tcp_fin_timeout").write_text("77\n")
    assert kernel.status()["drift"] == [{"key": NAME, "expected": "31", "found": "77"}]
    assert kernel.revert(dry_run=True) == {"restored": [], "left": [NAME], "left_file": None}
    assert kernel.revert(force=True, dry_run=True)["restored"] == [NAME]
    assert value_of(with_name, NAME) == "77"
    assert kernel.revert()["left"] == [NAME]
    assert kernel.revert(force=True)["restored"] == [NAME] and value_of(with_name, NAME) == "60"


def test_a_trial_is_kept_only_when_its_block_ends_well(with_name: pathlib.Path) -> None:
    kernel = Kernel(with_name)
    with pytest.raises(ZeroDivisionError), KernelTrial(kernel, kernel.plan(values={NAME: "31"})):
        assert value_of(with_name, NAME) == "31"
        _ = 1 / 0
    assert value_of(with_name, NAME) == "60"
    with KernelTrial(kernel, kernel.plan(values={NAME: "31"}), dry_run=True) as steps:
        assert len(steps) == 1 and value_of(with_name, NAME) == "60"
    with KernelTrial(kernel, kernel.plan(values={NAME: "31"}), persist=False):
        pass
    assert value_of(with_name, NAME) == "31" and kernel.status()["standing"] == "confirmed"
    assert not (with_name / "etc/sysctl.d/95-ucp.conf").exists()


def test_a_plan_of_before_is_not_written(with_name: pathlib.Path) -> None:
    kernel = Kernel(with_name)
    plan = kernel.plan(values={NAME: "31"})
    (with_name / "proc/sys/net/ipv4/tcp_fin_timeout").write_text("77\n")
    with pytest.raises(KernelError) as raised:
        kernel.apply(plan)
    assert raised.value.kind == "Moved" and isinstance(raised.value, OSError)


def test_an_error_of_the_listener_is_raised_when_all_is_done(with_name: pathlib.Path) -> None:
    kernel = Kernel(with_name)

    def listener(name: str, subject: str) -> None:
        raise RuntimeError(name)

    with pytest.raises(RuntimeError, match="recorded"):
        kernel.apply(kernel.plan(values={NAME: "31"}), hold=60, progress=listener)
    assert kernel.status()["standing"] == "waiting"


def test_what_cannot_be_is_refused(root: pathlib.Path) -> None:
    kernel = Kernel(root)
    with pytest.raises(KernelKeyError):
        kernel.plan(values={"../../etc/passwd": "1"})
    with pytest.raises(KernelKeyError):
        kernel.values(["ip_forward"])
    with pytest.raises(InvalidValueError):
        kernel.plan(node_ports="9-8")
    with pytest.raises(InvalidValueError):
        kernel.apply(kernel.plan(), hold=0)
    with pytest.raises(KernelError) as raised:
        Kernel(namespace="no-such-namespace")
    assert raised.value.kind == "NoNamespace"
    assert not kernel.plan() and len(kernel.plan()) == 0
    assert Kernel().values()["kernel.panic"] is not None, "this machine is looked at"


# Machines.


def test_nodes_are_judged_before_an_installation() -> None:
    facts = mke.net.observe_node(manager=True)
    assert facts.get("manager") is True and facts.get("cpus")
    ids = {finding.id for finding in mke.net.preflight([{**facts, "memory": 1 << 20}])}
    assert "node-memory" in ids
    with pytest.raises(InvalidValueError, match="memori"):
        mke.net.preflight([{"memori": 1}])  # type: ignore[typeddict-unknown-key]  # pyright: ignore
    with pytest.raises(InvalidValueError):
        mke.net.preflight([], scope="someday")


def test_the_doctor_reports_with_a_score() -> None:
    report = mke.net.doctor(manager=True)
    assert 0 <= report.score <= 100 and report.role == "manager"
    assert report.errors == sum(finding.severity == "error" for finding in report.findings)
    assert set(report.sections) == {"requirements", "engine", "addresses", "ports", "kernel", "stig"}
    assert len(report.section("kernel")) <= len(report.findings)
    assert {row["answer"] for row in report.stig} <= {"pass", "fail", "not-applicable", "unknown"}
    assert json.dumps(report.to_dict())
    with pytest.raises(InvalidValueError):
        report.section("weather")


def test_the_engine_s_file_is_checked() -> None:
    with pytest.raises(DaemonFileError) as raised:
        mke.net.check_daemon("{\n  a\n}")
    assert raised.value.line == 2
    assert mke.net.check_daemon("") == []
    with pytest.raises(InvalidValueError, match="bip"):
        mke.net.check_daemon('{"bip": 7}')


# Load balancers and packets.


def test_load_balancers_pass_connections_on() -> None:
    """Two listeners never share a port."""
    balancer = LoadBalancer("ucp.example.com", ["192.0.2.11", "2001:db8::1"], kubernetes_port=None)
    for text in (balancer.nginx(), balancer.haproxy()):
        assert "192.0.2.11:443" in text and "[2001:db8::1]:443" in text
    assert json.dumps(balancer.aws())
    balancer.check_beside("registry", 5000)
    with pytest.raises(BalancerError):
        balancer.check_beside("registry", 443)
    with pytest.raises(BalancerError) as raised:
        LoadBalancer("bad name", ["a;b", "a;b"], controller_port=0)
    assert len(raised.value.problems) == 4 and raised.value.kind == "Address"
    assert mke.net.missing_name("ucp.example.com", ["manager-1"])


def test_packets_fit_through_their_links() -> None:
    """The largest packet of a pod follows from the link."""
    assert mke.net.packet_size(100) is None
    assert mke.net.packet_size_problems(1500) == []
    assert mke.net.packet_size_problems(1400)
    with pytest.raises(InvalidValueError):
        mke.net.packet_size(1500, "gre")
    with pytest.raises(InvalidValueError):
        mke.net.default_encapsulation("new")
    with pytest.raises(AutodetectionError):
        mke.net.autodetect_address("guess", Host())
    assert mke.net.autodetect_address("kubernetes-internal-ip", Host(), internal="192.0.2.9") == "192.0.2.9"
    assert mke.net.autodetect_address("first-found", Host()) is None
