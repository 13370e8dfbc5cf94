"""The optimisers, one file each: an update rule on one flat vector, in place."""

from charlm.base.registry import Registry
from charlm.config import OptimisationConfig
from charlm.optim._averaging import AVERAGE, Averaging
from charlm.optim._base import Optimizer

OPTIMIZERS: Registry[Optimizer] = Registry(__name__, Optimizer)  # type: ignore[type-abstract]


def optimizer_of(config: OptimisationConfig) -> Optimizer:
    """The optimiser that a training's settings ask for."""
    rule = OPTIMIZERS.find(config.optimizer)(config.weight_decay)
    return Averaging(rule, config.average) if config.average else rule


__all__ = ["AVERAGE", "OPTIMIZERS", "Optimizer", "optimizer_of"]
