"""Dropout: of units between layers, of whole symbols of the input, and of recurrent weights.

What survives a mask is scaled up, so that evaluation needs no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds, id_dtype
from charlm.config import OptimizerConfig
from charlm.nn.buffers import Parameters


@dataclass(frozen=True)
class Regularization:
    """What is dropped in training, as shares; see the classes below.

    Attributes:
        dropout: of the units that leave a layer upwards.
        locked_dropout: whether one mask serves all steps of a window.
        input_dropout: of the symbols read.
        weight_drop: of the recurrent weights.
    """

    dropout: float = 0.0
    locked_dropout: bool = False
    input_dropout: float = 0.0
    weight_drop: float = 0.0

    @classmethod
    def from_config(cls, config: OptimizerConfig) -> Self:
        """What a training's settings ask for."""
        return cls(config.dropout, config.locked_dropout, config.input_dropout, config.weight_drop)


NO_REGULARIZATION = Regularization()


class Dropout:
    """Masks of a layer's outputs (Srivastava et al. 2014; Zaremba et al. 2014 for recurrence).

    Units are dropped only where they leave a layer upwards, never on their way to the next time step, so that the
    memory is not disturbed. Locked masks are drawn once for a window and sequence and are the same at all its
    steps (Gal & Ghahramani 2016, variational dropout): a unit that is gone at one step cannot be read off at the
    next.
    """

    def __init__(
        self, shape: tuple[int, int, int], dtype: npt.DTypeLike, rate: float, locked: bool = False
    ) -> None:
        """Allocate for outputs of up to this shape (T, B, H), where there is anything to drop."""
        self._rate = rate
        self._mask_TBH: Floats = np.empty(((1 if locked else shape[0]) if rate else 0, *shape[1:]), dtype)
        self._dropped_TBH: Floats = np.empty(shape if rate else (0, 0, 0), dtype)
        self._is_on = False

    def forward(self, h_TBH: Floats, rng: np.random.Generator | None) -> Floats:
        """What the layer hands upwards (T, B, H): its outputs, or a masked copy where ``rng`` draws a mask."""
        self._is_on = rng is not None and self._rate > 0
        if rng is None or not self._rate:
            return h_TBH
        mask_TBH = self._mask_TBH[: len(h_TBH)]
        draw_mask(mask_TBH, self._rate, rng)
        return np.multiply(h_TBH, mask_TBH, out=self._dropped_TBH[: len(h_TBH)])

    def backward(self, dh_TBH: Floats) -> None:
        """Turn the gradient with respect to what was handed upwards into the outputs' own, in place."""
        if self._is_on:
            dh_TBH *= self._mask_TBH[: len(dh_TBH)]


class EmbeddingDropout:
    """Dropout of whole symbols of the input (Gal & Ghahramani 2016, word embedding dropout).

    A symbol that is dropped from a sequence's window is dropped wherever it occurs there: its row of the input
    table is zero, and the first layer sees its own bias alone. A dropped symbol is read as one more symbol, whose
    row is zero, so that activations need no pass of their own.

    Attributes:
        x_TB: the symbols of the last pass, V for those that were dropped.
        vocab_size: V.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._is_on = False
        self.vocab_size = 0
        self.x_TB: TokenIds = np.empty((0, 0), np.uint8)

    def forward(self, rows_VG: Floats, x_TB: TokenIds, rng: np.random.Generator | None) -> Floats:
        """Take a chunk's symbols, and give the rows that they stand for: those of the table, or V + 1."""
        self._is_on = rng is not None and self._rate > 0
        self.x_TB, self.vocab_size = x_TB, len(rows_VG)
        if rng is None or not self._rate:
            return rows_VG
        symbols, batch_size = len(rows_VG), x_TB.shape[1]
        is_dropped_BV = rng.random((batch_size, symbols), np.float32) < self._rate
        self.x_TB = x_TB.astype(id_dtype(symbols + 1))
        self.x_TB[is_dropped_BV[np.arange(batch_size), x_TB]] = symbols
        return np.concatenate([rows_VG / rows_VG.dtype.type(1 - self._rate), np.zeros_like(rows_VG[:1])])

    def backward(self, drows_VG: Floats) -> Floats:
        """The gradient of the table's rows, from that of V + 1, the last of which is for what was dropped."""
        own_VG: Floats = drows_VG[:-1]
        return own_VG / own_VG.dtype.type(1 - self._rate) if self._is_on else own_VG


class WeightDrop:
    """DropConnect on a layer's W_hh (Merity et al. 2017; Wan et al. 2013).

    Single weights are dropped for a whole window, so that what is dropped stays dropped at all time steps and the
    recurrence is not slowed down. Each worker draws its own masks: the paper has one for a batch, but a mean over
    several masks is a steadier gradient at the same cost.

    Attributes:
        params: the layer's parameters as the pass sees them.
    """

    def __init__(self, shape: tuple[int, int], dtype: npt.DTypeLike, rate: float) -> None:
        """Allocate for a matrix W_hh of this shape (H, G), where there is anything to drop."""
        self._rate = rate
        self._mask_HG: Floats = np.empty(shape if rate else (0, 0), dtype)
        self._dropped_HG: Floats = np.empty(shape if rate else (0, 0), dtype)
        self._is_on = False
        self.params: Parameters = {}

    def forward(self, params: Parameters, rng: np.random.Generator | None) -> None:
        """Take a layer's parameters, W_hh as a masked copy where ``rng`` draws a mask."""
        self._is_on = rng is not None and self._rate > 0
        self.params = params
        if rng is not None and self._rate:
            draw_mask(self._mask_HG, self._rate, rng)
            self.params = {**params, "W_hh": np.multiply(params["W_hh"], self._mask_HG, out=self._dropped_HG)}

    def backward(self, grads: Parameters) -> None:
        """Turn the gradient with respect to the masked copy into W_hh's own, in place."""
        if self._is_on:
            dW_HG = grads["W_hh"]
            dW_HG *= self._mask_HG


def draw_mask(mask: Floats, rate: float, rng: np.random.Generator) -> None:
    """Fill a mask with 0 at chance ``rate`` and 1 / (1 - rate) elsewhere, in place."""
    rng.random(dtype=mask.dtype.type, out=mask)
    np.greater_equal(mask, rate, out=mask, casting="unsafe")
    mask *= 1 / (1 - rate)
