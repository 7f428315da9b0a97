"""Questions as plain data, in the form that `ucp authz can-i --question` reads. Nothing is checked here: the policy that is
asked refuses what it does not understand."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def check(operation: str, collection: str, /, *modifiers: str) -> dict[str, Any]:
    """May the operation be used in the collection, with all these modifiers?

    >>> check("Container Create", "/Prod", "Privileged")
    {'kind': 'check', 'operation': 'Container Create', 'collection': '/Prod', 'modifiers': ['Privileged']}
    """
    return _question("check", operation=operation, collection=collection, modifiers=list(modifiers))


def create(
    type: str,
    label: str | None = None,
    /,
    *modifiers: str,
    uses: Iterable[str] = (),
    local: bool = False,
    global_driver: bool = False,
) -> dict[str, Any]:
    """May an object be made, and where does it go?

    Args:
        type: `service`, `container`, `network`, `volume`, `secret`, `config` or `image`.
        label: the path of its collection; without it the default collection of whoever asks.
        modifiers: modifiers of the operation.
        uses: what it refers to (`secret/tls`), or `newvolume/<name>` for a volume that is made on the way.
        local: a network of a driver that is bound to nodes.
        global_driver: a volume of a driver that is not bound to nodes.

    >>> create("service", "/Prod", uses=["secret/tls"])
    {'kind': 'create', 'type': 'service', 'label': '/Prod', 'uses': ['secret/tls']}
    """
    return _question(
        "create",
        type=type,
        label=label,
        modifiers=list(modifiers),
        uses=list(uses),
        local=local,
        global_driver=global_driver,
    )


def update(resource: str, /, *modifiers: str, label: str | None = None, uses: Iterable[str] | None = None) -> dict[str, Any]:
    """May an object of the state (`service/web`) be changed, or moved to the collection `label`?

    >>> update("service/web", label="/Prod")
    {'kind': 'update', 'resource': 'service/web', 'label': '/Prod'}
    """
    question = _question("update", resource=resource, label=label, modifiers=list(modifiers))
    if uses is not None:
        question["uses"] = list(uses)
    return question


def listing(type: str, /) -> dict[str, Any]:
    """Which objects of the state does a list show?

    >>> listing("service")
    {'kind': 'list', 'type': 'service'}
    """
    return _question("list", type=type)


def visible_collections() -> dict[str, Any]:
    """Which collections are visible?

    >>> visible_collections()
    {'kind': 'collections'}
    """
    return _question("collections")


def schedule(collection: str, /) -> dict[str, Any]:
    """Where may a workload of the collection run?

    >>> schedule("/Prod")
    {'kind': 'schedule', 'collection': '/Prod'}
    """
    return _question("schedule", collection=collection)


def effective(collection: str, /) -> dict[str, Any]:
    """Which operations are held in the collection?

    >>> effective("/Prod")
    {'kind': 'effective', 'collection': '/Prod'}
    """
    return _question("effective", collection=collection)


_NO_BODY = object()


def api(
    method: str,
    path: str,
    /,
    *modifiers: str,
    resource: str | None = None,
    other: str | None = None,
    body: Any = _NO_BODY,
) -> dict[str, Any]:
    """May a call of the Engine API be made?

    Args:
        method: the HTTP method.
        path: path and query.
        modifiers: modifiers of the operation, when `body` is not given.
        resource: the object that the path addresses (`service/web`).
        other: the object that the body names, when `body` is not given.
        body: the body as plain data, or `None` for a call without one; then the call is read completely, as the proxy
            reads it.

    >>> api("POST", "/services/create", body={"Name": "web"})["body"]
    {'Name': 'web'}
    """
    question = _question("api", method=method, path=path, resource=resource, other=other, modifiers=list(modifiers))
    if body is not _NO_BODY:
        question["body"] = body
    return question


def kubernetes(
    verb: str,
    resource: str | None = None,
    /,
    *,
    group: str = "",
    subresource: str | None = None,
    name: str | None = None,
    namespace: str | None = None,
    path: str | None = None,
    account: str | None = None,
    groups: Iterable[str] = (),
) -> dict[str, Any]:
    """May a request to Kubernetes be made? `account` is a user of this policy, who asks with its own groups; otherwise the
    subject of the question is a user name as Kubernetes sees it.

    >>> kubernetes("get", "pods", namespace="blue", account="dina")
    {'kind': 'k8s', 'verb': 'get', 'resource': 'pods', 'namespace': 'blue', 'account': 'dina'}
    """
    return _question(
        "k8s",
        verb=verb,
        group=group,
        resource=resource,
        subresource=subresource,
        name=name,
        namespace=namespace,
        path=path,
        account=account,
        groups=list(groups),
    )


def _question(kind: str, **fields: Any) -> dict[str, Any]:
    """What says nothing is left out."""
    return {"kind": kind, **{name: value for name, value in fields.items() if value not in (None, [], "", False)}}
