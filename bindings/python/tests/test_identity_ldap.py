"""`mke.identity` and a real directory: read, planned, synchronised, and what must not happen."""

from __future__ import annotations

import asyncio
import inspect
import pathlib
from collections.abc import Iterator

import pytest
from slapd import READER, READER_PASSWORD, SUFFIX, Slapd, group, person

from mke import identity
from mke.config import Config, Document
from mke.errors import ConfigError, InvalidValueError, LdapFetchError, LdapSyncError
from mke.identity import AccountStore, LdapSettings

ENTRIES = (
    person("jane", "Jane Doe") + person("john", "John Roe") + person("amy", "Amy Poe") + group("ops", "jane", "john")
)


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Iterator[Slapd]:
    place = tmp_path / "slapd"
    place.mkdir()
    with Slapd(place, ENTRIES) as running:
        yield running


def settings_of(server: Slapd, **changes: object) -> LdapSettings:
    document = Document()
    values = {
        "auth.backend": "ldap",
        "auth.ldap.server_url": server.url,
        "auth.ldap.reader_dn": READER,
        "auth.ldap.reader_password": READER_PASSWORD,
        "auth.ldap.jit_user_provisioning": False,
        "auth.ldap.user_search_configs[0].base_dn": f"ou=people,{SUFFIX}",
        "auth.ldap.user_search_configs[0].username_attr": "uid",
        "auth.ldap.user_search_configs[0].full_name_attr": "cn",
        "auth.ldap.user_search_configs[0].scope_subtree": True,
        "auth.ldap.user_search_configs[0].match_group": False,
        **changes,
    }
    document.update(values)  # type: ignore[arg-type]
    return LdapSettings(document.read())


@pytest.fixture
def store() -> AccountStore:
    made = AccountStore()
    made.create_user("root", password="correct horse battery", is_admin=True)
    made.create_organization("eng")
    made.create_team("eng", "ops")
    made.link_team_with_ldap("eng", "ops", {"groupDn": f"cn=ops,ou=groups,{SUFFIX}", "groupMemberAttribute": "member"})
    return made


def names(store: AccountStore, source: str = "ldap") -> dict[str, bool]:
    return {row["name"]: row["is_active"] for row in store.accounts() if row["source"] == source}


def test_a_dry_run_says_everything_and_does_nothing(server: Slapd, store: AccountStore) -> None:
    dry = identity.ldap_sync(settings_of(server), store, dry_run=True)
    assert dry.dry_run and dry.done == 0 and dry.refusals == []
    assert (dry.planned["created"], dry.planned["joined"]) == (3, 2)
    assert f"create jane (uid=jane,ou=people,{SUFFIX})" in str(dry) and "add jane to eng/ops" in str(dry)
    assert names(store) == {}


def test_accounts_follow_the_directory(server: Slapd, store: AccountStore) -> None:
    settings = settings_of(server)
    lines: list[str] = []
    done = identity.ldap_sync(settings, store, log=lines.append)
    assert done.done == 3 and done.refused == [] and not done.dry_run
    assert any("3 users" in line for line in lines)
    assert names(store) == {"amy": True, "jane": True, "john": True}
    (team,) = store.teams("eng")
    assert team["members"] == ["jane", "john"]
    assert not identity.ldap_fetch(settings, store).plan(store), "a second run has nothing to do"

    server.modify(f"dn: uid=amy,ou=people,{SUFFIX}\nchangetype: delete\n")
    with pytest.raises(LdapSyncError) as raised:
        identity.ldap_sync(settings, store)
    assert raised.value.kind == "Refused" and "20 %" in str(raised.value)
    assert identity.ldap_sync(settings, store, dry_run=True).refusals
    assert names(store)["amy"], "nothing was changed"
    identity.ldap_sync(settings, store, accept_deactivations=True)
    assert names(store) == {"amy": False, "jane": True, "john": True}


