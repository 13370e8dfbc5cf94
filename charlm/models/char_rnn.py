"""The character-level recurrent network."""

from __future__ import annotations

from typing import Self

import numpy as np

from charlm.base.arrays import FlatVector, Floats, Shapes, TokenIds, id_dtype
from charlm.config import ModelConfig
from charlm.data.batches import Batch, BatchSpec
from charlm.models.architecture import parameter_shapes
from charlm.models.base import BaseModel, NetworkSpec
from charlm.nn.buffers import flatten_time
from charlm.nn.cells import CELLS
from charlm.nn.dropout import NO_REGULARIZATION, Regularization
from charlm.nn.embedding import make_encoding
from charlm.nn.layer import SymbolLayer
from charlm.nn.readout import initialize_readout, logits, loss_and_gradient, nll_nats
from charlm.nn.stack import Stack, StackBuffers
from charlm.nn.state import States, with_reset
from charlm.nn.units import Units


class Model(BaseModel):
    """A recurrent network that predicts the next character."""

    def __init__(
        self, config: ModelConfig, vocab_size: int, params: FlatVector | None = None, inputs: int | None = None
    ) -> None:
        """Predict ``vocab_size`` symbols; more may be read, the start symbols of labels."""
        self.vocab_size = vocab_size
        super().__init__(NetworkSpec("char-rnn", config, inputs or vocab_size, vocab_size), params)

    @classmethod
    def from_spec(cls, spec: NetworkSpec, params: FlatVector | None = None) -> Self:
        """The network on these parameters, or on zeros."""
        return cls(spec.config, spec.outputs, params, spec.inputs)

    @classmethod
    def parameter_shapes(cls, spec: NetworkSpec) -> Shapes:
        """Every parameter's shape."""
        return parameter_shapes(spec.config, spec.outputs, spec.inputs)

    def _use(self, params: FlatVector) -> None:
        self.params = params
        encoding, config = make_encoding(self.config), self.config
        self.stack = Stack(self.cell, params, config.layers, encoding=encoding, is_residual=config.residual)

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw every parameter."""
        self.stack.initialize(rng)
        initialize_readout(self.params, rng)

    def zero_state(self, batch_size: int) -> States:
        """Each layer's zero state (B, H)."""
        return self.stack.zero_state(batch_size)

    def initial_state(self, batch_size: int) -> States:
        """Each layer's initial state (B, H), learned or zero."""
        return self.stack.initial_state(batch_size)

    def buffers(
        self, seq_len: int, batch_size: int, regularization: Regularization = NO_REGULARIZATION
    ) -> StackBuffers:
        """Buffers for up to ``seq_len`` steps."""
        return StackBuffers(self.stack, seq_len, batch_size, regularization)

    @classmethod
    def splits_by_rows(cls, config: ModelConfig) -> bool:
        """Whether the cell can run on a share of the units."""
        return CELLS.find(config.cell).by_rows

    @property
    def own_parameters(self) -> tuple[str, ...]:
        """Those of the layers."""
        return tuple(name for name in self.shapes if name.startswith("layers."))

    def shared_buffers(
        self, seq_len: int, batch_size: int, regularization: Regularization, units: Units
    ) -> StackBuffers:
        """Buffers of a worker's share of the units."""
        return StackBuffers(self.stack, seq_len, batch_size, regularization, units)

    def forward(
        self,
        x_TB: TokenIds,
        state: States,
        buffers: StackBuffers,
        carry_TB: Floats | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[Floats, States]:
        """The outputs (T, B, H), and the state after."""
        return self.stack.forward(x_TB, state, buffers, carry_TB, rng)

    def backward(self, dh_TBH: Floats, dstate: States, buffers: StackBuffers, grads: FlatVector) -> States:
        """The gradient of the first state, without the output layer's."""
        return self.stack.backward(dh_TBH, dstate, buffers, grads)[1]

    def batch_spec(self, seq_len: int, batch_size: int) -> BatchSpec:
        """The fields that ``loss_and_gradient`` reads."""
        shape = (seq_len, batch_size)
        return {
            "x_TB": (shape, id_dtype(self.spec.inputs)),
            "y_TB": (shape, id_dtype(self.vocab_size)),
            "target_mask_TB": (shape, np.dtype(np.bool_)),
            "carry_TB": (shape, self.dtype),
        }

    def loss_and_gradient(
        self,
        batch: Batch,
        state: States,
        buffers: StackBuffers,
        grads: FlatVector,
        rng: np.random.Generator | None = None,
    ) -> tuple[float, States]:
        """The summed loss of a window in nats, and the state after; ``grads`` receives the mean's gradient.

        Truncated backpropagation through time (Werbos 1990; Williams & Peng 1990).
        """
        buffers.stopwatch.begin()
        x_TB, mask_TB = batch["x_TB"], batch.get("target_mask_TB")
        h_TBH, after = self.forward(x_TB, state, buffers, self.carry(batch), rng)
        dh_TBH = buffers.dh_TBH[: len(x_TB)]
        rows = buffers.units.rows(x_TB.size)
        nll_sum = loss_and_gradient(
            self.params,
            flatten_time(h_TBH)[rows],
            batch["y_TB"].reshape(-1)[rows],
            None if mask_TB is None else mask_TB.reshape(-1)[rows],
            batch.num_targets,
            flatten_time(dh_TBH)[rows],
            grads,
        )
        buffers.units.synchronize()
        buffers.stopwatch.end("readout")
        zero = tuple(tuple(np.zeros_like(variable) for variable in layer) for layer in after)
        self.backward(dh_TBH, zero, buffers, grads)
        return nll_sum, after

    def loss(
        self, batch: Batch, state: States, buffers: StackBuffers, rng: np.random.Generator | None = None
    ) -> tuple[float, States]:
        """The summed loss of a window in nats, and the state after, without a gradient."""
        mask_TB = batch.get("target_mask_TB")
        h_TBH, after = self.forward(batch["x_TB"], state, buffers, self.carry(batch), rng)
        nll_N = nll_nats(self.params, flatten_time(h_TBH), batch["y_TB"].reshape(-1))
        return float((nll_N if mask_TB is None else nll_N[mask_TB.reshape(-1)]).sum()), after

    def carry(self, batch: Batch) -> Floats | None:
        """A batch's ``carry_TB``; 0 where a learned initial state is used."""
        carry_TB = batch.get("carry_TB")
        if not (batch.resets_state and self.config.learned_state):
            return carry_TB
        return with_reset(carry_TB, batch["x_TB"].shape, self.dtype, step=0)

    def output(self, state: States) -> Floats:
        """The output for a state (B, H)."""
        return self.stack.output(state)

    def input_table(self) -> Floats:
        """Every id's pre-activations (V, G)."""
        first = self.stack.layers[0]
        assert isinstance(first, SymbolLayer)
        return first.table()

    def step(self, x_B: TokenIds, state: States, table_VG: Floats | None = None) -> tuple[Floats, States]:
        """Read one character each (B,): the logits (B, V), and the state."""
        h_BH, after = self.stack.step(x_B, state, table_VG)
        return logits(self.params, h_BH), after
