"""The package among threads, processes and interpreters: shared, forked, copied, interrupted, closed, ended."""

from __future__ import annotations

import asyncio
import concurrent.futures
import copy
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from typing import Any, Callable

import pytest

import mke
from mke.client import AsyncClient, Client

DEADLINE = 60.0


def run(program: str, *flags: str) -> str:
    """What a program of its own prints; it ends well, and in time."""
    done = subprocess.run(
        [sys.executable, *flags, "-c", program], timeout=DEADLINE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_threads_share_everything() -> None:
    """Values are shared; a document that one thread edits while others read it never ends the process."""
    policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
    authority, store = mke.pki.Authority.create("client", "test"), mke.identity.AccountStore()
    document, start = mke.config.Document("[auth.sessions]\nlifetime_minutes = 60\n"), threading.Barrier(8)

    def work(number: int) -> int:
        start.wait(DEADLINE)
        done = 0
        for turn in range(20):
            assert policy.allows("dina", "Service View", "/Shared")
            assert policy.who_can(mke.rbac.check("Service View", "/Shared"))
            key = mke.pki.PrivateKey.generate().public_key
            assert authority.issue(key, profile="client", common_name=f"u{number}", days=1)
            document.set("auth.sessions.lifetime_minutes", 60 + turn)
            assert document.read()["auth.sessions.lifetime_minutes"] >= 60 and not document.problems()
            done += 1
        store.create_user(f"user-{number}", password="a long password")
        return done

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [20] * 8
    assert len(store.accounts()) >= 8


def test_a_forked_process_goes_on() -> None:
    """What was made before a fork works in both processes, also with threads of the runtime in the first."""
    program = """
import os, warnings, mke
warnings.simplefilter("ignore")
policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
store = mke.identity.AccountStore()
store.create_user("ada", password="a long password")
child = os.fork()
assert policy.allows("dina", "Service View", "/Shared")
assert mke.config.Config()["auth.sessions.lifetime_minutes"] == 60
if child == 0:
    try:
        store.accounts()
    except mke.errors.InvalidValueError as error:
        print("forked" in str(error), flush=True)
    del store  # closes nothing, and waits for nobody
    with mke.identity.AccountStore() as own:
        print(len(own.accounts()) > 0, flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status) if hasattr(os, "waitstatus_to_exitcode") else status)
"""
    assert run(program) == "True\nTrue\n0\n"


def test_worker_processes() -> None:
    """A pool of processes: questions go there as names, and exceptions come back as what they were."""
    program = """
import concurrent.futures, multiprocessing, mke
def ask(user):
    policy = mke.rbac.Policy(users=["dina", "sam"], grants=[("user:dina", "viewonly", "/Shared")])
    return policy.allows(user, "Service View", "/Shared")
def read(text):
    return mke.config.Config(text)["auth.backend"]
if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        print(list(pool.map(ask, ["dina", "sam"])))
        try:
            list(pool.map(read, ["[auth]\\nbackend = 7\\n"]))
        except mke.errors.ConfigError as error:
            print(error.kind, error.problems[0].key, error.problems[0].line)
"""
    assert run(program) == "[True, False]\nProblems auth.backend 2\n"


FAILURES: dict[str, Callable[[], Any]] = {
    "config": lambda: mke.config.Config("[auth]\nbackend = 7\nother = 1\n"),
    "key": lambda: mke.config.Config()["auth.backends"],
    "state": lambda: mke.rbac.Policy.from_state("format: rbac-scenarios/1\nworlds: {a: {grants: [{}]}}"),
    "manifest": lambda: mke.rbac.KubernetesPolicy.from_manifests("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role"),
    "question": lambda: mke.rbac.Policy().who_can({"kind": "other"}),
    "certificate": lambda: mke.pki.Certificate("none"),
    "upgrade": lambda: mke.agent.check_upgrade("3.9.0", "3.1.0"),
    "admission": lambda: mke.admission.Cluster("kind: Pod"),
    "account": lambda: mke.identity.AccountStore().create_user("a b", password="a long password"),
    "filter": lambda: mke.identity.LdapFilter("(a"),
    "client": lambda: Client.from_token("https://127.0.0.1:1", "t", insecure=True, retries=0).accounts.me(),
    "value": lambda: mke.net.AddressRange("node", "none"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_exceptions_go_from_one_process_to_another(name: str) -> None:
    """Class, text, kind and fields are the same afterwards, what is in the fields included."""
    with pytest.raises(mke.MkeError) as caught:
        FAILURES[name]()
    error = caught.value
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error) and str(again) == str(error) and again.kind == error.kind
        assert again.fields.keys() == error.fields.keys() and repr(again.fields) == repr(error.fields)


def test_copies() -> None:
    """Records and tables are copied and pickled; what cannot be says so, and a document is copied."""
    account = mke.client.Account("jane", "1")
    table = mke.client.Account.table([account])
    for again in (pickle.loads(pickle.dumps(table)), copy.copy(table), copy.deepcopy(table)):
        assert again == table and again.columns == table.columns
    document = mke.config.Document("[auth]\n")
    for again in (copy.copy(document), copy.deepcopy(document)):
        again.set("auth.backend", "ldap")
        assert str(document) == "[auth]\n"
    for thing in (mke.rbac.Policy(), mke.config.Config(), mke.pki.PrivateKey.generate(), mke.identity.AccountStore()):
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=f"cannot pickle '.*{type(thing).__name__}' object"):
                attempt(thing)


def test_secrets_stay_where_they_are() -> None:
    """Neither text nor pickle of a secret shows it."""
    secret = mke.config.Secret("canary")
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(secret)
    assert "canary" not in f"{secret} {secret!r} {[secret]}"


SUBINTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import mke
mke.rbac.Policy()
other = interpreters.create()
text = '''
try:
    import mke
    mke.rbac.Policy()
    print("works", flush=True)
except ImportError as error:
    print("ImportError" if "interpreter" in str(error) else error, flush=True)
'''
interpreters.run_string(other, text)
interpreters.destroy(other)
print(mke.rbac.Policy().users)
"""


def test_another_interpreter_in_the_same_process() -> None:
    """It is refused with an `ImportError`, or works where interpreters share their lock, as before Python 3.12; the first goes on."""
    assert run(SUBINTERPRETER) in ("ImportError\n()\n", "works\n()\n")


@pytest.fixture
def silent():
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


WAITING: dict[str, str] = {
    "a request": "mke.client.Client.from_token(f'https://127.0.0.1:{port}', 't', insecure=True).accounts.me()",
    "a login": "mke.client.Client.login(f'https://127.0.0.1:{port}', 'a', 'b', insecure=True)",
    "a fingerprint": "mke.client.Client.login(f'https://127.0.0.1:{port}', 'a', 'b', fingerprint='00' * 32)",
    "a directory": "mke.identity.ldap_fetch(ldap)",
    "a trial login": "mke.identity.ldap_test_login(ldap, 'jane', 'secret')",
    "a synchronisation": "mke.identity.ldap_sync(ldap, mke.identity.AccountStore())",
}

SETTINGS = """
document = mke.config.Document()
row = "auth.ldap.user_search_configs[0]."
document.update({"auth.backend": "ldap", "auth.ldap.server_url": f"ldap://127.0.0.1:{port}", row + "base_dn": "dc=a"})
document.update({row + "username_attr": "uid", row + "match_group": False, "auth.ldap.jit_user_provisioning": False})
ldap = mke.identity.LdapSettings(document.read())
"""


@pytest.mark.parametrize("name", WAITING)
def test_ctrl_c(name: str, silent: socket.socket) -> None:
    """Whatever waits for somebody else is ended by the keys that end any program of Python."""
    program = f"""
import os, signal, socket, threading, mke
signal.signal(signal.SIGINT, signal.default_int_handler)
port = {silent.getsockname()[1]}
{SETTINGS}
print("ready", flush=True)
try:
    {WAITING[name]}
except KeyboardInterrupt:
    print("interrupted")
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        silent.settimeout(DEADLINE)
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=DEADLINE)[0] == "interrupted\n"
    finally:
        process.kill()
        process.wait()


