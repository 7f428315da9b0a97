from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any, Union, final

from mke._table import Table
from mke.config_types import AzureDict, ConfigDict, InterlockDict, Value

MASK: str

@final
class Secret:
    """A password, token or private key. Neither `repr` nor `str` nor a log shows it; `expose()` gives it out.

    >>> password = mke.config.Secret("correct horse")
    >>> password
    Secret(********)
    >>> password.expose()
    'correct horse'
    """

    def __new__(cls, text: str) -> Secret: ...
    def expose(self) -> str:
        """The text itself."""
    def __bool__(self) -> bool: ...
    def __eq__(self, value: object, /) -> bool: ...

@final
class Problem:
    """One mistake in a file: where, what was found, what to do. `str()` says all of it in one line."""

    def __new__(
        cls,
        file: str | None,
        line: int,
        column: int,
        key: str,
        message: str,
        found: str | None,
        allowed: str | None,
        nearest: str | None,
        text: str,
    ) -> Problem: ...
    def __getnewargs__(
        self,
    ) -> tuple[str | None, int, int, str, str, str | None, str | None, str | None, str]: ...
    @property
    def file(self) -> str | None:
        """The file, where it was named."""
    @property
    def line(self) -> int:
        """Line from 1; 0 when it is about the whole text."""
    @property
    def column(self) -> int:
        """Column from 1, in characters."""
    @property
    def key(self) -> str:
        """The key with its table. Empty when the text is no TOML or JSON at all."""
    @property
    def message(self) -> str:
        """What is wrong and how to mend it."""
    @property
    def found(self) -> str | None:
        """What was found. Stars for a secret."""
    @property
    def allowed(self) -> str | None:
        """What is allowed there."""
    @property
    def nearest(self) -> str | None:
        """The known key that is most like an unknown one."""
    @property
    def text(self) -> str:
        """All of it in one line."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class Key:
    """One key of a file: what it does, what it takes, what a change of it touches. `str()` is the explanation for people.

    >>> key = mke.config.explain("auth.sessions.lifetime_minutes")
    >>> key.kind, key.default, key.min, key.max, key.effect
    ('whole number', 60, 10, 43200, 'live')
    """

    @property
    def path(self) -> str:
        """The dotted path; rows of an array are marked with `[]`, names that the user chooses with `<name>`."""
    @property
    def table(self) -> str:
        """The table that it stands in."""
    @property
    def name(self) -> str:
        """Its own name."""
    @property
    def about(self) -> str:
        """What it does, in one sentence."""
    @property
    def kind(self) -> str:
        """Its type: `true or false`, `whole number`, `text`, `list of texts` or `map of texts`."""
    @property
    def expected(self) -> str:
        """What is allowed, in words."""
    @property
    def allowed(self) -> list[str]:
        """The words that are allowed; empty when any is."""
    @property
    def min(self) -> int | None:
        """The smallest number that is allowed."""
    @property
    def max(self) -> int | None:
        """The largest number that is allowed."""
    @property
    def unit(self) -> str | None:
        """The unit of a number or a text."""
    @property
    def default(self) -> Value | None:
        """The value where the file says nothing; `None` when there is none."""
    @property
    def required(self) -> str | None:
        """Whether a file must give it: `always`, the switch that makes it so, or `None`."""
    @property
    def effect(self) -> str:
        """What a change of it touches on a running cluster, in words."""
    @property
    def install_only(self) -> bool:
        """Whether it is fixed at installation."""
    @property
    def lasting(self) -> bool:
        """Whether there is no way back once it is set."""
    @property
    def secret(self) -> bool:
        """Whether its value is never shown."""
    @property
    def risk(self) -> str | None:
        """What may go wrong when it changes."""
    @property
    def rule(self) -> str | None:
        """What else must hold for it."""
    @property
    def install_flag(self) -> str | None:
        """The flag of the install command that sets it."""
    @property
    def since(self) -> str | None:
        """The first version that knows it."""
    @property
    def until(self) -> str | None:
        """The last version that knows it."""
    @property
    def other_names(self) -> list[str]:
        """Other names of it in files."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Setting:
    """A value of a configuration: where it stands, the value, and what is known about its key."""

    @property
    def path(self) -> str:
        """Where it stands, rows with their numbers."""
    @property
    def value(self) -> Value | None:
        """The value in force; `None` when it is unset."""
    @property
    def is_default(self) -> bool:
        """Whether the value is the one that stands where a file says nothing."""
    @property
    def key(self) -> Key:
        """What is known about the key."""

