#!/usr/bin/env python3
"""Reports what becomes of configurations in MKE 4: obstacles, what comes along, and what a person must decide.

    mke4_report.py --version 3.8.2 --backup-confirmed ucp.toml
    mke4_report.py --version 3.8.2 --out converted/ east.toml west.toml

With `--out` the converted files are written there; they hold the secrets of the originals and only their owner can read them. The exit code
is 1 when something speaks against an upgrade.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import sys

from mke.config import Config, Mke4Conversion
from mke.errors import ConfigError, MkeError


def show(name: str, conversion: Mke4Conversion) -> None:
    """One configuration, for people."""
    print(f"{name}: {len(conversion.converted)} keys come along, {len(conversion.left)} do not, {len(conversion.obstacles)} obstacles")
    for obstacle in conversion.obstacles:
        print(f"  obstacle: {obstacle}")
    for reminder in conversion.reminders:
        print(f"  before: {reminder}")
    for left in conversion.left:
        found = f" = {left['found']}" if left["found"] else ""
        print(f"  left: {left['key']}{found}: {left['why']}")


def write(path: pathlib.Path, text: str) -> None:
    """A file that only its owner can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("configs", nargs="+", type=pathlib.Path, help="configuration files (TOML)")
    parser.add_argument("--version", help="the version that the clusters run, such as 3.8.2")
    parser.add_argument("--backup-confirmed", action="store_true", help="there is a backup of each cluster")
    parser.add_argument("--out", type=pathlib.Path, help="write mke4 files into this directory")
    args = parser.parse_args()
    obstacles = 0
    try:
        for path in args.configs:
            config = Config.from_file(path, export=True)
            conversion = config.to_mke4(version=args.version, backup_confirmed=args.backup_confirmed)
            show(str(path), conversion)
            obstacles += len(conversion.obstacles)
            if args.out:
                args.out.mkdir(parents=True, exist_ok=True)
                write(args.out / f"{path.stem}.mke4.yaml", conversion.to_yaml())
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 2
    except (MkeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if obstacles else 0


if __name__ == "__main__":
    sys.exit(main())
