"""What can go wrong, one class for each error of the libraries.

Every class derives from `MkeError`, and from a builtin exception where one fits, so that code which knows nothing of `mke`
catches it as well.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mke.config import Problem

__all__ = [
    "AdmissionClusterError",
    "AdmissionManifestsError",
    "AdmissionSettingsError",
    "ApiError",
    "BadAnswerError",
    "BadRequestError",
    "ClientError",
    "ConfigEditError",
    "ConfigError",
    "ConfigPathError",
    "ConflictError",
    "ForbiddenError",
    "InquiryError",
    "InvalidValueError",
    "ManifestError",
    "MissingLibraryError",
    "MkeError",
    "NoSuchContextError",
    "NotFoundError",
    "NotLoggedInError",
    "ProofError",
    "RequestTimeoutError",
    "RoleError",
    "ServerError",
    "StateError",
    "TooManyRequestsError",
    "UnauthenticatedError",
    "UnknownKeyError",
    "UnreachableError",
    "UnreadableObjectError",
    "UntrustedError",
    "WaitTimeoutError",
]


class MkeError(Exception):
    """An error of `mke`.

    Attributes:
        kind: which case it is, a word that does not change (`"NotATable"`).
        fields: what else is known, by name; each is an attribute as well.
    """

    kind: str
    fields: dict[str, Any]

    def __init__(self, message: str, kind: str = "", /, **fields: Any) -> None:
        super().__init__(message)
        self.kind = kind or type(self).__name__
        self.fields = fields

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("fields", {})
        if name in fields:
            return fields[name]
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")


class InvalidValueError(MkeError, ValueError):
    """An argument has a shape or a value that nothing can be done with."""


class MissingLibraryError(MkeError, ImportError):
    """An optional library is not installed: `library` names it, the text says how to install it."""

    library: str


class ClientError(MkeError):
    """A control plane was not asked, or not answered, as it should be. `kind` says why: `NoSuchContext`, `Bundle`, `File` and others."""


class ApiError(ClientError):
    """The control plane answered that it did not do it.

    Attributes:
        status: the HTTP status.
        code: the word for programs, where there is one: `NO_SUCH_OBJECT`.
        message: what it said, without the request.
        detail: what it said for programs.
        method: the method of the request.
        path: the path of the request.
        retry_after: for how many seconds it wants to be left alone.
    """

    status: int
    code: str | None
    message: str
    detail: Any
    method: str
    path: str
    retry_after: float | None


class BadRequestError(ApiError, ValueError):
    """What was sent makes no sense (400, 413). `detail` names each mistake where there can be several."""


class UnauthenticatedError(ApiError, PermissionError):
    """Nothing proves who asks: a wrong password, a session that is over, a certificate that was taken back (401)."""


class ForbiddenError(ApiError, PermissionError):
    """Who asks may not do it (403)."""


class NotFoundError(ApiError, LookupError):
    """What is named is not there, or not for who asks (404)."""


class ConflictError(ApiError):
    """The name is in use, the object is needed, or somebody else was faster (409, 412)."""


class TooManyRequestsError(ApiError):
    """More than the control plane does at once, or too many wrong passwords (429). `retry_after` says how long to wait."""


class ServerError(ApiError):
    """The control plane, or something behind it, does not work (500 and above)."""


class BadAnswerError(ClientError, ValueError):
    """An answer is not what the API promises: `reason` says what is wrong with it."""

    reason: str


class NoSuchContextError(ClientError, LookupError):
    """There is no context of this `name`."""


class NotLoggedInError(ClientError):
    """Nothing says which control plane is meant, or who asks."""


class RequestTimeoutError(ClientError, TimeoutError):
    """No answer came in time. Whether the request was carried out is not known."""


class UnreachableError(ClientError, ConnectionError):
    """There is no connection to the control plane, or it was lost: `reason` says why."""

    reason: str


class UntrustedError(ClientError):
    """The server is not the one that was meant, or nobody can tell. Nothing was sent."""


class WaitTimeoutError(ClientError, TimeoutError):
    """What was waited for did not happen in time.

    Attributes:
        waited: how long was waited, in seconds.
        state: how it was at the end.
    """

    waited: float
    state: str


class ConfigError(MkeError, ValueError):
    """A configuration with mistakes: all of them, in `problems`, each with its line, column, key and remedy."""

    problems: list[Problem]


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


class InquiryError(MkeError, ValueError):
    """A question has no answer, whatever the policy says. The kind is `Field` (a field that cannot stay as it is: `field`,
    `problem`), `Form` (`problem`), `Unknown` (a name that stands for nothing: `field`, `what`, `name`) or `Request` (the
    request cannot be judged: `code`, `problem`)."""


class ManifestError(MkeError, ValueError):
    """Manifests of roles and bindings with mistakes: all of them, in `problems`, each with `document`, `object`, `field` and
    `message`."""


class ProofError(MkeError, ValueError):
    """A proof that the facts do not bear out."""


class RoleError(MkeError, ValueError):
    """A role that cannot be: all reasons, in `problems`."""


class StateError(MkeError, ValueError):
    """A text that is no usable state. Of the kind `Problems` it names all of them, in `problems`; of `NoSuchWorld` the worlds
    that there are, in `known`."""


class AdmissionClusterError(MkeError, ValueError):
    """Objects of a cluster that admission cannot use: all of them, in `problems`."""


class AdmissionManifestsError(MkeError, ValueError):
    """Manifests that cannot be read. The text names the document."""


class AdmissionSettingsError(MkeError, ValueError):
    """Settings of admission that name what is not there, or are idle: all of them, in `problems`."""


class UnreadableObjectError(MkeError, ValueError):
    """A field of an object that has not the type that the API gives it: `path`, `expected`, `found`."""
