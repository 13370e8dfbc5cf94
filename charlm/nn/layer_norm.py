"""Layer normalization (Ba et al. 2016) inside a recurrence, one step at a time.

n = (z - mean(z)) / sqrt(var(z) + EPSILON), over the units of a sequence        y = gain * n
"""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.nn.buffers import ForwardCache, Parameters
from charlm.nn.units import Units

EPSILON = 1e-5  # added to the variance; keeps the zero state's product at zero


class LayerNorm:
    """One normalized z of X units; saves n (T, B, X) and ``inverse_NAME`` (T, B, 1)."""

    @staticmethod
    def saved_shapes(name: str, seq_len: int, batch_size: int, width: int) -> dict[str, tuple[int, ...]]:
        """What it saves."""
        return {name: (seq_len, batch_size, width), f"inverse_{name}": (seq_len, batch_size, 1)}

    @staticmethod
    def scratch_shapes(name: str, batch_size: int, width: int) -> dict[str, tuple[int, ...]]:
        """Its temporary arrays."""
        return {f"{buffer}_{name}": (batch_size, width) for buffer in ("gain", "dgain")}

    def __init__(self, name: str, params: Parameters, cache: ForwardCache, product_BX: Floats) -> None:
        scratch, gain = cache.scratch.arrays, params[f"gain_{name}"]
        self.n_TBX, self._inverse_TB1 = cache.saved[name], cache.saved[f"inverse_{name}"]
        self._dgain_BX, self._product_BX = scratch[f"dgain_{name}"], product_BX
        # One copy per sequence: a vector would be broadcast in runs of B numbers, a third as fast.
        self.gain_BX = scratch[f"gain_{name}"]
        self.gain_BX[:] = gain
        self._units = cache.scratch.units
        self._share_X = gain / self._units.count(gain.size)

    def normalize(self, t: int) -> Floats:
        """Normalize z in slot t; return y (B, X)."""
        n_BX: Floats = self.n_TBX[t]
        self._inverse_TB1[t] = normalize_(n_BX, self._product_BX, self._units)
        np.multiply(n_BX, self.gain_BX, out=self._product_BX)
        return self._product_BX

    def differentiate(self, t: int, dy_BX: Floats) -> Floats:
        """The gradient of z (B, X), in place of n; adds to ``dgain_NAME``.

        With dn = gain * dy it is dz = (dn - mean(dn) - n * mean(n * dn)) / sqrt(var + EPSILON).
        """
        n_BX: Floats = self.n_TBX[t]
        product_BX = np.multiply(dy_BX, n_BX, out=self._product_BX)
        self._dgain_BX += product_BX
        mean_product_B, mean_B = self._units.sum(product_BX @ self._share_X, dy_BX @ self._share_X)
        n_BX *= mean_product_B[:, None]
        n_BX += mean_B[:, None]
        np.multiply(dy_BX, self.gain_BX, out=product_BX)
        np.subtract(product_BX, n_BX, out=n_BX)
        n_BX *= self._inverse_TB1[t]
        return n_BX


def normalize_(z_BX: Floats, scratch_BX: Floats, units: Units) -> Floats:
    """Normalize in place; return 1 / sqrt(var + EPSILON) (B, 1).

    >>> z_BX = np.array([[1.0, 3.0]])
    >>> normalize_(z_BX, np.empty_like(z_BX), Units(2)).round(3), z_BX.round(3)
    (array([[1.]]), array([[-1.,  1.]]))
    """
    share_X = np.full(z_BX.shape[1], 1 / units.count(z_BX.shape[1]), z_BX.dtype)
    (mean_B,) = units.sum(z_BX @ share_X)
    z_BX -= mean_B[:, None]
    (inverse_B,) = units.sum(np.multiply(z_BX, z_BX, out=scratch_BX) @ share_X)
    inverse_B += EPSILON
    np.sqrt(inverse_B, out=inverse_B)
    np.divide(1, inverse_B, out=inverse_B)
    z_BX *= inverse_B[:, None]
    return inverse_B[:, None]
