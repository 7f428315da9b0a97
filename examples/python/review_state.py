#!/usr/bin/env python3
"""Writes a review of who may do what in a state file, as one HTML file that needs nothing else. No server is asked.

    review_state.py policy_tests/state.yaml review.html --fail-on-root

It shows who can become root on a node, who may do what in each place with a picture of who gets there through what, every grant, and
what has no effect. With `--fail-on-root` the exit code is 1 when somebody who is no administrator can become root, so that a
pipeline stops. With `--since` it begins with who gained and who lost since an older state.
"""

from __future__ import annotations

import argparse
import sys
from html import escape
from pathlib import Path
from typing import Any

from mke.errors import MkeError
from mke.rbac import Policy

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 72em; color: #1b1f24 }
table { border-collapse: collapse } th, td { text-align: left; padding: .25em .9em .25em 0; vertical-align: top }
th { border-bottom: 2px solid #888 } td { border-bottom: 1px solid #ddd } svg { max-width: 100%; height: auto }
"""


def changes(before: Policy, now: Policy) -> str:
    """Who gained and who lost."""
    found = before.diff(now)
    counts = found.counts
    words = f"{counts['users_gaining']} users gain something, {counts['users_losing']} lose something"
    return f"<h2>Since the older state</h2><p>{words}</p><pre>{escape(str(found))}</pre>"


def roots(policy: Policy) -> tuple[int, str]:
    """Who can become root on a node: how many who are no administrators, and how."""
    paths = policy.escalation_paths()
    others = [entry for entry in paths.entries if any(first(path) != "administrator" for path in entry["paths"])]
    return sum(entry["count"] for entry in others), f"<h2>Who can become root on a node</h2><pre>{escape(str(paths))}</pre>"


def first(path: dict[str, Any]) -> str:
    """The kind of the first step of a way."""
    kind: str = path["steps"][0]["edge"]
    return kind


def places(policy: Policy) -> str:
    """Each place of the policy's own, with the picture of who gets there."""
    own = [path for path in policy.collections if path != "/" and not path.startswith(("/Shared/", "/System"))]
    parts = []
    for path in own:
        access = policy.access(path)
        table = access.matrix()
        rows = {name: sum(row["subject"] == name for row in table) for name in dict.fromkeys(table.column("subject"))}
        held = "".join(f"<li>{escape(name)}: {count} operations</li>" for name, count in rows.items())
        parts.append(f"<h2>{escape(path)}</h2><ul>{held}</ul>{access.svg}")
    return "".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("state", type=Path, help="the state file")
    parser.add_argument("review", type=Path, help="the HTML file to write")
    parser.add_argument("--world", help="the world in the state, when it has several")
    parser.add_argument("--since", type=Path, help="an older state to compare with")
    parser.add_argument("--fail-on-root", action="store_true", help="exit with 1 when somebody can become root")
    arguments = parser.parse_args()

    try:
        policy = Policy.from_file(arguments.state, arguments.world)
        before = Policy.from_file(arguments.since, arguments.world) if arguments.since else None
    except (MkeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    root, ways = roots(policy)
    parts = [changes(before, policy)] if before else []
    parts += [ways, places(policy), "<h2>Grants</h2>", policy.grants._repr_html_()]
    if policy.warnings:
        parts.append("<h2>Without effect</h2><ul>" + "".join(f"<li>{escape(one)}</li>" for one in policy.warnings) + "</ul>")
    title = f"Access in {arguments.state.name}"
    head = f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1>"
    arguments.review.write_text(head + "".join(parts), encoding="utf-8")
    print(f"{arguments.review}: {len(policy.users)} users, {len(policy.grants)} grants, {root} who are no administrators can become root")
    return 1 if root and arguments.fail_on_root else 0


if __name__ == "__main__":
    sys.exit(main())
