"""The recurrent cells, one file each: a file holds one recurrence, forward and backward."""

from charlm.base.registry import Registry
from charlm.cells._base import Cell
from charlm.cells._buffers import Parameters, State, Tape, rows

CELLS: Registry[Cell] = Registry(__name__, Cell)  # type: ignore[type-abstract]

__all__ = ["CELLS", "Cell", "Parameters", "State", "Tape", "rows"]
