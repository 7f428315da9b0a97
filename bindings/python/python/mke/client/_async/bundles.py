"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, overload

    from mke._native.client import Bundle
    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._records import PublicKey
else:
    from mke.client._group import overload

from mke.client._calls import bundles as _calls
from mke.client._group import AsyncGroup


class AsyncBundles(AsyncGroup):
    """Client bundles, which `docker`, `kubectl` and this client understand."""

    @overload
    async def create(self, *, label: str = "", dry_run: Literal[False] = False) -> Bundle: ...
    @overload
    async def create(self, *, label: str = "", dry_run: Literal[True]) -> Planned: ...
    @overload
    async def create(self, *, label: str = "", dry_run: bool) -> Bundle | Planned: ...
    async def create(self, *, label: str = "", dry_run: bool = False) -> Bundle | Planned:
        """Makes a bundle for this client's own account: a new key, which is in the answer and nowhere else.

        `Bundle.unpack` and `Bundle.save` write it for its owner alone.

        Args:
            label: to know it by.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.create(label=label), dry_run)

    async def list(self, account: str | None = None) -> Table[PublicKey]:
        """The bundles of an account by their public keys.

        Args:
            account: name or id; this client's own when it is `None`.
        """
        return await self._run(_calls.list(account))

    @overload
    async def delete(self, key: str, *, account: str | None = None, dry_run: Literal[False] = False) -> None: ...
    @overload
    async def delete(self, key: str, *, account: str | None = None, dry_run: Literal[True]) -> Planned: ...
    @overload
    async def delete(self, key: str, *, account: str | None = None, dry_run: bool) -> None | Planned: ...
    async def delete(self, key: str, *, account: str | None = None, dry_run: bool = False) -> None | Planned:
        """Ends a bundle at once, also on open connections.

        Args:
            key: the id of its public key.
            account: whose it is; this client's own when it is `None`.
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.delete(key, account=account), dry_run)
