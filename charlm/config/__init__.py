"""Every setting of charlm, grouped by noun: the single truth for its name, default, help and limits."""

from charlm.config.base import Config, Limits, flag, setting
from charlm.config.corpus import CorpusConfig
from charlm.config.data import BatchingConfig
from charlm.config.model import ModelConfig
from charlm.config.optimizer import OptimisationConfig
from charlm.config.run import BudgetConfig
from charlm.config.sampling import SamplingConfig
from charlm.config.training import TrainingConfig

__all__ = [
    "BatchingConfig",
    "BudgetConfig",
    "Config",
    "CorpusConfig",
    "Limits",
    "ModelConfig",
    "OptimisationConfig",
    "SamplingConfig",
    "TrainingConfig",
    "flag",
    "setting",
]
