"""Records: what the API answers, as small frozen classes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Callable, ClassVar, List, Optional, Tuple, TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

from mke._table import Table
from mke.errors import BadAnswerError

R = TypeVar("R", bound="Record")
# How a field is read: its name, its key in the API, what is made of its value, the type of a plain one, whether it must be there.
_Plan = List[Tuple[str, str, Optional[Callable[[Any], Any]], Optional[type], bool]]
_plans: dict[type, _Plan] = {}
# By how the annotation begins.
_TYPES = (("str", str), ("bool", bool), ("int", int), ("tuple[", list), ("Mapping[", dict))


@dataclass(frozen=True)
class Record:
    """What the API answers with. Fields that this version does not know are left out."""

    # Names in the API where they are not the field's own name in camelCase.
    _keys: ClassVar[dict[str, str]] = {}
    # What is made of a value that is no plain one.
    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {}
    # The columns of a table of these; all fields when it is empty.
    _columns: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def read(cls: type[R], data: Any) -> R:
        """The record that an answer describes.

        Raises:
            mke.errors.BadAnswerError: a field is missing that the API promises.
        """
        if not isinstance(data, dict):
            raise BadAnswerError(f"{cls.__name__}: an object was expected, not {type(data).__name__}", reason="no object")
        values: dict[str, Any] = {}
        for name, key, reader, kind, required in _plan(cls):
            value = data.get(key)
            if value is None:
                if required:
                    raise BadAnswerError(f"{cls.__name__}: there is no `{key}` in the answer", reason=f"no {key}")
                continue
            if reader is not None:
                value = reader(value)
            elif kind is not None and type(value) is not kind:
                raise BadAnswerError(
                    f"{cls.__name__}: `{key}` in the answer is {type(value).__name__}, not {kind.__name__}",
                    reason=f"{key} is {type(value).__name__}",
                )
            elif kind is list:
                value = tuple(value)
            values[name] = value
        return cls(**values)

    @classmethod
    def table(cls: type[R], rows: Iterable[R]) -> Table[R]:
        """A table of such records."""
        return Table(rows, cls._columns or tuple(field.name for field in fields(cls)))

    @classmethod
    def read_table(cls: type[R], data: Iterable[Any]) -> Table[R]:
        """The table that a list in an answer describes."""
        return cls.table(map(cls.read, data))

    def _repr_html_(self) -> str:
        return Table([self], tuple(field.name for field in fields(self)))._repr_html_()


def _plan(cls: type[Record]) -> _Plan:
    plan = _plans.get(cls)
    if plan is None:
        from dataclasses import MISSING

        plan = _plans[cls] = [
            (
                field.name,
                cls._keys.get(field.name) or _camel(field.name),
                cls._readers.get(field.name),
                next((kind for start, kind in _TYPES if str(field.type).startswith(start)), None),
                field.default is MISSING and field.default_factory is MISSING,
            )
            for field in fields(cls)
        ]
    return plan


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


@dataclass(frozen=True)
class Account(Record):
    """A user or an organization.

    Attributes:
        name: the name that people type.
        id: the id, which never changes.
        full_name: the name that people read.
        is_organization: whether it is an organization, which has members and teams.
        is_admin: whether it may do everything; users only.
        is_active: whether it may log in; users only.
        is_imported: whether it comes from a directory or identity provider; users only.
        on_demand: whether it was made by its first login; users only.
        has_second_factor: whether a login needs a code; users only.
        members: how many members it has; organizations only.
        teams: how many teams it has; organizations only.
    """

    name: str
    id: str
    full_name: str = ""
    is_organization: bool = False
    is_admin: bool = False
    is_active: bool = False
    is_imported: bool = False
    on_demand: bool = False
    has_second_factor: bool = False
    members: int | None = None
    teams: int | None = None

    _keys: ClassVar[dict[str, str]] = {
        "is_organization": "isOrg",
        "has_second_factor": "otpEnabled",
        "members": "membersCount",
        "teams": "teamsCount",
    }
    _columns: ClassVar[tuple[str, ...]] = ("name", "full_name", "is_admin", "is_active", "is_organization", "id")


@dataclass(frozen=True)
class Team(Record):
    """Some members of one organization.

    Attributes:
        name: its name within the organization.
        id: the id.
        organization_id: the id of its organization.
        description: for people.
        members: how many members it has.
    """

    name: str
    id: str
    organization_id: str
    description: str = ""
    members: int = 0

    _keys: ClassVar[dict[str, str]] = {"organization_id": "orgID", "members": "membersCount"}
    _columns: ClassVar[tuple[str, ...]] = ("name", "description", "members", "id")


@dataclass(frozen=True)
class Member(Record):
    """Somebody in an organization or team.

    Attributes:
        account: who.
        is_admin: whether it administers the organization or team.
    """

    account: Account
    is_admin: bool = False

    _keys: ClassVar[dict[str, str]] = {"account": "member"}
    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {"account": Account.read}
    _columns: ClassVar[tuple[str, ...]] = ("name", "full_name", "is_admin")

    @property
    def name(self) -> str:
        """The name of the account."""
        return self.account.name

    @property
    def full_name(self) -> str:
        """The name that people read."""
        return self.account.full_name


@dataclass(frozen=True)
class Membership(Record):
    """An organization that somebody belongs to.

    Attributes:
        organization: which.
        is_admin: whether the user administers it.
    """

    organization: Account
    is_admin: bool = False

    _keys: ClassVar[dict[str, str]] = {"organization": "org"}
    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {"organization": Account.read}
    _columns: ClassVar[tuple[str, ...]] = ("name", "is_admin")

    @property
    def name(self) -> str:
        """The name of the organization."""
        return self.organization.name


@dataclass(frozen=True)
class TeamMembership(Record):
    """A team that somebody belongs to.

    Attributes:
        team: which.
        is_admin: whether the user administers it.
    """

    team: Team
    is_admin: bool = False

    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {"team": Team.read}
    _columns: ClassVar[tuple[str, ...]] = ("name", "is_admin")

    @property
    def name(self) -> str:
        """The name of the team."""
        return self.team.name


@dataclass(frozen=True)
class PublicKey(Record):
    """A key that stands for an account: that of a bundle, or one that was uploaded.

    Attributes:
        id: the SHA-256 of the key.
        account_id: whose it is.
        label: to know it by.
        public_key: the key (PEM).
    """

    id: str
    account_id: str
    label: str = ""
    public_key: str = ""

    _keys: ClassVar[dict[str, str]] = {"account_id": "accountID"}
    _columns: ClassVar[tuple[str, ...]] = ("label", "id")


@dataclass(frozen=True)
class SecondFactor(Record):
    """Whether logins of an account need a code.

    Attributes:
        enabled: whether they do.
        since: since when (RFC 3339).
        recovery_codes_left: how many recovery codes were not used.
    """

    enabled: bool
    since: str | None = None
    recovery_codes_left: int = 0


@dataclass(frozen=True, repr=False)
class Enrolment(Record):
    """The seed of a second factor, which is shown once.

    Attributes:
        secret: the seed, as people type it (Base32).
        uri: the same as an address for authenticator apps: `otpauth://totp/…`.
        qr_svg: the address as a QR code (SVG).
        expires: until when it can be confirmed (RFC 3339).
    """

    secret: str
    uri: str
    qr_svg: str | None = None
    expires: str | None = None

    _keys: ClassVar[dict[str, str]] = {"qr_svg": "qrSVG"}

    def __repr__(self) -> str:
        return f"<Enrolment until {self.expires}>"

    def _repr_html_(self) -> str:
        from base64 import b64encode

        # As a picture, so that nothing in it can run.
        return f'<img src="data:image/svg+xml;base64,{b64encode((self.qr_svg or "").encode()).decode()}">'


@dataclass(frozen=True)
class LoginLock(Record):
    """Whether failed logins have locked an account.

    Attributes:
        locked: whether they have.
        since: since when (RFC 3339).
        until: when it opens by itself; `None` when it does not.
    """

    locked: bool
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Job(Record):
    """A synchronisation, or what else takes a while.

    Attributes:
        id: the id.
        action: what it does, such as `ldap-sync`.
        status: `waiting`, `running`, `done`, `failed` or `canceled`.
        dry_run: whether it only says what it would do.
        requested_by: who asked for it.
        scheduled_at: when it was made (RFC 3339).
        begun_at: when it began.
        ended_at: when it ended.
        counts: what it did, by name.
        error: why it failed.
    """

    id: str
    action: str
    status: str
    dry_run: bool = False
    requested_by: str = ""
    scheduled_at: str | None = None
    begun_at: str | None = None
    ended_at: str | None = None
    counts: Mapping[str, Any] | None = None
    error: str | None = None

    _columns: ClassVar[tuple[str, ...]] = ("action", "status", "scheduled_at", "ended_at", "error", "id")

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.ended_at is not None


@dataclass(frozen=True)
class LogLine(Record):
    """A line that a job wrote.

    Attributes:
        time: when (RFC 3339).
        level: how bad it is.
        text: what it says.
    """

    text: str
    level: str = ""
    time: str = ""

    _columns: ClassVar[tuple[str, ...]] = ("time", "level", "text")
