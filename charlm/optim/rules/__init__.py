"""Update rules, one file each."""

from charlm.base.registry import Registry
from charlm.optim.base import Optimizer

OPTIMIZERS: Registry[Optimizer] = Registry(__name__, Optimizer)  # type: ignore[type-abstract]

__all__ = ["OPTIMIZERS"]
