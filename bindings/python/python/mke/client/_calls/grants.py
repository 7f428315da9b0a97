"""Grants: who has which role on which collection, and the same as bindings on namespaces of Kubernetes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

from mke.client._access_records import Grant
from mke.client._flow import Flow, Request, change, get, listing, path, send
from mke.client._listing import Listing
from mke.client._resolve import collection_id, role_id, subject_id
from mke.errors import InvalidValueError

_ALL_NAMESPACES = "kubernetesnamespaces"


@listing
def list(
    *,
    subject_id: str | None = None,
    including_inherited: bool = False,
    object_id: str | None = None,
    role_id: str | None = None,
    subject_type: Literal["user", "org", "team", "authenticated", "anonymous"] | None = None,
) -> Listing[Grant]:
    """Grants: all for administrators, those that apply to this client otherwise. What is `None` narrows nothing down.

    Args:
        subject_id: the id of the subject.
        including_inherited: whether those of the subject's teams and organizations count as well.
        object_id: the id of the collection, or the name of the namespace.
        role_id: the id of the role.
        subject_type: the kind of subject.
    """
    query = {
        "showPaths": True,
        "subjectID": subject_id,
        "expandUser": including_inherited or None,
        "objectID": object_id,
        "roleID": role_id,
        "subjectType": subject_type,
    }
    return Listing(Grant, ("collectionGrants",), "grants", query, _role_names, _decode)


@change
def create(
    subject: str,
    role: str,
    collection: str | None = None,
    *,
    namespace: str | None = None,
    all_namespaces: bool = False,
) -> Flow[None]:
    """Grants a role. One that exists stays.

    Args:
        subject: `user:NAME`, `org:NAME`, `team:ORG/TEAM`, `authenticated` or `anonymous`.
        role: its name or id.
        collection: where: path or id of a collection;
        namespace: or a namespace of Kubernetes;
        all_namespaces: or all of them.

    Raises:
        mke.errors.NotFoundError: subject, role or collection is not there.
        mke.errors.InvalidValueError: not exactly one place is given.
    """
    yield from send(Request("PUT", (yield from _place(subject, role, collection, namespace, all_namespaces))))


@change
def delete(
    subject: str,
    role: str,
    collection: str | None = None,
    *,
    namespace: str | None = None,
    all_namespaces: bool = False,
) -> Flow[None]:
    """Takes exactly this grant back; the arguments are those of `create`.

    Raises:
        mke.errors.NotFoundError: there is no such grant.
    """
    yield from send(Request("DELETE", (yield from _place(subject, role, collection, namespace, all_namespaces))))


def _place(
    subject: str, role: str, collection: str | None, namespace: str | None, all_namespaces: bool
) -> Flow[str]:
    if [collection is not None, namespace is not None, all_namespaces].count(True) != 1:
        raise InvalidValueError("say one place: collection, namespace or all_namespaces")
    subject = yield from subject_id(subject)
    if collection is not None:
        kind, place = "collection", (yield from collection_id(collection))
    elif namespace is not None:
        kind, place = "namespace", namespace
    else:
        kind, place = "grantobject", _ALL_NAMESPACES
    return path("collectionGrants", subject, place, (yield from role_id(role)), query={"type": kind})


def _role_names() -> Flow[dict[str, str]]:
    return {role["id"]: role["name"] for role in (yield from get("roles"))}


def _decode(grant: Any, page: Any, roles: dict[str, str]) -> Grant:
    subjects = page.setdefault("byID", {subject["id"]: _subject(subject) for subject in page.get("subjects") or ()})
    place = grant.get("collectionPath")
    if not place:
        place = grant["objectID"]
        place = "all namespaces" if place == _ALL_NAMESPACES else f"namespace:{place}"
    return Grant(
        subject=subjects.get(grant["subjectID"], grant["subjectID"]),
        role=roles.get(grant["roleID"]) or grant["roleID"],
        place=place,
        subject_id=grant["subjectID"],
        object_id=grant["objectID"],
        role_id=grant["roleID"],
    )


def _subject(subject: Any) -> str:
    kind: str = subject["subject_type"]
    account = (subject.get("account") or {}).get("name", "")
    if kind in ("user", "org"):
        return f"{kind}:{account}"
    if kind == "team":
        return f"team:{account}/{(subject.get('team') or {}).get('name', '')}"
    return kind
