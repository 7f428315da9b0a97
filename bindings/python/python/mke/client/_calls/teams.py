"""Teams: some members of one organization. They are named `ORGANIZATION/TEAM`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mke._table import Table

from mke.client._flow import Flow, Request, call, change, fetch, get, given, listing, path, send
from mke.client._listing import Listing
from mke.client._records import Team, TeamMembership
from mke.client._resolve import organization_and_team


@listing
def list(organization: str) -> Listing[Team]:
    """The teams of an organization."""
    return Listing(Team, ("accounts", organization, "teams"), "teams")


@call
def get_(team: str) -> Flow[Team]:
    """One team.

    Raises:
        mke.errors.NotFoundError: there is none.
    """
    organization, name = organization_and_team(team)
    return Team.read((yield from get("accounts", organization, "teams", name)))


@call
def of(user: str, organization: str) -> Flow[Table[TeamMembership]]:
    """The teams of an organization that a user belongs to."""
    place = ("accounts", organization, "members", user, "teams")
    return (yield from Listing(TeamMembership, place, "memberTeams").all())


@change
def create(team: str, *, description: str = "") -> Flow[Team]:
    """Makes a team in an organization that is there.

    Raises:
        mke.errors.ConflictError: the organization has such a team.
    """
    organization, name = organization_and_team(team)
    body = {"name": name, "description": description}
    return Team.read((yield from fetch(Request("POST", path("accounts", organization, "teams"), body))))


@change
def update(team: str, *, name: str | None = None, description: str | None = None) -> Flow[Team]:
    """Changes name or description; what is `None` stays."""
    organization, old = organization_and_team(team)
    body = given(name=name, description=description)
    return Team.read((yield from fetch(Request("PATCH", path("accounts", organization, "teams", old), body))))


@change
def delete(team: str) -> Flow[None]:
    """Deletes a team with its grants. Its members stay in the organization."""
    organization, name = organization_and_team(team)
    yield from send(Request("DELETE", path("accounts", organization, "teams", name)))
