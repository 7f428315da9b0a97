#!/usr/bin/env python3
"""Checks configuration files before they are merged: every mistake with its place, and what a change touches on a running cluster.

    check_configurations.py clusters/*.toml
    check_configurations.py clusters/east.toml --against main/clusters/east.toml
    check_configurations.py clusters/*.toml --require auth.sessions.lifetime_minutes=60 --edit --dry-run

`--require` says which value a key must have; `--edit` sets it where it differs, and keeps comments and order of the file. The exit code is
1 when a file is wrong, a running cluster would refuse the change, or a required value is missing.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

from mke import config
from mke.errors import ConfigError, MkeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mke.config_types import Value


def required(text: str) -> tuple[str, Value]:
    """`KEY=VALUE`; the value is JSON, or text."""
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def check(path: pathlib.Path, wanted: dict[str, Value], edit: bool, dry_run: bool) -> bool:
    """Whether a file is right, and has what is required."""
    try:
        read = config.Config.from_file(path)
    except ConfigError as error:
        for problem in error.problems:
            print(problem)
        return False
    wrong = {key: value for key, value in wanted.items() if read[key] != value}
    if wrong and edit:
        for change in config.edit_file(path, wrong, dry_run=dry_run):
            print(f"{path}: {change}")
        return dry_run is False
    for key, value in wrong.items():
        print(f"{path}: {key} must be {value!r}, it is {read[key]!r}")
    return not wrong


def compare(path: pathlib.Path, before: pathlib.Path) -> bool:
    """Whether a running cluster would take the change."""
    diff = config.Config.from_file(before, in_force=True).diff(config.Config.from_file(path))
    for change in diff:
        print(f"{path}: {change}")
    print(f"{path}: {diff.impact}")
    for key in diff.without_effect:
        print(f"{path}: {key} is kept, and nothing acts on it yet")
    return not diff.refused


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=pathlib.Path, help="configuration files (TOML)")
    parser.add_argument("--against", type=pathlib.Path, help="the file that is in force; for one file")
    parser.add_argument("--require", action="append", default=[], type=required, metavar="KEY=VALUE", help="a value that must be")
    parser.add_argument("--edit", action="store_true", help="set required values where they differ")
    parser.add_argument("--dry-run", action="store_true", help="with --edit: only say what would change")
    args = parser.parse_args()
    if args.against and len(args.files) != 1:
        parser.error("--against takes one file")
    try:
        good = [check(path, dict(args.require), args.edit, args.dry_run) for path in args.files]
        if args.against and all(good):
            good.append(compare(args.files[0], args.against))
    except (MkeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
