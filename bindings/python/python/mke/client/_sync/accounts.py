"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Literal, overload

    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._records import Account, Membership
    from mke.client._system_records import BulkResult
else:
    from mke.client._group import overload

from mke.client._calls import accounts as _calls
from mke.client._group import Group


class Accounts(Group):
    """Users: people and programs."""

    def list(
        self,
        *,
        filter: Literal["all", "users", "orgs", "admins", "non-admins", "active-users", "inactive-users"] = "users",
        contains: str | None = None,
        order: Literal["name", "-name", "fullName", "-fullName"] = "name",
    ) -> Table[Account]:
        """Accounts: users, unless `filter` says otherwise.

        Args:
            filter: which.
            contains: a part of the name or the full name.
            order: by which name; with `-` backwards.
        """
        return self._run(_calls.list(filter=filter, contains=contains, order=order).all())

    def iter(
        self,
        *,
        filter: Literal["all", "users", "orgs", "admins", "non-admins", "active-users", "inactive-users"] = "users",
        contains: str | None = None,
        order: Literal["name", "-name", "fullName", "-fullName"] = "name",
    ) -> Iterator[Account]:
        """Accounts: users, unless `filter` says otherwise. They are read page after page, as they are needed.

        Args:
            filter: which.
            contains: a part of the name or the full name.
            order: by which name; with `-` backwards.
        """
        return self._pages(_calls.list(filter=filter, contains=contains, order=order))

    def get(self, name: str) -> Account:
        """One account, by name or id.

        Raises:
            mke.errors.NotFoundError: there is none.
        """
        return self._run(_calls.get_(name))

    def me(self) -> Account:
        """Who this client is."""
        return self._run(_calls.me())

    @overload
    def create(
        self,
        name: str,
        password: str | None = None,
        *,
        full_name: str = "",
        admin: bool = False,
        active: bool = True,
        from_directory: bool = False,
        dry_run: Literal[False] = False,
    ) -> Account: ...
    @overload
    def create(
        self,
        name: str,
        password: str | None = None,
        *,
        full_name: str = "",
        admin: bool = False,
        active: bool = True,
        from_directory: bool = False,
        dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    def create(
        self,
        name: str,
        password: str | None = None,
        *,
        full_name: str = "",
        admin: bool = False,
        active: bool = True,
        from_directory: bool = False,
        dry_run: bool,
    ) -> Account | Planned: ...
    def create(
        self,
        name: str,
        password: str | None = None,
        *,
        full_name: str = "",
        admin: bool = False,
        active: bool = True,
        from_directory: bool = False,
        dry_run: bool = False,
    ) -> Account | Planned:
        """Makes a user.

        Args:
            name: small letters, no spaces.
            password: its password; none for somebody of the directory.
            full_name: the name that people read.
            admin: whether it may do everything.
            active: whether it may log in.
            from_directory: whether name and rights are those of the LDAP directory.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.

        Raises:
            mke.errors.ConflictError: the name is in use.
            mke.errors.BadRequestError: the name or the password cannot be used; `detail` names each field.
        """
        return self._change(_calls.create(
                name,
                password,
                full_name=full_name,
                admin=admin,
                active=active,
                from_directory=from_directory,
            ), dry_run)

    @overload
    def update(
        self,
        name: str,
        *,
        full_name: str | None = None,
        admin: bool | None = None,
        active: bool | None = None,
        dry_run: Literal[False] = False,
    ) -> Account: ...
    @overload
    def update(
        self,
        name: str,
        *,
        full_name: str | None = None,
        admin: bool | None = None,
        active: bool | None = None,
        dry_run: Literal[True],
    ) -> Planned: ...
    @overload
    def update(
        self,
        name: str,
        *,
        full_name: str | None = None,
        admin: bool | None = None,
        active: bool | None = None,
        dry_run: bool,
    ) -> Account | Planned: ...
    def update(
        self,
        name: str,
        *,
        full_name: str | None = None,
        admin: bool | None = None,
        active: bool | None = None,
        dry_run: bool = False,
    ) -> Account | Planned:
        """Changes a user or an organization; what is `None` stays.

        Raises:
            mke.errors.NotFoundError: there is no such account.
            mke.errors.ConflictError: it would leave the cluster without an administrator.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.update(name, full_name=full_name, admin=admin, active=active), dry_run)

    @overload
    def delete(self, name: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def delete(self, name: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def delete(self, name: str, *, dry_run: bool) -> None | Planned: ...
    def delete(self, name: str, *, dry_run: bool = False) -> None | Planned:
        """Deletes an account with its grants, sessions and bundles.

        Raises:
            mke.errors.NotFoundError: there is no such account.
            mke.errors.ConflictError: it is the last administrator.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.delete(name), dry_run)

    @overload
    def set_password(
        self, name: str, new: str, *, old: str | None = None, dry_run: Literal[False] = False,
    ) -> Account: ...
    @overload
    def set_password(self, name: str, new: str, *, old: str | None = None, dry_run: Literal[True]) -> Planned: ...
    @overload
    def set_password(self, name: str, new: str, *, old: str | None = None, dry_run: bool) -> Account | Planned: ...
    def set_password(
        self, name: str, new: str, *, old: str | None = None, dry_run: bool = False,
    ) -> Account | Planned:
        """Sets a password. One's own needs the old one.

        Raises:
            mke.errors.UnauthenticatedError: the old password is wrong.
            mke.errors.BadRequestError: the new one cannot be used.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.set_password(name, new, old=old), dry_run)

    def organizations(self, name: str) -> Table[Membership]:
        """The organizations that a user belongs to."""
        return self._run(_calls.organizations(name))

    @overload
    def bulk(self, operations: Iterable[dict[str, Any]], *, dry_run: Literal[False] = False) -> Table[BulkResult]: ...
    @overload
    def bulk(self, operations: Iterable[dict[str, Any]], *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def bulk(self, operations: Iterable[dict[str, Any]], *, dry_run: bool) -> Table[BulkResult] | Planned: ...
    def bulk(self, operations: Iterable[dict[str, Any]], *, dry_run: bool = False) -> Table[BulkResult] | Planned:
        """Many changes with one request, each with a result of its own.

        Args:
            operations: such as `{"op": "update", "ref": "jane", "value": {"isActive": False}}` and `{"op": "delete", "ref": "bob"}`.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.bulk(operations), dry_run)
