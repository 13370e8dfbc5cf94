"""The step of each cell as its equations: what exported scripts quote and PyTorch can run.

``step(w, a, h)`` or ``step(w, a, h, c)`` gives the next state from pre-activations a = W_ih x + b_ih and a
layer's tensors, with the names and gate order of a run's files. It calls the functions of ``maths`` by
name, so that those of another library can take their place.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeAlias

from charlm.base.errors import UsageError
from charlm.base.registry import module_names
from charlm.config import ModelConfig

Step: TypeAlias = Callable[..., tuple[Any, ...]]


def find_step(config: ModelConfig) -> Step:
    """The step of a model's cell.

    Raises:
        UsageError: the cell's equations are not written out.
    """
    if config.cell not in module_names(__name__):
        raise UsageError(f"the equations of --cell {config.cell} are not written out: use the model with charlm")
    module = importlib.import_module(f"{__name__}.{config.cell}")
    step: Step = module.choose_step(config)
    return step
