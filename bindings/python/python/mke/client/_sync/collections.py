"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Literal, overload

    from mke._table import Table
    from mke.client._access_records import Collection
    from mke.client._flow import Planned
else:
    from mke.client._group import overload

from mke.client._calls import collections as _calls
from mke.client._group import Group


class Collections(Group):
    """Collections: places in the tree in which objects lie. They are named by path or id."""

    def list(self) -> Table[Collection]:
        """The collections that this client sees."""
        return self._run(_calls.list().all())

    def iter(self) -> Iterator[Collection]:
        """The collections that this client sees. They are read page after page, as they are needed."""
        return self._pages(_calls.list())

    def get(self, place: str) -> Collection:
        """One collection, by path or id.

        Raises:
            mke.errors.NotFoundError: there is none that this client sees.
        """
        return self._run(_calls.get_(place))

    def children(self, parent_id: str) -> Table[Collection]:
        """The collections right below one, which is named by its id."""
        return self._run(_calls.children(parent_id).all())

    def iter_children(self, parent_id: str) -> Iterator[Collection]:
        """The collections right below one, which is named by its id. They are read page after page, as they are needed."""
        return self._pages(_calls.children(parent_id))

    @overload
    def create(self, place: str, *, dry_run: Literal[False] = False) -> Collection: ...
    @overload
    def create(self, place: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def create(self, place: str, *, dry_run: bool) -> Collection | Planned: ...
    def create(self, place: str, *, dry_run: bool = False) -> Collection | Planned:
        """Makes a collection at a path; the one above it must be there.

        Raises:
            mke.errors.ConflictError: it is there already.
            mke.errors.NotFoundError: the one above it is not there.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.create(place), dry_run)

    @overload
    def set_constraints(
        self, place: str, constraints: Iterable[Mapping[str, Any]], *, dry_run: Literal[False] = False,
    ) -> Collection: ...
    @overload
    def set_constraints(
        self, place: str, constraints: Iterable[Mapping[str, Any]], *, dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    def set_constraints(
        self, place: str, constraints: Iterable[Mapping[str, Any]], *, dry_run: bool,
    ) -> Collection | Planned: ...
    def set_constraints(
        self, place: str, constraints: Iterable[Mapping[str, Any]], *, dry_run: bool = False,
    ) -> Collection | Planned:
        """Replaces the labels that objects in a collection must have, or must not.

        Args:
            place: its path or id.
            constraints: mappings with `type`, `label_key`, `label_value` and `equality`, as the collection shows them; none for no
                constraints.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.

        Raises:
            mke.errors.BadRequestError: one of them has another form.
        """
        return self._change(_calls.set_constraints(place, constraints), dry_run)

    @overload
    def delete(self, place: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def delete(self, place: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def delete(self, place: str, *, dry_run: bool) -> None | Planned: ...
    def delete(self, place: str, *, dry_run: bool = False) -> None | Planned:
        """Deletes a collection.

        Raises:
            mke.errors.ConflictError: it is built in, or something is in it or granted on it.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.delete(place), dry_run)

    def default(self, user: str) -> Collection:
        """Where objects of a user go that name no collection."""
        return self._run(_calls.default(user))

    @overload
    def set_default(self, user: str, place: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def set_default(self, user: str, place: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def set_default(self, user: str, place: str, *, dry_run: bool) -> None | Planned: ...
    def set_default(self, user: str, place: str, *, dry_run: bool = False) -> None | Planned:
        """Says where objects of a user go that name no collection.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.set_default(user, place), dry_run)

    @overload
    def unset_default(self, user: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def unset_default(self, user: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def unset_default(self, user: str, *, dry_run: bool) -> None | Planned: ...
    def unset_default(self, user: str, *, dry_run: bool = False) -> None | Planned:
        """Lets objects of a user go where they would if nobody had said anything.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.unset_default(user), dry_run)
