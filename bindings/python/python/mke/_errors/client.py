"""The errors of `mke-client`: control planes and how they are reached. Public in `mke.errors`."""

from __future__ import annotations

from mke._errors.base import MkeError as _MkeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "ApiError",
    "BadAnswerError",
    "BadRequestError",
    "ClientError",
    "ConflictError",
    "ForbiddenError",
    "NoSuchContextError",
    "NotFoundError",
    "NotLoggedInError",
    "RequestTimeoutError",
    "ServerError",
    "TooManyRequestsError",
    "UnauthenticatedError",
    "UnreachableError",
    "UntrustedError",
    "WaitTimeoutError",
]


class ClientError(_MkeError):
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
