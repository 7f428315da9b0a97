"""The errors of `mke-agent`: nodes, installation, the controller, and what only the programs on a node meet. Public in `mke.errors`."""

from __future__ import annotations

from mke._errors.base import MkeError as _MkeError

__all__ = [
    "AgentError",
    "AuthorityError",
    "ClusterStoreError",
    "ConfigurationChangeError",
    "ConfigurationObjectError",
    "ControllerError",
    "DaemonError",
    "EngineError",
    "InstallError",
    "LicenseError",
    "MutualTlsError",
    "NodeCertificateError",
    "NodeFactsError",
    "NodeObservationError",
    "NodeStepError",
    "PlacementError",
    "PolicyStoreError",
]


class AgentError(_MkeError):
    """Something on a node, or between nodes, failed."""


class DaemonError(AgentError):
    """What only the programs on a node meet; it is here so that no error of the libraries is without a class."""


class ClusterStoreError(AgentError):
    """The store of a cluster of managers cannot be reached, or its members cannot be changed safely."""


class NodeCertificateError(AgentError):
    """A node has no usable certificate, or is not given one."""


class ControllerError(AgentError):
    """The controller did not do a request, did not start, or answered as it should not."""


class AuthorityError(ControllerError):
    """The authority of the controller cannot be used: there is no certificate to serve with, or a new one was not
    taken."""


class PolicyStoreError(ControllerError):
    """A role, a collection, a grant or a default collection was not written."""


class ConfigurationChangeError(ControllerError):
    """The configuration was not changed. Nothing of the change was applied, except where the text says so."""


class LicenseError(ControllerError, ValueError):
    """A text is no licence, or a licence was not kept. Nothing of the text is shown: it may be a secret."""


class ConfigurationObjectError(ControllerError):
    """A configuration in the swarm is not there or cannot be used for an installation."""


class EngineError(AgentError, OSError):
    """The container engine gave no usable answer."""


class PlacementError(AgentError, LookupError):
    """There is no node to put a container on: `why` says for each rule how many nodes it left."""


class InstallError(AgentError):
    """Installing, upgrading, removing, backing up or restoring stopped: `kind` says where."""


class MutualTlsError(AgentError, ConnectionError):
    """A certificate or a connection between components does not work."""


class NodeFactsError(AgentError, ValueError):
    """Facts about a node cannot be used: all problems, in `problems`."""


class NodeObservationError(AgentError, OSError):
    """A node cannot be seen."""


class NodeStepError(AgentError, OSError):
    """A step on a node failed."""
