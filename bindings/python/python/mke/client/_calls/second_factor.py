"""A code of an authenticator app besides the password, and accounts that failed logins have locked."""

from __future__ import annotations

from mke.client._flow import Flow, Request, call, change, fetch, get, path, send, texts_of
from mke.client._records import Enrolment, LoginLock, SecondFactor


@call
def get_(account: str) -> Flow[SecondFactor]:
    """Whether logins of an account need a code. For the account itself and administrators."""
    return SecondFactor.read((yield from get("accounts", account, "secondFactor")))


@change
def enrol(account: str, password: str) -> Flow[Enrolment]:
    """Makes a seed and shows it once. It counts when it is confirmed. Only for the account itself.

    Raises:
        mke.errors.UnauthenticatedError: the password is wrong.
        mke.errors.ConflictError: a second factor is on already.
    """
    request = Request("POST", path("accounts", account, "secondFactor"), {"password": password})
    return Enrolment.read((yield from fetch(request)))


@change
def confirm(account: str, code: str) -> Flow[tuple[str, ...]]:
    """Switches it on with the first code, and returns the recovery codes, which are shown once. Other sessions end.

    Raises:
        mke.errors.UnauthenticatedError: the code is wrong.
        mke.errors.TooManyRequestsError: too many codes were wrong.
    """
    answer = yield from fetch(Request("POST", path("accounts", account, "secondFactor", "confirm"), {"code": code}))
    return texts_of(answer, "recoveryCodes")


@change
def renew_recovery_codes(account: str, password: str, code: str) -> Flow[tuple[str, ...]]:
    """Makes new recovery codes; the old ones open nothing any more."""
    place = path("accounts", account, "secondFactor", "recoveryCodes")
    answer = yield from fetch(Request("POST", place, {"password": password, "code": code}))
    return texts_of(answer, "recoveryCodes")


@change
def disable(account: str, password: str, code: str) -> Flow[None]:
    """Switches off one's own second factor."""
    place = path("accounts", account, "secondFactor", "disable")
    yield from send(Request("POST", place, {"password": password, "code": code}))


@change
def switch_off(account: str) -> Flow[None]:
    """Switches off that of somebody else who lost their device. Administrators only."""
    yield from send(Request("DELETE", path("accounts", account, "secondFactor")))


@call
def lock(account: str) -> Flow[LoginLock]:
    """Whether failed logins have locked an account. Administrators only."""
    return LoginLock.read((yield from get("accounts", account, "loginLock")))


@change
def unlock(account: str) -> Flow[bool]:
    """Opens the lock and forgets failed logins. Returns whether there was one. Administrators only."""
    answer = yield from fetch(Request("DELETE", path("accounts", account, "loginLock")))
    return bool(answer["wasLocked"])
