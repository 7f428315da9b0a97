"""`mke.identity`: accounts without a server, SCIM over them, names of directories, codes of the second factor."""

from __future__ import annotations

import asyncio
import inspect
import json
import pathlib

import pytest

from mke import identity
from mke.config import Secret
from mke.errors import AccountError, InvalidNameError, InvalidValueError, LdapFilterError, LdapNameError, ScimError
from mke.identity import AccountStore, AsyncScimService, Dn, LdapFilter, ScimService, TotpSeed

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PASSWORD = "correct horse battery"


def user(name: str) -> dict[str, object]:
    return {"schemas": [USER], "userName": name, "emails": [{"value": f"{name}@example.com"}]}


# Accounts.


def test_accounts_are_kept_in_memory_or_in_a_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "accounts.db"
    with AccountStore(path) as store:
        made = store.create_user("jane", password=Secret(PASSWORD), full_name="Jane Doe", is_admin=True)
        store.create_organization("eng")
        store.create_team("eng", "ops", description="operators")
        store.add_team_member("eng", "ops", "jane", is_admin=True)
        rows = {row["name"]: row for row in store.accounts()}
    del store
    assert rows["jane"]["id"] == made and rows["jane"]["is_admin"] and not rows["jane"]["is_organization"]
    assert rows["jane"]["source"] is None and rows["docker-datacenter"]["is_organization"]
    again = AccountStore(path)
    (team,) = again.teams("eng")
    assert (team["name"], team["members"], team["description"]) == ("ops", ["jane"], "operators")
    assert PASSWORD.encode() not in path.read_bytes()


def test_what_cannot_be_is_refused() -> None:
    store = AccountStore()
    store.create_user("jane", password=PASSWORD)
    with pytest.raises(AccountError) as raised:
        store.create_user("jane", password=PASSWORD)
    assert raised.value.kind == "NameInUse"
    with pytest.raises(AccountError) as invalid:
        store.create_user("Ja ne", password="short")
    assert invalid.value.kind == "Invalid" and "short" not in str(invalid.value)
    with pytest.raises(InvalidValueError):
        store.create_user("john", password=7)  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="nobody"):
        store.teams("nobody")
    with pytest.raises(InvalidValueError, match="ops"):
        store.add_team_member("docker-datacenter", "ops", "jane")


# SCIM.


def test_users_and_groups_are_provisioned() -> None:
    store = AccountStore()
    service = ScimService(store, base="https://mke.example.com/scim/")
    made = service.handle("POST", "/Users", user("jane"))
    assert made and made.status == 201 and made.headers["Location"] == f"https://mke.example.com/scim/Users/{made.body['id']}"
    assert made.changed == [made.body["id"]]
    group = service.handle("POST", "/Groups", {"schemas": [GROUP], "displayName": "ops", "members": [{"value": made.body["id"]}]})
    assert group.status == 201, group.body
    assert service.handle("GET", "/Users", query={"filter": 'userName eq "JANE"'}).body["totalResults"] == 1
    (row,) = (row for row in store.accounts() if row["name"] == "jane")
    assert row["source"] == "scim" and row["is_active"]

    path = f"Users/{made.body['id']}"
    tag = service.handle("GET", path).headers["ETag"]
    assert service.handle("GET", path, if_none_match=tag).status == 304
    off = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]}
    assert service.handle("PATCH", path, off, if_match='W/"0"').status == 412
    assert service.handle("PATCH", path, json.dumps(off), if_match=tag).status == 200
    assert not next(row for row in store.accounts() if row["name"] == "jane")["is_active"]
    gone = service.handle("DELETE", path)
    assert gone.status == 204 and gone.body is None and "Content-Type" not in gone.headers
    assert service.handle("GET", path).status == 404


def test_what_cannot_be_done_is_an_answer() -> None:
    service = ScimService(AccountStore())
    assert service.handle("POST", "/Users", user("jane")).status == 201
    for status, answer in [
        (409, service.handle("POST", "/Users", user("jane"))),
        (400, service.handle("POST", "/Users", b"{")),
        (415, service.handle("POST", "/Users", user("john"), content_type="text/plain")),
        (405, service.handle("DELETE", "/Users")),
        (404, service.handle("GET", "/Nothing")),
        (501, service.handle("POST", "/Bulk", {})),
        (400, service.handle("GET", "/Users", query={"filter": "userName"})),
    ]:
        assert answer.status == status and not answer and answer.body["status"] == str(status), answer.body
    assert service.handle("DELETE", "/Users").headers["Allow"] == "GET, POST"


