"""The examples that need no control plane, run as a person would."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import subprocess
import sys

import pytest
from slapd import READER, READER_PASSWORD, SUFFIX, Slapd, group, person

import mke

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples" / "python"
FULL = pathlib.Path(__file__).parents[3] / "mke-core/tests/config_files/full.toml"


def run(program: str, *arguments: object, code: int = 0, stdin: str = "") -> str:
    """What an example prints. It must end with this exit code."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / program), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def machine(tmp_path: pathlib.Path) -> pathlib.Path:
    """The files of a machine on which one parameter is not what a cluster needs."""
    for row in mke.net.parameters():
        file = tmp_path / "proc/sys" / row["name"].replace(".", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{row['product'] if row['product'].isdigit() else '7'}\n")
    (tmp_path / "proc/sys/net/ipv4/ip_local_reserved_ports").write_text("\n")
    (tmp_path / "etc/sysctl.d").mkdir(parents=True)
    return tmp_path


def test_kernel_drift(machine: pathlib.Path) -> None:
    reserved = machine / "proc/sys/net/ipv4/ip_local_reserved_ports"
    assert "to do: net.ipv4.ip_local_reserved_ports" in run("kernel_drift.py", "--root", machine, code=1)
    told = run("kernel_drift.py", "--root", machine, "--apply", "--dry-run")
    assert "would be written: 1" in told and reserved.read_text() == "\n"
    # A node that is not found: the change is taken back.
    run("kernel_drift.py", "--root", machine, "--apply", "--node", "no-such-node.invalid", code=2)
    assert reserved.read_text() == "\n"
    assert "written and kept: 1" in run("kernel_drift.py", "--root", machine, "--apply", "--node", "localhost")
    assert "everything is as the cluster needs it" in run("kernel_drift.py", "--root", machine)
    reserved.write_text("1-2\n")
    report = json.loads(run("kernel_drift.py", "--root", machine, "--json", code=1))
    assert report["standing"] == "confirmed"
    assert report["drift"] == [
        {"key": "net.ipv4.ip_local_reserved_ports", "expected": "32768-35535", "found": "1-2"}
    ]


def test_ldap_dry_run(tmp_path: pathlib.Path) -> None:
    place = tmp_path / "slapd"
    place.mkdir()
    accounts = tmp_path / "accounts.db"
    with mke.identity.AccountStore(accounts) as store:
        store.create_user("root", password="correct horse battery", is_admin=True)
    del store
    with Slapd(place, person("jane", "Jane Doe") + person("john", "John Roe") + group("ops", "jane")) as server:
        file = tmp_path / "ucp.toml"
        file.write_text(
            f'[auth]\nbackend = "ldap"\n[auth.ldap]\nserver_url = "{server.url}"\nreader_dn = "{READER}"\n'
            f'reader_password = "{READER_PASSWORD}"\n[[auth.ldap.user_search_configs]]\nbase_dn = "ou=people,{SUFFIX}"\n'
            'username_attr = "uid"\nfull_name_attr = "cn"\nscope_subtree = true\nmatch_group = false\n'
        )
        team = f"eng/ops=cn=ops,ou=groups,{SUFFIX}"
        told = run("ldap_dry_run.py", file, "--accounts", accounts, "--team", team)
        assert f"create jane (uid=jane,ou=people,{SUFFIX})" in told and "add jane to eng/ops" in told
        assert "2 created" in told and READER_PASSWORD not in told
        assert mke.identity.AccountStore(accounts).accounts().column("name") == ["docker-datacenter", "root"]
        assert "ok: " in run("ldap_dry_run.py", file, "--try-login", "jane", stdin="jane-secret\n")
        assert "no: refused" in run("ldap_dry_run.py", file, "--try-login", "jane", stdin="wrong\n", code=1)
    assert "nothing was changed" not in run("ldap_dry_run.py", file, code=2)


def test_migration_report(tmp_path: pathlib.Path) -> None:
    good = tmp_path / "east.toml"
    good.write_text("[cluster_config]\ncalico_kdd = true\nkube_proxy_mode = \"iptables\"\n")
    told = run("mke4_report.py", "--version", "3.8.2", "--backup-confirmed", "--out", tmp_path / "out", good)
    assert "0 obstacles" in told
    written = tmp_path / "out/east.mke4.yaml"
    assert "kind: MkeConfig" in written.read_text() and stat.S_IMODE(written.stat().st_mode) == 0o600
    bad = tmp_path / "west.toml"
    bad.write_text("")
    told = run("mke4_report.py", bad, good, code=1)
    assert "obstacle: no backup is confirmed" in told and "calico_kdd" in told
    bad.write_text("[auth]\nbackend = 1\n")
    assert f"{bad}:2:11" in run("mke4_report.py", bad, code=2)


def test_configuration_checks(tmp_path: pathlib.Path) -> None:
    file, other = tmp_path / "east.toml", tmp_path / "west.toml"
    text = "# ours\n[auth.sessions]\nlifetime_minutes = 60 # an hour\n"
    file.write_text(text)
    other.write_text("[auth]\nbackend = 1\n[nope]\n")
    assert run("check_configurations.py", file, FULL) == ""
    told = run("check_configurations.py", file, other, code=1)
    assert f"{other}:2:" in told and "nope" in told and str(file) not in told
    need = ("--require", "auth.sessions.lifetime_minutes=90")
    assert "must be 90, it is 60" in run("check_configurations.py", file, *need, code=1)
    assert "60 -> 90" in run("check_configurations.py", file, *need, "--edit", "--dry-run", code=1)
    assert file.read_text() == text
    run("check_configurations.py", file, *need, "--edit")
    assert file.read_text() == text.replace("60", "90")
    other.write_text(text + '[cluster_config]\ncni_installer_url = "https://example.com/cni.yaml"\n')
    told = run("check_configurations.py", other, "--against", file, code=1)
    assert "90 -> 60 (live)" in told and "refused, cannot be changed any more" in told
