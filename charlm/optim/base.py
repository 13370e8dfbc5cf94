"""The base class of optimizers, in place on one flat vector.

w parameters, g gradient, lr learning rate, t the update from 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from charlm.base.arrays import Floats

BLOCK_VALUES = 16_384  # with two slots and a temporary, five operands of float32 take 320 kB


class Optimizer(ABC):
    """An update rule; the caller keeps the slots.

    A rule with a ``population`` needs no back-propagation: before each update it is asked for as many candidates,
    and told their losses on the same batch. One that ``moves_weights`` does so then, and follows no gradient.
    """

    slot_names: tuple[str, ...] = ()
    default_lr: ClassVar[float]
    population: int = 0
    moves_weights: ClassVar[bool] = False

    def __init__(self, weight_decay: float = 0.0) -> None:
        self.weight_decay = weight_decay

    def slot_shapes(self, parameters: int) -> dict[str, tuple[int, ...]]:
        """The shapes of the slots, by name."""
        return dict.fromkeys(self.slot_names, (parameters,))

    def init(self, w_P: Floats) -> dict[str, Floats]:
        """New slots for parameters."""
        return {name: np.zeros(shape, w_P.dtype) for name, shape in self.slot_shapes(len(w_P)).items()}

    def candidates(self, w_P: Floats, slots: dict[str, Floats], rng: np.random.Generator) -> Floats:
        """Parameter vectors to try next (K, P), of a rule with a population of K."""
        raise NotImplementedError

    def learn(
        self,
        w_P: Floats,
        candidates_KP: Floats,
        loss: float,
        losses_K: Floats,
        slots: dict[str, Floats],
        g_P: Floats,
    ) -> None:
        """Take the mean losses of the parameters and of the candidates; write the gradient of the next update."""
        raise NotImplementedError

    def update(self, w_P: Floats, g_P: Floats, slots: dict[str, Floats], lr: float, t: int) -> None:
        """Change parameters and slots; overwrites the gradient."""
        scratch = np.empty(min(BLOCK_VALUES, len(w_P)), w_P.dtype)
        for start in range(0, len(w_P), BLOCK_VALUES):
            block = slice(start, start + BLOCK_VALUES)
            w, g = w_P[block], g_P[block]
            self._decay(w, g, lr)
            self._update(w, g, [slots[name][block] for name in self.slot_names], scratch[: len(w)], lr, t)

    def _decay(self, w: Floats, g: Floats, lr: float) -> None:
        """L2 penalty: g = g + weight_decay * w."""
        if self.weight_decay:
            g += self.weight_decay * w

    @abstractmethod
    def _update(self, w: Floats, g: Floats, slots: list[Floats], scratch: Floats, lr: float, t: int) -> None:
        """The rule, for one block."""


def adaptive_step_(w: Floats, g: Floats, squares: Floats, scratch: Floats, lr: float, epsilon: float) -> None:
    """Write w - lr * g / (sqrt(squares) + epsilon) over w; overwrites g."""
    np.sqrt(squares, out=scratch)
    scratch += epsilon
    g /= scratch
    g *= lr
    w -= g
