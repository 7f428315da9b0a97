from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from os import PathLike
from types import TracebackType
from typing import Any, ClassVar, Union, final

from mke._table import Table
from mke.config import Config, Secret
from mke.identity_types import (
    AccountRow,
    LdapCounts,
    LdapMembers,
    LdapSearch,
    LdapTeam,
    LdapTestReport,
    LdapUser,
    TeamRow,
)

_Moment = Union[float, datetime]
_Log = Callable[[str], object]

@final
class AccountStore:
    """Accounts, organizations and teams in an embedded store: `AccountStore()` in memory, `AccountStore(path)` in a file, for tests, dry
    runs and single hosts. It is a context manager, which closes it.

    Methods that change something raise `AccountError`; names and ids are those of the store.

        >>> with mke.identity.AccountStore() as store:
        ...     jane = store.create_user("jane", password="correct horse battery", full_name="Jane Doe")
        ...     [row["name"] for row in store.accounts()]
        ['docker-datacenter', 'jane']
    """

    def __new__(cls, path: str | PathLike[str] | None = None) -> AccountStore: ...
    def create_user(
        self,
        name: str,
        *,
        password: str | Secret,
        full_name: str = "",
        is_admin: bool = False,
        is_active: bool = True,
    ) -> str:
        """Makes a user and gives its id. `password` is text or a `Secret`."""
    def create_organization(self, name: str, *, full_name: str = "") -> str:
        """Makes an organization and gives its id."""
    def create_team(self, organization: str, name: str, *, description: str = "") -> str:
        """Makes a team of an organization and gives its id."""
    def add_team_member(self, organization: str, team: str, user: str, *, is_admin: bool = False) -> None:
        """Makes a user a member of a team, or changes how it is one."""
    def link_team_with_ldap(self, organization: str, team: str, members: LdapMembers | None) -> None:
        """Says which people of the directory are the members of a team: `{"groupDn": …, "groupMemberAttribute": …}` for those of a group,
        `{"searchBaseDn": …, "searchSubtree": …, "searchFilter": …}` for what a search finds; `None` ends it.
        """
    def accounts(self) -> Table[AccountRow]:
        """Every account by name: `id`, `name`, `full_name`, `is_organization`, `is_admin`, `is_active`, and for those from elsewhere their
        `source` (`ldap`, `saml`, `scim`) and `dn`.
        """
    def teams(self, organization: str) -> Table[TeamRow]:
        """The teams of an organization: `id`, `name`, `description`, and the names of its `members`."""
    def close(self) -> None:
        """Closes it, as the end of a `with` block does. Its file is closed when no SCIM service uses it any more. Twice does no harm."""
    def __enter__(self) -> AccountStore: ...
    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None: ...

@final
class Dn:
    """A distinguished name in the one form that all of its spellings share.

    Raises `LdapNameError` for a text that is none.

        >>> name = mke.identity.Dn("CN=Jane  Doe, OU=People,DC=example,DC=com")
        >>> name == mke.identity.Dn("cn=jane doe,ou=people,dc=example,dc=com")
        True
        >>> name.is_within(mke.identity.Dn("dc=example,dc=com")), name.depth
        (True, 4)
    """

    def __new__(cls, text: str) -> Dn: ...
    @property
    def depth(self) -> int:
        """How many parts it has."""
    def is_within(self, base: Dn) -> bool:
        """Whether it is `base` or lies below it."""
    def is_child_of(self, base: Dn) -> bool:
        """Whether it lies one level below `base`."""
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __lt__(self, value: Dn, /) -> bool: ...
    def __le__(self, value: Dn, /) -> bool: ...
    def __gt__(self, value: Dn, /) -> bool: ...
    def __ge__(self, value: Dn, /) -> bool: ...

