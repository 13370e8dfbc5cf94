"""Weight-drop: DropConnect on the recurrent weights (Merity et al. 2017; Wan et al. 2013).

Single weights of every layer's W_hh are dropped for the whole of a chunk, so that what is dropped stays dropped
at all time steps and the recurrence itself is not slowed down. What survives is scaled up, so that evaluation
needs no change. Each worker draws masks of its own: the paper has one for a batch, but nothing in a batch asks
its streams to agree, and a mean over several masks is a steadier gradient at the same cost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from charlm.arrays import Floats
from charlm.cells import Parameters
from charlm.dropout import draw_mask


class WeightDrop:
    """The masks of every layer's W_hh.

    Attributes:
        layers: each layer's parameters as the last pass saw them.
    """

    def __init__(self, layers: int, shape: tuple[int, int], dtype: npt.DTypeLike, rate: float) -> None:
        """Allocate for matrices W_hh of this shape (H, G), where there is anything to drop."""
        self._rate = rate
        self._masks: list[Floats] = [np.empty(shape, dtype) for _ in range(layers) if rate]
        self._dropped: list[Floats] = [np.empty(shape, dtype) for _ in range(layers) if rate]
        self._is_on = False
        self.layers: Sequence[Parameters] = ()

    def forward(self, layers: Sequence[Parameters], rng: np.random.Generator | None) -> Sequence[Parameters]:
        """Each layer's parameters, W_hh a masked copy where ``rng`` draws masks."""
        self._is_on = rng is not None and self._rate > 0
        self.layers = layers
        if rng is not None and self._rate:
            for mask_HG in self._masks:
                draw_mask(mask_HG, self._rate, rng)
            self.layers = [
                {**params, "W_hh": np.multiply(params["W_hh"], mask_HG, out=dropped_HG)}
                for params, mask_HG, dropped_HG in zip(layers, self._masks, self._dropped, strict=True)
            ]
        return self.layers

    def backward(self, layer: int, grads: Parameters) -> None:
        """Turn the gradient with respect to a masked copy into W_hh's own, in place."""
        if self._is_on:
            dW_HG = grads["W_hh"]
            dW_HG *= self._masks[layer]
