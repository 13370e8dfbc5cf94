"""What a pass over a chunk works on: buffers that are allocated once, and the noise of training."""

from __future__ import annotations

import numpy as np

from charlm.architecture import Architecture
from charlm.arrays import Floats, empty_steps
from charlm.config import OptimisationConfig
from charlm.dropout import Dropout, SymbolDropout, WeightDrop
from charlm.residual import Residual

QUIET = OptimisationConfig(dropout=0, input_dropout=0, weight_drop=0)


class Workspace:
    """Buffers for chunks of up to ``seq_len`` steps of ``batch_size`` streams.

    Attributes:
        laps: the clock of the passes.
        a: each layer's pre-activations (T, B, G).
        tapes: each layer's tape.
        dh_TBH: a gradient with respect to a layer's output.
        outputs: of the last pass, what each layer handed upwards (T, B, H).
        residual: connections around layers.
        dropout: of units that leave a layer upwards.
        symbol_dropout: of the network's input.
        weight_drop: of recurrent weights.
    """

    def __init__(
        self, model: Architecture, seq_len: int, batch_size: int, noise: OptimisationConfig = QUIET
    ) -> None:
        """Allocate for a network, with the noise that these settings ask for, by default none."""
        hidden, dtype = model.config.hidden, model.dtype
        layers = range(model.config.layers)
        bench = model.cell.workbench(seq_len, batch_size, hidden, dtype)
        shape = (seq_len, batch_size, hidden)
        self.laps = bench.laps
        self.a = [empty_steps(seq_len, batch_size, model.width, dtype=dtype) for _ in layers]
        self.tapes = [model.cell.tape(*shape, dtype, bench) for _ in layers]
        self.dh_TBH: Floats = np.empty(shape, dtype)
        self.outputs: list[Floats] = []
        self.residual = Residual(len(layers), shape, dtype, model.config.residual)
        self.dropout = Dropout(len(layers), shape, dtype, noise.dropout, noise.locked_dropout)
        self.symbol_dropout = SymbolDropout(noise.input_dropout)
        self.weight_drop = WeightDrop(len(layers), (hidden, model.width), dtype, noise.weight_drop)
