"""Outputs of a network for whole batches, on threads that share the weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np

from charlm.base.arrays import Floats
from charlm.data.batches import Batch
from charlm.engines.threads import ThreadPool
from charlm.models.base import BaseModel

Result = TypeVar("Result")


class Predictor:
    """Gives the outputs (B, ...) of batches of one size, without a gradient."""

    def __init__(self, model: BaseModel, pool: ThreadPool | None = None) -> None:
        """Run in the calling thread without a pool."""
        self._model, self._pool = model, pool
        self._buffers: dict[tuple[int, int], tuple[int, Any]] = {}

    def __call__(self, batch: Batch) -> Floats:
        """The outputs of a batch."""
        return np.concatenate(self.each(batch, lambda model, own, buffers: model.outputs(own, buffers)))

    def each(self, batch: Batch, function: Callable[[Any, Batch, Any], Result]) -> list[Result]:
        """What a function of the model, columns and their buffers gives for each thread's columns of a batch."""
        shapes = [values.shape for values in batch.fields.values()]
        steps, batch_size = max(shape[0] for shape in shapes if len(shape) > 1), shapes[0][-1]
        parts = [slice(0, batch_size)] if self._pool is None else self._pool.columns(batch_size)
        tasks = [partial(self._run, batch, function, columns, steps) for columns in parts]
        if self._pool is not None:
            return self._pool.run(tasks)
        with np.errstate(over="ignore", invalid="ignore"):  # the results are checked to be finite
            return [task() for task in tasks]

    def _run(
        self, batch: Batch, function: Callable[[Any, Batch, Any], Result], columns: slice, steps: int
    ) -> Result:
        place = columns.start, columns.stop
        largest, buffers = self._buffers.get(place, (0, None))
        if steps > largest:
            buffers = self._model.buffers(steps, columns.stop - columns.start)
            self._buffers[place] = (steps, buffers)
        fields = {name: np.ascontiguousarray(values[..., columns]) for name, values in batch.fields.items()}
        own = Batch(fields, batch.num_targets, batch.resets_state)
        return function(self._model, own, buffers)
