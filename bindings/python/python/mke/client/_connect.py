"""What `Client` and `AsyncClient` do alike before and around requests."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any

    from mke._native.client import Answer

from mke._native.client import authority, authority_async
from mke.client._flow import Flow, Request, fetch, given, parts, text, text_of
from mke.errors import ApiError, InvalidValueError


def authority_text(ca: str | None, ca_file: str | os.PathLike[str] | None) -> str | None:
    """The authority that was given as a text or a file."""
    if ca_file is None:
        return ca
    if ca is not None:
        raise InvalidValueError("ca: ca_file is given as well: say one of both")
    with open(ca_file, encoding="utf-8") as file:
        return file.read()


def vouched(url: str, fingerprint: str, ca: str | None, insecure: bool, timeout: float) -> str:
    """The authority with this fingerprint."""
    _alone(ca, insecure)
    return authority(url, fingerprint, timeout=timeout)


async def vouched_async(url: str, fingerprint: str, ca: str | None, insecure: bool, timeout: float) -> str:
    """The authority with this fingerprint."""
    _alone(ca, insecure)
    return await authority_async(url, fingerprint, timeout=timeout)


def _alone(ca: str | None, insecure: bool) -> None:
    if ca is not None or insecure:
        raise InvalidValueError("fingerprint: say either an authority, its fingerprint, or insecure=True")


def login_call(username: str, password: str, code: str | None) -> Flow[str]:
    """Logs in, and returns the token of the session."""
    body = given(username=username, password=password, code=code)
    answer = yield from fetch(Request("POST", "/auth/login", body))
    return text_of(answer, "auth_token")


def logout_call() -> Flow[None]:
    """Ends the session. One that is over already is none."""
    try:
        yield Request("POST", "/id/logout")
    except ApiError as error:
        if error.status != 401:
            raise


def raw_request(
    method: str,
    path: str,
    json: Any,
    data: bytes | str | None,
    query: Mapping[str, str | int | bool | None] | None,
    content_type: str,
    if_match: str | None,
    accept: str | None,
    timeout: float | None,
    check: bool,
) -> Request:
    """A request in the words of its sender."""
    path = text("path", path)
    found = parts(query)
    if found:
        path += ("&" if "?" in path else "?") + "&".join(found)
    return Request(
        text("method", method).upper(),
        path,
        json,
        data.encode() if isinstance(data, str) else data,
        content_type,
        if_match,
        accept,
        timeout=timeout,
        check=check,
    )


def one(request: Request) -> Flow[Answer]:
    """One request as a call."""
    return (yield request)
