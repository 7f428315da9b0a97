"""The errors of `mke-rbac`: policies, requests, admission. Public in `mke.errors`."""

from __future__ import annotations

from mke._errors.base import MkeError as _MkeError

__all__ = [
    "AccessDeniedError",
    "AdmissionClusterError",
    "AdmissionError",
    "AdmissionManifestsError",
    "AdmissionSettingsError",
    "CollectionRefusedError",
    "DecisionError",
    "DefaultCollectionRefusedError",
    "EngineCallError",
    "EngineForwardError",
    "EngineJsonError",
    "EngineLabelError",
    "EnginePathError",
    "EngineQueryError",
    "EngineRequestError",
    "EngineRouteError",
    "EngineShapeError",
    "GrantRefusedError",
    "ImpersonationError",
    "InquiryError",
    "InquiryFlagError",
    "KubernetesDraftError",
    "KubernetesWriteError",
    "ManifestError",
    "PodSecurityPolicyError",
    "PolicyChangeError",
    "PolicyError",
    "PolicyWarningError",
    "ProofError",
    "RegistryDeniedError",
    "RegistryScopeError",
    "RoleError",
    "StateError",
    "UnreadableObjectError",
]


class PolicyError(_MkeError, ValueError):
    """Something about accounts, roles, collections or grants cannot be as it is asked for."""


class AdmissionError(_MkeError, ValueError):
    """What admission of objects is asked, or is set to, cannot be read."""


class EngineRequestError(_MkeError, ValueError):
    """A request to the Engine API is not one that can be judged."""


class PolicyChangeError(PolicyError):
    """A change of accounts, roles or grants cannot be applied to this policy."""


class AccessDeniedError(_MkeError, PermissionError):
    """It is refused, for the reason in `kind`."""


class DecisionError(PolicyError):
    """A request cannot be judged, whoever asks: it places something in a collection that is not there, or moves
    what cannot be moved."""


class PolicyWarningError(PolicyError):
    """Something in a policy has no effect because it names what does not exist."""


class CollectionRefusedError(PolicyError):
    """A collection cannot be made or removed."""


class DefaultCollectionRefusedError(PolicyError):
    """A collection cannot be somebody's default."""


class GrantRefusedError(PolicyError):
    """A grant cannot be made."""


class PodSecurityPolicyError(AdmissionError):
    """An object is no usable pod security policy."""


class EngineCallError(EngineRequestError):
    """A request to the Engine API cannot be classified. It is then refused, whoever asks."""


class EngineForwardError(EngineRequestError):
    """A judged request cannot be written out for the engine."""


class EngineJsonError(EngineRequestError):
    """A body is not accepted as JSON."""


class EnginePathError(EngineRequestError):
    """The target of a request is no path that everybody reads alike."""


class EngineQueryError(EngineRequestError):
    """A parameter of a request cannot be read."""


class EngineRouteError(EngineRequestError):
    """A request belongs to no endpoint of the Engine API."""


class EngineShapeError(EngineRequestError):
    """A body does not have the form of its endpoint."""


class EngineLabelError(EngineRequestError):
    """A label looks like the one that places objects and is not it: `found`, `meant`."""


class InquiryFlagError(_MkeError, ValueError):
    """The short form of a change, such as `grant:SUBJECT:ROLE:COLLECTION`, is none: `form` says how it is
    written."""


class ImpersonationError(_MkeError, PermissionError):
    """An impersonation makes no sense, whoever asks for it."""


class KubernetesWriteError(_MkeError, PermissionError):
    """A role or a binding of Kubernetes may not be written by who asks."""


class KubernetesDraftError(PolicyError):
    """A grant in Kubernetes cannot be made from its names."""


class RegistryDeniedError(AccessDeniedError):
    """A registry is not used, for the reason in `kind`."""


class RegistryScopeError(_MkeError, ValueError):
    """A scope that a registry asks for cannot be read."""


class InquiryError(_MkeError, ValueError):
    """A question has no answer, whatever the policy says. The kind is `Field` (a field that cannot stay as it is: `field`,
    `problem`), `Form` (`problem`), `Unknown` (a name that stands for nothing: `field`, `what`, `name`) or `Request` (the
    request cannot be judged: `code`, `problem`)."""


class ManifestError(_MkeError, ValueError):
    """Manifests of roles and bindings with mistakes: all of them, in `problems`, each with `document`, `object`, `field` and
    `message`."""


class ProofError(_MkeError, ValueError):
    """A proof that the facts do not bear out."""


class RoleError(PolicyError):
    """A role that cannot be: all reasons, in `problems`."""


class StateError(PolicyError):
    """A text that is no usable state. Of the kind `Problems` it names all of them, in `problems`; of `NoSuchWorld` the worlds
    that there are, in `known`."""


class AdmissionClusterError(AdmissionError):
    """Objects of a cluster that admission cannot use: all of them, in `problems`."""


class AdmissionManifestsError(AdmissionError):
    """Manifests that cannot be read. The text names the document."""


class AdmissionSettingsError(AdmissionError):
    """Settings of admission that name what is not there, or are idle: all of them, in `problems`."""


class UnreadableObjectError(AdmissionError):
    """A field of an object that has not the type that the API gives it: `path`, `expected`, `found`."""
