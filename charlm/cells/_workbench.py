"""What the layers of a network work on in turn, one layer at a time: buffers whose contents nobody keeps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from charlm.arrays import Floats, Shapes, empty_steps
from charlm.profiling import Laps

# Backward passes first turn activations into local derivatives, a block of time steps at a time: few enough
# values to stay in a core's second-level cache, enough steps to spare the interpreter.
BLOCK_VALUES = 100_000
COPIED_ROWS = 64  # of a matrix at once: their cache lines stay in the first-level cache until they are used up


def block_length(seq_len: int, batch_size: int, width: int) -> int:
    """How many time steps of so many pre-activations a backward pass treats as one block."""
    return min(seq_len, max(1, BLOCK_VALUES // (batch_size * width)))


class Workbench:
    """Buffers for chunks of up to ``seq_len`` steps, for layers of one size, and their clock.

    Attributes:
        W_HG: W_hh with the gates outermost in memory, as products with few streams want it.
        product_BG: a step's recurrent product.
        rows_TBG: the gradient of a layer's pre-activations, in rows.
        dh_TBH: a block of the gradient with respect to the outputs, batch innermost.
        scratch: what the cell asks for.
        laps: the clock of whoever runs the pass.
    """

    def __init__(
        self,
        scratch_shapes: Shapes,
        seq_len: int,
        batch_size: int,
        hidden: int,
        width: int,
        dtype: npt.DTypeLike,
    ) -> None:
        """Allocate for layers of G = ``width``, and the cell's own shapes."""
        self.W_HG = empty_steps(hidden, width, dtype=dtype)
        self.product_BG = empty_steps(batch_size, width, dtype=dtype)
        self.rows_TBG: Floats = np.empty((seq_len, batch_size, width), dtype)
        self.dh_TBH = empty_steps(block_length(seq_len, batch_size, width), batch_size, hidden, dtype=dtype)
        self.scratch: dict[str, Floats] = {
            name: empty_steps(*shape, dtype=dtype) for name, shape in scratch_shapes.items()
        }
        self.laps = Laps()

    def arrange(self, W_hh: Floats) -> None:
        """Copy a layer's recurrent weights [H, G] into ``W_HG``."""
        for start in range(0, len(W_hh), COPIED_ROWS):
            some = slice(start, start + COPIED_ROWS)
            self.W_HG[some] = W_hh[some]
