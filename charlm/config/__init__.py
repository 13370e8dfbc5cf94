"""The settings of charlm."""

from charlm.config.base import NOUNS, Config, Configurable, Limits, flag, setting
from charlm.config.corpus import CorpusConfig
from charlm.config.data import DataConfig
from charlm.config.engine import DeviceConfig, EngineConfig
from charlm.config.model import ModelConfig, cell_config_types
from charlm.config.optimizer import OptimizerConfig
from charlm.config.run import RunConfig
from charlm.config.sampling import SamplingConfig
from charlm.config.task import TASKS, TaskConfig, TaskKind, task_config_types
from charlm.config.training import TrainingConfig

__all__ = [
    "NOUNS",
    "TASKS",
    "Config",
    "Configurable",
    "CorpusConfig",
    "DataConfig",
    "DeviceConfig",
    "EngineConfig",
    "Limits",
    "ModelConfig",
    "OptimizerConfig",
    "RunConfig",
    "SamplingConfig",
    "TaskConfig",
    "TaskKind",
    "TrainingConfig",
    "cell_config_types",
    "flag",
    "setting",
    "task_config_types",
]
