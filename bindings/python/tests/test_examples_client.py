"""The examples that speak to a control plane, run as a person would."""

from __future__ import annotations

import os
import pathlib
import stat
import subprocess
import sys
import uuid

import pytest

from mke.client import Client
from mke.testing import Server

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples" / "python"


def run(program: str, *arguments: object, code: int = 0, **environment: str) -> str:
    """What an example prints. It must end with this exit code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MKE_")}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / program), *map(str, arguments)],
        env={**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def environment(mke_server, mke_client):
    """The variables of an administrator."""
    body = {"username": mke_server.username, "password": mke_server.password}
    token = mke_client.request("POST", "/auth/login", json=body).json()["auth_token"]
    yield mke_server.environment(token)
    with Client.from_token(mke_server.url, token, ca_file=mke_server.ca_file) as client:
        client.request("POST", "/id/logout")


def test_onboarding_of_a_department(mke_server, mke_client, environment, tmp_path):
    """A dry run tells, the first run does it, the second one finds nothing to do."""
    unique = uuid.uuid4().hex[:6]
    org, people, passwords = f"bank-{unique}", tmp_path / "people.csv", tmp_path / "passwords.csv"
    people.write_text(
        "name, full_name, team, lead\n"
        f"ann-{unique}, Ann Doe, ops, yes\nbob-{unique}, Bob Doe, ops,\nann-{unique}, Ann Doe, web,\n"
    )
    told = run("onboard_department.py", people, "--organization", org, "--dry-run", **environment)
    assert f"would create account ann-{unique} (Ann Doe)\n" in told and told.endswith("13 steps\n"), told
    assert org not in mke_client.organizations.list().column("name")
    refused = run("onboard_department.py", people, "--organization", org, code=1, **environment)
    assert "2 accounts are new: name a file for their passwords" in refused
    done = run("onboard_department.py", people, "--organization", org, "--passwords", passwords, **environment)
    assert done.endswith("13 steps\n"), done
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    first = dict(line.split(",") for line in passwords.read_text().splitlines())[f"ann-{unique}"]
    with mke_server.client(f"ann-{unique}", first) as ann:
        assert ann.authz.can_i("Service Create", f"/Shared/{org}/ops") and ann.authz.can_i("Service View", f"/Shared/{org}/web")
        assert not ann.authz.can_i("Service Create", "/")
        ann.members.remove(f"{org}/ops", f"bob-{unique}")
    again = run("onboard_department.py", people, "--organization", org, **environment)
    assert again == f"make bob-{unique} member of {org}/ops\n1 steps\n"
    people.write_text(f"name,team\nann-{unique},web\n")
    left = run("onboard_department.py", people, "--organization", org, "--remove", **environment)
    assert left == "nothing to do\n", "teams that the file does not name are left alone"
    assert run("onboard_department.py", people, "--organization", org, **environment) == "nothing to do\n"
    people.write_text("name,team\nann,\n,web\nann,web\nann,web\n")
    mistakes = run("onboard_department.py", people, "--organization", org, code=1, **environment)
    assert mistakes.count("are needed") == 2 and "ann is in team web twice" in mistakes


def test_review_of_access(mke_server, mke_client, environment, tmp_path):
    """One file with everything in it, and what is new since the last one."""
    unique = uuid.uuid4().hex[:6]
    user, place = f"eve-{unique}", f"/Shared/vault-{unique}"
    page, state = tmp_path / "review.html", tmp_path / "review.json"
    mke_client.accounts.create(user, "a long password", full_name="<script>alert(1)</script>", active=False)
    mke_client.collections.create(place)
    arguments = (page, "--state", state, "--place", place, "--audit-log", mke_server.audit_log)
    run("access_review.py", *arguments, **environment)
    assert "New since the last review" not in page.read_text()
    mke_client.grants.create(f"user:{user}", "View Only", place)
    printed = run("access_review.py", *arguments, **environment)
    assert printed.startswith(f"{page}: ")
    text = page.read_text()
    new = text.split("New since the last review")[1].split("Gone since then")[0]
    assert f"user:{user}" in new and place in new
    assert "<script>" not in text and "&lt;script&gt;" in text
    assert "data:image/svg+xml;base64," in text
    for line in ("Who can become root on a node", "Unused rights", "administrators without a second factor: "):
        assert line in text
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    mke_client.grants.create(f"user:{user}", "Full Control", "/")
    mke_client.accounts.update(user, active=True)
    loud = run("access_review.py", *arguments, code=1, **environment)
    assert "1 who are no administrators can become root" in loud
    assert f"no administrators: user:{user}" in page.read_text()
    mke_client.accounts.delete(user)


def test_roll_out_of_a_configuration(mke_server, request, tmp_path, monkeypatch):
    """Tried on all, made on all or none, and taken back where it was made when one refuses."""
    contexts = {"MKE_CONFIG": str(tmp_path / "contexts.json")}
    monkeypatch.setenv(*next(iter(contexts.items())))
    with Server(ucp=request.config.getoption("--ucp")) as east, Server(ucp=request.config.getoption("--ucp")) as west:
        clients = {
            name: Client.login(server.url, "admin", server.password, ca_file=server.ca_file, context=name)
            for name, server in (("east", east), ("west", west))
        }

        def limits() -> list[int]:
            documents = [client.config.document() for client in clients.values()]
            return [document.get("auth.sessions.per_user_limit") for document in documents]

        program = ("roll_out_configuration.py", "east", "west", "--why", "ticket 4711", "--set")
        tried = run(*program, "auth.sessions.per_user_limit=5", **contexts)
        assert tried.count("  auth.sessions.per_user_limit: 10 -> 5 (live)\n") == 2 and limits() == [10, 10]
        done = run(*program, "auth.sessions.per_user_limit=5", "--apply", **contexts)
        assert "east: version 2 is in force\nwest: version 2 is in force\n" in done and limits() == [5, 5]
        again = run(*program, "auth.sessions.per_user_limit=5", "--apply", **contexts)
        assert again.count("is so already") == 2 and limits() == [5, 5]
        wrong = run(*program, "auth.sessions.per_user_limit=-1", "--apply", code=1, **contexts)
        assert "nothing was changed" in wrong and limits() == [5, 5]
        # One that nobody is logged in to stops all.
        missing = run("roll_out_configuration.py", "nowhere", *program[1:], "auth.sessions.per_user_limit=7", "--apply", code=1, **contexts)
        assert "there is no context `nowhere`" in missing and missing.endswith("nothing was changed\n")
        assert limits() == [5, 5]


def test_a_roll_out_is_taken_back(mke_server, request, tmp_path, monkeypatch):
    """What was changed before another cluster refused goes back to its version."""
    import asyncio
    import importlib.util

    spec = importlib.util.spec_from_file_location("roll_out_configuration", EXAMPLES / "roll_out_configuration.py")
    program = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, program)
    spec.loader.exec_module(program)
    monkeypatch.setenv("MKE_CONFIG", str(tmp_path / "contexts.json"))
    with Server(ucp=request.config.getoption("--ucp")) as east, Server(ucp=request.config.getoption("--ucp")) as west:
        for name, server in (("east", east), ("west", west)):
            Client.login(server.url, "admin", server.password, ca_file=server.ca_file, context=name)

        async def main() -> None:
            change = [("auth.sessions.per_user_limit", 5)]
            proposals = [await program.propose(name, change) for name in ("east", "west")]
            # Somebody else is faster in the west.
            other = await program.propose("west", [("auth.sessions.lifetime_minutes", 30)])
            await other.client.config.put(other.text, if_match=other.etag)
            with pytest.raises(program.MkeError, match="412"):
                await program.apply(proposals, "ticket")
            history = await proposals[0].client.config.history()
            assert [(entry.version, entry.why) for entry in history][:2] == [
                (3, "rollback to version 1: taken back: ticket"),
                (2, "ticket"),
            ]
            assert (await proposals[0].client.config.document()).get("auth.sessions.per_user_limit") == 10
            assert (await proposals[1].client.config.document()).get("auth.sessions.per_user_limit") == 10

        asyncio.run(main())