def directory(port: int) -> mke.identity.LdapSettings:
    """Settings of a directory at a port."""
    document = mke.config.Document()
    row = "auth.ldap.user_search_configs[0]."
    values = {"auth.backend": "ldap", "auth.ldap.server_url": f"ldap://127.0.0.1:{port}", row + "base_dn": "dc=a"}
    document.update({**values, row + "username_attr": "uid", row + "match_group": False, "auth.ldap.jit_user_provisioning": False})
    return mke.identity.LdapSettings(document.read())


CANCELLED: dict[str, Callable[[int], Any]] = {
    "a request": lambda port: AsyncClient.from_token(f"https://127.0.0.1:{port}", "t", insecure=True).accounts.me(),
    "pages": lambda port: AsyncClient.from_token(f"https://127.0.0.1:{port}", "t", insecure=True).accounts.list(),
    "a change": lambda port: AsyncClient.from_token(f"https://127.0.0.1:{port}", "t", insecure=True).accounts.delete("a"),
    "a waiter": lambda port: AsyncClient.from_token(f"https://127.0.0.1:{port}", "t", insecure=True).system.wait_healthy(),
    "a login": lambda port: AsyncClient.login(f"https://127.0.0.1:{port}", "a", "b", insecure=True),
    "a fingerprint": lambda port: AsyncClient.login(f"https://127.0.0.1:{port}", "a", "b", fingerprint="00" * 32),
    "a directory": lambda port: mke.identity.ldap_fetch_async(directory(port)),
    "a trial login": lambda port: mke.identity.ldap_test_login_async(directory(port), "jane", "secret"),
    "a synchronisation": lambda port: mke.identity.ldap_sync_async(directory(port), mke.identity.AccountStore()),
}


