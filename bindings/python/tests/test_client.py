"""The client against a real `ucp serve`: accounts, rights, configuration, bundles, and what goes wrong."""

from __future__ import annotations

import os
import stat
import uuid

import pytest

import mke
from mke.client import Account, Client, Planned
from mke.errors import (
    BadRequestError,
    ClientError,
    ConflictError,
    ForbiddenError,
    InvalidValueError,
    NoSuchContextError,
    NotFoundError,
    NotLoggedInError,
    ServerError,
    UnauthenticatedError,
    UnreachableError,
    UntrustedError,
    WaitTimeoutError,
)

PASSWORD = "a long password"


def fresh(kind: str) -> str:
    """A name that no other test uses: the server is shared."""
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def test_onboarding_of_a_team(mke_server, mke_client):
    """API-001, API-002, RBAC-003: an administrator makes everything that a team needs; its member gets exactly that."""
    user, org, place = fresh("jane"), fresh("bank"), f"/Shared/{fresh('web')}"
    account = mke_client.accounts.create(user, PASSWORD, full_name="Jane Doe")
    assert isinstance(account, Account)
    assert (account.name, account.full_name, account.is_admin, account.is_active) == (user, "Jane Doe", False, True)
    mke_client.organizations.create(org)
    mke_client.teams.create(f"{org}/ops", description="runs things")
    assert mke_client.members.add(f"{org}/ops", user).name == user
    assert [member.name for member in mke_client.members.list(org)] == [user]
    collection = mke_client.collections.create(place)
    assert collection.path == place
    role = mke_client.roles.create(fresh("Viewer"), {"Service": {"Service View": []}})
    with mke_server.client(user, PASSWORD) as jane:
        assert not jane.authz.can_i("Service View", place)
        mke_client.grants.create(f"team:{org}/ops", role, place)
        answer = jane.authz.can_i("Service View", place)
        assert answer and answer.decided_by[0]["subject"] == f"team:{org}/ops"
        denied = jane.authz.can_i("Service Delete", place)
        assert not denied
        assert str(denied.missing[0]) == f"Service Delete in {place}"
        with pytest.raises(ForbiddenError) as refused:
            jane.accounts.create(fresh("x"), PASSWORD)
        assert refused.value.status == 403 and isinstance(refused.value, PermissionError)
        mine = jane.grants.list(subject_type="team")
        assert [(grant.subject, grant.place) for grant in mine] == [(f"team:{org}/ops", place)]
    team = mke_client.teams.get(f"{org}/ops")
    assert mke_client.grants.list(subject_id=team.id).column("role")[0].startswith("Viewer")
    holders = mke_client.authz.who_can("Service View", place).users.column("name")
    assert user in holders and "admin" in holders
    with pytest.raises(ConflictError):
        mke_client.roles.delete(role)
    mke_client.grants.delete(f"team:{org}/ops", role, place)
    mke_client.roles.delete(role)
    with pytest.raises(ServerError, match="engine of this node does not answer"):
        mke_client.collections.delete(place)
    mke_client.accounts.delete(user)
    with pytest.raises(NotFoundError) as gone:
        mke_client.accounts.get(user)
    assert gone.value.code == "NO_SUCH_OBJECT" and isinstance(gone.value, LookupError)


