"""Whatever the control plane can be asked for by programs has a method of the client."""

from __future__ import annotations

import contextlib
import pathlib
import re

import pytest
from client_calls import calls, likely
from played import Played

from mke.client import Client
from mke.errors import MkeError

TABLE = pathlib.Path(__file__).parents[3] / "mke-agent/src/controller/api/table.rs"
LINE = re.compile(r'^    (GET|HEAD|POST|PUT|PATCH|DELETE) +"(/[^"]*)" ', re.MULTILINE)

# What is for somebody else, and why.
OTHERS = {
    ("HEAD", "/_ping"): "refused by the Engine API",
    ("GET", "/kubernetesNamespaces"): "kubectl's plug-in of Docker asks",
    ("POST", "/auth/token"): "clients of registries ask",
    ("POST", "/auth/login"): "`Client.login`",
    ("POST", "/id/login"): "the same in the words of older programs",
    ("POST", "/id/logout"): "`Client.close`",
    ("GET", "/enzi/v0/saml/button"): "login pages ask",
    ("GET", "/enzi/v0/saml/login"): "browsers ask",
    ("POST", "/enzi/v0/saml/acs"): "browsers ask",
    ("POST", "/enzi/v0/saml/session"): "browsers ask",
    ("GET", "/enzi/v0/saml/logout"): "browsers ask",
    ("POST", "/enzi/v0/saml/logout"): "browsers ask",
    ("GET", "/enzi/v0/config/auth/ldap"): "another path of `ldap.get`",
    ("PUT", "/enzi/v0/config/auth/ldap"): "another path of `ldap.set`",
    ("POST", "/enzi/v0/config/auth/ldap/test-login"): "another path of `ldap.test_login`",
    ("POST", "/api/nodes/certs"): "another path of `system.set_certificate`",
    ("GET", "/api/clientbundle"): "another method of `bundles.create`",
    ("GET", "/debug"): "whoever looks for a fault in a controller asks, with `request`",
    ("GET", "/debug/vars"): "the same",
    ("GET", "/debug/threads"): "the same",
    ("GET", "/api/node/{node}/spec"): "agents of nodes ask",
    ("PUT", "/api/node/{node}/report"): "agents of nodes ask",
}


@pytest.fixture
def played(tmp_path):
    server = Played(tmp_path)
    yield server
    server.stop()


def test_every_endpoint_has_a_method(played):
    """The table of the controller is the list of what there is."""
    endpoints = LINE.findall(TABLE.read_text())
    assert len(endpoints) > 100, "the table of the controller is not read any more"
    played.answer = likely
    with Client.from_token(played.url, "t", insecure=True, retries=0) as client:
        for _, name, method, arguments, _ in calls(client):
            try:
                found = method(**arguments)
                next(iter(found), None) if name.startswith("iter") else None
            except MkeError:
                pass
            # A member is one of an organization or of a team, and the configuration has parts.
            members, parts = client.members, ("scheduling", "kubernetes", "registries")
            each = [lambda: members.list("bank"), lambda: members.get("bank", "jane")]
            each += [lambda: members.add("bank", "jane"), lambda: members.remove("bank", "jane")]
            each += [lambda part=part: client.config.part(part) for part in parts]
            each += [lambda part=part: client.config.put_part(part, {}) for part in parts]
            for ask in each:
                with contextlib.suppress(MkeError):
                    ask()
    heard = {(method, path.split("?")[0]) for method, path, _ in played.heard}
    missing = []
    for method, template in endpoints:
        path = re.compile(re.sub(r"\\?\{[^}]*\\?\}", "[^/]+", template) + "$")
        reached = any(sent == method and path.match(place) for sent, place in heard)
        if reached == ((method, template) in OTHERS):
            missing.append(f"{method} {template}" + (" is reached, and listed as not" if reached else ""))
    assert not missing, "no method of the client for\n" + "\n".join(missing)
