"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal, overload

    from mke._table import Table
    from mke.client._flow import Planned
    from mke.client._system_records import ConfigChange, ConfigDrift, ConfigEntry, ConfigFile, ConfigVersion
    from mke.config import Document
else:
    from mke.client._group import overload

from mke.client._calls import config as _calls
from mke.client._group import AsyncGroup


class AsyncConfiguration(AsyncGroup):
    """The configuration: the whole file, its parts, its versions and the way back.

    The control plane itself tells what a change would do, so `dry_run=True` is answered by it: what would become different, what that
    touches, and whether it would be refused.
    """

    async def get(self) -> ConfigFile:
        """The file in force, with the comments of whoever wrote it, and its version."""
        return await self._run(_calls.get_())

    async def document(self) -> Document:
        """The file in force as a document that can be edited without losing a comment.

        Secrets in it are stars; stars that are put back keep the secret.
        """
        return await self._run(_calls.document())

    async def put(
        self,
        text: str | Document,
        *,
        why: str | None = None,
        dry_run: bool = False,
        if_match: str | None = None,
        keep_unknown: bool = False,
    ) -> ConfigChange:
        """Replaces the whole file, whose comments and order are kept.

        Args:
            text: the file. `[auth.ldap]` that is not in it stays as it is.
            why: for the history.
            dry_run: only tell what would become different. Nothing is changed then.
            if_match: the version that the change is based on, `ConfigFile.etag`: others' changes are not overwritten then.
            keep_unknown: lets unknown keys through when the file declares a newer version.

        Raises:
            mke.errors.BadRequestError: the file has mistakes, or changes what cannot be changed any more; `detail` lists all.
            mke.errors.ConflictError: somebody else was faster; `detail` has the version in force.
        """
        return await self._run(_calls.put(text, why=why, dry_run=dry_run, if_match=if_match, keep_unknown=keep_unknown))

    async def diff(self, text: str | Document) -> ConfigChange:
        """What putting this file in the place of the one in force would change: `put` with `dry_run=True`."""
        return await self._run(_calls.diff(text))

    async def history(self, *, limit: int = 100) -> Table[ConfigEntry]:
        """The last versions, newest first.

        Args:
            limit: how many, at most 100.
        """
        return await self._run(_calls.history(limit=limit))

    async def version(self, number: int, *, against: int | Literal["current"] | None = None) -> ConfigVersion:
        """One version, and what it changed.

        Args:
            number: which.
            against: tells instead what would become different if that one took its place.

        Raises:
            mke.errors.NotFoundError: it is not kept.
        """
        return await self._run(_calls.version(number, against=against))

    async def roll_back(
        self, number: int, *, why: str | None = None, dry_run: bool = False, if_match: str | None = None,
    ) -> ConfigChange:
        """Brings a version back, as a new version that says so.

        Args:
            number: which.
            why: for the history.
            dry_run: only tell what would become different. Nothing is changed then.
            if_match: the version that the change is based on.
        """
        return await self._run(_calls.roll_back(number, why=why, dry_run=dry_run, if_match=if_match))

    async def drift(self) -> ConfigDrift:
        """How far what the controller that answers runs with is from what is stored."""
        return await self._run(_calls.drift())

    async def part(
        self, name: Literal["logging", "scheduling", "kubernetes", "registries", "directory"],
    ) -> dict[str, Any]:
        """One part, as a mapping of the API. Passwords are not in it."""
        return await self._run(_calls.part(name))

    async def put_part(
        self,
        name: Literal["logging", "scheduling", "kubernetes", "registries", "directory"],
        settings: Mapping[str, Any],
        *,
        why: str | None = None,
        dry_run: bool = False,
        if_match: str | None = None,
    ) -> dict[str, Any]:
        """Changes one part; keys that are absent stay, except that registries and directory are replaced.

        Args:
            name: which.
            settings: a mapping as `part` returns it.
            why: for the history.
            dry_run: only tell what would become different. Nothing is changed then.
            if_match: the version that the change is based on.
        """
        return await self._run(_calls.put_part(name, settings, why=why, dry_run=dry_run, if_match=if_match))

    async def license(self) -> dict[str, Any]:
        """What the newest licence says. Needs an engine that is a manager of a swarm."""
        return await self._run(_calls.license())

    @overload
    async def set_license(self, text: str, *, dry_run: Literal[False] = False) -> dict[str, Any]: ...
    @overload
    async def set_license(self, text: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    async def set_license(self, text: str, *, dry_run: bool) -> dict[str, Any] | Planned: ...
    async def set_license(self, text: str, *, dry_run: bool = False) -> dict[str, Any] | Planned:
        """Stores a licence, the file as it was downloaded, and returns what it says. Nothing depends on it. Needs an engine that is a manager
        of a swarm.

        Raises:
            mke.errors.BadRequestError: it is no licence.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return await self._change(_calls.set_license(text), dry_run)
