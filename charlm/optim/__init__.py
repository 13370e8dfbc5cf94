"""The optimisers, one file each: an update rule on one flat vector, in place."""

from charlm.optim._base import Optimizer
from charlm.registry import Registry

OPTIMIZERS: Registry[Optimizer] = Registry(__name__, Optimizer)  # type: ignore[type-abstract]

__all__ = ["OPTIMIZERS", "Optimizer"]
