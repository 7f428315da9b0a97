"""Every public error of the libraries has an exception."""

from __future__ import annotations

import builtins
import pickle

import pytest
from rust_errors import ROOT, public_errors

from mke import errors
from mke._native.errors import TABLE

CRATES = [crate for crate in ("mke-core", "mke-rbac", "mke-auth", "mke-net", "mke-client", "mke-agent") if (ROOT / crate).exists()]
CLASSES = [getattr(errors, name) for name in sorted(errors.__all__)]


def entries(path: str) -> list[tuple[str, str, list[str]]]:
    """The lines of the table that may mean a type: some are written with less than the whole path."""
    return [line for line in TABLE if path.endswith(f"::{line[0]}") or line[0].endswith(path) or line[0] == path]


@pytest.mark.parametrize("crate", CRATES)
def test_every_error_of_a_library_has_an_exception_for_every_kind(crate: str) -> None:
    missing = []
    found = public_errors(crate)
    assert found, f"the sources of {crate} are not read any more"
    for error in found:
        kinds = set(error.kinds)
        named = [line for line in entries(error.path) if set(line[2]) == kinds]
        if not named:
            known = {kind for line in entries(error.path) for kind in line[2]}
            missing.append(f"{error.path} ({error.file}): {', '.join(sorted(kinds - known)) or 'other kinds'}")
    assert not missing, "no exception in bindings/python/src/errors for\n" + "\n".join(missing)


def test_every_exception_of_the_table_is_a_class() -> None:
    for error, name, kinds in TABLE:
        assert name in errors.__all__, f"{error} becomes {name}, which mke.errors does not have"
        assert issubclass(getattr(errors, name), errors.MkeError) and kinds


def test_nothing_in_the_table_is_gone_from_the_libraries() -> None:
    names = {error.path.rsplit("::", 1)[1] for crate in CRATES for error in public_errors(crate)}
    # A type that implements the trait by a macro is not found by reading.
    gone = {error for error, _, _ in TABLE if error.rsplit("::", 1)[-1] not in names} - {"config::PathError"}
    assert not gone


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_exceptions_carry_their_kind_and_fields_and_survive_pickling(cls: type[errors.MkeError]) -> None:
    error = cls("it is so", "Kind", place="here", from_="a")
    assert str(error) == "it is so" and error.kind == "Kind" and error.place == "here" and error.from_ == "a"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls and again.kind == "Kind" and again.fields == error.fields and str(again) == str(error)
    assert cls("it is so").kind == cls.__name__
    assert cls.__module__ == "mke.errors" and cls.__name__ not in dir(builtins)
    with pytest.raises(AttributeError, match="has no attribute 'other'"):
        error.other


# Bases of others, and those that mean several things: none of the builtin classes says as much, or says the same.
WITHOUT_BUILTIN = {
    "MkeError",
    *("AgentError", "AuthError", "ClientError", "ControllerError", "SamlError"),
    *("AccountError", "AuthorityError", "BundleError", "DirectoryError", "PublicKeyError", "SamlKeyError"),
    *("ApiError", "ConflictError", "ServerError", "TooManyRequestsError", "NotLoggedInError", "UntrustedError"),
    *("ClusterStoreError", "ConfigurationChangeError", "ConfigurationObjectError", "DaemonError", "InstallError"),
    *("NodeCertificateError", "PolicyStoreError"),
}


def test_a_builtin_class_catches_whatever_fits_one() -> None:
    """Programs that know nothing of this package catch `ValueError`, `OSError`, `PermissionError` and so on."""
    plain = {
        cls.__name__
        for cls in CLASSES
        if not any(issubclass(cls, fits) for fits in (ValueError, LookupError, OSError, ImportError, PermissionError))
    }
    assert plain == WITHOUT_BUILTIN


def test_errors_of_accounts_say_each_kind_and_what_to_do() -> None:
    """Whoever reads the class knows when it is raised, what its kinds are, and what programs can read of them."""
    silent = []
    for error, name, kinds in TABLE:
        text = getattr(errors, name).__doc__ or ""
        if error.startswith("mke_auth::"):
            silent += [f"{name}.{kind}" for kind in kinds if kind not in text]
    assert not silent
