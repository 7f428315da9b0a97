"""The configuration file: read, check, edit without losing a comment, compare, convert."""

from __future__ import annotations

from mke._native.config import Document as Document

__all__ = ["Document"]
