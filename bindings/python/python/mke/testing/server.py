"""A real control plane for tests: `ucp serve` on the embedded store, on a free port of the loopback address.

    def test_onboarding(mke_client):
        mke_client.accounts.create("jane", "a long password")
        assert not mke_client.authz.can_i("Service Create", "/", user="jane")

The program is found by `--ucp`, `$MKE_UCP` or the `PATH`. `mke_server` is one server for the whole run; who needs one of its own uses
`Server` in `with`. Without an Engine behind it there are no nodes and no containers; `Server(engine=…)` names the socket of one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from mke.client import AsyncClient, Client

# The password of the first administrator. The server is reached from this machine alone, and is gone after the test.
PASSWORD = "correct horse battery staple"
# How long it may take until it serves; only matters when something is broken.
_PATIENCE = 120.0
_NO_ENGINE = "unix:///nonexistent/docker.sock"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--ucp`: the program that fixtures start."""
    group = parser.getgroup("mke", "control planes for tests")
    group.addoption("--ucp", metavar="PROGRAM", help="the `ucp` program that `mke_server` starts [$MKE_UCP, or `ucp` in PATH]")


def find_ucp(named: str | None = None) -> str:
    """The program: the named one, `$MKE_UCP`, or `ucp` in the `PATH`.

    Raises:
        FileNotFoundError: it is nowhere.
    """
    wanted = named or os.environ.get("MKE_UCP") or "ucp"
    found = shutil.which(wanted)
    if found is None:
        raise FileNotFoundError(
            f"no program `{wanted}`, which this package does not contain: name it by `--ucp` of pytest or by MKE_UCP, or put `ucp` into the "
            "PATH; it is in every release, and in a checkout `cargo build -p mke-cli` makes target/debug/ucp"
        )
    return found


class Server:
    """A control plane of its own, with an administrator `admin`. It starts with `with` or `start`, and nothing is left of it.

    Args:
        ucp: the program; found as `find_ucp` says when it is `None`.
        engine: the socket of an Engine, `unix:///var/run/docker.sock`; none by default.
        flags: further flags of `ucp serve`.
    """

    username = "admin"
    password = PASSWORD

    def __init__(self, *, ucp: str | None = None, engine: str = _NO_ENGINE, flags: Sequence[str] = ()) -> None:
        self._ucp = ucp
        self._engine = engine
        self._flags = tuple(flags)
        self._home: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Where it serves: `https://127.0.0.1:PORT`."""
        return self._url

    @property
    def home(self) -> Path:
        """Its directory, which is removed with it."""
        if self._home is None:
            raise RuntimeError("the server was not started")
        return Path(self._home.name)

    @property
    def ca_file(self) -> Path:
        """The authority that its certificate chains to."""
        return self.home / "data" / "ca.pem"

    @property
    def bundle(self) -> Path:
        """A bundle of its administrator."""
        return self.home / "bundle"

    @property
    def log(self) -> str:
        """What it logged so far."""
        return (self.home / "log").read_text(errors="replace")

    @property
    def audit_log(self) -> Path:
        """The file with its audit records."""
        return self.home / "audit.log"

    def environment(self, token: str) -> dict[str, str]:
        """The variables with which `ucp`, `Client.from_env` and others reach it."""
        return {"MKE_URL": self.url, "MKE_TOKEN": token, "MKE_CA_FILE": str(self.ca_file)}

    def start(self) -> Server:
        """Starts it, and returns when it serves.

        Raises:
            RuntimeError: it did not start; the text holds its log.
        """
        program = find_ucp(self._ucp)
        self._home = tempfile.TemporaryDirectory(prefix="mke-server-")
        data = self.home / "data"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MKE_", "UCP_", "DOCKER_"))}
        with open(self.home / "log", "wb") as log, open(self.audit_log, "wb") as audit:
            self._process = subprocess.Popen(
                [
                    *(program, "serve", "--listen", "127.0.0.1:0", "--host-address", "127.0.0.1"),
                    *("--engine", self._engine, "--registry-certs-dir", ""),
                    *("--data-dir", str(data), "--admin-bundle", str(self.bundle), *self._flags),
                ],
                env={**environment, "UCP_ADMIN_PASSWORD": self.password},
                stdin=subprocess.DEVNULL,
                stdout=audit,
                stderr=log,
            )
        try:
            self._url = self._ready(data / "ready.json")
        except BaseException:
            self.stop()
            raise
        return self

    def _ready(self, file: Path) -> str:
        import json

        assert self._process is not None
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"`ucp serve` ended with {self._process.returncode}:\n{self.log}")
            try:
                url: str = json.loads(file.read_bytes())["url"]
                return url
            except (FileNotFoundError, ValueError, KeyError):
                time.sleep(0.01)
        raise RuntimeError(f"`ucp serve` does not serve after {_PATIENCE:g} s:\n{self.log}")

    def stop(self) -> None:
        """Ends it and removes its directory."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._home is not None:
            self._home.cleanup()
            self._home = None

    def client(self, username: str | None = None, password: str | None = None) -> Client:
        """A client that is logged in, as the administrator unless somebody else is named."""
        from mke.client import Client

        return Client.login(self.url, username or self.username, password or self.password, ca_file=self.ca_file)

    async def async_client(self, username: str | None = None, password: str | None = None) -> AsyncClient:
        """The same for asyncio."""
        from mke.client import AsyncClient

        user = username or self.username
        return await AsyncClient.login(self.url, user, password or self.password, ca_file=self.ca_file)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._home is not None:
            sys.stderr.write(f"--- log of ucp serve ---\n{self.log}")
        self.stop()

    def __repr__(self) -> str:
        return f"<Server at {self.url}>" if self.url else "<Server, not started>"


@pytest.fixture(scope="session")
def mke_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A control plane for the whole run. Tests share it: what one makes, another may see."""
    try:
        program = find_ucp(request.config.getoption("--ucp"))
    except FileNotFoundError as error:
        # The place is the machine, not the test: no trace of calls helps.
        pytest.fail(f"the fixture `mke_server` cannot start a control plane: {error}", pytrace=False)
    with Server(ucp=program) as server:
        yield server


@pytest.fixture
def mke_client(mke_server: Server) -> Iterator[Client]:
    """A client of `mke_server`, logged in as its administrator."""
    with mke_server.client() as client:
        yield client
