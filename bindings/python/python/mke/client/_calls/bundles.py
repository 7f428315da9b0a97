"""Client bundles, which `docker`, `kubectl` and this client understand."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mke._native.client import Bundle
    from mke._table import Table

from mke.client._calls import keys
from mke.client._calls.accounts import me
from mke.client._flow import Flow, Request, call, change, path
from mke.client._records import PublicKey


@change
def create(*, label: str = "") -> Flow[Bundle]:
    """Makes a bundle for this client's own account: a new key, which is in the answer and nowhere else.

    `Bundle.unpack` and `Bundle.save` write it for its owner alone.

    Args:
        label: to know it by.
    """
    from mke._native.client import Bundle

    answer = yield Request("POST", path("api", "clientbundle", query={"label": label}))
    return Bundle(answer.body)


@call
def list(account: str | None = None) -> Flow[Table[PublicKey]]:
    """The bundles of an account by their public keys.

    Args:
        account: name or id; this client's own when it is `None`.
    """
    return (yield from keys.list(account or (yield from me()).id).all())


@change
def delete(key: str, *, account: str | None = None) -> Flow[None]:
    """Ends a bundle at once, also on open connections.

    Args:
        key: the id of its public key.
        account: whose it is; this client's own when it is `None`.
    """
    yield from keys.delete(account or (yield from me()).id, key)
