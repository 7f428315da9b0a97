"""Nodes, health and the objects of an Engine: the client against `ucp serve` over a real Engine that is a swarm of one."""

from __future__ import annotations

import json
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

from mke.errors import BadRequestError, InvalidValueError, NotFoundError, WaitTimeoutError
from mke.testing import Server

PATIENCE = 120.0


class EngineConnection(http.client.HTTPConnection):
    """Speaks to an Engine over its socket."""

    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=PATIENCE)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask(path: str, method: str, target: str, body: object = None) -> object:
    connection = EngineConnection(path)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, target, text, {"content-type": "application/json"} if text else {})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content) if content.startswith((b"{", b"[", b'"')) else None
    finally:
        connection.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """The socket of an Engine in a network of its own, so that its ports meet nobody else's."""
    for program, package in (("dockerd", "docker.io"), ("unshare", "util-linux"), ("ip", "iproute2")):
        assert shutil.which(program), f"{program} is missing: install Debian package {package}"
    assert os.geteuid() == 0, "an Engine is started by root alone"
    home = tmp_path_factory.mktemp("engine")
    path = str(home / "docker.sock")
    flags = "--bridge none --iptables=false --ip6tables=false --storage-driver vfs".split()
    places = [f"--data-root={home}/data", f"--exec-root={home}/exec", f"--pidfile={home}/pid", f"--host=unix://{path}"]
    with open(home / "log", "wb") as log:
        process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec dockerd "$@"', "sh", *flags, *places],
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                ask(path, "GET", "/_ping")
                break
            except (OSError, http.client.HTTPException):
                alive = process.poll() is None and time.monotonic() < deadline
                assert alive, (home / "log").read_text()[-4000:]
                time.sleep(0.02)
        ask(path, "POST", "/swarm/init", {"ListenAddr": "127.0.0.1:2377", "AdvertiseAddr": "127.0.0.1:2377"})
        yield path
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def server(engine, request):
    with Server(ucp=request.config.getoption("--ucp"), engine=f"unix://{engine}") as server:
        yield server


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client


def test_a_node_is_found_changed_and_waited_for(client):
    """Nodes are listed, labelled, taken out of service and waited for."""
    assert client.system.wait_healthy(timeout=PATIENCE, interval=0.05).healthy
    (node,) = client.nodes.list()
    assert (node.role, node.availability, node.state, node.is_leader) == ("manager", "active", "ready", True)
    assert node.health is None, "no agents run here"
    assert client.nodes.get(node.hostname).id == client.nodes.get(node.id).id == node.id
    assert client.nodes.inspect(node.hostname)["ID"] == node.id

    planned = client.nodes.set_labels(node.id, {"zone": "a"}, dry_run=True)
    assert planned.method == "POST" and planned.body["Labels"]["zone"] == "a"
    assert planned.path == f"/nodes/{node.id}/update?version={client.nodes.get(node.id).version}"
    assert "zone" not in client.nodes.get(node.id).labels
    assert client.nodes.set_labels(node.hostname, {"zone": "a", "disk": "ssd"}).labels["zone"] == "a"
    changed = client.nodes.set_labels(node.id, {"zone": "b"}, remove=["disk", "never-there"])
    assert changed.labels["zone"] == "b" and "disk" not in changed.labels
    version = changed.version
    assert client.nodes.set_labels(node.id, {"zone": "b"}).version == version, "nothing was sent"
    assert not client.nodes.set_labels(node.id, {"zone": "b"}, dry_run=True)

    assert client.nodes.set_availability(node.id, "drain").availability == "drain"
    assert client.nodes.wait(node.id, until="drained", timeout=PATIENCE, interval=0.05).availability == "drain"
    client.nodes.set_availability(node.id, "active")
    assert client.nodes.wait(node.id, timeout=PATIENCE, interval=0.05).is_well
    with pytest.raises(WaitTimeoutError, match="is not down within 0.05 s: state ready"):
        client.nodes.wait(node.id, until="down", timeout=0.05, interval=0.01)
    with pytest.raises(WaitTimeoutError, match="nowhere"):
        client.nodes.wait("nowhere", timeout=0, interval=0.01)


def test_what_is_no_node(client):
    with pytest.raises(NotFoundError):
        client.nodes.get("nowhere")
    with pytest.raises(NotFoundError):
        client.nodes.plan("nowhere")
    with pytest.raises(InvalidValueError):
        client.nodes.set_availability("nowhere", "asleep")
    with pytest.raises(InvalidValueError, match="one text is no list"):
        client.nodes.set_labels("nowhere", remove="zone")
    (node,) = client.nodes.list()
    # The last manager cannot become a worker; the Engine says so.
    with pytest.raises(Exception, match="(?i)manager"):
        client.nodes.set_role(node.id, "worker")
    assert client.nodes.delete(node.id, force=True, dry_run=True).path == f"/nodes/{node.id}?force=true"


def test_the_engine_through_raw_requests(client):
    assert client.system.info()["Swarm"]["LocalNodeState"] == "active"
    created = client.request("POST", "/networks/create", json={"Name": "n1", "Driver": "overlay"})
    assert created.status == 201
    networks = client.request("GET", "/networks", query={"filters": json.dumps({"name": ["n1"]})}).json()
    assert [network["Name"] for network in networks] == ["n1"]
    assert client.request("DELETE", "/networks/n1").status == 204
    with pytest.raises(BadRequestError):
        client.request("POST", "/networks/create", data="no JSON", content_type="application/json")


def test_a_collection_is_deleted(client):
    client.collections.create("/Shared/passing")
    assert client.collections.delete("/Shared/passing", dry_run=True).method == "DELETE"
    client.collections.delete("/Shared/passing")
    with pytest.raises(NotFoundError):
        client.collections.get("/Shared/passing")


def test_the_licence(client):
    assert client.config.license()["license"] is None
