"""Members of organizations (`ORGANIZATION`) and of teams (`ORGANIZATION/TEAM`)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

from mke.client._flow import Flow, Request, call, change, fetch, get, listing, path, send
from mke.client._listing import Listing
from mke.client._records import Member
from mke.client._resolve import members_of


@listing
def list(place: str, *, filter: Literal["all", "admins", "non-admins"] = "all") -> Listing[Member]:
    """The members of an organization or team.

    Args:
        place: `ORGANIZATION` or `ORGANIZATION/TEAM`.
        filter: which.
    """
    return Listing(Member, members_of(place), "members", {"filter": filter})


@call
def get_(place: str, user: str) -> Flow[Member]:
    """One member.

    Raises:
        mke.errors.NotFoundError: the user is no member.
    """
    return Member.read((yield from get(*members_of(place), user)))


@change
def add(place: str, user: str, *, admin: bool = False) -> Flow[Member]:
    """Makes a user a member, or changes how it is one. Who joins a team joins its organization as well.

    Args:
        place: `ORGANIZATION` or `ORGANIZATION/TEAM`.
        user: name or id.
        admin: whether the user administers the organization or team.
    """
    return Member.read((yield from fetch(Request("PUT", path(*members_of(place), user), {"isAdmin": admin}))))


@change
def remove(place: str, user: str) -> Flow[None]:
    """Ends a membership: of a team alone, or of an organization and all its teams."""
    yield from send(Request("DELETE", path(*members_of(place), user)))
