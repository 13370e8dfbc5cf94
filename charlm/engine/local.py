"""A training step on this machine's cores: the batch's columns are split over workers, gradients are summed.

The first worker is this process, the others are processes of their own over shared memory: threads would hand
the interpreter's lock to and fro after every short call, and lose a third of two cores' time to it. The
gradients are summed in the workers' order, so that the same seed and number of workers give the same bits.
"""

from __future__ import annotations

import weakref

import numpy as np

from charlm.arrays import Floats
from charlm.engine.crew import Crew
from charlm.engine.memory import TrainingMemory
from charlm.engine.pool import WorkerPool
from charlm.engine.shard import Order, Shard
from charlm.engine.worker import Job
from charlm.model import Model
from charlm.profiling import Laps
from charlm.states import States
from charlm.text.streams import Batch


class LocalEngine:
    """Executes steps for one model, whose parameters it moves into shared memory, and one size of batch.

    The processes end with the pool's block, or with the engine if that goes first.
    """

    def __init__(self, model: Model, seq_len: int, batch_size: int, dropout: float, pool: WorkerPool) -> None:
        columns = pool.columns(batch_size)
        self._workers = len(columns)
        self._memory = memory = TrainingMemory(model, seq_len, batch_size, self._workers)
        model.move_to(memory.params)
        self._current = 0
        self._laps = Laps()
        self._busy: list[dict[str, float]] = [{}]
        self._shard = Shard(model, memory, 0, columns[0], seq_len, dropout)
        settings = model.config.to_json(), model.vocabulary_size, seq_len, batch_size, dropout, self._workers
        jobs = [
            Job(*settings, number, (own.start, own.stop), memory.shared.address)
            for number, own in enumerate(columns)
        ]
        self._crew = Crew(jobs[1:], memory.shared.inherited)
        memory.shared.close_file()
        pool.at_end(weakref.finalize(self, self._crew.close))

    @property
    def pids(self) -> list[int]:
        """The worker processes, this one not among them."""
        return self._crew.pids

    @property
    def state(self) -> States:
        """Every stream's state after the last step, for each layer its variables (B, H)."""
        return self._memory.states[self._current]

    @state.setter
    def state(self, states: States) -> None:
        for layer, own in zip(self.state, states, strict=True):
            for array, values in zip(layer, own, strict=True):
                array[:] = values

    @property
    def gradient(self) -> Floats:
        """The gradient of the last step's mean loss (P,)."""
        return self._memory.gradients[0]

    def step(self, batch: Batch, rng: np.random.Generator) -> float:
        """Forward and backward on a batch, from the carried state, which moves on.

        Args:
            batch: a chunk of every stream.
            rng: source of the workers' own generators, for dropout.

        Returns:
            The mean cost of the batch's targets, in nats.

        Raises:
            WorkerError: a worker's process failed or has ended.
        """
        self._put(batch)
        orders = [
            Order(
                len(batch.x_TB), batch.targets, batch.real_TB is not None, batch.keep_TB is not None,
                self._current, seed,
            )
            for seed in rng.integers(2**63, size=self._workers).tolist()
        ]  # fmt: skip
        self._laps.begin()
        self._crew.order(orders[1:])
        try:
            nll_sums = [self._shard.run(orders[0])]
        finally:
            answers = self._crew.answers()
        self._laps.end("step")
        nll_sums += [answer["nll_sum"] for answer in answers]
        self._busy = [self._shard.workspace.laps.seconds, *(answer["seconds"] for answer in answers)]
        self._current = 1 - self._current
        for gradient in self._memory.gradients[1:]:
            self.gradient[:] += gradient
        self._laps.end("sum of gradients")
        return sum(nll_sums) / batch.targets

    def _put(self, batch: Batch) -> None:
        """Lay a batch out in the shared memory."""
        memory, steps = self._memory, len(batch.x_TB)
        memory.x_TB[:steps], memory.y_TB[:steps] = batch.x_TB, batch.y_TB
        if batch.real_TB is not None:
            memory.real_TB[:steps] = batch.real_TB
        if batch.keep_TB is not None:
            memory.keep_TB[:steps] = batch.keep_TB
        if batch.fresh:
            for layer in self.state:
                for array in layer:
                    array[:] = 0

    def profile(self) -> dict[str, float]:
        """Seconds by activity since the start, as the mean of the workers; what they do not use is waiting."""
        busy: dict[str, float] = {}
        for seconds_by_activity in self._busy:
            for activity, seconds in seconds_by_activity.items():
                busy[activity] = busy.get(activity, 0.0) + seconds / self._workers
        spent = self._laps.seconds
        waiting = spent.get("step", 0.0) - sum(busy.values())
        return {**busy, "waiting": waiting, "sum of gradients": spent.get("sum of gradients", 0.0)}
