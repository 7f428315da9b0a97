"""Whatever is handed over, a clear exception comes out: never a panic, never the end of the process, never a wall of text."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Iterator

import pytest
from client_calls import calls, likely
from odd import FINE, ODD, Stubborn, nested, trouble, ways
from played import Played
from surface import modules

import mke
from mke.client import Client

# The plug-in of pytest has fixtures; types are for annotations; the client is tried against a server below.
ELSEWHERE = ("mke.testing", "mke.errors", "mke.client")


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function, class and static method."""
    for module in modules():
        if module.__name__.startswith(ELSEWHERE) or module.__name__.endswith("_types"):
            continue
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.ismodule(thing) or not callable(thing):
                continue
            yield f"{module.__name__}.{name}", thing
            for member in vars(thing) if inspect.isclass(thing) else ():
                found = getattr(thing, member)
                if not member.startswith("_") and inspect.isbuiltin(found):
                    yield f"{module.__name__}.{name}.{member}", found


def instances() -> Iterator[tuple[str, Any]]:
    """Things whose methods are tried."""
    policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
    authority = mke.pki.Authority.create("client", "test")
    key = mke.pki.PrivateKey.generate()
    bundle = mke.pki.make_bundle(authority, "ada", server_ca=authority.certificate.pem, host="h", cluster_id="test")
    store = mke.identity.AccountStore()
    each = [policy, mke.rbac.KubernetesPolicy.bootstrap(), policy.decide("dina", "Service View", "/Shared")]
    each += [policy.grants, authority, authority.certificate, key, key.public_key, mke.pki.TrustSet(authority.certificate), bundle]
    each += [mke.config.Config(), mke.config.Document("[auth]\n"), mke.config.Config().to_mke4(), mke.config.Secret("s")]
    each += [mke.admission.Cluster(""), mke.net.AddressPlan([]), mke.net.Kernel(root="/nowhere")]
    each += [store, mke.identity.ScimService(store), mke.identity.Dn("dc=a"), mke.identity.LdapFilter("(a=b)")]
    each += [mke.identity.ServiceProvider("h.example.com"), mke.identity.TotpSeed(b"0" * 20)]
    for thing in each:
        yield type(thing).__name__, thing


FUNCTIONS = dict(functions())


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Odd names of files lie here."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    """Every public function and class, with every odd value in every place."""
    call, bad = FUNCTIONS[name], []
    for kind, value in ODD.items():
        for positional, named in ways(call, value):
            found = trouble(call, *positional, **named)
            bad += [f"{kind}, {', '.join(named)}: {found}"] if found else []
    assert not bad, "\n".join(bad)


def test_methods():
    """The same for the methods of things, and for what operators do with them."""
    bad = []
    for name, thing in instances():
        for member in dir(type(thing)):
            special = member in ("__getitem__", "__contains__", "__eq__", "__lt__", "__call__", "__and__", "__or__")
            if (member.startswith("_") and not special) or not callable(getattr(thing, member)):
                continue
            call = getattr(thing, member)
            for kind, value in ODD.items():
                for positional, named in [([value], {})] if special else ways(call, value):
                    found = trouble(call, *positional, **named)
                    bad += [f"{name}.{member}, {kind}, {', '.join(named)}: {found}"] if found else []
    assert not bad, "\n".join(bad)


def test_methods_of_the_client(tmp_path):
    """Nothing odd is sent to a control plane unless it can be, and what cannot be sent names the argument."""
    server = Played(tmp_path)
    server.answer = likely
    bad = []
    few = {kind: ODD[kind] for kind in ("nothing", "a huge number", "half a character", "bytes that are no text", "an object")}
    few |= {kind: ODD[kind] for kind in ("a list of nothing", "a stubborn object", "too deep", "in itself", "a zero byte")}
    try:
        with Client.from_token(server.url, "t", insecure=True, retries=0) as client:
            for group, name, method, arguments, parameters in calls(client):
                for parameter in parameters.values():
                    if parameter.kind is parameter.VAR_POSITIONAL or parameter.name in ("timeout", "interval", "dry_run"):
                        continue
                    for kind, value in few.items():
                        ask = {**arguments, parameter.name: value}
                        found = trouble(lambda: next(iter(method(**ask)), None) if name.startswith("iter") else method(**ask))
                        bad += [f"{group}.{name}, {parameter.name}, {kind}: {found}"] if found else []
    finally:
        server.stop()
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("value", [nested(10_000), nested(129), ODD["in itself"]], ids=["deep", "a little too deep", "in itself"])
def test_depth_has_an_end(value):
    """What is nested without end is refused with a reason. Reading it would end the process."""
    with pytest.raises(mke.errors.InvalidValueError, match="more than 128 levels deep, or holds itself"):
        mke.identity.scim_matches("User", 'userName eq "a"', {"a": value})
    assert mke.identity.scim_matches("User", 'userName eq "a"', {"userName": "a", "b": nested(100)})


def test_long_texts_are_cut_in_messages():
    """A text of 10 MB is refused without being repeated; short ones are shown whole."""
    long = "x" * 10_000_000
    for call in (mke.agent.check_upgrade, mke.net.AddressRange, mke.identity.Dn, mke.rbac.Policy.from_state, mke.config.Config):
        with pytest.raises(FINE) as caught:
            call(long, long) if call in (mke.agent.check_upgrade, mke.net.AddressRange) else call(long)
        assert len(str(caught.value)) < 20_000
    with pytest.raises(mke.errors.InvalidVersionError, match='"x" is no version'):
        mke.agent.check_upgrade("x", "3.9.0")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mke.rbac.Policy(users=[None]), "policy: unexpected type"),
        (lambda: mke.rbac.Policy.from_file(None), "path"),
        (lambda: mke.config.Config(None), "text"),
        (lambda: mke.config.Document().set("auth.backend", 7), "auth.backend"),
        (lambda: mke.config.Document().update({1: 2}), "str"),
        (lambda: mke.pki.PrivateKey(7), "pem"),
        (lambda: mke.pki.Authority.create("other", "test"), "neither cluster nor client"),
        (lambda: mke.net.AddressRange("node", "10.0.0.0/99"), "10.0.0.0/99"),
        (lambda: mke.identity.AccountStore().create_user(7, password="x"), "name"),
        (lambda: mke.admission.Cluster(7), "manifests"),
        (lambda: mke.agent.check_upgrade(None, "3.9.0"), "from_version"),
        (lambda: mke.Table([Stubborn()], ("name",)).to_dicts(), "name"),
    ],
)
def test_messages_name_the_argument(call, message):
    """The text of the exception says which argument it is, or shows the value."""
    with pytest.raises((TypeError, ValueError, AttributeError), match=message):
        call()
