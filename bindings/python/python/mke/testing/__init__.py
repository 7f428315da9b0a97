"""The pytest plugin: control planes and policies for tests."""

from __future__ import annotations

from mke.testing.server import Server as Server
from mke.testing.server import find_ucp as find_ucp
from mke.testing.server import mke_client as mke_client
from mke.testing.server import mke_server as mke_server
from mke.testing.server import pytest_addoption as pytest_addoption

__all__ = ["Server", "find_ucp", "mke_client", "mke_server", "pytest_addoption"]
