"""Dropout of units, of input characters, and of recurrent weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds, id_dtype
from charlm.config import OptimizerConfig
from charlm.nn.buffers import Parameters
from charlm.nn.units import Units


@dataclass(frozen=True)
class Regularization:
    """The dropout probabilities."""

    dropout: float = 0.0
    locked_dropout: bool = False
    input_dropout: float = 0.0
    weight_drop: float = 0.0

    @classmethod
    def from_config(cls, config: OptimizerConfig) -> Self:
        """The settings' probabilities."""
        return cls(config.dropout, config.locked_dropout, config.input_dropout, config.weight_drop)


NO_REGULARIZATION = Regularization()


class Dropout:
    """Dropout of a layer's outputs (Srivastava et al. 2014; Zaremba et al. 2014).

    A locked mask serves all steps of a window (Gal & Ghahramani 2016).
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: npt.DTypeLike, rate: float, locked: bool = False,
        units: Units | None = None,
    ) -> None:  # fmt: skip
        """Allocate for up to (T, B, H), of which own units are masked."""
        self._rate = rate
        self._units = units = Units(shape[-1]) if units is None else units
        steps = shape[0] if rate else 0
        self._mask: Floats = np.empty((min(1, steps) if locked else steps, *shape[1:-1], units.width), dtype)
        self._dropped = units.empty((steps, *shape[1:]), dtype)
        self._is_on = False

    def forward(self, h_TBH: Floats, rng: np.random.Generator | None) -> Floats:
        """The outputs, or a masked copy (T, B, H)."""
        rng = self._units.rng(rng)
        self._is_on = rng is not None and self._rate > 0
        if rng is None or not self._rate:
            return h_TBH
        mask, dropped_TBH, own = self._mask[: len(h_TBH)], self._dropped[: len(h_TBH)], self._units.own
        draw_mask(mask, self._rate, rng)
        np.multiply(h_TBH[..., own], mask, out=dropped_TBH[..., own])
        return dropped_TBH

    def backward(self, dh_TBH: Floats) -> None:
        """Mask the gradient of own units in place."""
        if self._is_on:
            dh_TBH *= self._mask[: len(dh_TBH)]


class EmbeddingDropout:
    """Dropout of whole input characters (Gal & Ghahramani 2016), read as id V."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._is_on = False
        self.vocab_size = 0
        self.x_TB: TokenIds = np.empty((0, 0), np.uint8)

    def forward(self, rows_VG: Floats, x_TB: TokenIds, rng: np.random.Generator | None) -> Floats:
        """Take ids; return their table, V + 1 rows if masked."""
        self._is_on = rng is not None and self._rate > 0
        self.x_TB, self.vocab_size = x_TB, len(rows_VG)
        if rng is None or not self._rate:
            return rows_VG
        batch_size = x_TB.shape[1]
        is_dropped_BV = rng.random((batch_size, self.vocab_size), np.float32) < self._rate
        self.x_TB = x_TB.astype(id_dtype(self.vocab_size + 1))
        self.x_TB[is_dropped_BV[np.arange(batch_size), x_TB]] = self.vocab_size
        return np.concatenate([rows_VG / rows_VG.dtype.type(1 - self._rate), np.zeros_like(rows_VG[:1])])

    def backward(self, drows_VG: Floats) -> Floats:
        """The gradient of the table's V rows."""
        own_VG: Floats = drows_VG[:-1]
        return own_VG / own_VG.dtype.type(1 - self._rate) if self._is_on else own_VG


class WeightDrop:
    """DropConnect on W_hh, one mask per worker (Wan et al. 2013; Merity et al. 2017)."""

    def __init__(
        self, shape: tuple[int, int], dtype: npt.DTypeLike, rate: float, units: Units | None = None
    ) -> None:
        """Allocate for W_hh (H, G)."""
        hidden, width = shape
        self._blocks = hidden, width // hidden, -1
        self._dropout = Dropout((hidden, width // hidden, hidden), dtype, rate, units=units)
        self.params: Parameters = {}

    def forward(self, params: Parameters, rng: np.random.Generator | None) -> None:
        """Take the parameters, with W_hh masked."""
        self.params = params
        if "W_hh" in params:
            blocks = params["W_hh"].reshape(self._blocks)
            dropped = self._dropout.forward(blocks, rng)
            if dropped is not blocks:
                self.params = {**params, "W_hh": dropped.reshape(params["W_hh"].shape)}

    def backward(self, grads: Parameters) -> None:
        """Mask the gradient of W_hh in place."""
        if "W_hh" in grads:
            self._dropout.backward(grads["W_hh"].reshape(self._blocks))


def draw_mask(mask: Floats, rate: float, rng: np.random.Generator) -> None:
    """Fill with 0, or 1 / (1 - rate)."""
    rng.random(dtype=mask.dtype.type, out=mask)
    np.greater_equal(mask, rate, out=mask, casting="unsafe")
    mask *= 1 / (1 - rate)
