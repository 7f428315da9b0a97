"""Records about access: roles, collections, grants and answers about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, ClassVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mke._table import Table

from mke.client._records import Record


@dataclass(frozen=True)
class Role(Record):
    """Operations with their modifiers.

    Attributes:
        id: the id: a word for built-in roles.
        name: the name; several roles may have the same.
        is_builtin: whether it is built in and cannot be removed.
        operations: what it allows: type of object, then operation, then modifiers.
    """

    id: str
    name: str
    is_builtin: bool = False
    operations: Mapping[str, Mapping[str, Any]] | None = None

    _keys: ClassVar[dict[str, str]] = {"is_builtin": "system_role"}
    _columns: ClassVar[tuple[str, ...]] = ("name", "id", "is_builtin")


@dataclass(frozen=True)
class Collection(Record):
    """A place in the tree in which objects lie.

    Attributes:
        id: the id: a word for built-in collections.
        name: the last element of its path.
        path: its path, such as `/Shared/web`.
        parent_ids: the ids of those above it, from the root.
        constraints: the labels that objects in it must have, or must not: mappings with `type`, `label_key`, `label_value` and
            `equality`.
        created_at: when it was made (RFC 3339).
        updated_at: when it was changed.
    """

    id: str
    name: str
    path: str
    parent_ids: tuple[str, ...] = ()
    created_at: str | None = None
    updated_at: str | None = None
    constraints: tuple[Any, ...] = ()

    _keys: ClassVar[dict[str, str]] = {
        "parent_ids": "parent_ids",
        "created_at": "created_at",
        "updated_at": "updated_at",
        "constraints": "label_constraints",
    }
    _columns: ClassVar[tuple[str, ...]] = ("path", "id", "created_at")


@dataclass(frozen=True)
class Grant(Record):
    """Who has which role where.

    Attributes:
        subject: `user:NAME`, `org:NAME`, `team:ORG/TEAM`, `authenticated` or `anonymous`.
        role: the name of the role.
        place: the path of the collection, `namespace:NAME`, or `all namespaces`.
        subject_id: the same as the API has them: ids.
        object_id: the id of the collection, or the name of the namespace.
        role_id: the id of the role.
    """

    subject: str
    role: str
    place: str
    subject_id: str
    object_id: str
    role_id: str

    _columns: ClassVar[tuple[str, ...]] = ("subject", "role", "place")


@dataclass(frozen=True)
class Missing(Record):
    """What somebody lacks.

    Attributes:
        operation: the operation.
        collection: in which collection.
        modifier: the modifier that is lacking, when the operation alone is not.
    """

    operation: str
    collection: str
    modifier: str | None = None

    def __str__(self) -> str:
        with_modifier = f" with {self.modifier}" if self.modifier else ""
        return f"{self.operation}{with_modifier} in {self.collection}"


@dataclass(frozen=True)
class Decision(Record):
    """Yes or no, and why. It is true when the answer is yes.

    Attributes:
        decision: `allow`, `deny`, or `error` when the question has no answer.
        message: what the caller of the request would read.
        decided_by: the grants that allow it: mappings with `subject`, `role`, `role_name` and `collection`, or words.
        missing: everything that is lacking.
        reason: the kind of denial, when no operation is missing.
        error: the kind of error.
        access: the class of the endpoint, when no operation is involved.
        collection: where the object is after the request.
        schedule_root: where its workload may run: a collection and below.
        constraint: the same as the placement constraint of the swarm.
        eligible_nodes: the known nodes that satisfy it.
        visible: the names that a list shows.
        operations: the effective role in a collection.
        rights: everything that somebody may do in collections.
        rules: the Kubernetes rules that somebody holds.
    """

    decision: str
    message: str = ""
    decided_by: tuple[Any, ...] = ()
    missing: tuple[Missing, ...] = ()
    reason: str | None = None
    error: str | None = None
    access: str | None = None
    collection: str | None = None
    schedule_root: str | None = None
    constraint: str | None = None
    eligible_nodes: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    operations: Mapping[str, Any] | None = None
    rights: tuple[Any, ...] = ()
    rules: tuple[Any, ...] = ()

    _keys: ClassVar[dict[str, str]] = {
        "decided_by": "decided_by",
        "schedule_root": "schedule_root",
        "eligible_nodes": "eligible_nodes",
    }
    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {"missing": lambda items: tuple(map(Missing.read, items))}

    def __bool__(self) -> bool:
        return self.decision == "allow"

    def __str__(self) -> str:
        return self.message or self.decision


@dataclass(frozen=True)
class Holder(Record):
    """Somebody who may do something.

    Attributes:
        name: who.
        through: by what: mappings with `subject`, `role`, `role_name` and `collection`, or words such as `admin`.
        account: the id of the account, where it is one.
    """

    name: str
    through: tuple[Any, ...] = ()
    account: str | None = None


@dataclass(frozen=True, eq=False)
class WhoCan(Record):
    """Everybody who may do something.

    Attributes:
        what: what, in words.
        users: users by name, with what allows them.
        subjects: to whom it is given.
        anonymous: whether nobody has to prove anything for it.
    """

    what: str
    users: Table[Holder]
    subjects: Table[Holder]
    anonymous: bool = False

    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {"users": Holder.read_table, "subjects": Holder.read_table}

    def _repr_html_(self) -> str:
        return self.users._repr_html_()
