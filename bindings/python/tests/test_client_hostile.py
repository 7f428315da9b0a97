"""The client against servers that a test plays: what no control plane says, and what dry runs send."""

from __future__ import annotations

import importlib
import itertools
import json

import pytest
from client_calls import GROUPS, calls, likely
from played import Played, as_json

from mke.client import Client
from mke.errors import ApiError, BadAnswerError, BadRequestError, ClientError, InvalidValueError, MkeError, ServerError


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    server = Played(tmp_path_factory.mktemp("played"))
    yield server
    server.stop()


@pytest.fixture
def client(played):
    played.heard.clear()
    return Client.from_token(played.url, "t", insecure=True, retries=0)


def reads(path: str) -> bool:
    """Whether a request that is no GET changes nothing all the same: questions, and trials."""
    return "/authz/" in path or "dry-run=true" in path or path.endswith("/test-login")


def test_a_dry_run_writes_nothing(client, played):
    """ux-08: with `dry_run` every method that changes something sends only what reads, or what says itself that it is a trial."""
    played.answer = likely
    tried = 0
    for group, name, method, arguments, parameters in calls(client):
        if "dry_run" not in parameters:
            continue
        played.heard.clear()
        answer = method(**arguments, dry_run=True)
        tried += 1
        for sent, path, body in played.heard:
            trial = "dry-run=true" in path or (body and json.loads(body).get("dryRun") is True)
            assert sent == "GET" or trial, f"{group}.{name} sent {sent} {path}"
        if not any(sent != "GET" for sent, _, _ in played.heard):
            assert answer.method in ("POST", "PUT", "PATCH", "DELETE"), f"{group}.{name}"
    assert tried == 56


def test_whatever_changes_takes_dry_run(client, played):
    """ux-08: what sends something else than reads and questions has a dry run."""
    played.answer = likely
    for group, name, method, arguments, parameters in calls(client):
        played.heard.clear()
        try:
            found = method(**arguments)
            next(iter(found), None) if name.startswith("iter") else None
        except MkeError:
            pass
        changes = [(sent, path) for sent, path, _ in played.heard if sent != "GET" and not reads(path)]
        assert not changes or "dry_run" in parameters, f"{group}.{name} sent {changes}"


HOSTILE = {
    "nothing": b"",
    "no JSON": b"<html><script>alert(1)</script>",
    "cut off": b'{"accounts": [{"name"',
    "no text": b'"\xff\xfe"',
    "half a letter": b'{"name": "\\ud800"}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a number": b"7",
    "a huge number": b"1" + b"0" * 400,
    "null": b"null",
    "a text": b'"text"',
    "a list": b"[]",
    "a list of nothing": b"[null]",
    "a list of lists": b"[[[[]]]]",
    "an object": b"{}",
    "objects of nothing": b'{"accounts":null,"teams":null,"members":null,"grants":null,"jobs":null,"nodes":null,"id":null}',
    "wrong kinds": json.dumps(
        {key: 7 for key in "id name accounts teams members grants subjects jobs nodes versions results token path".split()}
    ).encode(),
    "other wrong kinds": json.dumps(
        {key: {"a": []} for key in "id name accounts members grants jobs nodes versions results token recoveryCodes".split()}
    ).encode(),
    "entries of nothing": json.dumps(
        {
            key: [{}, None, 7, "x"]
            for key in "accounts teams members accountPublicKeys grants jobs versions results memberOrgs memberTeams".split()
        }
    ).encode(),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_answers_end_in_typed_errors(client, played, content):
    """ux-07: whatever an answer holds, every call ends with its result or with an error of this package."""
    played.answer = lambda method, path: (200, {"content-type": "application/json"}, content)
    for group, name, method, arguments, _ in calls(client):
        try:
            found = method(**arguments)
            if name.startswith("iter"):
                list(itertools.islice(found, 50))
            else:
                repr(found)
        except MkeError:
            pass
        except Exception as error:
            raise AssertionError(f"{group}.{name}: {error!r}") from error


@pytest.mark.parametrize("status", [199 + 1, 302, 400, 401, 404, 409, 418, 429, 500, 599])
@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b'{"errors": 7}', b'{"errors": [7, null, {"message": 7}]}', b'{"message": {"a": 1}, "detail": [[]]}', b"\xff"],
)
def test_hostile_refusals(client, played, status, content):
    """ux-07: a refusal is an `ApiError` with its status, whatever its body holds."""
    headers = {"retry-after": "-1", "location": "https://evil.example/", "etag": "\x80"}
    played.answer = lambda method, path: (status, headers, content)
    if status == 200:
        return
    with pytest.raises(ApiError) as refused:
        client.accounts.get("jane")
    assert refused.value.status == status and refused.value.retry_after is None
    assert len(played.heard) == 1


