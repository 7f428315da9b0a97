"""The asynchronous client, and what ends a request before its answer: a cancelled task, Ctrl-C, a deadline."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import threading
import uuid

import pytest

from mke.client import AsyncClient, Client
from mke.errors import NotFoundError, RequestTimeoutError, UnauthenticatedError, WaitTimeoutError

PASSWORD = "a long password"


def fresh(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def test_the_same_calls(mke_server):
    """Everything that the synchronous client does, awaited: one call serves both."""

    async def main() -> None:
        async with await mke_server.async_client() as client:
            user = fresh("amy")
            planned = await client.accounts.create(user, PASSWORD, dry_run=True)
            assert planned.path == "/accounts"
            account = await client.accounts.create(user, PASSWORD)
            # Many at once share connections.
            both = await asyncio.gather(client.accounts.get(user), client.accounts.get("admin"))
            assert both[0] == account and both[1].is_admin
            names = [found.name async for found in client.accounts.iter(contains=user)]
            assert names == [user] == (await client.accounts.list(contains=user)).column("name")
            assert not await client.authz.can_i("Service Create", "/", user=user)
            with pytest.raises(NotFoundError):
                await client.accounts.get("nobody-at-all")
            with pytest.raises(WaitTimeoutError):
                await client.system.wait_healthy(timeout=0.02, interval=0.01)
            bundle = await client.bundles.create(label="async")
            assert bundle.url == client.url
            answer = await client.request("GET", "/id")
            assert answer.json()["name"] == "admin"
        with pytest.raises(UnauthenticatedError):
            await client.accounts.me()

    asyncio.run(main())


class Stalled:
    """A server that takes requests and never answers. It says when one came and when its connection ended."""

    def __init__(self, directory) -> None:
        self.came = threading.Event()
        self.ended = threading.Event()
        self.on_request = lambda: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(directory))
        self.listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        try:
            connection, _ = self.listener.accept()
        except OSError:
            # Whoever came gave up during the handshake.
            self.ended.set()
            return
        with connection:
            try:
                asked = connection.recv(65536)
            except OSError:
                asked = b""
            if asked:
                self.came.set()
                self.on_request()
            try:
                while connection.recv(65536):
                    pass
            except OSError:
                pass
            self.ended.set()


def certificate(directory) -> tuple[str, str]:
    """A certificate of its own, made by openssl. Who verifies nothing takes it."""
    import subprocess

    cert, key = str(directory / "cert.pem"), str(directory / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + ["-subj", "/CN=stalled", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    return cert, key


@pytest.fixture
def stalled(tmp_path):
    server = Stalled(tmp_path)
    yield server
    server.listener.close()


def test_a_cancelled_task_ends_its_request(stalled):
    async def main() -> None:
        client = AsyncClient.from_token(stalled.url, "t", insecure=True)
        loop, came = asyncio.get_running_loop(), asyncio.Event()
        stalled.on_request = lambda: loop.call_soon_threadsafe(came.set)
        task = asyncio.ensure_future(client.accounts.me())
        await asyncio.wait_for(came.wait(), 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(main())
    assert stalled.ended.wait(60), "the request was given up, not left behind"


def test_a_deadline_of_asyncio_ends_a_request(stalled):
    async def main() -> None:
        client = AsyncClient.from_token(stalled.url, "t", insecure=True)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.accounts.me(), 0.5)

    asyncio.run(main())
    assert stalled.ended.wait(60) or not stalled.came.is_set()


@pytest.fixture
def interruptible():
    """Ctrl-C is an exception, also when a shell started this in the background, which lets it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_a_request(stalled, interruptible):
    """The interpreter is free while a request waits: another thread of it serves, and a signal is seen."""
    stalled.on_request = lambda: os.kill(os.getpid(), signal.SIGINT)
    client = Client.from_token(stalled.url, "t", insecure=True)
    with pytest.raises(KeyboardInterrupt):
        client.accounts.me()
    assert stalled.ended.wait(60), "the request was given up, not left behind"


def test_no_answer_in_time(stalled):
    client = Client.from_token(stalled.url, "t", insecure=True, timeout=0.3)
    with pytest.raises(RequestTimeoutError) as late:
        client.accounts.me()
    assert isinstance(late.value, TimeoutError) and late.value.path == "/id"
    assert str(late.value).startswith(f"{stalled.url} did not answer GET /id in time")
    with pytest.raises(RequestTimeoutError):
        client.request("POST", "/accounts", json={}, timeout=0.05)


def test_threads_share_a_client(mke_client):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: mke_client.accounts.me().name, range(40)))
    assert names == ["admin"] * 40


def program(text: str, **environment: str) -> str:
    """What a program prints that ends well."""
    import subprocess
    import sys

    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", text], env={**os.environ, "PYTHONPATH": path, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def test_programs_end_well(mke_server, mke_client):
    """Threads of the runtime have let go of the interpreter when it ends."""
    environment = mke_server.environment(token(mke_server))
    text = """
import asyncio, mke
async def main():
    client = mke.client.AsyncClient.from_env()
    return await asyncio.gather(*(client.accounts.me() for _ in range(20)))
print(len(asyncio.run(main())))
"""
    for _ in range(5):
        assert program(text, **environment) == "20\n"


def test_a_program_ends_while_a_request_is_under_way(stalled):
    text = """
import asyncio, os, mke
loop = asyncio.new_event_loop()
async def main():
    client = mke.client.AsyncClient.from_token(os.environ["STALLED"], "t", insecure=True)
    asyncio.ensure_future(client.accounts.me())
    await asyncio.sleep(0)
    print("over")
loop.run_until_complete(main())
os.close(2)  # asyncio complains of the task that nobody waited for
"""
    assert program(text, STALLED=stalled.url) == "over\n"


def test_forked_processes(mke_server):
    """A client made before a fork is refused in the child, where nobody carries its bytes; one made there works."""
    text = """
import os, warnings, mke
warnings.simplefilter("ignore")
client = mke.client.Client.from_env()
print(client.accounts.me().name, flush=True)
child = os.fork()
if child == 0:
    try:
        client.accounts.me()
    except mke.errors.InvalidValueError as error:
        print("forked" in str(error), flush=True)
    with mke.client.Client.from_env() as own:
        print(own.accounts.me().name, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(client.accounts.me().name, flush=True)
"""
    assert program(text, **mke_server.environment(token(mke_server))) == "admin\nTrue\nadmin\nadmin\n"


def token(server) -> str:
    """A token of the administrator, as programs get it from their environment."""
    client = server.client()
    answer = client.request("POST", "/auth/login", json={"username": server.username, "password": server.password})
    client.close()
    return answer.json()["auth_token"]
