#!/usr/bin/env python3
"""Shows what a synchronisation with a directory would do, before its settings are saved anywhere.

    ldap_dry_run.py ucp.toml
    ldap_dry_run.py ucp.toml --team eng/ops="cn=ops,ou=groups,dc=example,dc=com" --try-login jane < password.txt

The settings are `[auth.ldap]` of the file. Accounts are compared with those of a store (`--accounts`, a file), or with none. Nothing is
written, neither there nor in the directory. The exit code is 1 when the synchronisation would be refused, or the login.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

from mke import identity
from mke.config import Config, Secret
from mke.errors import MkeError


def link(store: identity.AccountStore, teams: list[str], attribute: str) -> None:
    """Makes teams whose members are those of groups: `ORGANIZATION/TEAM=DN`."""
    known = {row["name"] for row in store.accounts()}
    for text in teams:
        name, _, dn = text.partition("=")
        organization, _, team = name.partition("/")
        if organization not in known:
            store.create_organization(organization)
            known.add(organization)
        if team not in store.teams(organization).column("name"):
            store.create_team(organization, team)
        store.link_team_with_ldap(organization, team, {"groupDn": dn, "groupMemberAttribute": attribute})


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("config", type=pathlib.Path, help="the configuration file (TOML) with [auth.ldap]")
    parser.add_argument("--accounts", type=pathlib.Path, help="a store with the accounts that are there; it is copied, not changed")
    parser.add_argument("--team", action="append", default=[], metavar="ORG/TEAM=DN", help="a team with the members of a group")
    parser.add_argument("--member-attribute", default="member", help="the attribute of groups that lists their members")
    parser.add_argument("--max-deactivated", type=int, default=20, metavar="PERCENT", help="most accounts to deactivate at once")
    parser.add_argument("--try-login", metavar="NAME", help="log this person in, with the password from standard input")
    args = parser.parse_args()
    try:
        settings = identity.LdapSettings(Config.from_file(args.config))
        if args.try_login:
            report = identity.ldap_test_login(settings, args.try_login, Secret(sys.stdin.readline().rstrip("\n")))
            for step in report["steps"]:
                print(f"{'ok' if step['ok'] else 'no'}: {step['what']}")
            if not report["ok"]:
                return 1
        with identity.AccountStore(copy_of(args.accounts)) as store:
            link(store, args.team, args.member_attribute)
            fetched = identity.ldap_fetch(settings, store)
            for search in fetched.searches:
                print(f"search below {search['base']}: {search['entries']} entries, {search['users']} users")
            plan = fetched.plan(store, just_in_time=False, max_deactivated_percent=args.max_deactivated)
            print(plan)
            for refusal in plan.refusals:
                print(f"refused: {refusal}")
            return 1 if plan.refusals else 0
    except (MkeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2


def copy_of(accounts: pathlib.Path | None) -> pathlib.Path | None:
    """A copy of the store, so that trying teams out changes nothing."""
    if accounts is None:
        return None
    import shutil
    import tempfile

    copy = pathlib.Path(tempfile.mkdtemp(prefix="mke-dry-run-"), "accounts.db")
    shutil.copyfile(accounts, copy)
    return copy


if __name__ == "__main__":
    sys.exit(main())
