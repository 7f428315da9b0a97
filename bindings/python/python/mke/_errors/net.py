"""The errors of `mke-net`: addresses, ports, nodes of Azure. Public in `mke.errors`."""

from __future__ import annotations

from mke._errors.base import MkeError as _MkeError

__all__ = [
    "AddressCapacityError",
    "AddressPoolError",
    "AllocateError",
    "AutodetectionError",
    "AzureMetadataError",
    "AzurePoolError",
    "AzureSizingError",
    "BalancerError",
    "DaemonFileError",
    "DaemonSettingError",
    "HostError",
    "KernelError",
    "KernelKeyError",
    "MtuError",
    "NoPlaceError",
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


class AddressPoolError(_MkeError, ValueError):
    """A pool of addresses cannot be cut into networks of that size."""


class AllocateError(_MkeError, LookupError):
    """The Engine finds no place for a network."""


class AutodetectionError(_MkeError, ValueError):
    """A text is no method of finding a node's address."""


class BalancerError(_MkeError, ValueError):
    """Nothing sensible can be balanced; `problems` has every reason where there can be several."""


class DaemonFileError(_MkeError, ValueError):
    """A `daemon.json` that is no JSON object, with its `line` and `column`; the Engine does not start with it."""


class HostError(_MkeError, OSError):
    """The routes and addresses of a host cannot be read: `path` says where."""


class KernelError(_MkeError, OSError):
    """Kernel parameters could not be read or changed. Whatever fails, the journal remembers the values from before."""


class KernelKeyError(_MkeError, ValueError):
    """A text names no kernel parameter."""


class NoPlaceError(_MkeError, LookupError):
    """No private network is free; `problems` has a sentence for everything that found no place."""