def test_lists_without_an_end(client, played):
    """ux-07: a list that goes in circles, or on for ever, ends."""
    entry = {"name": "a", "id": "a"}
    circle = {"": "b", "b": "c", "c": "b"}
    played.answer = lambda method, path: as_json(
        {"accounts": [entry], "nextPageStart": circle[path.partition("start=")[2]]}
    )
    with pytest.raises(BadAnswerError, match="does not end"):
        client.accounts.list()
    with pytest.raises(BadAnswerError, match="does not end"):
        list(client.accounts.iter())
    assert len(played.heard) == 6
    played.answer = lambda method, path: (200, {"x-next-page-start": "same"}, b"[]")
    assert len(client.collections.list()) == 0, "a marker that stays is the end"
    played.answer = lambda method, path: as_json({"accounts": [entry], "nextPageStart": 7})
    with pytest.raises(BadAnswerError):
        client.accounts.list()


def test_answers_have_a_limit(client, played):
    """ux-07: an answer of more than 64 MiB is not kept."""
    content = b" " * (64 * 1024 * 1024 + 1)
    played.answer = lambda method, path: (200, {}, content)
    with pytest.raises(BadAnswerError, match="more than 67108864 bytes"):
        client.system.metrics()


def test_names_are_shown_inert(client, played):
    """Names of a server are escaped where notebooks show them, and move no cursor."""
    evil = '<img src=x onerror="alert(1)">'
    played.answer = lambda method, path: as_json({"accounts": [{"name": evil, "id": evil, "fullName": "\x1b[2J"}]})
    accounts = client.accounts.list()
    for shown in (accounts._repr_html_(), accounts[0]._repr_html_()):
        assert "<img" not in shown and "&lt;img" in shown
    assert "\x1b" not in str(accounts)


def test_hostile_bundles(client, played):
    """ux-07, archive-12: what is no bundle is refused as a whole."""
    import io
    import zipfile

    def packed(*entries: tuple[str, bytes], compressed: bool = False) -> bytes:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
            for name, content in entries:
                archive.writestr(name, content)
        return target.getvalue()

    for content in (
        b"",
        b"PK\x03\x04 no archive",
        packed(("a", b"x"), ("../b", b"x")),
        packed(("/etc/passwd", b"x")),
        packed(("a", b" " * (1024 * 1024 + 1))),
        packed(("a", b" " * 10_000_000), compressed=True),
        packed(*((str(number), b"") for number in range(1001))),
        packed(("key.pem", b"x"))[:-10],
    ):
        played.answer = lambda method, path, content=content: (200, {}, content)
        with pytest.raises(ClientError) as refused:
            client.bundles.create()
        assert refused.value.kind == "Bundle", content[:40]
    played.answer = lambda method, path: (200, {}, packed(("meta.json", b"{}")))
    with pytest.raises(ClientError, match="names no endpoint"):
        client.bundles.create().url


def test_what_is_sent_again(played):
    """What only reads is sent again when the server is busy; changes are not, because they may have been made."""
    client = Client.from_token(played.url, "t", insecure=True, retries=2)
    answers = iter([(503, {}, b""), (503, {}, b""), as_json({"name": "a", "id": "a"})])
    played.answer = lambda method, path: next(answers)
    played.heard.clear()
    assert client.accounts.get("a").name == "a" and len(played.heard) == 3
    played.heard.clear()
    played.answer = lambda method, path: (503, {}, b'{"message": "the store is full"}')
    with pytest.raises(ServerError, match="the store is full"):
        client.accounts.create("a")
    assert len(played.heard) == 1
    played.heard.clear()
    with pytest.raises(ServerError):
        client.authz.can_i("Service View")
    assert len(played.heard) == 3, "a question changes nothing"


def test_arguments_of_the_wrong_kind(client, played):
    """What cannot be sent is refused before anything is."""
    played.heard.clear()
    with pytest.raises(InvalidValueError):
        client.request("POST", "/x", json={"a": object()})
    with pytest.raises(InvalidValueError):
        client.request("POST", "/x", json={}, data=b"x")
    with pytest.raises(InvalidValueError):
        client.request("BAD METHOD", "/x")
    with pytest.raises(InvalidValueError):
        Client.from_token("https://h", "t", insecure=True, timeout=float("nan"))
    with pytest.raises(InvalidValueError):
        client.accounts.get(7)
    assert played.heard == []


def test_every_group_is_a_module():
    for name in GROUPS:
        for kind in ("_calls", "_sync", "_async"):
            assert importlib.import_module(f"mke.client.{kind}.{name}")
    assert issubclass(BadRequestError, ValueError)
