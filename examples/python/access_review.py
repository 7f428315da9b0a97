#!/usr/bin/env python3
"""Writes a nightly review of who may do what, as one HTML file that needs nothing else.

    access_review.py review.html --state review.json --audit-log /var/log/mke/audit.log

It shows administrators, accounts that deserve a look, every grant with what is new and gone since the last review (`--state` keeps
what was seen), who can become root on a node, a picture of who reaches each place, and with `--audit-log` the rights that nobody
used. The exit code is 1 when somebody who is no administrator can become root, so that a scheduler tells.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from base64 import b64encode
from datetime import datetime, timezone
from html import escape

import mke
from mke import Table
from mke.client import Client, Grant
from mke.errors import MkeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 72em; color: #1b1f24 }
table { border-collapse: collapse; margin: .5em 0 } th, td { text-align: left; padding: .25em .9em .25em 0; vertical-align: top }
th { border-bottom: 2px solid #888 } td { border-bottom: 1px solid #ddd } .bad { color: #b00020 } img { max-width: 100% }
"""


def section(title: str, *parts: str) -> str:
    return f"<h2>{escape(title)}</h2>\n" + "\n".join(parts)


def note(text: str, bad: bool = False) -> str:
    return f"<p{' class=bad' if bad else ''}>{escape(text)}</p>"


def table(rows: Iterable[Any], *columns: str) -> str:
    shown = Table(rows, columns)
    return shown._repr_html_() if shown else note("none")


def accounts(client: Client) -> str:
    """Accounts that deserve a look."""
    users = client.accounts.list()
    admins = [user for user in users if user.is_admin]
    bare = [user for user in admins if not user.has_second_factor]
    parts = [note(f"{len(users)} users, {len(admins)} administrators"), table(admins, "name", "full_name", "is_active")]
    if bare:
        parts.append(note(f"administrators without a second factor: {', '.join(user.name for user in bare)}", bad=True))
    locked = [user for user in users if not user.is_active]
    return section("Accounts", *parts, "<h3>Inactive</h3>", table(locked, "name", "full_name"))


def grants(now: Table[Grant], before: list[list[str]] | None) -> str:
    """Every grant, and what became different."""
    seen = {(grant.subject, grant.role, grant.place) for grant in now}
    parts = [table(now, "subject", "role", "place")]
    if before is not None:
        known = {(subject, role, place) for subject, role, place in before}
        columns = ("subject", "role", "place")
        for title, changed in (("New since the last review", seen - known), ("Gone since then", known - seen)):
            rows = [dict(zip(columns, grant)) for grant in sorted(changed)]
            parts += [f"<h3>{title}</h3>", table(rows, *columns)]
    return section("Grants", *parts)


def paths_to_root(client: Client) -> tuple[str, list[str]]:
    """Who can become root on a node, and those of them who are no administrators."""
    report = client.authz.escalation_paths(limit=1000)
    admins = {f"user:{user.name}" for user in client.accounts.iter(filter="admins")}
    rows, certain = [], []
    for entry in report["entries"]:
        first = entry["paths"][0]
        how = "; ".join([*(step["does"] for step in first["steps"]), *(f"if {one}" for one in first.get("conditions", ()))])
        rows.append({"who": entry["who"], "count": entry["count"], "how": how})
        if first["outcome"] == "root" and not first.get("conditions"):
            certain += [who for who in entry["who"] if who not in admins]
    text = f"{report['root']} subjects certainly can, {report['conditional']} under conditions, of {report['subjects']}"
    parts = [note(text), table(rows, "who", "count", "how")]
    if certain:
        parts.append(note(f"no administrators: {', '.join(certain)}", bad=True))
    return section("Who can become root on a node", *parts), certain


def places(client: Client, shown: list[str]) -> str:
    """A picture for each place of who reaches it through what."""
    parts = []
    for place in shown:
        picture = b64encode(client.authz.access_image(place).encode()).decode()
        holders = client.authz.who_can("Service Create", place).users
        parts += [
            f"<h3>{escape(place)}</h3>",
            note(f"may create services: {', '.join(holder.name for holder in holders) or 'nobody'}"),
            # As a picture, so that nothing in it can run.
            f'<img alt="access to {escape(place)}" src="data:image/svg+xml;base64,{picture}">',
        ]
    return section("Places", *parts)


def unused(client: Client, files: list[str]) -> str:
    """Rights that the audit log never shows in use."""
    parts = []
    for file in files:
        report = client.authz.unused(mke.rbac.AuditLog.from_file(file))
        rows = [
            {**row["grant"], "requests": row["requests"], "proposal": row["proposal"]} for row in report["unused_grants"]
        ]
        parts += [
            note(f"{report['idle_grants']} of {report['grants']} grants were never used in {file}"),
            table(rows, "subject", "role_name", "collection", "requests", "proposal"),
        ]
    return section("Unused rights", *parts)


def replace(path: str, text: str) -> None:
    """The file as a whole or not at all; its owner's alone, because it says who may do what."""
    temporary = f"{path}.tmp{os.getpid()}"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes a review of who may do what.")
    parser.add_argument("output", help="the HTML file")
    parser.add_argument("--state", help="the file that keeps what was seen, for the next review")
    parser.add_argument("--audit-log", action="append", default=[], help="a file with audit records; repeatable")
    parser.add_argument("--place", action="append", default=[], help="a collection to draw; repeatable [those with grants]")
    arguments = parser.parse_args()
    before = None
    if arguments.state and os.path.exists(arguments.state):
        with open(arguments.state, encoding="utf-8") as file:
            before = json.load(file)["grants"]
    with Client.from_env() as client:
        now = client.grants.list()
        ways, certain = paths_to_root(client)
        drawn = arguments.place or sorted({grant.place for grant in now if grant.place.startswith("/Shared/")})[:20]
        parts = [accounts(client), grants(now, before), ways, places(client, drawn)]
        if arguments.audit_log:
            parts.append(unused(client, arguments.audit_log))
        title = f"Access review of {client.url}"
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    replace(arguments.output, "\n".join([head, f"<h1>{escape(title)}</h1>", note(when), *parts, "</html>\n"]))
    if arguments.state:
        kept = [[grant.subject, grant.role, grant.place] for grant in now]
        replace(arguments.state, json.dumps({"at": when, "grants": kept}, indent=1))
    print(f"{arguments.output}: {len(now)} grants, {len(certain)} who are no administrators can become root")
    return 1 if certain else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (MkeError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