def test_changes_of_accounts(mke_server, mke_client):
    user = fresh("bob")
    mke_client.accounts.create(user, PASSWORD)
    assert mke_client.accounts.update(user, full_name="Bob").full_name == "Bob"
    mke_client.accounts.set_password(user, "another long one")
    with pytest.raises(UnauthenticatedError):
        mke_server.client(user, PASSWORD)
    with mke_server.client(user, "another long one") as bob:
        assert bob.accounts.me().name == user
        bob.accounts.set_password(user, PASSWORD, old="another long one")
    results = mke_client.accounts.bulk(
        [{"op": "update", "ref": user, "value": {"isActive": False}}, {"op": "delete", "ref": "nobody-at-all"}]
    )
    assert [bool(result) for result in results] == [True, False]
    assert results[1].error["code"] == "NO_SUCH_OBJECT"
    assert not mke_client.accounts.get(user).is_active
    org = fresh("org")
    mke_client.organizations.create(org, full_name="An organization")
    mke_client.members.add(org, user, admin=True)
    assert [m.name for m in mke_client.accounts.organizations(user) if m.is_admin] == [org]
    mke_client.teams.create(f"{org}/a")
    mke_client.members.add(f"{org}/a", user)
    assert mke_client.teams.of(user, org).column("name") == ["a"]
    assert mke_client.teams.update(f"{org}/a", name="b").name == "b"
    mke_client.members.remove(f"{org}/b", user)
    assert len(mke_client.members.list(f"{org}/b")) == 0
    assert mke_client.organizations.get(org).teams == 1
    mke_client.teams.delete(f"{org}/b")
    mke_client.organizations.delete(org)
    assert org not in mke_client.organizations.list().column("name")


def test_lists_come_whole_and_page_by_page(mke_client, monkeypatch):
    prefix = fresh("page")
    for number in range(7):
        mke_client.accounts.create(f"{prefix}-{number}", PASSWORD)
    expected = [f"{prefix}-{number}" for number in range(7)]
    monkeypatch.setattr("mke.client._listing.PAGE", 3)
    whole = mke_client.accounts.list(contains=prefix)
    assert whole.column("name") == expected
    assert repr(whole).startswith("<Table of 7: name, full_name")
    assert [account.name for account in mke_client.accounts.iter(contains=prefix)] == expected
    backwards = mke_client.accounts.iter(contains=prefix, order="-name")
    assert next(backwards).name == expected[-1]
    backwards.close()
    for place in ("a", "b", "c", "d"):
        mke_client.collections.create(f"/Shared/{prefix}-{place}")
    found = [one.path for one in mke_client.collections.iter() if prefix in one.path]
    assert sorted(found) == [f"/Shared/{prefix}-{place}" for place in "abcd"], "the marker of a bare list is a header"


def test_dry_runs_change_nothing(mke_client):
    user = fresh("dry")
    planned = mke_client.accounts.create(user, "canary password", dry_run=True)
    assert isinstance(planned, Planned)
    assert (planned.method, planned.path, planned.body["name"]) == ("POST", "/accounts", user)
    assert "canary" not in repr(planned) and "canary" not in planned._repr_html_()
    with pytest.raises(NotFoundError):
        mke_client.accounts.get(user)
    # What must be known for the request is read, and mistakes are found.
    place = f"/Shared/{fresh('dry')}"
    mke_client.collections.create(place)
    grant = mke_client.grants.create("user:admin", "View Only", place, dry_run=True)
    assert grant.path.startswith("/collectionGrants/") and grant.path.endswith("/viewonly?type=collection")
    assert len(mke_client.grants.list(object_id=mke_client.collections.get(place).id)) == 0
    with pytest.raises(NotFoundError):
        mke_client.grants.create("user:nobody-at-all", "View Only", place, dry_run=True)
    with pytest.raises(NotFoundError, match="there is no role 'Nonesuch'"):
        mke_client.grants.delete("user:admin", "Nonesuch", place, dry_run=True)
    assert mke_client.bundles.create(dry_run=True).path == "/api/clientbundle?label="


def test_every_change_takes_dry_run():
    import inspect

    from mke.client import _calls

    for module in sorted(name for name in os.listdir(os.path.dirname(_calls.__file__)) if name.endswith(".py")):
        name = module[:-3]
        if name == "__init__":
            continue
        source = inspect.getsource(__import__(f"mke.client._calls.{name}", fromlist=["x"]))
        for method in ('"POST"', '"PUT"', '"PATCH"', '"DELETE"'):
            for part in source.split("\n\n\n"):
                if method in part and part.startswith("@call"):
                    assert "dry_run" in part or "safe=True" in part or "safe=dry_run" in part, f"{name}: {part[:80]}"


