"""Written by tools/make_client.py from the calls of the same name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, overload

    from mke.client._flow import Planned
    from mke.client._records import Enrolment, LoginLock, SecondFactor
else:
    from mke.client._group import overload

from mke.client._calls import second_factor as _calls
from mke.client._group import Group


class SecondFactors(Group):
    """A code of an authenticator app besides the password, and accounts that failed logins have locked."""

    def get(self, account: str) -> SecondFactor:
        """Whether logins of an account need a code. For the account itself and administrators."""
        return self._run(_calls.get_(account))

    @overload
    def enrol(self, account: str, password: str, *, dry_run: Literal[False] = False) -> Enrolment: ...
    @overload
    def enrol(self, account: str, password: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def enrol(self, account: str, password: str, *, dry_run: bool) -> Enrolment | Planned: ...
    def enrol(self, account: str, password: str, *, dry_run: bool = False) -> Enrolment | Planned:
        """Makes a seed and shows it once. It counts when it is confirmed. Only for the account itself.

        Raises:
            mke.errors.UnauthenticatedError: the password is wrong.
            mke.errors.ConflictError: a second factor is on already.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.enrol(account, password), dry_run)

    @overload
    def confirm(self, account: str, code: str, *, dry_run: Literal[False] = False) -> tuple[str, ...]: ...
    @overload
    def confirm(self, account: str, code: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def confirm(self, account: str, code: str, *, dry_run: bool) -> tuple[str, ...] | Planned: ...
    def confirm(self, account: str, code: str, *, dry_run: bool = False) -> tuple[str, ...] | Planned:
        """Switches it on with the first code, and returns the recovery codes, which are shown once. Other sessions end.

        Raises:
            mke.errors.UnauthenticatedError: the code is wrong.
            mke.errors.TooManyRequestsError: too many codes were wrong.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.confirm(account, code), dry_run)

    @overload
    def renew_recovery_codes(
        self, account: str, password: str, code: str, *, dry_run: Literal[False] = False,
    ) -> tuple[str, ...]: ...
    @overload
    def renew_recovery_codes(self, account: str, password: str, code: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def renew_recovery_codes(
        self, account: str, password: str, code: str, *, dry_run: bool,
    ) -> tuple[str, ...] | Planned: ...
    def renew_recovery_codes(
        self, account: str, password: str, code: str, *, dry_run: bool = False,
    ) -> tuple[str, ...] | Planned:
        """Makes new recovery codes; the old ones open nothing any more.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.renew_recovery_codes(account, password, code), dry_run)

    @overload
    def disable(self, account: str, password: str, code: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def disable(self, account: str, password: str, code: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def disable(self, account: str, password: str, code: str, *, dry_run: bool) -> None | Planned: ...
    def disable(self, account: str, password: str, code: str, *, dry_run: bool = False) -> None | Planned:
        """Switches off one's own second factor.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.disable(account, password, code), dry_run)

    @overload
    def switch_off(self, account: str, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def switch_off(self, account: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def switch_off(self, account: str, *, dry_run: bool) -> None | Planned: ...
    def switch_off(self, account: str, *, dry_run: bool = False) -> None | Planned:
        """Switches off that of somebody else who lost their device. Administrators only.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.switch_off(account), dry_run)

    def lock(self, account: str) -> LoginLock:
        """Whether failed logins have locked an account. Administrators only."""
        return self._run(_calls.lock(account))

    @overload
    def unlock(self, account: str, *, dry_run: Literal[False] = False) -> bool: ...
    @overload
    def unlock(self, account: str, *, dry_run: Literal[True]) -> Planned: ...
    @overload
    def unlock(self, account: str, *, dry_run: bool) -> bool | Planned: ...
    def unlock(self, account: str, *, dry_run: bool = False) -> bool | Planned:
        """Opens the lock and forgets failed logins. Returns whether there was one. Administrators only.

        Args:
            dry_run: change nothing, and return the request that would have been sent. What must be known for it is read.
        """
        return self._change(_calls.unlock(account), dry_run)
