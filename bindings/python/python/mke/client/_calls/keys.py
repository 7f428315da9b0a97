"""Public keys: those of bundles, and those that were uploaded. Who has the private key is the account."""

from __future__ import annotations

from mke.client._flow import Flow, Request, call, change, fetch, get, listing, path, send
from mke.client._listing import Listing
from mke.client._records import PublicKey


@listing
def list(account: str) -> Listing[PublicKey]:
    """The keys of an account."""
    return Listing(PublicKey, ("accounts", account, "publicKeys"), "accountPublicKeys")


@call
def get_(account: str, key: str) -> Flow[PublicKey]:
    """One key, by its id."""
    return PublicKey.read((yield from get("accounts", account, "publicKeys", key)))


@change
def create(account: str, public_key: str, *, label: str = "") -> Flow[PublicKey]:
    """Registers a public key (PEM).

    Raises:
        mke.errors.BadRequestError: it is no key that can be used.
        mke.errors.ConflictError: it is registered already.
    """
    body = {"publicKey": public_key, "label": label}
    return PublicKey.read((yield from fetch(Request("POST", path("accounts", account, "publicKeys"), body))))


@change
def rename(account: str, key: str, label: str) -> Flow[PublicKey]:
    """Changes the label of a key."""
    place = path("accounts", account, "publicKeys", key)
    return PublicKey.read((yield from fetch(Request("PATCH", place, {"label": label}))))


@change
def delete(account: str, key: str) -> Flow[None]:
    """Removes a key. What is signed with it is refused from the next request on, also on open connections."""
    yield from send(Request("DELETE", path("accounts", account, "publicKeys", key)))
