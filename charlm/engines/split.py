"""How many workers share a training, and what they share.

By columns, each has some sequences of the batch and all of the weights. By rows, each has some units of every
layer and all sequences: its weights stay in its core's cache, but workers wait for each other at every step. The
number and the split follow from cores, processor, units and batch: a command repeated gives the same bits.
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

# Measured in processor time of a worker's share (tests/bench/cores.py): with three workers or more, by rows
# is faster from 512 units, and from 256 where products are not computed in blocks. Fewer units or sequences
# for a worker than these hardly save time.
ROWS_FROM_WORKERS, ROWS_FROM_UNITS, ROWS_FROM_UNITS_IN_BLOCKS = 3, 256, 512
UNITS, COLUMNS = 16, 4


def settle_split(config: TrainingConfig) -> EngineConfig:
    """The engine's settings with the number of workers and their split, where they are not given.

    Raises:
        UsageError: the network cannot be split as it is asked for.
    """
    check_split(config)
    engine, hidden = config.engine, config.model.hidden
    if engine.engine != "numpy":
        if engine.split_by is not None:
            raise UsageError(f"--split-by is of --engine numpy, not {engine.engine}: leave it out")
        return dataclasses.replace(engine, workers=engine.workers or default_workers())
    most = engine.workers or default_workers()
    split_by = engine.split_by
    if split_by is None:
        least = ROWS_FROM_UNITS_IN_BLOCKS if has_small_kernels() else ROWS_FROM_UNITS
        is_faster = hidden >= least and most >= ROWS_FROM_WORKERS
        split_by = "rows" if is_faster and why_not_by_rows(config) is None else "columns"
    enough = hidden // UNITS if split_by == "rows" else config.batching.batch_size // COLUMNS
    # Two workers are one a core, whatever the batch, on the machines where there are no more.
    workers = engine.workers or min(most, max(2, enough))
    return dataclasses.replace(engine, workers=workers, split_by=split_by)


def check_split(config: TrainingConfig) -> None:
    """Check that the network can be split as the settings say.

    Raises:
        UsageError: it cannot.
    """
    # A run that was split by rows can go on with another engine, which has no use for it.
    is_asked = config.engine.engine == "numpy" and config.engine.split_by == "rows"
    reason = why_not_by_rows(config) if is_asked else None
    if reason is not None:
        raise UsageError(f"--split-by rows does not work with {reason}: use --split-by columns")


def why_not_by_rows(config: TrainingConfig) -> str | None:
    """What keeps the workers from sharing the units, or None."""
    if not NETWORKS.find(config.task.kind.network).splits_by_rows(config.model):
        is_cell = config.task.task == "predict"
        return f"--cell {config.model.cell}" if is_cell else f"--task {config.task.task}"
    if OPTIMIZERS.find(config.optimisation.optimizer).population:
        return f"--optimizer {config.optimisation.optimizer}"
    # A worker that waits there could not tell that the training process is gone.
    return "Windows" if sys.platform == "win32" else None
