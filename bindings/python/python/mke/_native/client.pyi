"""The HTTP API of a control plane from outside. `mke.client` says what the endpoints mean."""

import os
from collections.abc import Awaitable
from typing import Any, final

@final
class Answer:
    """An answer of the control plane."""

    @property
    def status(self) -> int:
        """The status code."""
    @property
    def ok(self) -> bool:
        """Whether it is a success: a status from 200 to 299."""
    @property
    def etag(self) -> str | None:
        """The entity tag, as `if_match` takes it."""
    @property
    def content_type(self) -> str | None:
        """The media type of the body."""
    @property
    def next_page(self) -> str | None:
        """Where the next page of a list starts whose body has no room for it."""
    @property
    def body(self) -> bytes:
        """The body as it came."""
    @property
    def text(self) -> str:
        """The body as text."""
    def json(self) -> Any:
        """The body as JSON; `None` for an empty one.

        Raises:
            mke.errors.BadAnswerError: it is no JSON.
        """

@final
class Bundle:
    """A client bundle, as `client.bundles.create` returns it. The private key in it exists nowhere else.

    `unpack` makes what `docker` and `kubectl` use; `save` keeps the archive; both make files that their owner alone can read.
    """

    def __new__(cls, zip: bytes) -> Bundle: ...
    @property
    def zip(self) -> bytes:
        """The archive as it came."""
    @property
    def url(self) -> str:
        """Where the control plane of the bundle is: `https://HOST:PORT`."""
    @property
    def public_key(self) -> str | None:
        """The public key of its user in PEM, which the control plane must know; None when the archive does not name it."""
    def files(self) -> dict[str, bytes]:
        """The files by their names."""
    def unpack(self, directory: str | os.PathLike[str]) -> None:
        """Unpacks it into a new or empty directory: directories with mode 0700, files with mode 0600.

        Raises:
            mke.errors.ClientError: the directory holds something already (kind `NotEmpty`), or cannot be written.
        """
    def save(self, file: str | os.PathLike[str]) -> None:
        """Writes the archive to a new file with mode 0600.

        Raises:
            mke.errors.ClientError: the file is there already, or cannot be written (kind `File`).
        """
    def __len__(self) -> int: ...

@final
class Connection:
    """A connection to one control plane: an address, whom to trust, and what proves who asks.

    It holds open connections, which are closed when nothing refers to it any more. It may be used by several threads.
    """

    @staticmethod
    def open(
        url: str,
        *,
        ca: str | None = None,
        token: str | None = None,
        certificate: str | None = None,
        key: str | None = None,
        insecure: bool = False,
        timeout: float = 60.0,
        retries: int = 2,
    ) -> Connection:
        """A connection from its parts. Nothing is sent yet."""
    @staticmethod
    def from_env(*, timeout: float = 60.0, retries: int = 2) -> Connection:
        """The connection that `MKE_URL`, `MKE_TOKEN` and `MKE_CA_FILE` describe, or the context in use."""
    @staticmethod
    def from_context(name: str | None = None, *, timeout: float = 60.0, retries: int = 2) -> Connection:
        """The connection of a context that `ucp login` made; without a name, of the one in use."""
    @staticmethod
    def from_bundle(
        path: str | os.PathLike[str], *, url: str | None = None, timeout: float = 60.0, retries: int = 2
    ) -> Connection:
        """The connection of a client bundle: a directory or an archive."""
    @property
    def url(self) -> str:
        """Where the control plane is."""
    def remember(self, name: str, username: str) -> None:
        """Keeps the token of this connection as a context of `ucp`, and makes it the one in use."""
    def send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        data: bytes | None = None,
        content_type: str = "",
        if_match: str | None = None,
        accept: str | None = None,
        safe: bool = False,
        timeout: float | None = None,
        check: bool = True,
    ) -> Answer:
        """Sends a request and waits for the answer with the interpreter released.

        `body` is sent as JSON; `data` as it is. `safe` says that a method other than GET changes nothing, so that it may be sent
        again. With `check` an answer that is no success is an exception.
        """
    def send_async(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        data: bytes | None = None,
        content_type: str = "",
        if_match: str | None = None,
        accept: str | None = None,
        safe: bool = False,
        timeout: float | None = None,
        check: bool = True,
    ) -> Awaitable[Answer]:
        """The same as something to await."""

@final
class Context:
    """A control plane that somebody is logged in to."""

    @property
    def name(self) -> str:
        """Its name, for `Client.from_context`."""
    @property
    def url(self) -> str:
        """Where the control plane is."""
    @property
    def username(self) -> str:
        """Who is logged in."""
    @property
    def current(self) -> bool:
        """Whether it is the one in use."""
    @property
    def verified(self) -> bool:
        """Whether the server's certificate is verified."""
    def __hash__(self) -> int: ...

def contexts() -> list[Context]:
    """The contexts in the user's file, by name."""

def authority(url: str, fingerprint: str, *, timeout: float = 60.0) -> str:
    """The authority that a server names, when its SHA-256 fingerprint is the expected one (PEM)."""

def authority_async(url: str, fingerprint: str, *, timeout: float = 60.0) -> Awaitable[str]:
    """The same as something to await."""

def escape(text: str) -> str:
    """Percent-escapes one path element or query value."""
