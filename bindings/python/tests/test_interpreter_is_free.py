"""Whatever computes long, or waits for a file, lets other threads of Python run meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Any, Callable

import pytest

import mke

DEADLINE = 60.0
USERS = [f"user-{number}" for number in range(200)]
PLACES = [f"/Shared/place-{number}" for number in range(200)]


def bank() -> mke.rbac.Policy:
    """Large enough for questions about all of it to take a while."""
    grants = [(f"user:{user}", "fullcontrol", PLACES[number % len(PLACES)]) for number, user in enumerate(USERS)]
    return mke.rbac.Policy(users=USERS, collections=PLACES, grants=grants)


def manifests(count: int) -> str:
    rule = "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]"
    return "\n---\n".join(
        f"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: r{number}, namespace: blue}}\n{rule}"
        for number in range(count)
    )


def settings(count: int) -> str:
    rows = "".join(f"# what was agreed on, number {number}\n" for number in range(count))
    return f"{rows}[auth.sessions]\nlifetime_minutes = 60\n"


def calls() -> dict[str, Callable[[], Any]]:
    """What computes long, in each module."""
    policy, store = bank(), mke.identity.AccountStore()
    authority = mke.pki.Authority.create("client", "test")
    text, roles = settings(10_000), manifests(300)
    state = "format: rbac-scenarios/1\nworlds: {w: {users: {" + ", ".join(f"{user}: {{}}" for user in USERS) + "}}}"
    config, other = mke.config.Config(text), mke.config.Config()
    kubernetes = mke.rbac.KubernetesPolicy.from_manifests(roles)
    ranges = [mke.net.AddressRange("node", f"10.{high}.{low}.0/24") for high in range(8) for low in range(64)]
    numbers = iter(range(10**9))
    wide = policy.with_changes([{"grant": {"subject": "user:user-1", "role": "fullcontrol", "collection": "/"}}])
    return {
        "rbac.Policy": bank,
        "rbac.Policy.from_state": lambda: mke.rbac.Policy.from_state(state),
        "rbac.Policy.decide_many": lambda: policy.decide_many(list(policy.users) * 50, "Service View", "/Shared"),
        "rbac.Policy.who_can": lambda: policy.who_can(mke.rbac.check("Service View", PLACES[7])),
        "rbac.Policy.escalation_paths": lambda: policy.escalation_paths(),
        "rbac.Policy.diff": lambda: policy.diff(wide),
        "rbac.AuditLog": lambda: mke.rbac.AuditLog("no record\n" * 5_000),
        "rbac.KubernetesPolicy.from_manifests": lambda: mke.rbac.KubernetesPolicy.from_manifests(roles),
        "rbac.KubernetesPolicy.who_can": lambda: kubernetes.who_can("get", "pods", namespace="blue"),
        "admission.Cluster": lambda: mke.admission.Cluster(roles),
        "config.Config": lambda: mke.config.Config(text),
        "config.Document": lambda: mke.config.Document(text),
        "config.Document.read": lambda: mke.config.Document(text).read(),
        "config.Config.diff": lambda: config.diff(other),
        "config.Config.export": lambda: config.export(),
        "net.AddressPlan.conflicts": lambda: mke.net.AddressPlan(ranges).conflicts,
        "pki.Authority.create": lambda: mke.pki.Authority.create("client", "test"),
        "pki.PrivateKey.generate": lambda: mke.pki.PrivateKey.generate(),
        "pki.make_bundle": lambda: mke.pki.make_bundle(
            authority, "ada", server_ca=authority.certificate.pem, host="h", cluster_id="test"
        ),
        "identity.AccountStore.create_user": lambda: store.create_user(f"u{next(numbers)}", password="a long password"),
    }


CALLS = calls()


def gets_on(call: Callable[[], Any], patience: float) -> bool:
    """Whether a thread that counts gets on while the call runs, again and again until it does.

    No thread is made to hand the interpreter over by itself, so counting goes on only while the call has let it go.
    """
    count, stop = 0, threading.Event()

    def counting() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            time.sleep(0)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(2 * DEADLINE)
    thread = threading.Thread(target=counting)
    thread.start()
    try:
        before, deadline = count, time.monotonic() + patience
        while True:
            call()
            if count > before or time.monotonic() > deadline:
                return count > before
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()


@pytest.mark.parametrize("name", CALLS)
def test_another_thread_gets_on(name: str) -> None:
    assert gets_on(CALLS[name], DEADLINE), f"mke.{name} keeps the interpreter"


def test_a_call_that_keeps_the_interpreter_is_seen() -> None:
    """Otherwise the test above would say nothing."""
    assert not gets_on(lambda: sum(range(1000)), 0.2)


FILES = [
    "mke.config.Config.from_file(path)",
    "mke.config.Document.from_file(path)",
    "mke.config.InterlockConfig.from_file(path)",
    "mke.config.AzureConfig.from_file(path)",
    "mke.rbac.Policy.from_file(path)",
    "mke.rbac.KubernetesPolicy.from_file(path)",
    "mke.rbac.AuditLog.from_file(path)",
    "mke.pki.Certificate.from_file(path)",
    "mke.pki.PrivateKey.from_file(path)",
    "mke.pki.Authority.from_files(path, path)",
    "mke.pki.open_bundle(path)",
    "mke.client.Client.from_bundle(path)",
]


@pytest.mark.parametrize("call", FILES)
def test_a_file_that_lets_one_wait(call: str, tmp_path: Any) -> None:
    """A pipe is read whose other end is a thread of the same program: it can only write while the interpreter is free."""
    os.mkfifo(tmp_path / "pipe")
    program = f"""
import threading, mke
path = {str(tmp_path / "pipe")!r}
def feed():
    while True:
        try:
            with open(path, "w") as pipe:
                pipe.write("this is = none of them [\\n")
        except BrokenPipeError:
            # Whoever read had enough already; somebody else may come.
            pass
threading.Thread(target=feed, daemon=True).start()
try:
    {call}
except (mke.MkeError, OSError):
    pass
print("read")
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=DEADLINE, capture_output=True, text=True, check=False)
    assert done.stdout == "read\n", done.stderr
