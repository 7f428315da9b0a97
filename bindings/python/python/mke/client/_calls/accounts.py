"""Users: people and programs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    from mke._table import Table

from mke.client._flow import Flow, Request, call, change, fetch, get, given, listing, path, rows, send
from mke.client._listing import Listing
from mke.client._records import Account, Membership
from mke.client._system_records import BulkResult


@listing
def list(
    *,
    filter: Literal["all", "users", "orgs", "admins", "non-admins", "active-users", "inactive-users"] = "users",
    contains: str | None = None,
    order: Literal["name", "-name", "fullName", "-fullName"] = "name",
) -> Listing[Account]:
    """Accounts: users, unless `filter` says otherwise.

    Args:
        filter: which.
        contains: a part of the name or the full name.
        order: by which name; with `-` backwards.
    """
    return Listing(Account, ("accounts", ), "accounts", {"filter": filter, "contains": contains, "order": order})


@call
def get_(name: str) -> Flow[Account]:
    """One account, by name or id.

    Raises:
        mke.errors.NotFoundError: there is none.
    """
    return Account.read((yield from get("accounts", name)))


@call
def me() -> Flow[Account]:
    """Who this client is."""
    return Account.read((yield from get("id")))


@change
def create(
    name: str,
    password: str | None = None,
    *,
    full_name: str = "",
    admin: bool = False,
    active: bool = True,
    from_directory: bool = False,
) -> Flow[Account]:
    """Makes a user.

    Args:
        name: small letters, no spaces.
        password: its password; none for somebody of the directory.
        full_name: the name that people read.
        admin: whether it may do everything.
        active: whether it may log in.
        from_directory: whether name and rights are those of the LDAP directory.

    Raises:
        mke.errors.ConflictError: the name is in use.
        mke.errors.BadRequestError: the name or the password cannot be used; `detail` names each field.
    """
    body = given(name=name, password=password, fullName=full_name or None, searchLDAP=from_directory or None)
    body.update(isAdmin=admin, isActive=active)
    return Account.read((yield from fetch(Request("POST", path("accounts"), body))))


@change
def update(
    name: str, *, full_name: str | None = None, admin: bool | None = None, active: bool | None = None
) -> Flow[Account]:
    """Changes a user or an organization; what is `None` stays.

    Raises:
        mke.errors.NotFoundError: there is no such account.
        mke.errors.ConflictError: it would leave the cluster without an administrator.
    """
    body = given(fullName=full_name, isAdmin=admin, isActive=active)
    return Account.read((yield from fetch(Request("PATCH", path("accounts", name), body))))


@change
def delete(name: str) -> Flow[None]:
    """Deletes an account with its grants, sessions and bundles.

    Raises:
        mke.errors.NotFoundError: there is no such account.
        mke.errors.ConflictError: it is the last administrator.
    """
    yield from send(Request("DELETE", path("accounts", name)))


@change
def set_password(name: str, new: str, *, old: str | None = None) -> Flow[Account]:
    """Sets a password. One's own needs the old one.

    Raises:
        mke.errors.UnauthenticatedError: the old password is wrong.
        mke.errors.BadRequestError: the new one cannot be used.
    """
    body = given(newPassword=new, oldPassword=old)
    return Account.read((yield from fetch(Request("POST", path("accounts", name, "changePassword"), body))))


@call
def organizations(name: str) -> Flow[Table[Membership]]:
    """The organizations that a user belongs to."""
    place = ("accounts", name, "organizations")
    return (yield from Listing(Membership, place, "memberOrgs").all())


@change
def bulk(operations: Iterable[dict[str, Any]]) -> Flow[Table[BulkResult]]:
    """Many changes with one request, each with a result of its own.

    Args:
        operations: such as `{"op": "update", "ref": "jane", "value": {"isActive": False}}` and `{"op": "delete", "ref": "bob"}`.
    """
    body = {"operations": rows("operations", operations)}
    answer = yield from fetch(Request("PATCH", path("accounts"), body))
    return BulkResult.read_table(answer["results"])
