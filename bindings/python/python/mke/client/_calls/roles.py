"""Roles: operations with their modifiers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mke._table import Table

from mke.client._access_records import Role
from mke.client._flow import Flow, Request, call, change, fetch, get, path, send, text_of
from mke.client._resolve import role_id


@call
def list() -> Flow[Table[Role]]:
    """Every role, built-in ones first."""
    return Role.read_table((yield from get("roles")))


@call
def get_(role: str) -> Flow[Role]:
    """One role, by name or id.

    Raises:
        mke.errors.NotFoundError: there is none.
        mke.errors.InvalidValueError: several have this name.
    """
    return Role.read((yield from get("roles", (yield from role_id(role)))))


@change
def create(name: str, operations: Mapping[str, Mapping[str, Any]]) -> Flow[str]:
    """Makes a role and returns its id.

    Args:
        name: its name.
        operations: type of object, then operation, then modifiers: `{"Service": {"Service View": []}}`.

    Raises:
        mke.errors.BadRequestError: an operation or modifier does not exist; `detail` lists all of them.
    """
    answer = yield from fetch(Request("POST", path("roles"), {"name": name, "operations": operations}))
    return text_of(answer, "id")


@change
def delete(role: str) -> Flow[None]:
    """Deletes a role, by name or id.

    Raises:
        mke.errors.ConflictError: it is built in, or a grant names it.
    """
    yield from send(Request("DELETE", path("roles", (yield from role_id(role)))))


@call
def total() -> Flow[Role]:
    """Everything that this client may do anywhere, as one role."""
    return Role.read((yield from get("totalRole")))


@call
def in_default_collection() -> Flow[Role]:
    """What this client may do in its default collection, as one role."""
    return Role.read((yield from get("defaultCollectionRole")))
