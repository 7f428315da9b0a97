"""The configuration: the whole file, its parts, its versions and the way back.

The control plane itself tells what a change would do, so `dry_run=True` is answered by it: what would become different, what that
touches, and whether it would be refused.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    from mke._table import Table
    from mke.config import Document

from mke.client._flow import Flow, Request, call, change, fetch, fetch_object, get, get_object, mapping, path, shown, text_bytes
from mke.client._system_records import ConfigChange, ConfigDrift, ConfigEntry, ConfigFile, ConfigVersion

_FILE = ("api", "ucp", "config-toml")
_PARTS = {
    "logging": "logging",
    "scheduling": "scheduling",
    "kubernetes": "kubernetes",
    "registries": "dtr",
    "directory": "auth/ldap",
}


@call
def get_() -> Flow[ConfigFile]:
    """The file in force, with the comments of whoever wrote it, and its version."""
    answer = yield Request("GET", path(*_FILE))
    return ConfigFile(answer.text, answer.etag)


@call
def document() -> Flow[Document]:
    """The file in force as a document that can be edited without losing a comment.

    Secrets in it are stars; stars that are put back keep the secret.
    """
    from mke.config import Document

    return Document((yield from get_()).text)


@call
def put(
    text: str | Document,
    *,
    why: str | None = None,
    dry_run: bool = False,
    if_match: str | None = None,
    keep_unknown: bool = False,
) -> Flow[ConfigChange]:
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
    query = {"dry-run": dry_run, "why": why, "keep-unknown": keep_unknown or None}
    place = path(*_FILE, query=query)
    data = text_bytes("text", str(text))
    request = Request(
        "PUT", place, data=data, content_type="application/toml", if_match=if_match, safe=dry_run
    )
    return ConfigChange.read((yield from fetch(request)))


@call
def diff(text: str | Document) -> Flow[ConfigChange]:
    """What putting this file in the place of the one in force would change: `put` with `dry_run=True`."""
    return (yield from put(text, dry_run=True))


@call
def history(*, limit: int = 100) -> Flow[Table[ConfigEntry]]:
    """The last versions, newest first.

    Args:
        limit: how many, at most 100.
    """
    answer = yield from get(*_FILE, "history", query={"limit": limit})
    current = answer["current"]
    return ConfigEntry.read_table({**entry, "current": entry.get("version") == current} for entry in answer["versions"])


@call
def version(number: int, *, against: int | Literal["current"] | None = None) -> Flow[ConfigVersion]:
    """One version, and what it changed.

    Args:
        number: which.
        against: tells instead what would become different if that one took its place.

    Raises:
        mke.errors.NotFoundError: it is not kept.
    """
    query = {"against": against}
    return ConfigVersion.read((yield from get(*_FILE, "history", str(number), query=query)))


@call
def roll_back(
    number: int, *, why: str | None = None, dry_run: bool = False, if_match: str | None = None
) -> Flow[ConfigChange]:
    """Brings a version back, as a new version that says so.

    Args:
        number: which.
        why: for the history.
        dry_run: only tell what would become different. Nothing is changed then.
        if_match: the version that the change is based on.
    """
    place = path(*_FILE, "history", str(number), "rollback", query={"dry-run": dry_run, "why": why})
    return ConfigChange.read((yield from fetch(Request("POST", place, if_match=if_match, safe=dry_run))))


@call
def drift() -> Flow[ConfigDrift]:
    """How far what the controller that answers runs with is from what is stored."""
    return ConfigDrift.read((yield from get(*_FILE, "drift")))


@call
def part(name: Literal["logging", "scheduling", "kubernetes", "registries", "directory"]) -> Flow[dict[str, Any]]:
    """One part, as a mapping of the API. Passwords are not in it."""
    return (yield from get_object(*_part(name)))


@call
def put_part(
    name: Literal["logging", "scheduling", "kubernetes", "registries", "directory"],
    settings: Mapping[str, Any],
    *,
    why: str | None = None,
    dry_run: bool = False,
    if_match: str | None = None,
) -> Flow[dict[str, Any]]:
    """Changes one part; keys that are absent stay, except that registries and directory are replaced.

    Args:
        name: which.
        settings: a mapping as `part` returns it.
        why: for the history.
        dry_run: only tell what would become different. Nothing is changed then.
        if_match: the version that the change is based on.
    """
    place = path(*_part(name), query={"dry-run": dry_run, "why": why})
    request = Request("PUT", place, mapping("settings", settings), if_match=if_match, safe=dry_run)
    return (yield from fetch_object(request))


def _part(name: str) -> tuple[str, ...]:
    from mke.errors import InvalidValueError

    if not isinstance(name, str) or name not in _PARTS:
        raise InvalidValueError(f"{shown(name)} is no part of the configuration: there are {', '.join(_PARTS)}")
    return ("api", "ucp", "config", *_PARTS[name].split("/"))


@call
def license() -> Flow[dict[str, Any]]:
    """What the newest licence says. Needs an engine that is a manager of a swarm."""
    return (yield from get_object("api", "ucp", "config", "license"))


@change
def set_license(text: str) -> Flow[dict[str, Any]]:
    """Stores a licence, the file as it was downloaded, and returns what it says. Nothing depends on it. Needs an engine that is a manager
    of a swarm.

    Raises:
        mke.errors.BadRequestError: it is no licence.
    """
    place = path("api", "ucp", "config", "license")
    request = Request("PUT", place, data=text_bytes("text", text), content_type="application/json")
    return (yield from fetch_object(request))
