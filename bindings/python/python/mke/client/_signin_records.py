"""Records about how people sign in: back ends, directories, identity providers, provisioning, and who fills which team."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mke._table import Table

from mke.client._records import Record


@dataclass(frozen=True)
class SignInSettings(Record):
    """Which back ends look at logins.

    Attributes:
        backend: `managed` for accounts kept here alone, `ldap` for those of a directory as well.
        saml_enabled: whether people may sign in through an identity provider.
        saml_login_text: what the button says that leads there; a usual text when it is empty.
        scim_enabled: whether an identity provider may make and change accounts.
        managed_password_disabled: whether passwords kept here open nothing, but for the fallback user.
        managed_password_fallback_user: the administrator who can log in with a password all the same.
    """

    backend: str
    saml_enabled: bool = False
    saml_login_text: str = ""
    scim_enabled: bool = False
    managed_password_disabled: bool = False
    managed_password_fallback_user: str = ""


@dataclass(frozen=True)
class LdapTrialStep(Record):
    """One step of a trial login.

    Attributes:
        what: what was done, and what came of it.
        ok: whether it went well.
    """

    what: str
    ok: bool


@dataclass(frozen=True, eq=False)
class LdapTrial(Record):
    """What a trial login with a directory came to. It is true when the login would be taken.

    Attributes:
        ok: whether it would be.
        steps: how far it went.
    """

    ok: bool
    steps: Table[LdapTrialStep] = field(default_factory=lambda: LdapTrialStep.table(()))

    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {"steps": LdapTrialStep.read_table}

    def __bool__(self) -> bool:
        return self.ok

    def _repr_html_(self) -> str:
        return self.steps._repr_html_()


@dataclass(frozen=True)
class MemberSync(Record):
    """How a directory says who belongs to a team, or administers an organization.

    Attributes:
        enabled: whether it does.
        group_dn: the group whose members count; empty when a search finds them.
        group_member_attribute: the attribute of the group that names them.
        search_base_dn: where the search begins; empty when a group names them.
        search_subtree: whether it goes below the entries right there.
        search_filter: the filter of the search.
        allow_others: whether accounts that are kept here may be members as well.
    """

    enabled: bool = False
    group_dn: str = ""
    group_member_attribute: str = ""
    search_base_dn: str = ""
    search_subtree: bool = False
    search_filter: str = ""
    allow_others: bool = True

    _keys: ClassVar[dict[str, str]] = {
        "enabled": "enableSync",
        "group_dn": "groupDN",
        "group_member_attribute": "groupMemberAttr",
        "search_base_dn": "searchBaseDN",
        "search_subtree": "searchScopeSubtree",
        "allow_others": "allowNonLDAPMembers",
    }


@dataclass(frozen=True)
class SamlSettings(Record):
    """Where the identity provider is.

    Attributes:
        metadata_url: where it describes itself; empty for none.
        root_certs: the authorities that its server must chain to (PEM); those of the machine when it is empty.
        tls_skip_verify: whether its server is not verified.
        host: under which name it knows this cluster; its usual one when it is empty.
    """

    metadata_url: str = ""
    root_certs: str = ""
    tls_skip_verify: bool = False
    host: str = ""

    _keys: ClassVar[dict[str, str]] = {"metadata_url": "idpMetadataURL", "host": "spHost"}


@dataclass(frozen=True)
class SamlProvider(Record):
    """An identity provider, as it described itself.

    Attributes:
        entity_id: its name.
        metadata_url: where its description came from.
        fetched: when (RFC 3339).
        valid_until: until when it holds; `None` when it says nothing about that.
        sign_on_url: where people sign in.
        logout_url: where they sign out, if it can do that.
        keys: the fingerprints of the keys whose signatures count.
        warnings: what an administrator should look at.
        changed: after `refresh`, whether the description became different.
    """

    entity_id: str
    metadata_url: str = ""
    fetched: str | None = None
    valid_until: str | None = None
    sign_on_url: str = ""
    logout_url: str | None = None
    keys: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    changed: bool = False

    _keys: ClassVar[dict[str, str]] = {
        "entity_id": "entityID",
        "metadata_url": "metadataURL",
        "sign_on_url": "signOnURL",
        "logout_url": "logoutURL",
    }


@dataclass(frozen=True)
class SamlStatus(Record):
    """How signing in through an identity provider stands.

    Attributes:
        enabled: whether it is on.
        login_text: what the button says.
        entity_id: the name of this cluster for the provider.
        acs_url: where the provider sends its answers.
        slo_url: where the provider sends people who sign out.
        metadata_url: where the provider describes itself.
        provider: what is known of it; `None` while nothing is.
        bundles: how many client bundles its people hold, which open the cluster whatever the provider says.
    """

    enabled: bool
    login_text: str = ""
    entity_id: str = ""
    acs_url: str = ""
    slo_url: str = ""
    metadata_url: str | None = None
    provider: SamlProvider | None = None
    bundles: int = 0

    _keys: ClassVar[dict[str, str]] = {
        "entity_id": "entityID",
        "acs_url": "acsURL",
        "slo_url": "sloURL",
        "metadata_url": "idpMetadataURL",
    }
    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {"provider": SamlProvider.read}


@dataclass(frozen=True)
class HeldBundle(Record):
    """A client bundle of somebody, by its public key.

    Attributes:
        account: whose it is.
        label: to know it by.
        created: when it was made (RFC 3339).
        source: where the account comes from: `saml`, `ldap`, `scim`; `None` for one that is kept here.
        is_active: whether the account is active.
        id: the SHA-256 of its public key.
        account_id: the id of the account.
    """

    account: str
    id: str
    account_id: str = ""
    label: str = ""
    created: str | None = None
    source: str | None = None
    is_active: bool = False

    _keys: ClassVar[dict[str, str]] = {"account_id": "accountID"}
    _columns: ClassVar[tuple[str, ...]] = ("account", "label", "created", "source", "is_active", "id")


@dataclass(frozen=True)
class ScimTokenInfo(Record):
    """The token that opens SCIM, without the token.

    Attributes:
        id: its id, which stands in audit records.
        created: when it was made (RFC 3339).
    """

    id: str
    created: str | None = None


@dataclass(frozen=True)
class ScimSettings(Record):
    """How provisioning by an identity provider stands.

    Attributes:
        enabled: whether it is on.
        base_url: the address that the provider is told.
        token: the token that opens it; `None` when there is none.
    """

    enabled: bool
    base_url: str = ""
    token: ScimTokenInfo | None = None

    _keys: ClassVar[dict[str, str]] = {"base_url": "baseURL"}
    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {"token": ScimTokenInfo.read}


@dataclass(frozen=True, repr=False)
class ScimToken(Record):
    """A new token for SCIM. It is in the answer and nowhere else.

    Attributes:
        token: what the identity provider shows.
        id: its id.
        created: when it was made (RFC 3339).
    """

    token: str
    id: str
    created: str | None = None

    def __repr__(self) -> str:
        return f"<ScimToken {self.id}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<code>{escape(repr(self)[1:-1])}</code>"
