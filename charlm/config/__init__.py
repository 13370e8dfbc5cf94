"""Every setting of charlm, grouped by noun: the single truth for its name, default, help and limits."""

from charlm.config._base import Config, Limits, flag, setting
from charlm.config.batching import BatchingConfig
from charlm.config.budget import BudgetConfig
from charlm.config.corpus import CorpusConfig
from charlm.config.model import ModelConfig
from charlm.config.optimisation import OptimisationConfig
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
