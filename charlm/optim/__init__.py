"""Optimizers, gradient clipping and learning-rate schedules."""

from charlm.config import OptimizerConfig
from charlm.optim.averaging import Averaging
from charlm.optim.base import Optimizer
from charlm.optim.rules import OPTIMIZERS


def make_optimizer(config: OptimizerConfig) -> Optimizer:
    """The settings' optimizer."""
    rule = OPTIMIZERS.find(config.optimizer)(config.weight_decay)
    return Averaging(rule, config.average) if config.average else rule
