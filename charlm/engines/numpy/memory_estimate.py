"""An estimate of the memory of a training, from the sizes of its arrays.

The constants were measured as proportional set size (PSS) on Linux; the estimate was within 15% there.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from charlm.config import OptimizerConfig
from charlm.engines.numpy.replica import exchanged_bytes
from charlm.engines.numpy.shared_memory import shared_bytes
from charlm.models.base import BaseModel
from charlm.nn.dropout import Regularization
from charlm.optim import make_optimizer

FIRST_PROCESS, OTHER_PROCESS = 55_000_000, 20_000_000  # bytes of Python, libraries and temporary arrays
COPIES = 3  # of weights and slots, at most: to roll back, and while a checkpoint is written


def estimate_bytes(
    model: BaseModel,
    optimisation: OptimizerConfig,
    seq_len: int,
    batch_size: int,
    workers: int,
    split_by: str = "columns",
) -> int:
    """The largest resident memory of all processes, without the text."""
    rule, exchanged = make_optimizer(optimisation), 0
    if split_by == "rows":
        workers = min(workers, model.config.hidden)
        exchanged = exchanged_bytes(model, optimisation, seq_len, batch_size, workers)
    # By rows a worker's buffers are as large, for all columns of its share of the units.
    columns = -(-batch_size // workers)
    # New arrays take no memory until they are written to.
    buffers = model.buffers(seq_len, columns, Regularization.from_config(optimisation))
    values = sum(map(prod, rule.slot_shapes(model.params.flat.size).values()))
    copies = COPIES * (model.params.flat.nbytes + values * model.dtype.itemsize)
    shared = shared_bytes(model, rule, seq_len, batch_size, workers, exchanged)
    processes = FIRST_PROCESS + (workers - 1) * OTHER_PROCESS
    return processes + shared + workers * _array_bytes(buffers, set()) + copies


def _array_bytes(value: Any, seen: set[int]) -> int:
    """The bytes of all arrays inside an object, each once.

    >>> rows = np.zeros((4, 8))
    >>> _array_bytes({"all": rows, "some": [rows[:2], rows]}, set())
    256
    """
    if id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        return _array_bytes(value.base, seen) if isinstance(value.base, np.ndarray) else value.nbytes
    if isinstance(value, dict):
        return sum(_array_bytes(each, seen) for each in value.values())
    if isinstance(value, list | tuple):
        return sum(_array_bytes(each, seen) for each in value)
    return _array_bytes(vars(value), seen) if hasattr(value, "__dict__") else 0
