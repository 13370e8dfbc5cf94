"""A network that names each character from those on both of its sides.

One stack reads forward, one backward, each over the text without the character that is asked for. The forward
stack's output after t - 1 and the backward stack's after t + 1 are joined in one hidden layer,
relu([f; b] W_j + b_j), which the output layer reads (Schuster & Paliwal 1997; Berglund et al. 2015). The two
directions meet there only: joined between layers, a character would see itself through the other direction.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from charlm.base.arrays import FlatVector, Floats, Shapes, TokenIds, id_dtype
from charlm.data.batches import Batch, BatchSpec
from charlm.data.two_sides import BEYOND
from charlm.models.architecture import parameter_shapes
from charlm.models.base import BaseModel, NetworkSpec
from charlm.models.char_rnn import Model
from charlm.nn.buffers import flatten_time
from charlm.nn.dropout import NO_REGULARIZATION, Regularization
from charlm.nn.embedding import make_encoding
from charlm.nn.init import xavier_
from charlm.nn.readout import initialize_readout, logits, loss_and_gradient, readout_shapes
from charlm.nn.stack import Stack, StackBuffers
from charlm.nn.state import States, with_reset

AHEAD, BACK = "forward.layers.", "backward.layers."
MOST_BLANKS = 0.3  # the highest rate of missing characters in a training window
BLANKED = 0.5  # the share of windows with missing characters


class TwoSidedBuffers:
    """Buffers for windows of up to ``seq_len`` targets."""

    def __init__(
        self, ahead: Stack, back: Stack, seq_len: int, batch_size: int, regularization: Regularization
    ) -> None:
        self.ahead = StackBuffers(ahead, seq_len, batch_size, regularization)
        self.back = StackBuffers(back, seq_len + BEYOND - 1, batch_size, regularization)
        self.stopwatch = self.back.layers[0].scratch.stopwatch = self.ahead.stopwatch


class TwoSided(BaseModel):
    """A network that predicts a character from both sides; id V is a missing character.

    Its batches are those of ``TwoSidedBatcher``.
    """

    @classmethod
    def from_spec(cls, spec: NetworkSpec, params: FlatVector | None = None) -> Self:
        """The network on these parameters, or on zeros."""
        return cls(spec, params)

    @classmethod
    def parameter_shapes(cls, spec: NetworkSpec) -> Shapes:
        """Every parameter's shape."""
        one, width = parameter_shapes(spec.config, spec.outputs, spec.inputs), 2 * spec.config.hidden
        shapes = {name: one[name] for name in make_encoding(spec.config).shared}
        for prefix in (AHEAD, BACK):
            own = {name: shape for name, shape in one.items() if name.startswith("layers.")}
            shapes |= {prefix + name.removeprefix("layers."): shape for name, shape in own.items()}
        return shapes | {"join.W": (width, width), "join.b": (width,)} | readout_shapes(width, spec.outputs)

    def _use(self, params: FlatVector) -> None:
        self.params, config = params, self.config
        self.ahead, self.back = (
            Stack(
                self.cell, params, config.layers, prefix, make_encoding(config), config.residual,
                is_reversed=prefix == BACK,
            )
            for prefix in (AHEAD, BACK)
        )  # fmt: skip

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw every parameter."""
        self.ahead.initialize(rng)
        self.back.initialize(rng)
        xavier_(self.params["join.W"], rng)
        self.params["join.b"][:] = 0
        initialize_readout(self.params, rng)

    def zero_state(self, batch_size: int) -> States:
        """The forward stack's zero state (B, H); the backward stack starts anew in every window."""
        return self.ahead.zero_state(batch_size)

    def buffers(
        self, seq_len: int, batch_size: int, regularization: Regularization = NO_REGULARIZATION
    ) -> TwoSidedBuffers:
        """Buffers for windows of up to ``seq_len`` targets."""
        return TwoSidedBuffers(self.ahead, self.back, seq_len, batch_size, regularization)

    def batch_spec(self, seq_len: int, batch_size: int) -> BatchSpec:
        """The fields that ``loss_and_gradient`` reads."""
        targets, beyond = (seq_len, batch_size), (seq_len + BEYOND - 1, batch_size)
        return {
            "text_SB": ((seq_len + BEYOND + 1, batch_size), id_dtype(self.spec.inputs)),
            "target_mask_TB": (targets, np.dtype(np.bool_)),
            "carry_TB": (targets, self.dtype),
            "back_carry_RB": (beyond, self.dtype),
        }

    def forward(
        self, batch: Batch, state: States, buffers: TwoSidedBuffers, rng: np.random.Generator | None = None
    ) -> tuple[Floats, Floats, States]:
        """The joined outputs of both stacks (T, B, 2H), the hidden layer, and the forward state after."""
        carry_TB, back_carry_RB = batch.get("carry_TB"), batch.get("back_carry_RB")
        text_SB = batch["text_SB"] if rng is None else self._with_blanks(batch, rng)
        steps, batch_size = len(text_SB) - BEYOND - 1, text_SB.shape[1]
        if self.config.learned_state:
            back_carry_RB = with_reset(back_carry_RB, text_SB[2:].shape, self.dtype, step=-1)
            if batch.resets_state:
                carry_TB = with_reset(carry_TB, text_SB[:steps].shape, self.dtype, step=0)
        f_TBH, after = self.ahead.forward(text_SB[:steps], state, buffers.ahead, carry_TB, rng)
        zero = self.back.zero_state(batch_size)
        b_RBH, _ = self.back.forward(text_SB[2:], zero, buffers.back, back_carry_RB, rng)
        sides_TBD: Floats = np.concatenate([f_TBH, b_RBH[:steps]], axis=-1)
        return sides_TBD, join(self.params, sides_TBD @ self.params["join.W"]), after

    def _with_blanks(self, batch: Batch, rng: np.random.Generator) -> TokenIds:
        """The text with missing characters: none in half of the windows, in others up to ``MOST_BLANKS``."""
        text_SB = batch["text_SB"]
        batch_size = text_SB.shape[1]
        rate_B = MOST_BLANKS * rng.random(batch_size) * (rng.random(batch_size) < BLANKED)
        is_blank_SB = rng.random(text_SB.shape) < rate_B
        # The end of a document is always given.
        for name, rows in (("carry_TB", slice(0, len(text_SB) - BEYOND - 1)), ("back_carry_RB", slice(2, None))):
            if (carry := batch.get(name)) is not None:
                is_blank_SB[rows] &= carry != 0
        return np.where(is_blank_SB, self.spec.outputs, text_SB).astype(id_dtype(self.spec.inputs))

    def loss_and_gradient(
        self,
        batch: Batch,
        state: States,
        buffers: TwoSidedBuffers,
        grads: FlatVector,
        rng: np.random.Generator | None = None,
    ) -> tuple[float, States]:
        """The summed loss of a window in nats, and the state after; ``grads`` receives the mean's gradient.

        With an ``rng`` some characters are missing, each for both stacks.
        """
        buffers.stopwatch.begin()
        sides_TBD, z_TBD, after = self.forward(batch, state, buffers, rng)
        steps, mask_TB = len(z_TBD), batch.get("target_mask_TB")
        dz_TBD = np.empty_like(z_TBD)
        nll_sum = loss_and_gradient(
            self.params, flatten_time(z_TBD), batch["text_SB"][1 : steps + 1].reshape(-1),
            None if mask_TB is None else mask_TB.reshape(-1), batch.num_targets, flatten_time(dz_TBD), grads,
        )  # fmt: skip
        dz_TBD *= z_TBD > 0
        np.matmul(flatten_time(sides_TBD).T, flatten_time(dz_TBD), out=grads["join.W"])
        flatten_time(dz_TBD).sum(axis=0, out=grads["join.b"])
        dsides_TBD = dz_TBD @ self.params["join.W"].T
        buffers.stopwatch.end("readout")
        self._backward(dsides_TBD, buffers, grads)
        return nll_sum, after

    def _backward(self, dsides_TBD: Floats, buffers: TwoSidedBuffers, grads: FlatVector) -> None:
        """Write the gradients of both stacks, and the sum of what they share."""
        steps, batch_size, hidden = *dsides_TBD.shape[:2], self.config.hidden
        df_TBH = np.ascontiguousarray(dsides_TBD[..., :hidden])
        db_RBH = np.zeros((steps + BEYOND - 1, batch_size, hidden), self.dtype)
        db_RBH[:steps] = dsides_TBD[..., hidden:]
        self.ahead.backward(df_TBH, self.zero_state(batch_size), buffers.ahead, grads)
        shared = {name: grads[name].copy() for name in make_encoding(self.config).shared}
        self.back.backward(db_RBH, self.back.zero_state(batch_size), buffers.back, grads)
        for name, gradient in shared.items():
            grads[name][:] += gradient

    def sides(self) -> tuple[Model, Model]:
        """Each stack as a network whose logits are its share of the hidden layer, before b_j and the relu.

        Both read in the order of their stack: the second one a text from its end.
        """
        width, hidden = 2 * self.config.hidden, self.config.hidden
        made = (
            Model(self.config, width, inputs=self.spec.inputs),
            Model(self.config, width, inputs=self.spec.inputs),
        )
        for side, prefix, rows in zip(made, (AHEAD, BACK), (slice(hidden), slice(hidden, None)), strict=True):
            for name, values in side.params.items():
                if name.startswith("layers."):
                    values[:] = self.params[prefix + name.removeprefix("layers.")]
                elif name in self.params and not name.startswith("readout."):
                    values[:] = self.params[name]
            side.params["readout.W_hy"][:] = self.params["join.W"][rows]
        return made

    def logits(self, shares_ND: Floats) -> Floats:
        """The logits (N, V), of the sum of both sides' shares, which is overwritten."""
        return logits(self.params, join(self.params, shares_ND))


def join(params: FlatVector, shares_ND: Floats) -> Floats:
    """The hidden layer of the sum of both sides' shares, in place."""
    shares_ND += params["join.b"]
    return np.maximum(shares_ND, 0, out=shares_ND)
