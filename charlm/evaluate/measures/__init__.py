"""Measurements, one file each: a file is a subcommand of ``charlm eval``."""

from charlm.base.registry import Registry
from charlm.evaluate.base import Measurement

MEASUREMENTS: Registry[Measurement] = Registry(__name__, Measurement)  # type: ignore[type-abstract]

__all__ = ["MEASUREMENTS"]
