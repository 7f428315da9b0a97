"""The control plane itself: its health, versions, certificates and tokens."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mke._table import Table
    from mke.config import Secret

from mke.client._flow import Flow, Request, call, change, get, get_object, given, path, send, text, text_of, texts_of, wait
from mke.client._system_records import Banner, Health, ServerCertificate
from mke.errors import ClientError

_CERTIFICATES = ("api", "ucp", "config", "certs")


@call
def health() -> Flow[Health]:
    """Whether the manager that answers works."""
    answer = yield Request("GET", path("_ping"), check=False)
    return Health(answer.ok, answer.text if not answer.ok else "")


@call
def wait_healthy(*, timeout: float = 300.0, interval: float = 1.0) -> Flow[Health]:
    """Waits until the manager that answers works. Nobody that answers is waited for as well.

    Args:
        timeout: how long, in seconds.
        interval: how long between two looks, in seconds.

    Raises:
        mke.errors.WaitTimeoutError: it did not in time; `state` says what it said. It is a `TimeoutError`.
    """

    def look() -> Flow[tuple[Health | None, str]]:
        try:
            found = yield from health()
        except ClientError as error:
            if error.kind not in ("Unreachable", "TimedOut"):
                raise
            return None, f"{error}"
        return (found if found else None), found.message or "it says nothing"

    return (yield from wait("the control plane is not healthy", look, timeout, interval))


@call
def version() -> Flow[dict[str, Any]]:
    """The versions of the control plane and of the engine behind it, as `docker version` shows them."""
    return (yield from get_object("version"))


@call
def info() -> Flow[dict[str, Any]]:
    """What `docker info` shows. Needs an engine."""
    return (yield from get_object("info"))


@call
def authority() -> Flow[str]:
    """The authority that the server's certificate chains to (PEM)."""
    answer = yield Request("GET", path("ca"))
    return answer.text


@call
def banners() -> Flow[Table[Banner]]:
    """What everybody who logs in must be told, such as that a certificate ends soon."""
    return Banner.read_table((yield from get("api", "banner")))


@call
def metrics() -> Flow[str]:
    """The counters of the controller that answers, as Prometheus reads them."""
    answer = yield Request("GET", path("metrics"))
    return answer.text


@call
def certificate() -> Flow[ServerCertificate]:
    """The certificate that the server shows. Administrators only."""
    return ServerCertificate.read((yield from get(*_CERTIFICATES)))


@change
def set_certificate(certificate: str, key: str | Secret, *, ca: str = "", client_cas: str | None = None) -> Flow[None]:
    """Replaces the certificate that the server shows. Bundles name the authority before, so their users need new ones.

    Args:
        certificate: the certificate and what lies between it and the authority (PEM).
        key: its private key (PEM).
        ca: the authority (PEM).
        client_cas: further authorities whose certificates open accounts (PEM); as before when it is `None`.

    Raises:
        mke.errors.BadRequestError: they do not belong together, or cannot serve. Nothing was changed.
    """
    expose = getattr(key, "expose", None)
    secret = text("key", key if expose is None else expose())
    body = given(cert=certificate, key=secret, ca=ca, clientCAs=client_cas)
    yield from send(Request("PUT", path(*_CERTIFICATES), body))


@call
def registry_authorities() -> Flow[str]:
    """The authorities of the trusted registries, for whoever has to trust them too (PEM)."""
    answer = yield Request("GET", path("trustedregistryca"))
    return answer.text


@call
def token_keys() -> Flow[dict[str, Any]]:
    """The public keys that tokens for registries are signed with, as a set of JSON Web Keys."""
    return (yield from get_object("openid_keys"))


@call
def pre_logon_message() -> Flow[str]:
    """What everybody is shown before logging in; empty for nothing."""
    return text_of((yield from get("api", "ucp", "pre-logon-message")), "message")


@call
def metrics_targets() -> Flow[tuple[str, ...]]:
    """Where Prometheus finds the counters: HOST:PORT of each controller."""
    found = yield from get("metricsdiscovery")
    return tuple(target for group in found for target in texts_of(group, "targets"))


@call
def registry_token(service: str, *scopes: str) -> Flow[str]:
    """A token for a registry that trusts this control plane.

    Args:
        service: the name of the registry, as its configuration has it.
        *scopes: what it is for: `repository:NAME:pull,push`.
    """
    answer = yield from get("auth", "token", query={"service": service, "scope": " ".join(scopes) or None})
    return text_of(answer, "token")
