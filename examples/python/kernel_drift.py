#!/usr/bin/env python3
"""Reports how far the kernel parameters of a machine are from what its cluster needs, and what changed since they were set.

    kernel_drift.py
    kernel_drift.py --config ucp.toml --json > drift.json
    kernel_drift.py --config ucp.toml --apply --dry-run

Nothing is written unless `--apply` is given; then the values are written, the nodes' names are resolved once, and the change is
taken back when that fails. The exit code is 0 when nothing is to be done, 1 when something is, 2 for mistakes.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import socket
import sys

from mke.config import Config
from mke.errors import MkeError
from mke.net import Kernel, KernelTrial


def report(kernel: Kernel, config: Config) -> dict[str, object]:
    """What is open, what has drifted, and what would be written."""
    status, plan = kernel.status(), kernel.plan(config)
    return {
        "standing": status["standing"],
        "drift": status["drift"],
        "steps": [{"key": step.key, "before": step.before, "after": step.after} for step in plan.steps],
        "findings": [
            {"severity": finding.severity, "title": finding.title, "evidence": finding.evidence, "remedy": finding.remedy}
            for finding in plan.findings
        ],
    }


def show(kernel: Kernel, config: Config) -> None:
    """The same for people."""
    status, plan = kernel.status(), kernel.plan(config)
    print(f"changes of this machine: {status['standing']}")
    for drift in status["drift"]:
        found = "gone" if drift["found"] is None else drift["found"]
        print(f"drifted: {drift['key']} was set to {drift['expected']} and is {found}")
    for finding in plan.findings:
        if finding.severity != "info":
            print(finding)
    for step in plan.steps:
        print(f"to do: {step}")
    if not plan and not status["drift"]:
        print("everything is as the cluster needs it")


def resolve(names: list[str]) -> None:
    """Raises when a node is not found any more: then the change is taken back."""
    for name in names:
        socket.getaddrinfo(name, 443)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=pathlib.Path, help="the cluster's configuration (TOML); without it, the defaults")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("/"), help="the directory of the machine's files")
    parser.add_argument("--json", action="store_true", help="print data")
    parser.add_argument("--apply", action="store_true", help="write the values")
    parser.add_argument("--dry-run", action="store_true", help="with --apply: only say what would be written")
    parser.add_argument("--node", action="append", default=[], help="a node that must still be found after --apply")
    args = parser.parse_args()
    try:
        config = Config.from_file(args.config) if args.config else Config()
        kernel = Kernel(args.root)
        plan = kernel.plan(config)
        if args.json:
            print(json.dumps(report(kernel, config), indent=2))
        else:
            show(kernel, config)
        if args.apply:
            with KernelTrial(kernel, plan, dry_run=args.dry_run) as steps:
                resolve(args.node)
            print(f"{'would be written' if args.dry_run else 'written and kept'}: {len(steps)}", file=sys.stderr)
            return 0
        return 1 if plan or kernel.status()["drift"] else 0
    except (MkeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
