"""A training step on this machine's cores: the batch's columns are split over workers, gradients are summed.

Every worker runs forward and backward on its own columns, with buffers and a gradient of its own. The sum runs
in the workers' order, so that the same seed and the same number of workers give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from charlm.arrays import FlatVector, Floats
from charlm.engine.pool import WorkerPool
from charlm.model import Model, Workspace
from charlm.profiling import Laps
from charlm.states import States, join_states
from charlm.text.streams import Batch


@dataclass
class Shard:
    """A worker's columns of the batch, and what it owns."""

    columns: slice
    workspace: Workspace
    grads: FlatVector


class LocalEngine:
    """Executes steps for one model and one size of batch.

    Attributes:
        state: every stream's state after the last step, for each layer its variables (B, H).
        gradient: of the last step's mean loss.
    """

    def __init__(self, model: Model, seq_len: int, batch_size: int, dropout: float, pool: WorkerPool) -> None:
        self.model = model
        self.state: States = model.zero_state(batch_size)
        self._batch_size = batch_size
        self._pool = pool
        self._laps = Laps()
        self._shards = [
            Shard(
                columns,
                Workspace(model, seq_len, columns.stop - columns.start, dropout),
                model.params.zeros_like(),
            )
            for columns in pool.columns(batch_size)
        ]

    @property
    def gradient(self) -> Floats:
        """The gradient of the last step's mean loss (P,)."""
        return self._shards[0].grads.flat

    def step(self, batch: Batch, rng: np.random.Generator) -> float:
        """Forward and backward on a batch, from the carried state, which moves on.

        Args:
            batch: a chunk of every stream.
            rng: source of the workers' own generators, for dropout.

        Returns:
            The mean cost of the batch's targets, in nats.
        """
        if batch.fresh:
            self.state = self.model.zero_state(self._batch_size)
        rngs = rng.spawn(len(self._shards))
        tasks = [partial(self._run, shard, batch, own) for shard, own in zip(self._shards, rngs, strict=True)]
        self._laps.begin()
        results: list[tuple[float, States]] = self._pool.run(tasks)
        self._laps.end("step")
        self.state = join_states(tuple(states for _, states in results))
        for shard in self._shards[1:]:
            self._shards[0].grads.flat += shard.grads.flat
        self._laps.end("sum of gradients")
        return sum(nll_sum for nll_sum, _ in results) / batch.targets

    def profile(self) -> dict[str, float]:
        """Seconds by activity since the start, as the mean of the workers; what they do not use is waiting."""
        workers = len(self._shards)
        busy: dict[str, float] = {}
        for shard in self._shards:
            for activity, seconds in shard.workspace.laps.seconds.items():
                busy[activity] = busy.get(activity, 0.0) + seconds / workers
        spent = self._laps.seconds
        waiting = spent.get("step", 0.0) - sum(busy.values())
        return {**busy, "waiting": waiting, "sum of gradients": spent.get("sum of gradients", 0.0)}

    def _run(self, shard: Shard, batch: Batch, rng: np.random.Generator) -> tuple[float, States]:
        columns = shard.columns
        state = tuple(tuple(array[columns] for array in layer) for layer in self.state)
        x_TB, y_TB = (np.ascontiguousarray(codes[:, columns]) for codes in (batch.x_TB, batch.y_TB))
        real_TB = None if batch.real_TB is None else np.ascontiguousarray(batch.real_TB[:, columns])
        return self.model.loss_and_gradient(
            x_TB, y_TB, real_TB, batch.targets, state, shard.workspace, shard.grads, rng
        )
