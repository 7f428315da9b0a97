"""Fixtures of the package's own plugin, also when the package is not installed but lies beside these tests."""

from __future__ import annotations

from importlib.metadata import entry_points

# Installed, pytest finds the plugin itself, and may not be told twice.
pytest_plugins = [] if any(plugin.value == "mke.testing" for plugin in entry_points(group="pytest11")) else ["mke.testing"]
