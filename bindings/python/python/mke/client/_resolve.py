"""Names that people write, and the ids that the API wants."""

from __future__ import annotations

from mke.client._flow import Flow, get, shown, text, text_of
from mke.errors import InvalidValueError, NotFoundError


def organization_and_team(team: str) -> tuple[str, str]:
    """The parts of `ORGANIZATION/TEAM`."""
    organization, slash, name = text("team", team).partition("/")
    if not organization or not name or "/" in name:
        raise InvalidValueError(f"{shown(team)} is no team, write ORGANIZATION/TEAM")
    return organization, name


def members_of(place: str) -> tuple[str, ...]:
    """The path of the members of an organization or team."""
    if "/" not in text("place", place):
        return ("accounts", place, "members")
    organization, team = organization_and_team(place)
    return ("accounts", organization, "teams", team, "members")


def subject_id(subject: str) -> Flow[str]:
    """The id of a grant's subject."""
    if subject in ("authenticated", "anonymous"):
        return subject
    kind, _, name = text("subject", subject).partition(":")
    if kind in ("user", "org") and name:
        found = yield from get("accounts", name)
    elif kind == "team":
        organization, team = organization_and_team(name)
        found = yield from get("accounts", organization, "teams", team)
    else:
        raise InvalidValueError(
            f"{shown(subject)} is no subject, write user:NAME, org:NAME, team:ORGANIZATION/TEAM, authenticated or anonymous"
        )
    return text_of(found, "id")


def collection_id(place: str) -> Flow[str]:
    """The id of the collection at a path; what is no path is taken for an id."""
    if not text("collection", place).startswith("/"):
        return place
    found = yield from get("collectionByPath", query={"path": place})
    return text_of(found, "id")


def role_id(role: str) -> Flow[str]:
    """The id of a role by id or by its exact name. A name that several roles have is refused."""
    text("role", role)
    roles = yield from get("roles")
    if any(known["id"] == role for known in roles):
        return role
    named: list[str] = [known["id"] for known in roles if known["name"] == role]
    if len(named) > 1:
        raise InvalidValueError(f"several roles are called {shown(role)}; give one of the ids {', '.join(named)}")
    if not named:
        raise NotFoundError(f"there is no role {shown(role)}", "NoSuchRole", status=404, name=role)
    return named[0]