@final
class Change:
    """One key that has another value. `str()` says it in one line, stars for secrets."""

    @property
    def path(self) -> str:
        """Where it stands."""
    @property
    def before(self) -> Value | None:
        """The value before; `None` when it was unset."""
    @property
    def after(self) -> Value | None:
        """The value after; `None` when it becomes unset."""
    @property
    def effect(self) -> str:
        """What the change touches on a running cluster, in words."""
    @property
    def refused(self) -> bool:
        """Whether a running cluster refuses it: the key is fixed at installation, or there is no way back from its value."""
    @property
    def risk(self) -> str | None:
        """What may go wrong."""
    @property
    def key(self) -> Key:
        """What is known about the key."""
    def __eq__(self, other: object, /) -> bool: ...

@final
class Impact:
    """What a set of changes touches, taken together. `str()` says it in one line."""

    @property
    def live(self) -> int:
        """How many keys every controller follows at once."""
    @property
    def restarts(self) -> list[str]:
        """The components that restart on the managers, sorted."""
    @property
    def all_nodes(self) -> list[str]:
        """The components that are brought in line on every node, sorted."""
    @property
    def refused(self) -> list[str]:
        """The keys for which the whole change is refused."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class Diff:
    r"""What becomes different when one configuration gives way to another. It is true when anything does, has the length of its
    changes and gives them one by one.

        >>> before = mke.config.Config("[auth.sessions]\nlifetime_minutes = 60\n")
        >>> after = mke.config.Config("[auth.sessions]\nlifetime_minutes = 90\n")
        >>> print(before.diff(after))
        auth.sessions.lifetime_minutes: 60 -> 90 (live)
        1 live
    """

    @property
    def changes(self) -> Table[Change]:
        """The changes as a table, in the order of the exported file."""
    @property
    def impact(self) -> Impact:
        """What the changes touch, taken together."""
    @property
    def refused(self) -> bool:
        """Whether a running cluster refuses the whole change."""
    @property
    def without_effect(self) -> list[str]:
        """The changed keys that nothing acts on yet: they are kept, and change nothing that runs."""
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __iter__(self) -> Iterator[Change]: ...
    def _repr_html_(self) -> str: ...

@final
class Document:
    r"""The text of a configuration file, open for edits: comments, order and spacing stay as they are, and what is not edited
    stays byte for byte.

        >>> document = mke.config.Document("[auth.sessions]\nlifetime_minutes = 60 # ours\n")
        >>> document.set("auth.sessions.lifetime_minutes", 90)
        True
        >>> print(document, end="")
        [auth.sessions]
        lifetime_minutes = 90 # ours

    The text must be TOML (`ConfigError` where it is not); whether its keys and values are allowed is asked by `problems`
    and `read`.
    """

    def __new__(cls, text: str = "") -> Document: ...
    @staticmethod
    def from_file(path: str | PathLike[str]) -> Document:
        """Opens a file. `OSError` when it cannot be read."""
    def get(self, key: str) -> Any:
        r"""What the text says at a key: `None` when it says nothing there. Secrets are `Secret`.

        >>> mke.config.Document("[auth]\nbackend = 'ldap'\n").get("auth.backend")
        'ldap'
        """
    def raw(self, path: str) -> str | None:
        r"""The value at any path as it is written, in TOML, secrets included; `None` when nothing is there or a whole table.

        >>> mke.config.Document("[auth]\nbackend = 'ldap'\n").raw("auth.backend")
        "'ldap'"
        """
    def set(self, key: str, value: Value) -> bool:
        """Sets a key to a value of its kind, and says whether that changed the text. A key that is not there is added to its
        table; the table is added when it is not there; a row of an array can be added behind the last one.

        `UnknownKeyError` for a key that does not exist, `InvalidValueError` for a value of another kind, `ConfigEditError` when it
        cannot stand there. Bounds and rules are asked by `problems` and `read`.
        """
    def update(self, values: Mapping[str, Value]) -> list[str]:
        """Sets several keys, all or none, and gives those whose text changed.

        >>> document = mke.config.Document()
        >>> document.update({"auth.backend": "managed", "auth.sessions.per_user_limit": 5})
        ['auth.backend', 'auth.sessions.per_user_limit']
        """
    def unset(self, path: str) -> bool:
        """Removes a key, a table with all that is below it, or a row, and says whether it was there."""
    def merge(self, other: Union[Document, str]) -> bool:
        """Takes over every key of another text, and says whether that changed this one. Arrays of tables are taken over as a whole,
        everything else key by key.
        """
    def problems(self, *, file: str | None = None, keep_unknown: bool = False) -> Table[Problem]:
        """Everything that is wrong with the text, in the order of its lines; empty when nothing is."""
    def read(
        self,
        *,
        file: str | None = None,
        keep_unknown: bool = False,
        in_force: bool = False,
        export: bool = False,
    ) -> Config:
        """The configuration that the text is. The arguments are those of `Config`.

        Raises `ConfigError` with every problem.
        """
    def diff(self, after: Union[Document, str]) -> Diff:
        """What becomes different when this text gives way to another. Both must be valid configurations."""
    @property
    def has_directory(self) -> bool:
        """Whether the text holds settings of the directory (`[auth.ldap]`), which a control plane never gives out."""
    def copy(self) -> Document:
        """A document of its own with the same text."""
    def __copy__(self) -> Document: ...
    def __deepcopy__(self, _memo: dict[int, Any]) -> Document: ...
    def __eq__(self, value: object, /) -> bool: ...

@final
class Config:
    r"""The configuration of a control plane, valid by construction: `Config(text)` reads a file, `Config()` has the defaults.

    Raises `ConfigError` with every problem of the text: faulty TOML, unknown keys, wrong types, values out of bounds, and
    combinations that cannot be. `file` names the file in them. `keep_unknown` lets unknown keys through where the text declares
    a newer version than this package knows. `in_force` asks no rules between keys again, for a text that was in force before.
    `export` reads a file as a control plane gives it out, in which `[auth.ldap]` never stands.

        >>> config = mke.config.Config("[auth.sessions]\nlifetime_minutes = 90\n")
        >>> config["auth.sessions.lifetime_minutes"], config["auth.sessions.per_user_limit"]
        (90, 10)
    """

    def __new__(
        cls,
        text: str = "",
        *,
        file: str | None = None,
        keep_unknown: bool = False,
        in_force: bool = False,
        export: bool = False,
    ) -> Config: ...
    @staticmethod
    def from_file(
        path: str | PathLike[str],
        *,
        keep_unknown: bool = False,
        in_force: bool = False,
        export: bool = False,
    ) -> Config:
        """Reads a file; the other arguments are those of the class. `OSError` when it cannot be read."""
    def get(self, path: str) -> Any:
        """The value at a path; `None` when it is unset or there is no such row. `UnknownKeyError` when there is no such key."""
    def __getitem__(self, key: str, /) -> Any: ...
    def section(self, path: str) -> Any:
        """A table with everything below it as a dictionary, an array of tables as a list of them.

        >>> mke.config.Config().section("auth.sessions")["lifetime_minutes"]
        60
        """
    def to_dict(self) -> ConfigDict:
        """Everything as nested dictionaries, with a type that lists every key (`mke.config_types.ConfigDict`). Unset keys are
        `None`, secrets are `Secret`.
        """
    def settings(self, *, changed: bool = False) -> Table[Setting]:
        """Every key with its value, rows one by one, in the order of the exported file; with `changed` only those that differ from
        their default.
        """
    def diff(self, after: Config) -> Diff:
        """What becomes different when this configuration gives way to `after`."""
    def replace(self, values: Mapping[str, Value]) -> Config:
        """A configuration with other values at some keys, checked like any other.

        Raises `ConfigError` with every problem, `UnknownKeyError` and `InvalidValueError` as `Document.set`.

            >>> mke.config.Config().replace({"auth.sessions.lifetime_minutes": 90})["auth.sessions.lifetime_minutes"]
            90
        """
    def to_toml(self) -> str:
        """The whole configuration as TOML, secrets included: for files that only their owner reads."""
    def export(self) -> str:
        """The file for people: every key is listed, secrets are `MASK`, and `[auth.ldap]` is not in it."""
    @property
    def unknown(self) -> list[str]:
        """Keys that were let through although nobody knows them."""
    @property
    def version(self) -> str | None:
        """The version that the file declares (`# mke-version: 3.8`)."""
    def to_mke4(self, *, version: str | None = None, backup_confirmed: bool = False) -> Mke4Conversion:
        """What becomes of the configuration in MKE 4: the file, what came along, what did not, and what speaks against the upgrade.
        `version` is the one that the cluster runs, such as `"3.8.2"`; `backup_confirmed` says that there is a backup.

            >>> [obstacle.kind for obstacle in mke.config.Config().to_mke4(version="3.8.2").obstacles]
            ['no-backup', 'calico-in-etcd']
        """
    def __eq__(self, value: object, /) -> bool: ...

@final
class InterlockConfig:
    r"""The file of layer 7 routing, valid by construction. The arguments are those of `Config`.

    >>> images = "Image = 'interlock-extension:1'\nProxyImage = 'interlock-proxy:1'\n"
    >>> interlock = mke.config.InterlockConfig("PollInterval = '5s'\n[Extensions.default]\n" + images)
    >>> interlock["PollInterval"]
    '5s'
    """

    def __new__(cls, text: str, *, file: str | None = None, keep_unknown: bool = False) -> InterlockConfig: ...
    @staticmethod
    def from_file(path: str | PathLike[str], *, keep_unknown: bool = False) -> InterlockConfig:
        """Reads a file. `OSError` when it cannot be read."""
    def get(self, path: str) -> Any:
        """The value at a path; `None` when it is unset. `UnknownKeyError` when there is no such key."""
    def __getitem__(self, key: str, /) -> Any: ...
    def section(self, path: str) -> Any:
        """A table with everything below it as a dictionary."""
    def to_dict(self) -> InterlockDict:
        """Everything as nested dictionaries (`mke.config_types.InterlockDict`)."""
    def settings(self, *, changed: bool = False) -> Table[Setting]:
        """Every key with its value; with `changed` only those that differ from their default."""
    def diff(self, after: InterlockConfig) -> Diff:
        """What becomes different when this file gives way to `after`."""
    def to_toml(self) -> str:
        """The whole file as TOML, secrets included."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class AzureConfig:
    """`azure.json`, what Kubernetes' cloud provider for Azure must know, valid by construction."""

    def __new__(cls, text: str, *, file: str | None = None) -> AzureConfig: ...
    @staticmethod
    def from_file(path: str | PathLike[str]) -> AzureConfig:
        """Reads a file. `OSError` when it cannot be read."""
    def get(self, path: str) -> Any:
        """The value of a key; `None` when it is unset. `UnknownKeyError` when there is no such key."""
    def __getitem__(self, key: str, /) -> Any: ...
    def to_dict(self) -> AzureDict:
        """Everything as a dictionary (`mke.config_types.AzureDict`)."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class Obstacle:
    """One thing that must be mended before the upgrade."""

    @property
    def kind(self) -> str:
        """Which one it is, a word that does not change: `no-backup`, `calico-in-etcd`, …"""
    @property
    def message(self) -> str:
        """What is in the way, and what to do."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class Mke4Conversion:
    """What becomes of a configuration in MKE 4. Nothing is widened on the way: where MKE 4 would allow more than the key did, the key
    is left for a person to decide.
    """

    @property
    def spec(self) -> dict[str, Any]:
        """The object below `spec` as plain data. It holds the secrets of the configuration."""
    def to_yaml(self) -> str:
        """The text of `mke4.yaml`. It holds the secrets of the configuration."""
    @property
    def converted(self) -> Table[dict[str, str]]:
        """What came along: `key` of MKE 3, `field` of MKE 4 below `spec`."""
    @property
    def left(self) -> Table[dict[str, str]]:
        """What did not: `key`, what was `found` there, and `why`. Keys that are off, empty or at the default of MKE 3 are not listed."""
    @property
    def obstacles(self) -> Table[Obstacle]:
        """What speaks against the upgrade; empty when nothing does."""
    @property
    def reminders(self) -> list[str]:
        """What to do before the upgrade, besides what speaks against it."""
    def summary(self, *, removed: str | None = None) -> str:
        """What an operator reads about the upgrade, in the sections of the product's own summary. `removed` is the version of MKE 3
        that was removed from every node; `None` while it still runs.
        """