def test_what_was_read_can_be_looked_at_and_planned_with(server: Slapd, store: AccountStore) -> None:
    fetched = identity.ldap_fetch(settings_of(server), store)
    assert len(fetched) == 3
    assert {row["name"]: row["full_name"] for row in fetched.users} == {"amy": "Amy Poe", "jane": "Jane Doe", "john": "John Roe"}
    assert fetched.searches == [{"base": f"ou=people,{SUFFIX}", "entries": 4, "users": 3}]
    (team,) = fetched.teams
    assert sorted(team["members"]) == ["jane", "john"] and fetched.administrators is None
    plan = fetched.plan(store)
    assert plan and plan.counts["created"] == 3 and plan.refusals == []
    assert {create["name"] for create in plan.to_dict()["create"]} == {"amy", "jane", "john"}
    assert not fetched.plan(store, just_in_time=True).counts["created"], "accounts are made at their first login then"
    assert len(identity.ldap_fetch(settings_of(server))) == 3


def test_a_directory_that_fails_changes_nothing(server: Slapd, store: AccountStore) -> None:
    settings = settings_of(server)
    identity.ldap_sync(settings, store)
    wrong = settings_of(server, **{"auth.ldap.reader_password": "wrong"})
    with pytest.raises(LdapFetchError) as raised:
        identity.ldap_fetch(wrong)
    assert raised.value.kind == "Users" and "readerPassword" in str(raised.value) and "wrong" not in str(raised.value)
    server.stop()
    with pytest.raises(LdapSyncError) as lost:
        identity.ldap_sync(settings, store, accept_deactivations=True)
    assert lost.value.kind == "Fetch" and "nothing was changed" in str(lost.value)
    assert all(names(store).values())


async def test_both_forms_are_one(server: Slapd, store: AccountStore) -> None:
    settings = settings_of(server)
    dry, fetched, report = await asyncio.gather(
        identity.ldap_sync_async(settings, store, dry_run=True),
        identity.ldap_fetch_async(settings, store),
        identity.ldap_test_login_async(settings, "jane", "jane-secret"),
    )
    assert str(dry) == str(identity.ldap_sync(settings, store, dry_run=True))
    assert fetched.users == identity.ldap_fetch(settings, store).users
    assert report == identity.ldap_test_login(settings, "jane", "jane-secret")
    done = await identity.ldap_sync_async(settings, store)
    assert done.done == 3
    for form in (identity.ldap_sync, identity.ldap_fetch, identity.ldap_test_login):
        other = getattr(identity, f"{form.__name__}_async")
        assert inspect.signature(form) == inspect.signature(other)


def test_a_trial_login_says_each_step(server: Slapd) -> None:
    settings = settings_of(server)
    report = identity.ldap_test_login(settings, "JANE", "jane-secret")
    assert report["ok"] and all(step["ok"] for step in report["steps"])
    for name, password in [("jane", "wrong"), ("jane", ""), ("nobody", "secret"), ("*", "secret")]:
        refused = identity.ldap_test_login(settings, name, password)
        assert not refused["ok"] and not refused["steps"][-1]["ok"]
        assert not password or password not in str(refused)


def test_a_listener_that_raises_breaks_nothing(server: Slapd, store: AccountStore) -> None:
    def listener(line: str) -> None:
        raise KeyError(line)

    with pytest.raises(KeyError):
        identity.ldap_sync(settings_of(server), store, log=listener)
    assert len(names(store)) == 3


def test_settings_are_valid_by_construction() -> None:
    with pytest.raises(ConfigError) as raised:
        LdapSettings(Config())
    assert raised.value.problems[0].key
    with pytest.raises(ConfigError):
        LdapSettings.from_json("{")
    store = AccountStore()
    store.create_organization("eng")
    store.create_team("eng", "ops")
    for members in [{}, {"groupDn": "cn=a", "searchBaseDn": "dc=b"}, {"groupDN": "cn=a"}]:
        with pytest.raises(InvalidValueError):
            store.link_team_with_ldap("eng", "ops", members)  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="nobody"):
        store.link_team_with_ldap("nobody", "ops", None)