@final
class LdapFilter:
    r"""A search filter (RFC 4515), `str()` of which is its text. What a person typed becomes a value in it (`equals`) and never a part
    of its text.

    Raises `LdapFilterError` with the place for a text that is none.

        >>> people = mke.identity.LdapFilter("(objectClass=person)")
        >>> print(people & mke.identity.LdapFilter.equals("uid", "jane*)(uid=*"))
        (&(objectClass=person)(uid=jane\2a\29\28uid=\2a))
    """

    def __new__(cls, text: str) -> LdapFilter: ...
    @staticmethod
    def everything() -> LdapFilter:
        """The filter that every entry passes."""
    @staticmethod
    def equals(attribute: str, value: str) -> LdapFilter:
        """The filter for entries in which an attribute has this value, whatever stands in it."""
    def __and__(self, value: LdapFilter, /) -> LdapFilter: ...
    def __rand__(self, value: LdapFilter, /) -> LdapFilter: ...
    def __eq__(self, value: object, /) -> bool: ...

@final
class LdapSettings:
    """The settings of a directory: `LdapSettings(config)` takes `[auth.ldap]` of a configuration, `from_json` the body of the directory's
    API. Nothing is asked of any server.

    Raises `ConfigError` with everything that is wrong with them.

        >>> config = mke.config.Config('''
        ... [auth.ldap]
        ... server_url = "ldaps://ldap.example.com"
        ... [[auth.ldap.user_search_configs]]
        ... base_dn = "ou=people,dc=example,dc=com"
        ... username_attr = "uid"
        ... match_group = false
        ... ''')
        >>> mke.identity.LdapSettings(config).just_in_time
        True
    """

    def __new__(cls, config: Config) -> LdapSettings: ...
    @staticmethod
    def from_json(text: str) -> LdapSettings:
        """Settings in JSON, as the directory's API has them."""
    @property
    def just_in_time(self) -> bool:
        """Whether accounts are made at their first login only."""
    @property
    def schedule(self) -> str:
        """When the directory is synchronised, as a schedule of cron."""
    @property
    def recovery_admin(self) -> str | None:
        """The local administrator that no synchronisation touches."""

@final
class LdapFetched:
    """What a directory said: its users, the members of linked teams, its administrators. It is complete: it exists only when everything
    was read.
    """

    @property
    def users(self) -> Table[LdapUser]:
        """The users: `name` of the account, `full_name`, `dn`, the `id` that identifies the entry, and whether the directory lets the
        person in (`enabled`).
        """
    @property
    def searches(self) -> Table[LdapSearch]:
        """What each user search found: `base`, and how many `entries` and `users`."""
    @property
    def teams(self) -> Table[LdapTeam]:
        """The teams that follow the directory: `name`, and the account names of its `members`."""
    @property
    def administrators(self) -> list[str] | None:
        """The account names of the administrators; `None` when the directory does not say."""
    @property
    def notes(self) -> list[str]:
        """What is not as an administrator would want it, and stops nothing."""
    def plan(
        self,
        store: AccountStore,
        *,
        just_in_time: bool | None = None,
        max_deactivated_percent: int = 20,
        accept_deactivations: bool = False,
    ) -> LdapPlan:
        """What a synchronisation with these users would do to the accounts of a store. The other arguments are those of `ldap_sync`."""
    def __len__(self) -> int: ...

@final
class LdapPlan:
    """What a synchronisation would do. `str()` says it line by line."""

    @property
    def counts(self) -> LdapCounts:
        """How much it does: `created`, `renamed`, `updated`, `deactivated`, `reactivated`, `admins`, `joined`, `left`."""
    @property
    def refusals(self) -> list[str]:
        """Why it would not be done, one sentence each; empty when it would."""
    def to_dict(self) -> dict[str, Any]:
        """The plan as plain data: accounts to `create` and to `change`, the `targets` that they join and leave by number, `notes`."""
    def __bool__(self) -> bool: ...

@final
class LdapSync:
    """What a synchronisation came to, or would come to."""

    @property
    def planned(self) -> LdapCounts:
        """How much there was to do: `created`, `renamed`, `updated`, `deactivated`, `reactivated`, `admins`, `joined`, `left`."""
    @property
    def refusals(self) -> list[str]:
        """Why it would not be done, of a dry run; empty when it would, or was."""
    @property
    def done(self) -> int:
        """How many accounts were written; 0 of a dry run."""
    @property
    def refused(self) -> list[str]:
        """Accounts that were not written, with the reason; the next run tries them again."""
    @property
    def dry_run(self) -> bool:
        """Whether nothing was written, because nothing was to be."""

