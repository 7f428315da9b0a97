"""Who is asking: accounts, and where they come from.

| to | use |
| --- | --- |
| keep accounts without a server | `AccountStore` |
| synchronise with a directory, or see what that would do | `LdapSettings`, `ldap_sync`, `ldap_fetch` |
| try the settings of a directory | `ldap_test_login` |
| read and write names and filters of a directory | `Dn`, `LdapFilter`, `escape_dn_value`, `escape_filter_value` |
| serve SCIM, or try its filters and changes | `ScimService`, `AsyncScimService`, `scim_matches`, `scim_patched` |
| judge SAML responses | `verify_response`, `IdentityProvider`, `ServiceProvider` |
| make and check codes of a second factor | `TotpSeed`, `totp_seed` |
"""

from __future__ import annotations

from mke._native.identity import AccountStore as AccountStore
from mke._native.identity import AsyncScimService as AsyncScimService
from mke._native.identity import Dn as Dn
from mke._native.identity import IdentityProvider as IdentityProvider
from mke._native.identity import LdapFetched as LdapFetched
from mke._native.identity import LdapFilter as LdapFilter
from mke._native.identity import LdapPlan as LdapPlan
from mke._native.identity import LdapSettings as LdapSettings
from mke._native.identity import LdapSync as LdapSync
from mke._native.identity import SamlKey as SamlKey
from mke._native.identity import SamlProof as SamlProof
from mke._native.identity import SamlRequest as SamlRequest
from mke._native.identity import ScimResponse as ScimResponse
from mke._native.identity import ScimService as ScimService
from mke._native.identity import ServiceProvider as ServiceProvider
from mke._native.identity import TotpSeed as TotpSeed
from mke._native.identity import account_name as account_name
from mke._native.identity import begin_login as begin_login
from mke._native.identity import escape_dn_value as escape_dn_value
from mke._native.identity import escape_filter_value as escape_filter_value
from mke._native.identity import ldap_fetch as ldap_fetch
from mke._native.identity import ldap_fetch_async as ldap_fetch_async
from mke._native.identity import ldap_sync as ldap_sync
from mke._native.identity import ldap_sync_async as ldap_sync_async
from mke._native.identity import ldap_test_login as ldap_test_login
from mke._native.identity import ldap_test_login_async as ldap_test_login_async
from mke._native.identity import safe_relay as safe_relay
from mke._native.identity import saml_request_id as saml_request_id
from mke._native.identity import scim_matches as scim_matches
from mke._native.identity import scim_patched as scim_patched
from mke._native.identity import verify_response as verify_response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mke.config import Secret as _Secret

__all__ = [
    "AccountStore",
    "AsyncScimService",
    "Dn",
    "IdentityProvider",
    "LdapFetched",
    "LdapFilter",
    "LdapPlan",
    "LdapSettings",
    "LdapSync",
    "SamlKey",
    "SamlProof",
    "SamlRequest",
    "ScimResponse",
    "ScimService",
    "ServiceProvider",
    "TotpSeed",
    "account_name",
    "begin_login",
    "escape_dn_value",
    "escape_filter_value",
    "ldap_fetch",
    "ldap_fetch_async",
    "ldap_sync",
    "ldap_sync_async",
    "ldap_test_login",
    "ldap_test_login_async",
    "safe_relay",
    "saml_request_id",
    "scim_matches",
    "scim_patched",
    "totp_seed",
    "verify_response",
]


def totp_seed(base32: str | _Secret) -> TotpSeed:
    """The seed that stands in a text of base32, as apps and people write it: capitals, spaces and hyphens do not count.

        >>> mke.identity.totp_seed("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ").code(at=59)
        '287082'

    Raises:
        mke.errors.InvalidValueError: the text is no base32, or too short or long for a seed. It is not in the message.
    """
    import base64
    import binascii

    from mke.errors import InvalidValueError

    expose = getattr(base32, "expose", None)
    text = base32 if expose is None else expose()
    if not isinstance(text, str):
        raise InvalidValueError(f"seed: a text of base32 is needed, not one of type {type(base32).__name__}")
    letters = "".join(text.split()).replace("-", "").rstrip("=").upper()
    try:
        seed = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        raise InvalidValueError("seed: the text is no base32, which has the letters A to Z and the digits 2 to 7") from None
    return TotpSeed(seed)
