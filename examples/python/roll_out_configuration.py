#!/usr/bin/env python3
"""Rolls a change of the configuration out over several clusters, and takes it back everywhere when one refuses it.

    roll_out_configuration.py --set auth.sessions.per_user_limit=5 --why "ticket 4711" east west
    roll_out_configuration.py --set auth.sessions.per_user_limit=5 --why "ticket 4711" east west --apply

Clusters are contexts of `ucp login`. All are asked at once what the change would do; it is shown, and nothing is done, unless
`--apply` is given. Then they are changed one after another, each only if nobody else changed it meanwhile. When one fails, those
that were changed before go back to their version. Comments and order of the files stay.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass

from mke.client import AsyncClient, ConfigChange
from mke.errors import MkeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True)
class Proposal:
    """What one cluster says of the change."""

    name: str
    client: AsyncClient
    text: str
    etag: str | None
    answer: ConfigChange


async def propose(name: str, settings: list[tuple[str, Any]]) -> Proposal:
    """Edits the file of a cluster, and asks it what that would change. Nothing is changed."""
    client = AsyncClient.from_context(name)
    file, document = await client.config.get(), await client.config.document()
    for key, value in settings:
        document.set(key, value)
    answer = await client.config.put(document, dry_run=True)
    return Proposal(name, client, str(document), file.etag, answer)


def show(proposal: Proposal) -> None:
    answer = proposal.answer
    print(f"{proposal.name} ({proposal.client.url}, version {answer.version}):")
    if not answer.changed:
        print("  is so already")
    for difference in answer.differences:
        effect = "refused" if difference.refused else difference.effect
        print(f"  {difference.key}: {difference.before} -> {difference.after} ({effect})")
    for what in (*answer.impact.restarts, *answer.impact.all_nodes):
        print(f"  touches {what}")
    for warning in answer.warnings:
        print(f"  warning: {warning}")


async def apply(proposals: list[Proposal], why: str) -> None:
    """Changes one cluster after another; all or none."""
    done: list[tuple[Proposal, int]] = []
    name = ""
    try:
        for proposal in proposals:
            if not proposal.answer.changed:
                continue
            name = proposal.name
            before = (await proposal.client.config.history(limit=1))[0].version
            change = await proposal.client.config.put(proposal.text, why=why, if_match=proposal.etag)
            done.append((proposal, before))
            print(f"{proposal.name}: version {change.version} is in force")
    except MkeError as error:
        print(f"{name}: {error}", file=sys.stderr)
        for changed, before in reversed(done):
            back = await changed.client.config.roll_back(before, why=f"taken back: {why}")
            print(f"{changed.name}: back to version {before}, as version {back.version}")
        raise


async def roll_out(names: list[str], settings: list[tuple[str, Any]], why: str, really: bool) -> int:
    answers = await asyncio.gather(*(propose(name, settings) for name in names), return_exceptions=True)
    failed = False
    proposals: list[Proposal] = []
    for name, answer in zip(names, answers):
        if isinstance(answer, Proposal):
            show(answer)
            proposals.append(answer)
            failed |= len(answer.answer.impact.refused) > 0
        elif isinstance(answer, MkeError):
            print(f"{name}: {answer}", file=sys.stderr)
            failed = True
        else:
            raise answer
    if failed:
        print("nothing was changed", file=sys.stderr)
        return 1
    if not really:
        print("nothing was changed; add --apply to change it")
        return 0
    await apply(proposals, why)
    return 0


def setting(text: str) -> tuple[str, Any]:
    """`KEY=VALUE`: the value as JSON, or else a text."""
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise argparse.ArgumentTypeError(f"{text!r}: write KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def main() -> int:
    parser = argparse.ArgumentParser(description="Rolls a change of the configuration out over several clusters.")
    parser.add_argument("contexts", nargs="+", help="contexts of `ucp login`")
    parser.add_argument("--set", dest="settings", action="append", type=setting, required=True, metavar="KEY=VALUE")
    parser.add_argument("--why", required=True, help="for the history of each cluster")
    parser.add_argument("--apply", action="store_true", help="really change it")
    arguments = parser.parse_args()
    return asyncio.run(roll_out(arguments.contexts, arguments.settings, arguments.why, arguments.apply))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (MkeError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
