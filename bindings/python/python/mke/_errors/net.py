"""The errors of `mke-net`: addresses, ports, nodes of Azure. Public in `mke.errors`."""

from __future__ import annotations

from mke._errors.base import MkeError as _MkeError

__all__ = [
    "AddressCapacityError",
    "AzureMetadataError",
    "AzurePoolError",
    "AzureSizingError",
    "DaemonSettingError",
    "MtuError",
    "PortConflictError",
    "PortRangeError",
]


class AddressCapacityError(_MkeError, ValueError):
    """A range of addresses is too small for what is wanted of it."""


class AzureMetadataError(_MkeError, ValueError):
    """An answer of the metadata service of Azure is not understood."""


class AzurePoolError(_MkeError, ValueError):
    """There is no address for a pod."""


class AzureSizingError(_MkeError, ValueError):
    """The numbers of addresses and nodes do not fit together."""


class MtuError(_MkeError, ValueError):
    """A packet size does not work: `largest` says what does."""


class DaemonSettingError(_MkeError, ValueError):
    """A setting of the engine means nothing as it is written: `line`, `column`, `key`."""


class PortConflictError(_MkeError, ValueError):
    """Two uses of ports exclude each other."""


class PortRangeError(_MkeError, ValueError):
    """A text is no set of ports."""
