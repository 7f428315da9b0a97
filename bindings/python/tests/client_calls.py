"""Every method of every group of the client, with something for each argument, and what a control plane would say to reads."""

from __future__ import annotations

import inspect

from played import as_json

from mke.client import Client

GROUPS = [name for name, member in vars(Client).items() if isinstance(member, property) and name != "url"]
# Something for every parameter that has no default.
SAMPLES = {
    "account": "jane",
    "assertions": {"format": "policy-tests/1", "tests": []},
    "availability": "drain",
    "changes": [{"add-team": "a/b"}],
    "certificate": "PEM",
    "code": "123456",
    "constraints": [],
    "enabled": True,
    "full_name": "Jane",
    "group": "web",
    "job": "j1",
    "key": "k1",
    "label": "laptop",
    "name": "jane",
    "new": "a new password",
    "node": "n1",
    "number": 1,
    "operations": [],
    "organization": "bank",
    "parent_id": "c1",
    "password": "a password",
    "place": "bank/ops",
    "public_key": "PEM",
    "role": "r1",
    "service": "registry",
    "settings": {},
    "subject": "user:jane",
    "team": "bank/ops",
    "text": "[auth]\n",
    "user": "jane",
    "username": "jane",
    "what": "Service View",
}
SPECIAL = {
    ("config", "part", "name"): "logging",
    ("config", "put_part", "name"): "logging",
    ("roles", "create", "operations"): {},
    ("nodes", "set_role", "role"): "worker",
    ("collections", "create", "place"): "/Shared/x",
    ("collections", "set_constraints", "place"): "/Shared/x",
    ("collections", "delete", "place"): "/Shared/x",
    ("collections", "set_default", "place"): "/Shared/x",
}
OPTIONAL = {("grants", "create"): {"collection": "/Shared"}, ("grants", "delete"): {"collection": "/Shared"}}
SLOW = {"timeout": 0.0, "interval": 0.01}


class Log:
    """As much of an audit log as is sent."""

    coverage: dict[str, object] = {}
    entries: list[object] = []


def calls(client: Client):
    """Every method of every group, with arguments."""
    for group in GROUPS:
        methods = getattr(client, group)
        for name, method in inspect.getmembers(methods, inspect.ismethod):
            if name.startswith("_"):
                continue
            arguments = dict(OPTIONAL.get((group, name), {}))
            parameters = inspect.signature(method).parameters
            for parameter in parameters.values():
                needed = parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
                if parameter.name == "log":
                    arguments["log"] = Log()
                elif needed:
                    key = (group, name, parameter.name)
                    arguments[parameter.name] = SPECIAL.get(key, SAMPLES.get(parameter.name))
            arguments.update({key: value for key, value in SLOW.items() if key in parameters})
            yield group, name, method, arguments, parameters


def likely(method: str, path: str):
    """What a control plane would say to reads, as much as calls need to go on."""
    path = path.split("?")[0]
    if path == "/roles":
        return as_json([{"id": "r1", "name": "Role"}])
    if path == "/nodes/n1":
        return as_json({"ID": "n1", "Version": {"Index": 7}, "Spec": {"Role": "manager", "Availability": "active"}})
    return as_json(
        {"id": "x", "name": "x", "path": "/x", "nodes": [], "version": 1, "changed": True, "status": "waiting", "action": "x"}
    )