def test_the_configuration(mke_client):
    """The file is read, tried, changed with its comments, and brought back; mistakes change nothing."""
    before = mke_client.config.get()
    document = mke_client.config.document()
    document.set("auth.sessions.per_user_limit", 5)
    tried = mke_client.config.put(document, dry_run=True)
    assert tried and tried.dry_run
    assert [(d.key, d.before, d.after) for d in tried.differences] == [("auth.sessions.per_user_limit", "10", "5")]
    assert mke_client.config.get().etag == before.etag, "nothing was changed"
    assert mke_client.config.diff(before.text).changed is False
    done = mke_client.config.put(str(document), why="fewer sessions", if_match=before.etag)
    assert done.version == tried.version + 1 and not done.dry_run
    with pytest.raises(ConflictError) as stale:
        mke_client.config.put(before.text, if_match=before.etag)
    assert stale.value.status == 412 and stale.value.detail["version"] == done.version
    history = mke_client.config.history()
    assert (history[0].version, history[0].why, history[0].by, history[0].current) == (
        done.version,
        "fewer sessions",
        "admin",
        True,
    )
    assert mke_client.config.version(done.version).differences.column("after") == ["5"]
    assert mke_client.config.version(1, against="current").differences.column("after") == ["5"]
    with pytest.raises(BadRequestError) as broken:
        mke_client.config.put("[auth.sessions]\nper_user_limt = 5\n")
    assert broken.value.detail[0]["nearest"] == "auth.sessions.per_user_limit"
    assert mke_client.config.history()[0].version == done.version
    back = mke_client.config.roll_back(1, dry_run=True)
    assert back.differences.column("after") == ["10"]
    assert mke_client.config.roll_back(1, why="as before").changed
    assert not mke_client.config.drift()
    with pytest.raises(NotFoundError):
        mke_client.config.version(4711)


def test_parts_of_the_configuration(mke_client):
    """AUD-001: nothing, metadata and requests are audited, and no other level is taken."""
    assert mke_client.audit.get().audit_level == ""
    tried = mke_client.audit.set(audit_level="metadata", dry_run=True)
    assert tried and mke_client.audit.get().audit_level == ""
    mke_client.audit.set(audit_level="metadata", why="a test")
    assert mke_client.audit.get().audit_level == "metadata"
    assert mke_client.audit.set(audit_level="request")
    with pytest.raises(BadRequestError, match="audit"):
        mke_client.audit.set(audit_level="loud")
    assert mke_client.audit.get().audit_level == "request"
    mke_client.audit.set(audit_level="")
    part = mke_client.config.part("scheduling")
    assert part["enableAdminUCPScheduling"] is False
    answer = mke_client.config.put_part("scheduling", {"enableAdminUCPScheduling": True}, dry_run=True)
    assert answer["dryRun"] is True
    with pytest.raises(InvalidValueError, match="no part of the configuration"):
        mke_client.config.part("cooking")


def test_life_of_a_bundle(mke_client, tmp_path):
    """CLB-007, archive-12: a bundle is made for its owner alone, works, and stops once its key is removed."""
    bundle = mke_client.bundles.create(label="laptop")
    assert bundle.url == mke_client.url and "key.pem" in bundle.files()
    directory, archive = tmp_path / "unpacked", tmp_path / "bundle.zip"
    bundle.unpack(directory)
    bundle.save(archive)
    for file in (directory / "key.pem", directory / "tls" / "docker" / "key.pem", archive):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for attempt in (lambda: bundle.unpack(directory), lambda: bundle.save(archive)):
        with pytest.raises(ClientError):
            attempt()
    (key,) = [key for key in mke_client.bundles.list() if key.label == "laptop"]
    with Client.from_bundle(directory) as one, Client.from_bundle(archive) as other:
        assert one.accounts.me() == other.accounts.me() == mke_client.accounts.me()
        mke_client.keys.rename("admin", key.id, "old laptop")
        assert mke_client.keys.get("admin", key.id).label == "old laptop"
        mke_client.bundles.delete(key.id)
        with pytest.raises(UnauthenticatedError):
            one.accounts.me()
    with pytest.raises(ClientError, match="is no client bundle"):
        Client.from_bundle(tmp_path)
    with pytest.raises(ClientError) as missing:
        Client.from_bundle(tmp_path / "nowhere")
    assert missing.value.kind == "File"
    for name in ("../evil", "/etc/evil"):
        import io
        import zipfile

        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as target:
            target.writestr(name, "x")
        with pytest.raises(ClientError, match="leaves the directory"):
            mke.client.Bundle(packed.getvalue())


