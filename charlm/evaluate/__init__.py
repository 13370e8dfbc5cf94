"""The measurements, one file each: a file is a subcommand of ``charlm eval``."""

from charlm.evaluate._base import Coloured, Column, Curve, Findings, Guess, Measurement, Subject, Table
from charlm.registry import Registry

MEASUREMENTS: Registry[Measurement] = Registry(__name__, Measurement)  # type: ignore[type-abstract]

__all__ = [
    "MEASUREMENTS",
    "Coloured",
    "Column",
    "Curve",
    "Findings",
    "Guess",
    "Measurement",
    "Subject",
    "Table",
]
