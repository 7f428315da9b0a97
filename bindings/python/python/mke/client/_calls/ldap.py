"""An LDAP directory: its settings, trial logins, synchronisations, and the teams that it fills."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

from mke.client._flow import Flow, Request, call, change, fetch, get, get_object, given, mapping, path, trial
from mke.client._records import Job
from mke.client._resolve import organization_and_team
from mke.client._signin_records import LdapTrial, MemberSync
from mke.client._system_records import ConfigChange

_PLACE = ("api", "ucp", "config", "auth", "ldap")


@call
def get_() -> Flow[dict[str, Any]]:
    """The settings, as a mapping of the API. Passwords are not in it."""
    return (yield from get_object(*_PLACE))


@trial
def set(
    settings: Mapping[str, Any], *, why: str | None = None, if_match: str | None = None, dry_run: bool = False
) -> Flow[dict[str, Any] | ConfigChange]:
    """Replaces the settings, and returns them. They do not count before `sign_in.set(backend="ldap")`.

    A password that is left out stays as it was for the same server and reader; an empty one binds without.

    Args:
        settings: a mapping as `get` returns it.
        why: for the history of the configuration.
        if_match: the version that the change is based on.

    Raises:
        mke.errors.BadRequestError: the settings have mistakes; the text names all of them.
    """
    place = path(*_PLACE, query={"dry-run": dry_run, "why": why})
    answer: Any = yield from fetch(Request("PUT", place, mapping("settings", settings), if_match=if_match, safe=dry_run))
    return ConfigChange.read(answer) if dry_run else dict(answer)


@call
def test_login(username: str, password: str, *, settings: Mapping[str, Any] | None = None) -> Flow[LdapTrial]:
    """Tries a login with the directory. It changes nothing, and makes no session.

    Args:
        username: who would log in.
        password: their password.
        settings: settings that need not be saved; those that are when it is `None`.

    Raises:
        mke.errors.BadRequestError: the settings have mistakes.
    """
    body = given(username=username, password=password, config=None if settings is None else mapping("settings", settings))
    request = Request("POST", path(*_PLACE, "test-login"), body, safe=True)
    return LdapTrial.read((yield from fetch(request)))


@call
def sync(*, dry_run: bool = False, accept_deactivations: bool = False) -> Flow[Job]:
    """Asks for a synchronisation: `jobs.wait` waits for it, `jobs.logs` tells what it did. When one waits already, that one is the answer.

    Args:
        dry_run: the job only says what it would do, also while the directory is not switched on yet.
        accept_deactivations: deactivate however many the directory does not list any more.

    Raises:
        mke.errors.ConflictError: the directory is not switched on.
    """
    body = {"action": "ldap-sync", "dryRun": dry_run, "acceptDeactivations": accept_deactivations}
    return Job.read((yield from fetch(Request("POST", path("enzi", "v0", "jobs"), body))))


@call
def team_members(team: str) -> Flow[MemberSync]:
    """How the directory says who belongs to a team.

    Args:
        team: ORGANIZATION/TEAM.
    """
    return MemberSync.read((yield from get(*_team(team))))


@change
def set_team_members(
    team: str,
    *,
    enabled: bool = True,
    group_dn: str = "",
    group_member_attribute: str = "",
    search_base_dn: str = "",
    search_subtree: bool = False,
    search_filter: str = "",
    allow_others: bool | None = None,
) -> Flow[MemberSync]:
    """Says how the directory fills a team: by a group, or by a search. Switched on, it is done at once.

    Args:
        team: ORGANIZATION/TEAM.
        enabled: whether it does.
        group_dn: the group whose members count,
        group_member_attribute: and the attribute that names them;
        search_base_dn: or where a search begins,
        search_subtree: whether it goes below the entries right there,
        search_filter: and its filter.
        allow_others: whether accounts that are kept here may be members as well; as before when it is `None`.

    Raises:
        mke.errors.BadRequestError: a name or filter cannot be read; the text names all of them.
    """
    sync = _sync(enabled, group_dn, group_member_attribute, search_base_dn, search_subtree, search_filter, allow_others)
    return MemberSync.read((yield from fetch(Request("PUT", path(*_team(team)), sync))))


@call
def organization_admins(organization: str) -> Flow[MemberSync]:
    """How the directory says who administers an organization."""
    return MemberSync.read((yield from get("accounts", organization, "adminMemberSyncConfig")))


@change
def set_organization_admins(
    organization: str,
    *,
    enabled: bool = True,
    group_dn: str = "",
    group_member_attribute: str = "",
    search_base_dn: str = "",
    search_subtree: bool = False,
    search_filter: str = "",
    allow_others: bool | None = None,
) -> Flow[MemberSync]:
    """Says how the directory names the administrators of an organization: as `set_team_members` does for a team."""
    sync = _sync(enabled, group_dn, group_member_attribute, search_base_dn, search_subtree, search_filter, allow_others)
    place = path("accounts", organization, "adminMemberSyncConfig")
    return MemberSync.read((yield from fetch(Request("PUT", place, sync))))


def _team(team: str) -> tuple[str, ...]:
    organization, name = organization_and_team(team)
    return ("accounts", organization, "teams", name, "memberSyncConfig")


def _sync(
    enabled: bool, group_dn: str, member: str, base: str, subtree: bool, search: str, allow_others: bool | None
) -> dict[str, Any]:
    return given(
        enableSync=enabled,
        selectGroupMembers=bool(group_dn),
        groupDN=group_dn,
        groupMemberAttr=member,
        searchBaseDN=base,
        searchScopeSubtree=subtree,
        searchFilter=search,
        allowNonLDAPMembers=allow_others,
    )