def test_questions_about_access(mke_server, mke_client):
    """AUTHZ questions are answered from what is in force, and change nothing."""
    user, place = fresh("ada"), f"/Shared/{fresh('lab')}"
    mke_client.accounts.create(user, PASSWORD)
    mke_client.collections.create(place)
    change = {"grant": {"subject": f"user:{user}", "role": "View Only", "collection": place}}
    report = mke_client.authz.simulate([change])
    assert report["changes"] and report["difference"]
    assert not mke_client.authz.can_i("Service View", place, user=user)
    explained = mke_client.authz.explain("Service View", place, user=user)
    assert explained["decision"] == "deny"
    mke_client.grants.create(f"user:{user}", "viewonly", place)
    assert mke_client.authz.explain("Service View", place, user=user)["decision"] == "allow"
    assert not mke_client.authz.can_i("Service View", place, anonymous=True)
    call = {"kind": "api", "method": "POST", "path": "/v1.41/networks/create", "body": {"Name": "n"}}
    assert mke_client.authz.can_i(call) and not mke_client.authz.can_i(call, user=user)
    assert place in [right["collection"] for right in mke_client.authz.rights(user).rights]
    matrix = mke_client.authz.access(place)
    assert f"user:{user}" in [row["subject"] for row in matrix["rows"]]
    assert mke_client.authz.access_image(place).startswith("<svg")
    ways = mke_client.authz.escalation_paths(f"user:{user}")
    assert ways["entries"] == []
    tests = {"format": "policy-tests/1", "tests": [{"must-never": "anyone", "do": "Service Create", "in": "/"}]}
    assert mke_client.authz.test(tests)["failed"] + mke_client.authz.test(tests)["passed"] == 1
    assert "rbac" in mke_client.authz.to_mke4()
    assert "difference" in mke_client.authz.diff(state="{format: rbac-scenarios/1, worlds: {empty: {}}}")
    with mke_server.client(user, PASSWORD) as ada:
        assert ada.authz.can_i("Service View", place)
        with pytest.raises(ForbiddenError):
            ada.authz.who_can("Service View", place)
        with pytest.raises(ForbiddenError):
            ada.authz.can_i("Service View", place, user="admin")
    with pytest.raises(BadRequestError):
        mke_client.authz.can_i("Fly", place)
    with pytest.raises(InvalidValueError, match="one text is no list"):
        mke_client.authz.can_i("Container Create", place, modifiers="Privileged")


def test_second_factor(mke_server, mke_client):
    """TFA-005: everybody has only one's own; an administrator may switch off that of somebody else."""
    user = fresh("tess")
    mke_client.accounts.create(user, PASSWORD)
    with mke_server.client(user, PASSWORD) as tess:
        assert not tess.second_factor.get(user).enabled
        enrolment = tess.second_factor.enrol(user, PASSWORD)
        assert enrolment.uri.startswith("otpauth://totp/") and enrolment.secret not in repr(enrolment)
        assert enrolment._repr_html_().startswith('<img src="data:image/svg+xml;base64,')
        codes = tess.second_factor.confirm(user, totp(enrolment.secret))
        assert len(codes) > 4 and tess.second_factor.get(user).recovery_codes_left == len(codes)
        with pytest.raises(UnauthenticatedError):
            mke_server.client(user, PASSWORD)
        Client.login(mke_server.url, user, PASSWORD, code=codes[0], ca_file=mke_server.ca_file).close()
    with pytest.raises(ForbiddenError):
        mke_client.second_factor.enrol(user, PASSWORD)
    mke_client.second_factor.switch_off(user)
    assert not mke_client.accounts.get(user).has_second_factor
    assert not mke_client.second_factor.lock(user).locked
    assert mke_client.second_factor.unlock(user) is False


