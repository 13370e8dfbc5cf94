"""Recurrent cells, one file each."""

from charlm.base.registry import Registry
from charlm.nn.cell import Cell

CELLS: Registry[Cell] = Registry(__name__, Cell)  # type: ignore[type-abstract]

__all__ = ["CELLS"]
