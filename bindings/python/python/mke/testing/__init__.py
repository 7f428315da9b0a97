"""For pytest: policies and control planes as fixtures, and assertions that say why they fail.

pytest loads this by itself where `mke` is installed. The fixture `policy` is the one in the state that the project's
configuration names, or a marker:

    [tool.pytest.ini_options]
    mke_state = "access/state.yaml"

    @pytest.mark.mke_state("other.yaml", world="bank")
    def test_dina_only_looks(policy):
        assert_allowed(policy.decide("dina", "Service View", "/Prod"))
        assert_denied(policy.decide("dina", "Service Create", "/Prod"), "missing-operation")

The fixtures `mke_server` and `mke_client` are a real control plane: see `mke.testing.server`.
"""

from __future__ import annotations

from mke.testing.policies import assert_allowed as assert_allowed
from mke.testing.policies import assert_denied as assert_denied
from mke.testing.policies import assert_holds as assert_holds
from mke.testing.policies import assert_only as assert_only
from mke.testing.policies import policy as policy
from mke.testing.policies import pytest_configure as pytest_configure
from mke.testing.server import Server as Server
from mke.testing.server import find_ucp as find_ucp
from mke.testing.server import mke_client as mke_client
from mke.testing.server import mke_server as mke_server

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pytest

__all__ = [
    "Server",
    "assert_allowed",
    "assert_denied",
    "assert_holds",
    "assert_only",
    "find_ucp",
    "mke_client",
    "mke_server",
    "policy",
    "pytest_addoption",
    "pytest_configure",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of both kinds of fixtures."""
    from mke.testing import policies, server

    policies.pytest_addoption(parser)
    server.pytest_addoption(parser)