def totp(secret: str) -> str:
    """The code of now (RFC 6238)."""
    import base64
    import hashlib
    import hmac
    import struct
    import time

    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def test_ways_in(mke_server, monkeypatch, tmp_path):
    """ux-02, ux-03, ux-04: contexts are their owner's alone, and nothing is trusted by default."""
    monkeypatch.setenv("MKE_CONFIG", str(tmp_path / "deep" / "contexts.json"))
    for name in ("MKE_URL", "MKE_TOKEN", "MKE_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert len(mke.client.contexts()) == 0
    with pytest.raises(NotLoggedInError):
        Client.from_env()
    url, user, password = mke_server.url, mke_server.username, mke_server.password
    with pytest.raises(InvalidValueError, match="must be verified"):
        Client.login(url, user, password)
    with pytest.raises(UntrustedError):
        Client.login(url, user, password, fingerprint="00" * 32)
    with pytest.raises(UntrustedError):
        Client.login(url, user, password, ca="no certificate")
    with pytest.raises(InvalidValueError):
        Client.login(url, user, password, ca_file=mke_server.ca_file, insecure=True)
    with pytest.raises(UnauthenticatedError) as wrong:
        Client.login(url, user, "wrong", ca_file=mke_server.ca_file)
    assert "wrong" not in str(wrong.value)
    with Client.login(url, user, password, fingerprint=_fingerprint(mke_server), context="here") as client:
        assert client.accounts.me().name == "admin"
    file = tmp_path / "deep" / "contexts.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (kept,) = mke.client.contexts()
    assert (kept.name, kept.url, kept.username, kept.current, kept.verified) == ("here", url, "admin", True, True)
    for client in (Client.from_context(), Client.from_context("here"), Client.from_env()):
        with client:
            assert client.accounts.me().name == "admin"
    with pytest.raises(NoSuchContextError):
        Client.from_context("elsewhere")
    token = __import__("json").loads(file.read_text())["contexts"]["here"]["token"]
    for name, value in mke_server.environment(token).items():
        monkeypatch.setenv(name, value)
    with Client.from_env() as client:
        assert client.accounts.me().name == "admin"
    monkeypatch.delenv("MKE_CA_FILE")
    with pytest.raises(NotLoggedInError, match="MKE_CA_FILE"):
        Client.from_env()
    with Client.from_token(url, token, ca_file=mke_server.ca_file) as client:
        assert token not in repr(client) and client.accounts.me().is_admin
    with Client.from_token(url, token, insecure=True) as client:
        assert client.accounts.me().is_admin
    for place in ("http://127.0.0.1", "https://good.example@127.0.0.1"):
        with pytest.raises(ClientError, match="no control plane URL"):
            Client.from_token(place, "t", insecure=True)


def _fingerprint(server) -> str:
    import hashlib
    import ssl

    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(server.ca_file.read_text().strip())).hexdigest()


def test_a_session_ends_with_its_client(mke_server):
    with mke_server.client() as client:
        assert client.accounts.me().name == "admin"
    with pytest.raises(UnauthenticatedError):
        client.accounts.me()
    client.close()


def test_health_and_waiting(mke_client):
    """Without an engine the control plane serves and is not healthy; waiting for it ends, and says how it was."""
    assert not mke_client.system.health()
    with pytest.raises(WaitTimeoutError) as late:
        mke_client.system.wait_healthy(timeout=0.05, interval=0.01)
    assert isinstance(late.value, TimeoutError) and "engine does not answer" in late.value.state
    assert str(late.value).startswith("the control plane is not healthy within 0.05 s: ")
    assert "BEGIN CERTIFICATE" in mke_client.system.authority()
    assert mke_client.system.version()["Platform"]["Name"] == "mke"
    assert "ucp_" in mke_client.system.metrics() or "mke_" in mke_client.system.metrics()
    assert len(mke_client.system.banners()) == 0


