"""Organizations: accounts that have members and teams."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

from mke.client._flow import Flow, Request, call, change, fetch, get, path, send
from mke.client._flow import listing
from mke.client._listing import Listing
from mke.client._records import Account


@listing
def list(*, contains: str | None = None, order: Literal["name", "-name", "fullName", "-fullName"] = "name") -> Listing[Account]:
    """Organizations.

    Args:
        contains: a part of the name or the full name.
        order: by which name; with `-` backwards.
    """
    return Listing(Account, ("accounts",), "accounts", {"filter": "orgs", "contains": contains, "order": order})


@call
def get_(name: str) -> Flow[Account]:
    """One organization, by name or id.

    Raises:
        mke.errors.NotFoundError: there is none.
    """
    return Account.read((yield from get("accounts", name)))


@change
def create(name: str, *, full_name: str = "") -> Flow[Account]:
    """Makes an organization.

    Raises:
        mke.errors.ConflictError: the name is in use.
    """
    body = {"name": name, "fullName": full_name, "isOrg": True}
    return Account.read((yield from fetch(Request("POST", path("accounts"), body))))


@change
def update(name: str, *, full_name: str) -> Flow[Account]:
    """Changes the name that people read."""
    return Account.read((yield from fetch(Request("PATCH", path("accounts", name), {"fullName": full_name}))))


@change
def delete(name: str) -> Flow[None]:
    """Deletes an organization with its teams and their grants."""
    yield from send(Request("DELETE", path("accounts", name)))