@pytest.mark.parametrize("name", CANCELLED)
def test_a_cancelled_task_hangs_up(name: str, silent: socket.socket) -> None:
    """Cancelling a task drops the future of Rust behind it: the other end sees the connection close."""
    ended = threading.Event()
    came = threading.Event()

    def serve() -> None:
        silent.settimeout(DEADLINE)
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(DEADLINE)
            came.set()
            try:
                while connection.recv(65536):
                    pass
            except ConnectionError:
                pass
            ended.set()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    async def main() -> None:
        async def wait() -> None:
            await CANCELLED[name](silent.getsockname()[1])

        task = asyncio.ensure_future(wait())
        assert await asyncio.get_running_loop().run_in_executor(None, came.wait, DEADLINE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.get_running_loop().run_in_executor(None, ended.wait, DEADLINE), "it was left behind"

    asyncio.run(main())
    thread.join(DEADLINE)


def test_what_is_closed_says_so(mke_server: Any, tmp_path: Any) -> None:
    """A client, a store and a server that are closed answer with what they are, and closing twice does no harm."""
    client = mke_server.client()
    pages = client.accounts.iter()
    client.close()
    client.close()
    with pytest.raises(mke.errors.UnauthenticatedError):
        client.accounts.me()
    with pytest.raises(mke.errors.UnauthenticatedError):
        next(pages)
    with mke.identity.AccountStore(tmp_path / "accounts") as store:
        store.create_user("ada", password="a long password")
    with mke.identity.AccountStore(tmp_path / "accounts") as again:
        assert "ada" in again.accounts().column("name")
    again.close()
    for use in (again.accounts, lambda: again.create_user("b", password="a long password"), lambda: mke.identity.ScimService(again)):
        with pytest.raises(mke.errors.InvalidValueError, match="it is closed"):
            use()
    server = mke.testing.Server()
    with pytest.raises(RuntimeError, match="not started"):
        server.home
    server.stop()
    assert repr(server) == "<Server, not started>"


def test_the_end_of_a_program_in_the_middle_of_everything() -> None:
    """Threads, futures and values that are alive when the interpreter ends do not end it with an abort."""
    program = """
import asyncio, os, threading, mke
policy = mke.rbac.Policy(users=["dina"])
threading.Thread(target=lambda: [policy.who_can(mke.rbac.check("Service View", "/")) for _ in range(10**6)], daemon=True).start()
store = mke.identity.AccountStore()
threading.Thread(target=lambda: [store.create_user(f"u{n}", password="a long password") for n in range(10**6)], daemon=True).start()
async def main():
    client = mke.client.AsyncClient.from_token("https://127.0.0.1:1", "t", insecure=True)
    for _ in range(10):
        asyncio.ensure_future(client.accounts.me())
    await asyncio.sleep(0)
asyncio.run(main())
print("over", flush=True)
os.close(2)
"""
    for _ in range(3):
        assert run(program) == "over\n"