def test_jobs(mke_client):
    with pytest.raises(ConflictError, match="LDAP is not switched on"):
        mke_client.ldap.sync()
    job = mke_client.ldap.sync(dry_run=True)
    over = mke_client.jobs.wait(job.id, timeout=60, interval=0.05)
    assert over.is_over and over.dry_run and over.status == "failed" and over.error
    assert job.id in mke_client.jobs.list().column("id")
    assert len(mke_client.jobs.logs(job.id)) > 0
    with pytest.raises(ConflictError):
        mke_client.jobs.cancel(job.id)


def test_any_request(mke_client):
    answer = mke_client.request("GET", "/accounts", query={"filter": "users", "limit": 1, "start": None})
    assert answer.status == 200 and answer.json()["accounts"]
    assert answer.content_type == "application/json"
    assert repr(answer).startswith("<Answer 200, ")
    missing = mke_client.request("GET", "/accounts/nobody-at-all", check=False)
    assert not missing.ok and missing.json()["errors"][0]["code"] == "NO_SUCH_OBJECT"
    with pytest.raises(NotFoundError):
        mke_client.request("get", "/accounts/nobody-at-all")
    for path in ("accounts", "@evil.example/", "//evil.example", "/a b", "/accounts/bank/members/.."):
        with pytest.raises(ClientError, match="no path of the API"):
            mke_client.request("GET", path)
    with pytest.raises(InvalidValueError):
        mke_client.request("GET", "/_ping", timeout=0)


def test_names_stay_names(mke_client):
    """A name leads nowhere but to what it names: neither up nor aside."""
    for name in ("", ".", ".."):
        with pytest.raises(InvalidValueError, match="is no name"):
            mke_client.members.remove("bank", name)
    for name in ("a/b", "a?b", "a#b", "%2e%2e", "a b", "ü"):
        with pytest.raises((NotFoundError, BadRequestError)):
            mke_client.accounts.get(name)
    for team in ("ops", "a/", "/b", "a/b/c"):
        with pytest.raises(InvalidValueError, match="write ORGANIZATION/TEAM"):
            mke_client.teams.get(team)
    for subject in ("jane", "user:", "robot:r2"):
        with pytest.raises(InvalidValueError, match="is no subject"):
            mke_client.grants.create(subject, "View Only", "/")
    with pytest.raises(InvalidValueError, match="say one place"):
        mke_client.grants.create("authenticated", "View Only")


def test_nobody_there():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = Client.from_token(f"https://127.0.0.1:{taken.getsockname()[1]}", "t", insecure=True, retries=0)
        with pytest.raises(UnreachableError) as error:
            client.accounts.me()
    assert isinstance(error.value, ConnectionError) and "refused" in error.value.reason


def test_methods_are_as_the_calls_say():
    """The methods of both clients are written from the same calls, so they cannot differ."""
    import pathlib
    import subprocess
    import sys

    tool = pathlib.Path(__file__).parent.parent / "tools" / "make_client.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_both_clients_have_the_same_methods():
    import inspect

    from mke.client import AsyncClient

    def methods(cls: type) -> dict[str, inspect.Signature]:
        found = inspect.getmembers(cls, lambda member: inspect.isfunction(member) or inspect.ismethod(member))
        names = {"__aenter__": "__enter__", "__aexit__": "__exit__"}
        return {names.get(name, name): member for name, member in found if not name.startswith("_") or name in names}

    def same(one: type, other: type) -> None:
        ours, theirs = methods(one), methods(other)
        assert set(ours) == set(theirs) - {"__enter__", "__exit__"}, one
        for name, method in ours.items():
            assert list(inspect.signature(method).parameters.values()) == list(
                inspect.signature(theirs[name]).parameters.values()
            ), f"{one.__name__}.{name}"
            assert method.__doc__ == theirs[name].__doc__

    same(Client, AsyncClient)
    groups = [name for name, member in vars(Client).items() if isinstance(member, property) and name != "url"]
    assert len(groups) == 20
    for name in groups:
        one, other = (getattr(cls, name).fget.__annotations__["return"] for cls in (Client, AsyncClient))
        assert other == f"Async{one}"
        modules = (__import__(f"mke.client.{kind}.{name}", fromlist=["x"]) for kind in ("_sync", "_async"))
        same(*(getattr(module, cls) for module, cls in zip(modules, (one, other))))
