"""The number of workers, and their split by columns or by rows.

By columns, each has some sequences of the batch and all weights. By rows, each has some units of every
layer and all sequences: its weights stay in its core's cache, but workers wait for each other at every step. The
defaults depend only on cores, processor, units and batch size: the same command gives the same bits.
"""

from __future__ import annotations

import dataclasses
import sys

from charlm.base.errors import UsageError
from charlm.config import EngineConfig, TrainingConfig
from charlm.engines.threads import default_workers
from charlm.models.base import NETWORKS
from charlm.nn.products import has_small_kernels
from charlm.optim.rules import OPTIMIZERS

# Measured in processor time of a worker's share (tests/bench/cores.py): with three workers or more, rows are
# faster from 512 units, and from 256 if products are not computed in blocks. More workers, each with fewer units
# or sequences than these, hardly save time.
ROWS_FROM_WORKERS, ROWS_FROM_UNITS, ROWS_FROM_UNITS_IN_BLOCKS = 3, 256, 512
UNITS, COLUMNS = 16, 4


def settle_split(config: TrainingConfig) -> EngineConfig:
    """The engine's settings with the number of workers and their split, where they are not given.

    Raises:
        UsageError: the network cannot be split as asked.
    """
    check_split(config)
    engine, hidden = config.engine, config.model.hidden
    if engine.engine != "numpy":
        if engine.split_by is not None:
            raise UsageError(f"--split-by belongs to --engine numpy, not {engine.engine}: leave it out")
        return dataclasses.replace(engine, workers=engine.workers or default_workers())
    most = engine.workers or default_workers()
    split_by = engine.split_by
    if split_by is None:
        least = ROWS_FROM_UNITS_IN_BLOCKS if has_small_kernels() else ROWS_FROM_UNITS
        is_faster = hidden >= least and most >= ROWS_FROM_WORKERS
        split_by = "rows" if is_faster and why_not_by_rows(config) is None else "columns"
    enough = hidden // UNITS if split_by == "rows" else config.batching.batch_size // COLUMNS
    # On a machine with two cores there are two workers, whatever the batch size.
    workers = engine.workers or min(most, max(2, enough))
    return dataclasses.replace(engine, workers=workers, split_by=split_by)


def check_split(config: TrainingConfig) -> None:
    """Check that the network can be split as the settings say.

    Raises:
        UsageError: it cannot.
    """
    # A run that was split by rows can resume with another engine, which ignores the split.
    is_asked = config.engine.engine == "numpy" and config.engine.split_by == "rows"
    reason = why_not_by_rows(config) if is_asked else None
    if reason is not None:
        raise UsageError(f"--split-by rows does not work with {reason}: use --split-by columns")


def why_not_by_rows(config: TrainingConfig) -> str | None:
    """Why the network cannot be split by rows, or None."""
    if not NETWORKS.find(config.task.kind.network).splits_by_rows(config.model):
        is_cell = config.task.task == "predict"
        return f"--cell {config.model.cell}" if is_cell else f"--task {config.task.task}"
    if OPTIMIZERS.find(config.optimisation.optimizer).population:
        return f"--optimizer {config.optimisation.optimizer}"
    # There, a waiting worker could not notice that the training process has ended.
    return "Windows" if sys.platform == "win32" else None
