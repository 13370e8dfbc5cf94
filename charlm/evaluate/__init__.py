"""The measurements, one file each: a file is a subcommand of ``charlm eval``."""

from charlm.base.registry import Registry
from charlm.evaluate._base import Coloured, Findings, Guess, Measurement, Subject

MEASUREMENTS: Registry[Measurement] = Registry(__name__, Measurement)  # type: ignore[type-abstract]

__all__ = [
    "MEASUREMENTS",
    "Coloured",
    "Findings",
    "Guess",
    "Measurement",
    "Subject",
]
