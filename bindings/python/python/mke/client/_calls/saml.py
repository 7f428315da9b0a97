"""Signing in through an identity provider: its settings, how it stands, the teams that it fills, and the bundles of its people."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from mke._table import Table

from mke.client._flow import Flow, Request, call, change, fetch, get, given, path, send, trial
from mke.client._resolve import organization_and_team
from mke.client._signin_records import HeldBundle, SamlProvider, SamlSettings, SamlStatus
from mke.client._system_records import ConfigChange

_PLACE = ("enzi", "v0", "config", "auth", "saml")
_SAML = ("enzi", "v0", "saml")


@call
def get_() -> Flow[SamlSettings]:
    """Where the identity provider is. `sign_in.set(saml_enabled=True)` switches it on."""
    return SamlSettings.read((yield from get(*_PLACE)))


@trial
def set(
    *,
    metadata_url: str | None = None,
    root_certs: str | None = None,
    tls_skip_verify: bool | None = None,
    host: str | None = None,
    why: str | None = None,
    if_match: str | None = None,
    dry_run: bool = False,
) -> Flow[SamlSettings | ConfigChange]:
    """Changes where the identity provider is; what is `None` stays. What cannot be fetched is not saved.

    Args:
        metadata_url: where it describes itself; empty for none.
        root_certs: the authorities that its server must chain to (PEM).
        tls_skip_verify: whether its server is not verified.
        host: under which name it knows this cluster; empty for the usual one.
        why: for the history of the configuration.
        if_match: the version that the change is based on.

    Raises:
        mke.errors.ApiError: the description cannot be fetched, or is none of an identity provider.
    """
    body = given(idpMetadataURL=metadata_url, rootCerts=root_certs, tlsSkipVerify=tls_skip_verify, spHost=host)
    place = path(*_PLACE, query={"dry-run": dry_run, "why": why})
    answer: Any = yield from fetch(Request("PUT", place, body, if_match=if_match, safe=dry_run))
    return ConfigChange.read(answer) if dry_run else SamlSettings.read(answer)


@call
def status() -> Flow[SamlStatus]:
    """How it stands: the addresses that the provider needs, what is known of it, and what to look at."""
    return SamlStatus.read((yield from get(*_SAML, "status")))


@call
def metadata() -> Flow[str]:
    """The description of this cluster for the provider (XML).

    Raises:
        mke.errors.NotFoundError: SAML is not switched on.
    """
    answer = yield Request("GET", path(*_SAML, "metadata"))
    return answer.text


@change
def refresh() -> Flow[SamlProvider]:
    """Fetches the provider's description now.

    Raises:
        mke.errors.NotFoundError: SAML is not switched on.
        mke.errors.ApiError: it cannot be fetched; what was known before stays in use.
    """
    return SamlProvider.read((yield from fetch(Request("POST", path(*_SAML, "refresh")))))


@call
def bundles(*, source: Literal["imported", "local", "all"] = "imported", account: str | None = None) -> Flow[Table[HeldBundle]]:
    """The client bundles that people hold. They open the cluster whatever the identity provider thinks of their owners.

    Args:
        source: those of people from elsewhere, of accounts kept here, or all.
        account: only those of one account, wherever it comes from.
    """
    answer = yield from get(*_SAML, "bundles", query={"source": source, "account": account})
    return HeldBundle.read_table(answer["bundles"])


@change
def revoke_bundles(
    *, source: Literal["imported", "local", "all"] = "imported", account: str | None = None
) -> Flow[Table[HeldBundle]]:
    """Ends such bundles, and returns them. The one that this client uses stays.

    Args:
        source: those of people from elsewhere, of accounts kept here, or all.
        account: only those of one account, wherever it comes from.
    """
    place = path(*_SAML, "bundles", query={"source": source, "account": account})
    answer = yield from fetch(Request("DELETE", place))
    return HeldBundle.read_table(answer["revoked"])


@call
def team_group(team: str) -> Flow[str | None]:
    """The group of the identity provider that a team is linked to; `None` for none.

    Args:
        team: ORGANIZATION/TEAM.
    """
    answer = yield from get(*_team(team))
    return str(answer["groupName"]) if answer["enableLink"] else None


@change
def set_team_group(team: str, group: str | None) -> Flow[None]:
    """Links a team to a group of the identity provider, or to none. Members follow at each of their logins.

    Args:
        team: ORGANIZATION/TEAM.
        group: the name of the group as the provider sends it; `None` ends the link.
    """
    yield from send(Request("PUT", path(*_team(team)), {"enableLink": group is not None, "groupName": group or ""}))


def _team(team: str) -> tuple[str, ...]:
    organization, name = organization_and_team(team)
    return ("accounts", organization, "teams", name, "groupLinkConfig")
