"""Collections: places in the tree in which objects lie. They are named by path or id."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

from mke.client._access_records import Collection
from mke.client._flow import Flow, Request, call, change, fetch, get, listing, path, rows, send, text
from mke.client._listing import Listing
from mke.client._resolve import collection_id


@listing
def list() -> Listing[Collection]:
    """The collections that this client sees."""
    return Listing(Collection, ("collections",), "")


@call
def get_(place: str) -> Flow[Collection]:
    """One collection, by path or id.

    Raises:
        mke.errors.NotFoundError: there is none that this client sees.
    """
    if text("place", place).startswith("/"):
        return Collection.read((yield from get("collectionByPath", query={"path": place})))
    return Collection.read((yield from get("collections", place)))


@listing
def children(parent_id: str) -> Listing[Collection]:
    """The collections right below one, which is named by its id."""
    return Listing(Collection, ("collections", parent_id, "children"), "")


@change
def create(place: str) -> Flow[Collection]:
    """Makes a collection at a path; the one above it must be there.

    Raises:
        mke.errors.ConflictError: it is there already.
        mke.errors.NotFoundError: the one above it is not there.
    """
    answer = yield from fetch(Request("POST", path("collections"), {"path": place}))
    return Collection.read((yield from get("collections", answer["id"])))


@change
def set_constraints(place: str, constraints: Iterable[Mapping[str, Any]]) -> Flow[Collection]:
    """Replaces the labels that objects in a collection must have, or must not.

    Args:
        place: its path or id.
        constraints: mappings with `type`, `label_key`, `label_value` and `equality`, as the collection shows them; none for no
            constraints.

    Raises:
        mke.errors.BadRequestError: one of them has another form.
    """
    found = yield from collection_id(place)
    body = {"label_constraints": rows("constraints", constraints)}
    return Collection.read((yield from fetch(Request("PATCH", path("collections", found), body))))


@change
def delete(place: str) -> Flow[None]:
    """Deletes a collection.

    Raises:
        mke.errors.ConflictError: it is built in, or something is in it or granted on it.
    """
    yield from send(Request("DELETE", path("collections", (yield from collection_id(place)))))


@call
def default(user: str) -> Flow[Collection]:
    """Where objects of a user go that name no collection."""
    return Collection.read((yield from get("defaultCollection", user)))


@change
def set_default(user: str, place: str) -> Flow[None]:
    """Says where objects of a user go that name no collection."""
    body = {"id": (yield from collection_id(place))}
    yield from send(Request("PUT", path("defaultCollection", user), body))


@change
def unset_default(user: str) -> Flow[None]:
    """Lets objects of a user go where they would if nobody had said anything."""
    yield from send(Request("DELETE", path("defaultCollection", user)))
