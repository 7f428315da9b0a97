"""A directory server of OpenLDAP with a database of its own, on a free port of the loopback interface."""

from __future__ import annotations

import pathlib
import shutil
import socket
import subprocess
import time
from types import TracebackType

SUFFIX = "dc=example,dc=com"
READER = f"cn=reader,{SUFFIX}"
READER_PASSWORD = "reader-secret"
ROOT_PASSWORD = "root-secret"
DEADLINE = 60.0

CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {place}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
maxsize 1073741824
suffix "{suffix}"
rootdn "cn=root,{suffix}"
rootpw {root_password}
directory {place}/db
access to attrs=userPassword by anonymous auth by * none
access to * by users read by anonymous auth
"""

BASE = f"""\
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,{SUFFIX}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{SUFFIX}
objectClass: organizationalUnit
ou: groups

dn: {READER}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {READER_PASSWORD}
"""


def program(name: str) -> str:
    """The path of a program of the server, which is not where users look."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin")
    assert found, f"{name} is missing; install Debian packages slapd and ldap-utils"
    return found


def person(uid: str, name: str) -> str:
    """An entry of somebody whose password is the uid and `-secret`."""
    return f"""\

dn: uid={uid},ou=people,{SUFFIX}
objectClass: inetOrgPerson
uid: {uid}
cn: {name}
sn: {name.split()[-1]}
userPassword: {uid}-secret
"""


def group(cn: str, *members: str) -> str:
    """An entry of a group."""
    lines = "".join(f"member: uid={uid},ou=people,{SUFFIX}\n" for uid in members)
    return f"\ndn: cn={cn},ou=groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: {cn}\n{lines}"


class Slapd:
    """A running server; it ends with its block."""

    def __init__(self, place: pathlib.Path, entries: str) -> None:
        self.place = place
        (place / "db").mkdir()
        (place / "slapd.conf").write_text(
            CONFIGURATION.format(place=place, suffix=SUFFIX, root_password=ROOT_PASSWORD)
        )
        (place / "entries.ldif").write_text(BASE + entries)
        load = [program("slapadd"), "-q", "-f", f"{place}/slapd.conf", "-l", f"{place}/entries.ldif"]
        subprocess.run(load, check=True, capture_output=True)
        # Somebody else may take a free port before the server does.
        for _ in range(5):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = int(free.getsockname()[1])
            if self._run():
                return
        raise RuntimeError(f"slapd does not start:\n{(place / 'log').read_text()}")

    def _run(self) -> bool:
        command = [program("slapd"), "-d", "0", "-h", self.url, "-f", str(self.place / "slapd.conf")]
        with open(self.place / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return True
        self.stop()
        return False

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"ldap://127.0.0.1:{self.port}"

    def modify(self, ldif: str) -> None:
        """Changes entries."""
        command = ["ldapmodify", "-x", "-H", self.url, "-D", f"cn=root,{SUFFIX}", "-w", ROOT_PASSWORD]
        subprocess.run(command, input=ldif.encode(), check=True, capture_output=True)

    def stop(self) -> None:
        """Ends the server; its entries stay."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Slapd:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
