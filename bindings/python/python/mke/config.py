"""The configuration file: read, check, edit without losing a comment, compare, convert.

| to | use |
| --- | --- |
| know everything that is wrong with a file | `validate` |
| read a file | `Config`, `Config.from_file`, `InterlockConfig`, `AzureConfig` |
| change a file and keep its comments | `Document`, `edit_file` |
| see what a change touches | `Config.diff` |
| know what a key takes and touches | `explain`, `keys` |
| move to MKE 4 | `Config.to_mke4` |
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mke.config_types import Value as _Value

from mke._native.config import MASK as MASK
from mke._native.config import AzureConfig as AzureConfig
from mke._native.config import Change as Change
from mke._native.config import Config as Config
from mke._native.config import Diff as Diff
from mke._native.config import Document as Document
from mke._native.config import Impact as Impact
from mke._native.config import InterlockConfig as InterlockConfig
from mke._native.config import Key as Key
from mke._native.config import Mke4Conversion as Mke4Conversion
from mke._native.config import Obstacle as Obstacle
from mke._native.config import Problem as Problem
from mke._native.config import Secret as Secret
from mke._native.config import Setting as Setting
from mke._native.config import datastore_move as datastore_move
from mke._native.config import example as example
from mke._native.config import explain as explain
from mke._native.config import json_schema as json_schema
from mke._native.config import keys as keys
from mke._native.config import reference_page as reference_page
from mke._native.config import validate as validate

__all__ = [
    "MASK",
    "AzureConfig",
    "Change",
    "Config",
    "Diff",
    "Document",
    "Impact",
    "InterlockConfig",
    "Key",
    "Mke4Conversion",
    "Obstacle",
    "Problem",
    "Secret",
    "Setting",
    "datastore_move",
    "edit_file",
    "example",
    "explain",
    "json_schema",
    "keys",
    "reference_page",
    "validate",
]


def edit_file(
    path: str | os.PathLike[str],
    values: Mapping[str, _Value],
    *,
    unset: Sequence[str] = (),
    dry_run: bool = False,
) -> Diff:
    """Sets and removes keys in a configuration file and gives what becomes different.

    The file is checked before and after; it is replaced as a whole or not at all, and keeps its owner and mode. With `dry_run`
    nothing is written.

        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "ucp.toml")
        >>> _ = file.write_text("[auth.sessions]\\nlifetime_minutes = 60 # ours\\n")
        >>> diff = mke.config.edit_file(file, {"auth.sessions.lifetime_minutes": 90})
        >>> print(diff.impact, "|", file.read_text().splitlines()[1])
        1 live | lifetime_minutes = 90 # ours

    Raises:
        mke.errors.ConfigError: the file is no valid configuration, or would not be one afterwards.
        mke.errors.UnknownKeyError: there is no such key.
        mke.errors.InvalidValueError: a value is of another kind than its key.
        OSError: the file cannot be read or written.
    """
    name = os.fspath(path)
    document = Document.from_file(name)
    before = document.read(file=name, keep_unknown=True, in_force=True)
    text = str(document)
    document.update(values)
    for key in unset:
        document.unset(key)
    diff = before.diff(document.read(file=name, keep_unknown=True))
    if str(document) != text and not dry_run:
        _replace(name, str(document))
    return diff


def _replace(path: str, text: str) -> None:
    """Puts a new file in the place of one that is there. A link stays, what it leads to is replaced."""
    import tempfile

    path = os.path.realpath(path)
    was = os.stat(path)
    handle, new = tempfile.mkstemp(prefix=".", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fchmod(file.fileno(), was.st_mode & 0o7777)
            if (was.st_uid, was.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), was.st_uid, was.st_gid)
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise
