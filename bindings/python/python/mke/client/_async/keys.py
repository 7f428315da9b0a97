"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Literal, overload

    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._records import PublicKey
else:
    from mke.client._group import overload

from mke.client._calls import keys as _calls
from mke.client._group import AsyncGroup


class AsyncKeys(AsyncGroup):
    """Public keys: those of bundles, and those that were uploaded. Who has the private key is the account."""

    async def list(self, account: str) -> Table[PublicKey]:
        """The keys of an account."""
        return await self._run(_calls.list(account).all())

    def iter(self, account: str) -> AsyncIterator[PublicKey]:
        """The keys of an account. They are read page after page, as they are needed."""
        return self._pages(_calls.list(account))

    async def get(self, account: str, key: str) -> PublicKey:
        """One key, by its id."""
        return await self._run(_calls.get_(account, key))

    @overload
    async def create(
        self, account: str, public_key: str, *, label: str = "", dry_run: Literal[False] = False,
    ) -> PublicKey: ...
    @overload
    async def create(self, account: str, public_key: str, *, label: str = "", dry_run: Literal[True]) -> Planned: ...
    @overload
    async def create(self, account: str, public_key: str, *, label: str = "", dry_run: bool) -> PublicKey | Planned: ...
    async def create(
        self, account: str, public_key: str, *, label: str = "", dry_run: bool = False,
    ) -> PublicKey | Planned:
        """Registers a public key (PEM).

        Raises:
            mke.errors.BadRequestError: it is no key that can be used.
            mke.errors.ConflictError: it is registered already.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.create(account, public_key, label=label), dry_run)

    @overload
    async def rename(self, account: str, key: str, label: str, *, dry_run: Literal[False] = False) -> PublicKey: ...
    @overload
    async def rename(self, account: str, key: str, label: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    async def rename(self, account: str, key: str, label: str, *, dry_run: bool) -> PublicKey | Planned: ...
    async def rename(self, account: str, key: str, label: str, *, dry_run: bool = False) -> PublicKey | Planned:
        """Changes the label of a key.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.rename(account, key, label), dry_run)

    @overload
    async def delete(self, account: str, key: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    async def delete(self, account: str, key: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    async def delete(self, account: str, key: str, *, dry_run: bool) -> None | Planned: ...
    async def delete(self, account: str, key: str, *, dry_run: bool = False) -> None | Planned:
        """Removes a key. What is signed with it is refused from the next request on, also on open connections.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.delete(account, key), dry_run)
