"""The types of plain data in `mke.identity`. Import it for annotations only."""

from __future__ import annotations

from typing import List, Optional, TypedDict


class AccountRow(TypedDict):
    """An account; `source` and `dn` are those of accounts from elsewhere."""

    id: str
    name: str
    full_name: str
    is_organization: bool
    is_admin: bool
    is_active: bool
    source: Optional[str]
    dn: Optional[str]


class TeamRow(TypedDict):
    """A team with the names of its members."""

    id: str
    name: str
    description: str
    members: List[str]


class LdapMembers(TypedDict, total=False):
    """Which people of a directory are members: those of a group, or what a search finds."""

    groupDn: str
    groupMemberAttribute: str
    searchBaseDn: str
    searchSubtree: bool
    searchFilter: str
    allowOthers: bool


class LdapUser(TypedDict):
    """A user of a directory."""

    name: str
    full_name: str
    dn: str
    id: str
    enabled: bool


class LdapSearch(TypedDict):
    """What one user search found."""

    base: str
    entries: int
    users: int


class LdapTeam(TypedDict):
    """A team with its members as the directory says."""

    name: str
    members: List[str]


class LdapCounts(TypedDict):
    """How much a synchronisation does."""

    created: int
    renamed: int
    updated: int
    deactivated: int
    reactivated: int
    admins: int
    joined: int
    left: int


class LdapTestStep(TypedDict):
    """One step of a trial login."""

    what: str
    ok: bool


class LdapTestReport(TypedDict):
    """What a trial login came to."""

    ok: bool
    steps: List[LdapTestStep]
