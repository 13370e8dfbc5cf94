"""Cells that PyTorch has no function for, one file each."""

from charlm.base.registry import Registry
from charlm.engines.torch.recurrence import Steps

STEPS: Registry[Steps] = Registry(__name__, Steps)  # type: ignore[type-abstract]

__all__ = ["STEPS"]