@final
class ScimResponse:
    """The answer to a request. It is true when the request was done."""

    @property
    def status(self) -> int:
        """The HTTP status."""
    @property
    def body(self) -> Any:
        """The body as plain data; `None` for none at all."""
    @property
    def headers(self) -> dict[str, str]:
        """The headers that the answer has: `Content-Type`, `Location`, `ETag`, `Allow`."""
    @property
    def changed(self) -> list[str]:
        """The ids of what was made, changed or deleted."""
    def __bool__(self) -> bool: ...

@final
class ScimService:
    """The SCIM 2.0 service (RFC 7644) over an embedded store, without any server: for tests of clients, and to mount in a server of your
    own, which has checked the token. `base` is the URL of the service as clients reach it.

        >>> service = mke.identity.ScimService(mke.identity.AccountStore())
        >>> made = service.handle("POST", "/Users", {
        ...     "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        ...     "userName": "jane", "emails": [{"value": "jane@example.com"}]})
        >>> made.status, made.body["userName"]
        (201, 'jane')
        >>> service.handle("GET", "/Users", query={"filter": 'userName eq "jane"'}).body["totalResults"]
        1
    """

    def __new__(cls, store: AccountStore, *, base: str = ...) -> ScimService: ...
    def handle(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> ScimResponse:
        """Answers a request. `path` is the decoded path below the base, `query` its decoded parameters, `body` is plain data, text or bytes.
        A request that cannot be done is an answer too, and raises nothing.
        """

@final
class AsyncScimService:
    """The asynchronous form of `ScimService`."""

    def __new__(cls, store: AccountStore, *, base: str = ...) -> AsyncScimService: ...
    def handle(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Awaitable[ScimResponse]:
        """Answers a request. `path` is the decoded path below the base, `query` its decoded parameters, `body` is plain data, text or bytes.
        A request that cannot be done is an answer too, and raises nothing.
        """

@final
class ServiceProvider:
    """A cluster as a service provider: the addresses by which providers and browsers know it. `host` is a host name or address, with its
    port if that is not 443.

        >>> mke.identity.ServiceProvider("mke.example.com").acs
        'https://mke.example.com/enzi/v0/saml/acs'
    """

    def __new__(cls, host: str) -> ServiceProvider: ...
    @property
    def origin(self) -> str:
        """Scheme, host and port."""
    @property
    def entity_id(self) -> str:
        """The entity id, which is the address of the metadata."""
    @property
    def acs(self) -> str:
        """Where responses are sent (assertion consumer service)."""
    @property
    def logout(self) -> str:
        """Where single logout is."""
    def metadata(self, key: SamlKey) -> str:
        """The document that introduces this cluster to a provider."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class SamlKey:
    """The key with which a cluster signs its requests, with its certificate. `SamlKey.generate()` makes one; `SamlKey(pkcs8, certificate)`
    takes one that was kept (both in DER).
    """

    def __new__(cls, pkcs8: bytes, certificate: bytes | None = None) -> SamlKey: ...
    @staticmethod
    def generate() -> SamlKey:
        """A new key of RSA with 2048 bits and its certificate. Takes some tenths of a second."""
    @property
    def certificate(self) -> bytes:
        """The certificate in DER."""
    def to_pkcs8(self) -> bytes:
        """The private key as PKCS#8 in DER: to be sealed and kept."""

@final
class IdentityProvider:
    """An identity provider, as its metadata describes it. `url` is where the metadata came from; it is believed because of that.

    Raises `SamlRefusedError` for a document that is no metadata of one provider, or names no usable key.
    """

    def __new__(cls, metadata: str | bytes, url: str, *, at: _Moment | None = None) -> IdentityProvider: ...
    @property
    def entity_id(self) -> str:
        """Its entity id."""
    @property
    def sign_on(self) -> str:
        """Where login requests go."""
    @property
    def warnings(self) -> list[str]:
        """What an administrator should know about it."""
    @property
    def keys(self) -> int:
        """How many keys it may sign with; never 0."""
    def is_expired(self, *, at: _Moment | None = None) -> bool:
        """Whether its metadata says that it is valid no more."""
    def to_dict(self) -> dict[str, Any]:
        """What is kept of it, as plain data."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class SamlRequest:
    """A login that was begun."""

    @property
    def address(self) -> str:
        """Where the browser goes, with the signed request in it."""
    @property
    def secret(self) -> Secret:
        """What the browser keeps in a cookie until it comes back; `saml_request_id` of it is `id`."""
    @property
    def id(self) -> str:
        """The id of the request, which the answer must name."""

@final
class SamlProof:
    """What a response has proved. It exists only when every check has passed.

    Whoever lets somebody in for it must still take care that `assertion_id` and `in_response_to` are used once only, until
    `usable_until`.
    """

    @property
    def name(self) -> str:
        """Who it is, as the provider calls the person."""
    @property
    def name_id(self) -> dict[str, str]:
        """The name with the attributes that a logout request must repeat, as plain data."""
    @property
    def full_name(self) -> str | None:
        """The name for people, where it was given."""
    @property
    def groups(self) -> list[str]:
        """The person's groups."""
    @property
    def is_admin(self) -> bool:
        """Whether the provider makes the person an administrator."""
    @property
    def session_index(self) -> str | None:
        """The provider's session, for logging out there."""
    @property
    def assertion_id(self) -> str:
        """The assertion's own id."""
    @property
    def in_response_to(self) -> str:
        """The request that it answers."""
    @property
    def usable_until(self) -> str:
        """After this moment (RFC 3339) the same assertion would be refused anyway."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class TotpSeed:
    """The seed of a second factor (TOTP, RFC 6238: six digits, steps of 30 seconds, HMAC with SHA-1, as apps take it). `TotpSeed()`
    makes a fresh one, `TotpSeed(bytes)` takes one that was kept. Moments are seconds since 1970 or a `datetime` with its zone;
    without one it is now.

        >>> seed = mke.identity.TotpSeed(b"12345678901234567890")
        >>> seed.code(at=59)
        '287082'
        >>> step = seed.verify("287082", at=60)
        >>> step, seed.verify("287082", at=60, last_step=step)
        (1, None)
    """

    STEP_SECONDS: ClassVar[int]
    def __new__(cls, seed: bytes | None = None) -> TotpSeed: ...
    @property
    def base32(self) -> Secret:
        """The seed in base32, for people who type it into an app."""
    def uri(self, issuer: str, account: str) -> Secret:
        """The address that an app takes (`otpauth://totp/…`), seed included. `issuer` is what it shows above the account's name."""
    def qr_svg(self, issuer: str, account: str) -> Secret:
        """The same as a picture of SVG with its QR code; whoever sees it has the seed."""
    def code(self, *, at: _Moment | None = None) -> str:
        """The code of a moment."""
    def verify(self, code: str, *, at: _Moment | None = None, last_step: int = 0) -> int | None:
        """The time step whose code this is, at most one away from now and later than `last_step`; `None` for a wrong code. Keep it and
        hand it over the next time: a code is taken once.
        """

def account_name(value: str) -> str:
    """The account name of a value of the directory. `InvalidNameError` when it cannot be one.

    >>> mke.identity.account_name("Jane.DOE")
    'jane.doe'
    """
def begin_login(
    provider: IdentityProvider,
    service_provider: ServiceProvider,
    key: SamlKey,
    *,
    relay: str | None = None,
    at: _Moment | None = None,
) -> SamlRequest:
    """Begins a login: a signed request to the provider. `relay` is where the person goes afterwards.

    Raises `SamlKeyError` when the key cannot sign.
    """
def escape_dn_value(value: str) -> str:
    r"""A text as the value of an attribute in a name.

    >>> print(mke.identity.escape_dn_value("Smith, Jane"))
    Smith\, Jane
    """
def escape_filter_value(value: str) -> str:
    r"""A text as a value in a filter.

    >>> print(mke.identity.escape_filter_value("a*b"))
    a\2ab
    """
def ldap_fetch(settings: LdapSettings, store: AccountStore | None = None) -> LdapFetched:
    """Reads a directory: all of it or nothing. With a `store`, also the members of the teams that are linked there. Nothing is changed.

    Raises `LdapFetchError` with what could not be read.
    """
def ldap_fetch_async(settings: LdapSettings, store: AccountStore | None = None) -> Awaitable[LdapFetched]:
    """The asynchronous form of `ldap_fetch`."""
def ldap_sync(
    settings: LdapSettings,
    store: AccountStore,
    *,
    dry_run: bool = False,
    just_in_time: bool | None = None,
    max_deactivated_percent: int = 20,
    accept_deactivations: bool = False,
    log: _Log | None = None,
) -> LdapSync:
    """Brings the accounts of a store in line with a directory: reads, plans, checks, writes. With `dry_run` it ends before the writing, and
    what would keep it from writing is in the result.

    `just_in_time` decides whether accounts are made at their first login only (the settings say it without it). At most
    `max_deactivated_percent` of the active accounts are deactivated at once unless `accept_deactivations` says that this is wanted.
    `log` is called with a line for each thing that happens.

    Raises `LdapSyncError`; nothing was changed then, unless its kind is `Write`.
    """
def ldap_sync_async(
    settings: LdapSettings,
    store: AccountStore,
    *,
    dry_run: bool = False,
    just_in_time: bool | None = None,
    max_deactivated_percent: int = 20,
    accept_deactivations: bool = False,
    log: _Log | None = None,
) -> Awaitable[LdapSync]:
    """The asynchronous form of `ldap_sync`."""
def ldap_test_login(settings: LdapSettings, name: str, password: str | Secret) -> LdapTestReport:
    """Tries settings before they are saved: logs somebody in against the directory and says each step in words. `ok` says whether the person
    may come in, `steps` lists `what` was done and whether it went well (`ok`).
    """
def ldap_test_login_async(
    settings: LdapSettings, name: str, password: str | Secret
) -> Awaitable[LdapTestReport]:
    """The asynchronous form of `ldap_test_login`."""
def safe_relay(relay: str) -> str:
    """Where to go after a login: a path of the cluster's own, or `/`.

    >>> mke.identity.safe_relay("//evil.example.com"), mke.identity.safe_relay("/manage")
    ('/', '/manage')
    """
def saml_request_id(secret: str) -> str | None:
    """The id of the request that belongs to the secret of a browser; `None` for what is no secret."""
def scim_matches(resource_type: str, filter: str, resource: Any) -> bool:
    """Whether a resource (`"User"` or `"Group"`, as plain data) passes a SCIM filter. `ScimError` as a client would get it.

    >>> mke.identity.scim_matches("User", 'userName sw "JA"', {"userName": "jane"})
    True
    """
def scim_patched(resource_type: str, resource: Any, patch: Any) -> dict[str, Any]:
    """What the body of a PATCH would make of a resource. `ScimError` as a client would get it.

    >>> patch = {"Operations": [{"op": "replace", "path": "displayName", "value": "ops"}]}
    >>> mke.identity.scim_patched("Group", {"displayName": "dev"}, patch)
    {'displayName': 'ops'}
    """
def verify_response(
    response: str,
    provider: IdentityProvider,
    service_provider: ServiceProvider,
    *,
    requests: list[str],
    at: _Moment | None = None,
) -> SamlProof:
    """Judges the form field `SAMLResponse` (base64) with every check of the control plane: signature, issuer, audience, destination, times,
    the request that it answers. `requests` are the ids of the requests that this browser made and that are not answered yet.

    Raises `SamlRefusedError`; its kind says which check failed. The text is for logs: whoever sent the response learns only that it was
    refused.
    """
