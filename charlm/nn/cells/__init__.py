"""Recurrent cells, one file each: one recurrence, forward and backward."""

from charlm.base.registry import Registry
from charlm.nn.cell import Cell

CELLS: Registry[Cell] = Registry(__name__, Cell)  # type: ignore[type-abstract]

__all__ = ["CELLS"]
