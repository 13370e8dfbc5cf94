"""Outputs of a network for whole batches, on threads that share the weights."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from charlm.base.arrays import Floats
from charlm.data.batches import Batch
from charlm.engines.threads import ThreadPool
from charlm.models.base import BaseModel


class Predictor:
    """Gives the outputs (B, ...) of batches of one size, without a gradient."""

    def __init__(self, model: BaseModel, pool: ThreadPool | None = None) -> None:
        """Run in the calling thread without a pool."""
        self._model, self._pool = model, pool
        self._buffers: dict[tuple[int, int], tuple[int, Any]] = {}

    def __call__(self, batch: Batch) -> Floats:
        """The outputs of a batch with an ``x_TB``."""
        steps, batch_size = batch["x_TB"].shape
        parts = [slice(0, batch_size)] if self._pool is None else self._pool.columns(batch_size)
        tasks = [partial(self._run, batch, columns, steps) for columns in parts]
        if self._pool is not None:
            return np.concatenate(self._pool.run(tasks))
        with np.errstate(over="ignore", invalid="ignore"):  # the results are checked to be finite
            return np.concatenate([task() for task in tasks])

    def _run(self, batch: Batch, columns: slice, steps: int) -> Floats:
        place = columns.start, columns.stop
        largest, buffers = self._buffers.get(place, (0, None))
        if steps > largest:
            buffers = self._model.buffers(steps, columns.stop - columns.start)
            self._buffers[place] = (steps, buffers)
        fields = {name: np.ascontiguousarray(values[..., columns]) for name, values in batch.fields.items()}
        own = Batch(fields, batch.num_targets, batch.resets_state)
        return self._model.outputs(own, buffers)
