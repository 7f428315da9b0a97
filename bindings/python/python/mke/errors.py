"""What can go wrong, one class for each error of the libraries.

Every class derives from `MkeError`, and from a builtin exception where one fits, so that code which knows nothing of `mke`
catches it as well. Its `kind` says which case it is, and its fields are attributes:

    >>> import mke
    >>> try:
    ...     mke.config.explain("auth.sessions.lifetime_minute")
    ... except KeyError as error:
    ...     print(type(error).__name__, error.kind, error.nearest)
    UnknownKeyError UnknownKey auth.sessions.lifetime_minutes
"""

from __future__ import annotations

from mke._errors.agent import *
from mke._errors.auth import *
from mke._errors.base import *
from mke._errors.client import *
from mke._errors.core import *
from mke._errors.net import *
from mke._errors.rbac import *

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mke._table import Table
    from mke.config import Problem

__all__ = [
    "AccessDeniedError",
    "AccountError",
    "AddressCapacityError",
    "AddressPoolError",
    "AdmissionClusterError",
    "AdmissionError",
    "AdmissionManifestsError",
    "AdmissionSettingsError",
    "AdoptionError",
    "AgentError",
    "AllocateError",
    "ApiError",
    "AuthError",
    "AuthorityError",
    "AutodetectionError",
    "AzureMetadataError",
    "AzurePoolError",
    "AzureSizingError",
    "BadAnswerError",
    "BadRequestError",
    "BalancerError",
    "BundleError",
    "BundlePlaceError",
    "CertificateChainError",
    "CertificateNameError",
    "ClientError",
    "ClusterStoreError",
    "CollectionRefusedError",
    "ConfigEditError",
    "ConfigError",
    "ConfigPathError",
    "ConfigurationChangeError",
    "ConfigurationObjectError",
    "ConflictError",
    "ControllerError",
    "DaemonError",
    "DaemonFileError",
    "DaemonSettingError",
    "DecisionError",
    "DefaultCollectionRefusedError",
    "DirectoryError",
    "DistrustError",
    "EngineCallError",
    "EngineError",
    "EngineForwardError",
    "EngineJsonError",
    "EngineLabelError",
    "EnginePathError",
    "EngineQueryError",
    "EngineRequestError",
    "EngineRouteError",
    "EngineShapeError",
    "ForbiddenError",
    "GrantRefusedError",
    "HostError",
    "IdentityError",
    "ImageReferenceError",
    "ImpersonationError",
    "InquiryError",
    "InquiryFlagError",
    "InstallError",
    "InvalidNameError",
    "InvalidValueError",
    "InvalidVersionError",
    "JobError",
    "KernelError",
    "KernelKeyError",
    "KeyRefusedError",
    "KubernetesDraftError",
    "KubernetesWriteError",
    "LdapError",
    "LdapFetchError",
    "LdapFilterError",
    "LdapLoginError",
    "LdapMessageError",
    "LdapNameError",
    "LdapSyncError",
    "LdapTlsError",
    "LicenseError",
    "LoginError",
    "ManifestError",
    "MigrationError",
    "MigrationFlagError",
    "MigrationHostError",
    "MigrationObstacleError",
    "MissingLibraryError",
    "MkeError",
    "MtuError",
    "MutualTlsError",
    "NoPlaceError",
    "NoSuchContextError",
    "NodeCertificateError",
    "NodeFactsError",
    "NodeObservationError",
    "NodeStepError",
    "NotFoundError",
    "NotLoggedInError",
    "PasswordError",
    "PkiError",
    "PlacementError",
    "PodSecurityPolicyError",
    "PolicyChangeError",
    "PolicyError",
    "PolicyStoreError",
    "PolicyWarningError",
    "PortConflictError",
    "PortRangeError",
    "ProofError",
    "PublicKeyError",
    "RecordError",
    "RegistryDeniedError",
    "RegistryScopeError",
    "RenderError",
    "RequestTimeoutError",
    "RoleError",
    "SamlAdmissionError",
    "SamlError",
    "SamlHostError",
    "SamlKeyError",
    "SamlMetadataError",
    "SamlRefusedError",
    "ScimError",
    "ScimTokenError",
    "SealError",
    "SecondFactorError",
    "ServerError",
    "SessionError",
    "StateError",
    "StorageError",
    "StoreAdminError",
    "StoreError",
    "TooManyRequestsError",
    "UnauthenticatedError",
    "UnknownKeyError",
    "UnreachableError",
    "UnreadableObjectError",
    "UntrustedError",
    "UpgradeRefusedError",
    "WaitTimeoutError",
]


class ConfigError(MkeError, ValueError):
    """A configuration with mistakes: all of them, in `problems`, each with its line, column, key and remedy."""

    problems: Table[Problem]


class ConfigEditError(MkeError, ValueError):
    """A key cannot be set or removed there. The document is as it was."""


class ConfigPathError(MkeError, ValueError):
    """A text is no path of a key."""


class UnknownKeyError(MkeError, KeyError):
    """There is no such key of the configuration.

    Attributes:
        key: what was asked for.
        nearest: the known key that is most like it, or None.
    """

    key: str
    nearest: str | None

    def __str__(self) -> str:
        # `KeyError` would show the text in quotes.
        return Exception.__str__(self)
