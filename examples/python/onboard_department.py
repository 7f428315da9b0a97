#!/usr/bin/env python3
"""Onboards a department from a CSV file: accounts, teams, collections and grants.

    onboard_department.py people.csv --organization bank --dry-run
    onboard_department.py people.csv --organization bank --passwords new-passwords.csv

The file has the columns `name`, `full_name` and `team`, and may have `lead` (`yes` for who administers the team). Every team gets
the collection `/Shared/ORGANIZATION/TEAM` and a role on it. What is there already stays as it is, so running it twice does
nothing the second time; with `--remove`, who is not in the file any more leaves the teams. It speaks to the control plane of
`MKE_URL`, `MKE_TOKEN` and `MKE_CA_FILE`, or of the context in use (`ucp login`).
"""

from __future__ import annotations

import argparse
import csv
import os
import secrets
import sys
from dataclasses import dataclass
from functools import partial

from mke.client import Client
from mke.errors import MkeError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Person:
    """A line of the file."""

    name: str
    full_name: str
    team: str
    lead: bool


@dataclass(frozen=True)
class Step:
    """Something to do: what people read, and the call that does it."""

    what: str
    do: Callable[[], object]


def read(path: str) -> list[Person]:
    """The people in the file. All mistakes are told at once."""
    people, mistakes = [], []
    with open(path, newline="", encoding="utf-8") as file:
        for number, line in enumerate(csv.DictReader(file, skipinitialspace=True), start=2):
            name, team = (line.get("name") or "").strip(), (line.get("team") or "").strip()
            if not name or not team:
                mistakes.append(f"{path}, line {number}: `name` and `team` are needed")
                continue
            lead = (line.get("lead") or "").strip().lower() in ("yes", "true", "1")
            people.append(Person(name, (line.get("full_name") or "").strip(), team, lead))
    twice = {(one.name, one.team) for one in people if sum(p.name == one.name and p.team == one.team for p in people) > 1}
    mistakes += [f"{path}: {name} is in team {team} twice" for name, team in sorted(twice)]
    if mistakes:
        raise SystemExit("\n".join(mistakes))
    return people


def steps(
    client: Client, people: list[Person], organization: str, role: str, remove: bool, passwords: dict[str, str]
) -> Iterator[Step]:
    """What is missing, in the order in which it can be done. The state is read first; nothing is changed here."""
    accounts = {account.name for account in client.accounts.iter()}
    for person in {person.name: person for person in people}.values():
        if person.name not in accounts:
            password = passwords[person.name] = secrets.token_urlsafe(18)
            yield Step(
                f"create account {person.name} ({person.full_name or 'no full name'})",
                partial(client.accounts.create, person.name, password, full_name=person.full_name),
            )
    if organization not in client.organizations.list().column("name"):
        yield Step(f"create organization {organization}", partial(client.organizations.create, organization))
        teams: set[str] = set()
    else:
        teams = {team.name for team in client.teams.iter(organization)}
    collections = {collection.path for collection in client.collections.iter()}
    grants = {(grant.subject, grant.place) for grant in client.grants.iter() if role in (grant.role, grant.role_id)}
    above = f"/Shared/{organization}"
    if above not in collections:
        yield Step(f"create collection {above}", partial(client.collections.create, above))
    for team in sorted({person.team for person in people}):
        named, place = f"{organization}/{team}", f"{above}/{team}"
        members: dict[str, bool] = {}
        if team not in teams:
            yield Step(f"create team {named}", partial(client.teams.create, named))
        else:
            members = {member.name: member.is_admin for member in client.members.iter(named)}
        if place not in collections:
            yield Step(f"create collection {place}", partial(client.collections.create, place))
        if (f"team:{named}", place) not in grants:
            grant = partial(client.grants.create, f"team:{named}", role, place)
            yield Step(f"grant {role} on {place} to team:{named}", grant)
        wanted = {person.name: person.lead for person in people if person.team == team}
        for name, lead in wanted.items():
            if members.get(name) != lead:
                what = f"make {name} {'lead' if lead else 'member'} of {named}"
                yield Step(what, partial(client.members.add, named, name, admin=lead))
        for name in sorted(set(members) - set(wanted)) if remove else ():
            yield Step(f"take {name} out of {named}", partial(client.members.remove, named, name))


def main() -> int:
    parser = argparse.ArgumentParser(description="Onboards a department from a CSV file.")
    parser.add_argument("file")
    parser.add_argument("--organization", required=True)
    parser.add_argument("--role", default="Restricted Control", help="the role of teams on their collections")
    parser.add_argument("--remove", action="store_true", help="who is not in the file leaves the teams")
    parser.add_argument("--passwords", help="write the first passwords of new accounts to this new file")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    arguments = parser.parse_args()
    people = read(arguments.file)
    passwords: dict[str, str] = {}
    with Client.from_env() as client:
        try:
            client.roles.get(arguments.role)
        except NotFoundError as unknown:
            raise SystemExit(str(unknown)) from None
        plan = list(steps(client, people, arguments.organization, arguments.role, arguments.remove, passwords))
        if passwords and not arguments.passwords and not arguments.dry_run:
            raise SystemExit(f"{len(passwords)} accounts are new: name a file for their passwords by --passwords")
        if arguments.dry_run or not plan:
            for step in plan:
                print(f"would {step.what}")
            print(f"{len(plan)} steps" if plan else "nothing to do")
            return 0
        if passwords:
            # Before the first account is made: a password that nobody can read opens nothing.
            with open(os.open(arguments.passwords, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                csv.writer(file).writerows([("name", "password"), *passwords.items()])
        for step in plan:
            step.do()
            print(step.what)
        print(f"{len(plan)} steps")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (MkeError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
