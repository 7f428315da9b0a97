"""Whatever is a list of records is a table, which notebooks, terminals, pandas and Arrow understand."""

from __future__ import annotations

import ast
import datetime
import pathlib
from typing import Any, Callable

import pytest
from client_calls import calls, likely
from played import Played, as_json

import mke
from mke import Table
from mke.client import Client

STUBS = pathlib.Path(__file__).parents[1] / "python/mke/_native"
# Lists that are documents in the words of others: a JSON patch, and what AWS takes. `mke.client.contexts` makes a table of its own.
DOCUMENTS = {"admission.Review.patch", "net.aws_security_group", "client.contexts", "rbac.Policy.encode"}
PLAIN = {"str", "int", "bool", "float"}


def returned() -> list[tuple[str, str]]:
    """Functions, methods and properties with the type of what they return, as the stubs say."""
    found = []
    for stub in sorted(STUBS.glob("*.pyi")):
        tree = ast.parse(stub.read_text())
        scopes = [(stub.stem, tree.body)]
        scopes += [(f"{stub.stem}.{node.name}", node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
        for name, body in scopes:
            for node in body:
                if isinstance(node, ast.FunctionDef) and node.returns is not None and not node.name.startswith("_"):
                    found.append((f"{name}.{node.name}", ast.unparse(node.returns)))
    return found


def test_lists_of_records_are_tables() -> None:
    """Lists of plain values stay lists."""
    bare = [
        name
        for name, kind in returned()
        if kind.startswith(("list[", "tuple["))
        and name not in DOCUMENTS
        and not name.startswith("config.reference")
        and kind.replace(" | None", "").split("[", 1)[1].rstrip("]").split(",")[0] not in {*PLAIN, "_Record"}
    ]
    assert not bare, f"no tables: {bare}"


POLICY = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
KUBERNETES = mke.rbac.KubernetesPolicy.bootstrap()
NODES = [mke.agent.Node(f"n{number}", f"manager-{number}", "manager", f"192.0.2.{number}") for number in (1, 2, 3)]
CLUSTER = mke.agent.Cluster("c1", managers=NODES)
HOST = mke.net.Host(routes=[{"net": "192.168.0.0/16", "interface": "eth0", "gateway": None}], addresses=["192.168.0.7"])
AUTHORITY = mke.pki.Authority.create("client", "test").certificate
NOW = datetime.datetime.now(datetime.timezone.utc)


def tampered() -> mke.agent.Plan:
    """A plan that takes away what is not ours."""
    data = mke.agent.plan(mke.agent.desired(CLUSTER, NODES[0])).to_dict()
    data["steps"].append({"action": {"remove-volume": {"name": "ucp-kv"}}, "reason": "to make room"})
    return mke.agent.Plan.from_dict(data)


def store() -> mke.identity.AccountStore:
    """With a team."""
    made = mke.identity.AccountStore()
    made.create_organization("eng")
    made.create_team("eng", "ops")
    return made


TABLES: dict[str, Callable[[], Any]] = {
    "admission.plugins": mke.admission.plugins,
    "agent.Cluster.managers": lambda: CLUSTER.managers,
    "agent.Cluster.store_members": lambda: CLUSTER.store_members,
    "agent.Desired.containers": lambda: mke.agent.desired(CLUSTER, NODES[0]).containers,
    "agent.Desired.volumes": lambda: mke.agent.desired(CLUSTER, NODES[0]).volumes,
    "agent.Desired.networks": lambda: mke.agent.desired(CLUSTER, NODES[0]).networks,
    "agent.Desired.files": lambda: mke.agent.desired(CLUSTER, NODES[0]).files,
    "agent.Desired.waiting": lambda: mke.agent.desired(CLUSTER, NODES[0]).waiting,
    "agent.Plan.steps": lambda: mke.agent.plan(mke.agent.desired(CLUSTER, NODES[0])).steps,
    "agent.Plan.blocked": lambda: mke.agent.plan(mke.agent.desired(CLUSTER, NODES[0])).blocked,
    "agent.Preview.refusals": lambda: mke.agent.preview(CLUSTER, NODES[0]).refusals,
    "agent.check": lambda: mke.agent.check(tampered(), mke.agent.desired(CLUSTER, NODES[0])),
    "agent.components": mke.agent.components,
    "agent.pods": mke.agent.pods,
    "agent.ports": mke.agent.ports,
    "agent.volumes": mke.agent.volumes,
    "config.Config.settings": lambda: mke.config.Config().settings(),
    "config.Diff.changes": lambda: mke.config.Config().diff(mke.config.Config("[auth.sessions]\nlifetime_minutes = 90\n")).changes,
    "config.Document.problems": lambda: mke.config.Document("[auth]\nbackend = 7\n").problems(),
    "config.Mke4Conversion.converted": lambda: mke.config.Config().to_mke4().converted,
    "config.Mke4Conversion.left": lambda: mke.config.Config().to_mke4().left,
    "config.Mke4Conversion.obstacles": lambda: mke.config.Config().to_mke4(version="3.8.2").obstacles,
    "config.keys": mke.config.keys,
    "config.validate": lambda: mke.config.validate("[auth]\nbackend = 7\n"),
    "identity.AccountStore.accounts": lambda: store().accounts(),
    "identity.AccountStore.teams": lambda: store().teams("eng"),
    "net.AddressPlan.conflicts": lambda: mke.net.plan_addresses(HOST).conflicts,
    "net.AddressPlan.ranges": lambda: mke.net.plan_addresses(HOST).ranges,
    "net.Host.routes": lambda: HOST.routes,
    "net.LoadBalancer.listeners": lambda: mke.net.LoadBalancer("h.example.com", ["192.0.2.1"]).listeners,
    "net.check_daemon": lambda: mke.net.check_daemon('{"live-restore": true}'),
    "net.listening": mke.net.listening,
    "net.needed_ports": lambda: mke.net.needed_ports("manager"),
    "net.parameters": mke.net.parameters,
    "net.place_networks": lambda: mke.net.place_networks([mke.net.AddressRange("pods", "192.168.0.0/16")], []),
    "net.preflight": lambda: mke.net.preflight([{"name": "n1", "manager": True, "cpus": 1}]),
    "pki.TrustSet.roots": lambda: mke.pki.TrustSet(AUTHORITY).roots(NOW),
    "pki.certificates": lambda: mke.pki.certificates(AUTHORITY.pem),
    "rbac.AuditLog.entries": lambda: mke.rbac.AuditLog(["no record"]).entries,
    "rbac.KubernetesPolicy.bindings": lambda: KUBERNETES.bindings,
    "rbac.KubernetesPolicy.roles": lambda: KUBERNETES.roles,
    "rbac.KubernetesPolicy.rules_for": lambda: KUBERNETES.rules_for("jane"),
    "rbac.KubernetesPolicy.who_can": lambda: KUBERNETES.who_can("get", "pods"),
    "rbac.Policy.grants": lambda: POLICY.grants,
    "rbac.Policy.roles": lambda: POLICY.roles,
    "rbac.builtin_roles": mke.rbac.builtin_roles,
}
# Made by what is tried elsewhere: a directory server, machines, a review of an object.
ELSEWHERE = {
    *("admission.Review.notes", "admission.Review.refusals", "config.InterlockConfig.settings"),
    *("identity.LdapFetched.searches", "identity.LdapFetched.teams", "identity.LdapFetched.users"),
    *("net.DoctorReport.findings", "net.DoctorReport.section", "net.DoctorReport.stig", "net.port_conflicts"),
    *("net.Kernel.apply", "net.Kernel.confirm", "net.KernelPlan.findings", "net.KernelPlan.steps"),
}


def test_every_table_is_tried() -> None:
    assert {name for name, kind in returned() if kind.startswith("Table[")} == TABLES.keys() | ELSEWHERE


def look_at(table: Any) -> None:
    """Every way in which a table is seen."""
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    console = pytest.importorskip("rich.console")
    assert isinstance(table, Table) and table.columns, table
    columns = list(table.columns)
    frame = table.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and list(frame.columns) == columns and len(frame) == len(table)
    arrow = table.to_arrow()
    assert isinstance(arrow, pyarrow.Table) and arrow.column_names == columns and arrow.num_rows == len(table)
    assert repr(table) == f"<Table of {len(table)}: {', '.join(columns)}>"
    html = table._repr_html_()
    assert html.startswith("<table>") and html.count("<th>") == len(columns) and "object at 0x" not in html
    assert len(str(table).splitlines()) == len(table) + 1 and "object at 0x" not in str(table)
    with open("/dev/null", "w", encoding="utf-8") as nowhere:
        console.Console(file=nowhere).print(table)


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_seen_by_everybody(name: str) -> None:
    look_at(TABLES[name]())


def test_tables_of_the_client(tmp_path: pathlib.Path) -> None:
    """Every list of the client is a table, also when it is empty."""
    server, seen = Played(tmp_path), 0
    keys = "accounts teams members memberOrgs memberTeams accountPublicKeys grants subjects jobs versions results bundles revoked"
    empty = {key: [] for key in keys.split()}
    server.answer = lambda method, path: likely(method, path) if "id" in path.split("/") else as_json({**empty, "id": "x"})
    try:
        with Client.from_token(server.url, "t", insecure=True, retries=0) as client:
            for _, name, method, arguments, _ in calls(client):
                if not str(method.__annotations__.get("return", "")).startswith("Table["):
                    continue
                try:
                    table = method(**arguments)
                except mke.MkeError:
                    continue
                look_at(table)
                seen += 1
    finally:
        server.stop()
    assert seen > 3
    look_at(mke.client.contexts())