def datastore_move(nodes: int | None = None) -> str:
    """What to know before Calico moves its data from etcd into Kubernetes, as a text; with the number of nodes it says how long
    that takes.

        >>> "60 seconds on 3" in mke.config.datastore_move(3)
        True
    """
def example() -> str:
    """An example file: the defaults, each key with a comment that says what it does. Keys without a default stand there as
    comments.

        >>> "lifetime_minutes = 60" in mke.config.example()
        True
    """
def explain(key: str) -> Key:
    """What is known about the key of a path such as `auth.sessions.lifetime_minutes`, `registries[0].host_address` or
    `Extensions.<name>.Image`.

    Raises `UnknownKeyError` when there is no such key; its `nearest` is the one that is most like it.

        >>> print(mke.config.explain("auth.backend").about)
        Which back end checks the passwords of logins.
    """
def json_schema(file: str = "config") -> dict[str, Any]:
    """The JSON Schema (2020-12) of a file, for editors and pipelines: `"config"`, `"interlock"`, `"azure"`, or `"ldap"` for the body
    of the directory's API.

        >>> mke.config.json_schema()["title"]
        'Configuration file'
    """
def keys(file: str = "config") -> Table[Key]:
    """Every key of a file, in the order of the exported file: `"config"`, `"interlock"` or `"azure"`.

    >>> [key.path for key in mke.config.keys() if key.install_only][:1]
    ['cluster_config.swarm_only']
    """
def reference_page() -> str:
    """The reference of all keys, as Markdown."""
def validate(text: str, *, file: str | None = None, keep_unknown: bool = False) -> Table[Problem]:
    r"""Everything that is wrong with a configuration file, in the order of its lines; empty when nothing is.

    `file` names the file in the problems; `keep_unknown` lets unknown keys through where the file declares a newer version
    than this package knows.

        >>> for problem in mke.config.validate("[auth.sessions]\nlifetime_minute = 5\n"):
        ...     print(problem.line, problem.key, problem.nearest)
        2 auth.sessions.lifetime_minute auth.sessions.lifetime_minutes
    """
def _shape(
    file: str,
) -> list[tuple[str, list[tuple[str, str, bool]], list[tuple[str, str, str]]]]: ...
