"""charlm's optimizers by PyTorch's, on one flat parameter and the slots that a run stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from charlm.config import OptimizerConfig
from charlm.optim.averaging import AVERAGE, averaging_rate
from charlm.optim.rules import adagrad, adam, rmsprop

RULES: Mapping[str, tuple[Any, dict[str, str], dict[str, Any]]] = {
    "adagrad": (torch.optim.Adagrad, {"sum": "sum"}, {"eps": adagrad.EPSILON}),
    "adam": (torch.optim.Adam, {"m": "exp_avg", "v": "exp_avg_sq"}, {"eps": adam.EPSILON}),
    "adamw": (torch.optim.AdamW, {"m": "exp_avg", "v": "exp_avg_sq"}, {"eps": adam.EPSILON}),
    "rmsprop": (
        torch.optim.RMSprop, {"mean_square": "square_avg"}, {"alpha": rmsprop.SMOOTHING, "eps": rmsprop.EPSILON},
    ),
    "sgd": (torch.optim.SGD, {}, {}),
}  # fmt: skip
"""By charlm's name: PyTorch's class, its name of each slot, and its arguments."""
UNFUSED = ("rmsprop",)  # which PyTorch has no fused kernel for


class TorchOptimizer:
    """An update rule, with the average of the weights if there is one."""

    def __init__(self, config: OptimizerConfig, weights_P: Any, slots: Mapping[str, Any]) -> None:
        """Update ``weights_P`` in place, and the ``slots`` by charlm's names."""
        kind, names, arguments = RULES[config.optimizer]
        if config.optimizer not in UNFUSED:
            arguments = arguments | {"fused": True}
        self._weights_P, self._average_P, self._steps = weights_P, slots.get(AVERAGE), config.average
        self._rule = kind([weights_P], lr=0.0, weight_decay=config.weight_decay, **arguments)
        self._step = torch.zeros((), device=weights_P.device if "fused" in arguments else "cpu")
        self._rule.state[weights_P] = {names[name]: slots[name] for name in names} | {"step": self._step}

    def update(self, lr: float, t: int) -> None:
        """Update number t, by the gradient of the weights."""
        self._step.fill_(t - 1)
        (group,) = self._rule.param_groups
        group["lr"] = lr
        self._rule.step()
        if self._average_P is not None:
            self._average_P.lerp_(self._weights_P.detach(), averaging_rate(self._steps, t))
