"""The HTTP API of a control plane: accounts, rights, configuration, bundles, nodes, and questions about access.

    import mke

    with mke.client.Client.from_env() as client:
        client.accounts.create("jane", "a long password", full_name="Jane Doe")
        client.grants.create("user:jane", "View Only", "/Shared")
        if client.authz.can_i("Service View", "/Shared", user="jane"):
            print(client.accounts.list())

`AsyncClient` has the same methods, to be awaited. Lists are tables (`mke.Table`); their methods `iter` read page after page instead.
Every change takes `dry_run=True`: nothing is changed then, and what is returned says what would be.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mke._native.client import Answer as Answer
    from mke._native.client import Bundle as Bundle
    from mke._native.client import Connection as Connection
    from mke._native.client import Context as Context
    from mke.client._access_records import Collection as Collection
    from mke.client._access_records import Decision as Decision
    from mke.client._access_records import Grant as Grant
    from mke.client._access_records import Holder as Holder
    from mke.client._access_records import Missing as Missing
    from mke.client._access_records import Role as Role
    from mke.client._access_records import WhoCan as WhoCan
    from mke.client._flow import Planned as Planned
    from mke.client._flow import Request as Request
    from mke.client._records import Account as Account
    from mke.client._records import Enrolment as Enrolment
    from mke.client._records import Job as Job
    from mke.client._records import LogLine as LogLine
    from mke.client._records import LoginLock as LoginLock
    from mke.client._records import Member as Member
    from mke.client._records import Membership as Membership
    from mke.client._records import PublicKey as PublicKey
    from mke.client._records import SecondFactor as SecondFactor
    from mke.client._records import Team as Team
    from mke.client._records import TeamMembership as TeamMembership
    from mke.client._signin_records import HeldBundle as HeldBundle
    from mke.client._signin_records import LdapTrial as LdapTrial
    from mke.client._signin_records import LdapTrialStep as LdapTrialStep
    from mke.client._signin_records import MemberSync as MemberSync
    from mke.client._signin_records import SamlProvider as SamlProvider
    from mke.client._signin_records import SamlSettings as SamlSettings
    from mke.client._signin_records import SamlStatus as SamlStatus
    from mke.client._signin_records import ScimSettings as ScimSettings
    from mke.client._signin_records import ScimToken as ScimToken
    from mke.client._signin_records import ScimTokenInfo as ScimTokenInfo
    from mke.client._signin_records import SignInSettings as SignInSettings
    from mke.client._system_records import AuditSettings as AuditSettings
    from mke.client._system_records import Banner as Banner
    from mke.client._system_records import BulkResult as BulkResult
    from mke.client._system_records import ConfigChange as ConfigChange
    from mke.client._system_records import ConfigDrift as ConfigDrift
    from mke.client._system_records import ConfigEntry as ConfigEntry
    from mke.client._system_records import ConfigFile as ConfigFile
    from mke.client._system_records import ConfigVersion as ConfigVersion
    from mke.client._system_records import Difference as Difference
    from mke.client._system_records import Health as Health
    from mke.client._system_records import Impact as Impact
    from mke.client._system_records import Node as Node
    from mke.client._system_records import ServerCertificate as ServerCertificate
    from mke._table import Table

from mke.client._asynchronous import AsyncClient as AsyncClient
from mke.client._synchronous import Client as Client

# Where records are. They are loaded when they are first asked for, so that a short program starts soon.
_PLACES = {
    "mke._native.client": (
        "Answer",
        "Bundle",
        "Connection",
        "Context",
    ),
    "mke.client._access_records": (
        "Collection",
        "Decision",
        "Grant",
        "Holder",
        "Missing",
        "Role",
        "WhoCan",
    ),
    "mke.client._flow": (
        "Planned",
        "Request",
    ),
    "mke.client._records": (
        "Account",
        "Enrolment",
        "Job",
        "LogLine",
        "LoginLock",
        "Member",
        "Membership",
        "PublicKey",
        "SecondFactor",
        "Team",
        "TeamMembership",
    ),
    "mke.client._signin_records": (
        "HeldBundle",
        "LdapTrial",
        "LdapTrialStep",
        "MemberSync",
        "SamlProvider",
        "SamlSettings",
        "SamlStatus",
        "ScimSettings",
        "ScimToken",
        "ScimTokenInfo",
        "SignInSettings",
    ),
    "mke.client._system_records": (
        "AuditSettings",
        "Banner",
        "BulkResult",
        "ConfigChange",
        "ConfigDrift",
        "ConfigEntry",
        "ConfigFile",
        "ConfigVersion",
        "Difference",
        "Health",
        "Impact",
        "Node",
        "ServerCertificate",
    ),
}

__all__ = [
    "Account",
    "Answer",
    "AsyncClient",
    "AuditSettings",
    "Banner",
    "BulkResult",
    "Bundle",
    "Client",
    "Collection",
    "ConfigChange",
    "ConfigDrift",
    "ConfigEntry",
    "ConfigFile",
    "ConfigVersion",
    "Connection",
    "Context",
    "Decision",
    "Difference",
    "Enrolment",
    "Grant",
    "Health",
    "HeldBundle",
    "Holder",
    "Impact",
    "Job",
    "LdapTrial",
    "LdapTrialStep",
    "LogLine",
    "LoginLock",
    "Member",
    "MemberSync",
    "Membership",
    "Missing",
    "Node",
    "Planned",
    "PublicKey",
    "Request",
    "Role",
    "SamlProvider",
    "SamlSettings",
    "SamlStatus",
    "ScimSettings",
    "ScimToken",
    "ScimTokenInfo",
    "SecondFactor",
    "ServerCertificate",
    "SignInSettings",
    "Team",
    "TeamMembership",
    "WhoCan",
    "contexts",
]


def contexts() -> Table[Context]:
    """The control planes that this user is logged in to, as `ucp context list` shows them.

    Raises:
        mke.errors.ClientError: the file of contexts is damaged (kind `DamagedContexts`).
    """
    from mke._native.client import contexts as kept
    from mke._table import Table

    return Table(kept(), ("name", "url", "username", "current", "verified"))


def __getattr__(name: str) -> Any:
    import importlib

    for place, names in _PLACES.items():
        if name in names:
            return getattr(importlib.import_module(place), name)
    raise AttributeError(f"module 'mke.client' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
