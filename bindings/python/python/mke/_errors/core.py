"""The errors of `mke-core`: names, configuration, certificates, store. Public in `mke.errors`."""

from __future__ import annotations

from mke._errors.base import MkeError as _MkeError

__all__ = [
    "CertificateChainError",
    "CertificateNameError",
    "DistrustError",
    "ImageReferenceError",
    "InvalidNameError",
    "InvalidVersionError",
    "KeyRefusedError",
    "MigrationError",
    "MigrationFlagError",
    "MigrationHostError",
    "MigrationObstacleError",
    "PkiError",
    "RenderError",
    "SealError",
    "StoreAdminError",
    "StoreError",
    "UpgradeRefusedError",
]


class MigrationError(_MkeError, ValueError):
    """A configuration or a cluster cannot go to the next product as it is."""


class MigrationFlagError(MigrationError):
    """A flag for the next product cannot be used: `flag`."""


class MigrationHostError(MigrationError):
    """A field of the file of hosts for the next product cannot be used: `field`."""


class MigrationObstacleError(MigrationError):
    """Something of a cluster must be mended before it goes to the next product."""


class InvalidNameError(_MkeError, ValueError):
    """A text is no valid name: `what` it was to name."""


class PkiError(_MkeError, ValueError):
    """A certificate, a key or a signing request cannot be made, read or trusted."""


class DistrustError(PkiError):
    """A chain of certificates does not prove what it should."""


class KeyRefusedError(PkiError):
    """A key cannot be used: too short, of the wrong kind, known to be weak."""


class CertificateNameError(PkiError):
    """A text cannot be the name of a server in a certificate."""


class CertificateChainError(PkiError):
    """A certificate, its key and its chain cannot serve."""


class ImageReferenceError(_MkeError, ValueError):
    """A text names no image of the product."""


class UpgradeRefusedError(_MkeError, ValueError):
    """An upgrade is not possible: `from_`, `to`, `why`, and `allowed` ones."""


class InvalidVersionError(_MkeError, ValueError):
    """A text is no version."""


class RenderError(_MkeError, ValueError):
    """A configuration of another program cannot be written."""


class SealError(_MkeError, ValueError):
    """Something was not sealed or opened. The text says nothing about the content."""


class StoreError(_MkeError, OSError):
    """The store did not do what was asked."""


class StoreAdminError(StoreError):
    """The store of a cluster did not say or do what an administrator asked."""
