"""Synthetic data with known entropy: the commands of ``corpus make``."""

from charlm.base.registry import Registry
from charlm.data.synthetic_source import Source

SOURCES: Registry[Source] = Registry(__name__, Source)  # type: ignore[type-abstract]

__all__ = ["SOURCES"]