async def test_the_asynchronous_service_is_the_same() -> None:
    store = AccountStore()
    service, other = AsyncScimService(store), ScimService(store)
    answers = await asyncio.gather(*(service.handle("POST", "/Users", user(f"user{n}")) for n in range(20)))
    assert {answer.status for answer in answers} == {201}
    assert (await service.handle("GET", "/Users")).body == other.handle("GET", "/Users").body
    assert inspect.signature(ScimService.handle) == inspect.signature(AsyncScimService.handle)
    assert inspect.signature(ScimService) == inspect.signature(AsyncScimService)


def test_filters_and_changes_are_tried_on_resources_at_hand() -> None:
    jane = {"userName": "jane", "emails": [{"value": "jane@example.com", "type": "work"}]}
    assert identity.scim_matches("User", 'emails[type eq "work"]', jane)
    assert not identity.scim_matches("User", 'emails[type eq "home"]', jane)
    with pytest.raises(ScimError) as raised:
        identity.scim_matches("User", "userName eq", jane)
    assert raised.value.status == 400
    with pytest.raises(InvalidValueError):
        identity.scim_matches("Robot", "userName pr", jane)


# Names and filters.


def test_names_are_one_in_every_spelling() -> None:
    base = Dn("dc=example,dc=com")
    people = Dn("OU=People, DC=Example,DC=com")
    assert str(people) == "ou=people,dc=example,dc=com" and people.is_child_of(base) and people.is_within(people)
    assert len({people, Dn("ou=people,dc=example,dc=com")}) == 1 and not base.is_within(people)
    assert sorted([people, base]) and Dn("").depth == 0
    for text in ["people", "=x", "a=b,"]:
        with pytest.raises(LdapNameError):
            Dn(text)
    with pytest.raises(InvalidNameError):
        identity.account_name("a b")


def test_values_cannot_escape_from_filters() -> None:
    evil = "*)(objectClass=*"
    both = LdapFilter("(a=b)") & LdapFilter.equals("uid", evil)
    assert str(both) == f"(&(a=b)(uid={identity.escape_filter_value(evil)}))"
    assert LdapFilter(str(both)) == both
    with pytest.raises(LdapFilterError) as raised:
        LdapFilter("(uid=" + "(" * 5)
    assert raised.value.kind == "Syntax"
    with pytest.raises(LdapFilterError) as deep:
        LdapFilter("(!" * 50 + "(a=b)" + ")" * 50)
    assert deep.value.kind == "TooDeep"


# The second factor.


def test_codes_are_those_of_the_standard() -> None:
    seed = TotpSeed(b"12345678901234567890")
    # RFC 6238, appendix B, six digits.
    for at, code in [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]:
        assert seed.code(at=at) == code
        step = at // TotpSeed.STEP_SECONDS
        assert seed.verify(code, at=at) == step and seed.verify(code, at=at + 30) == step
        assert seed.verify(code, at=at + 90) is None
        assert seed.verify(code, at=at, last_step=step) is None, "a code is taken once"
    for wrong in ["", "28708", "2870822", " 287082", "٢٨٧٠٨٢", "287083"]:
        assert seed.verify(wrong, at=59) is None


def test_seeds_are_read_and_shown_on_purpose_only() -> None:
    seed = TotpSeed()
    text = seed.base32.expose()
    assert identity.totp_seed(seed.base32).code(at=0) == seed.code(at=0) == identity.totp_seed(text.lower()).code(at=0)
    uri = seed.uri("MKE", "jane").expose()
    assert uri.startswith("otpauth://totp/MKE:jane?secret=") and text in uri
    assert seed.qr_svg("MKE", "jane").expose().startswith("<svg")
    assert text not in repr(seed) and TotpSeed().base32 != seed.base32
    assert seed.verify(seed.code()) is not None
    for wrong in ["not base32!", "GEZD", "1" * 16]:
        with pytest.raises(InvalidValueError) as raised:
            identity.totp_seed(wrong)
        assert wrong not in str(raised.value)
