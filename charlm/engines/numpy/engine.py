"""A training step on this machine's cores: the batch's columns are split over workers, gradients are summed.

The first worker is this process, the others are processes of their own over shared memory: threads would hand
the interpreter's lock to and fro after every short call, and lose a third of two cores' time to it. The
gradients are summed in the workers' order, so that the same seed and number of workers give the same bits.
"""

from __future__ import annotations

import weakref
from dataclasses import asdict

import numpy as np

from charlm.base.arrays import Floats
from charlm.base.timing import Stopwatch
from charlm.config import OptimizerConfig
from charlm.data.batches import Batch
from charlm.engines.numpy.processes import WorkerProcesses
from charlm.engines.numpy.replica import Replica, StepRequest
from charlm.engines.numpy.shared_memory import TrainingMemory
from charlm.engines.numpy.worker import WorkerSetup
from charlm.engines.threads import ThreadPool, cores_of, on_core
from charlm.models.char_rnn import Model
from charlm.nn.state import States
from charlm.optim import make_optimizer


class NumpyEngine:
    """Executes steps for one model, whose parameters it moves into shared memory, and one size of batch.

    The processes end with the pool's block, or with the engine if that goes first.

    Attributes:
        slots: what the optimiser keeps for each parameter, by name (P,).
    """

    def __init__(
        self, model: Model, optimisation: OptimizerConfig, seq_len: int, batch_size: int, pool: ThreadPool
    ) -> None:
        columns = pool.columns(batch_size)
        self._workers = len(columns)
        optimizer = make_optimizer(optimisation)
        sizes = optimizer.slot_names, seq_len, batch_size, self._workers
        self._memory = memory = TrainingMemory(model, *sizes)
        self.slots = memory.slots
        for name, slot in optimizer.init(model.params.flat).items():
            self.slots[name][:] = slot
        model.use_storage(memory.params)
        self._current = 0
        self._stopwatch = Stopwatch()
        self._busy: list[dict[str, float]] = [{}]
        self._replica = Replica(model, optimizer, memory, 0, columns[0], seq_len, optimisation)
        settings = model.config.to_json(), model.vocab_size, optimisation.to_json(), seq_len, batch_size
        cores = cores_of(self._workers)
        self._core = cores[0]
        jobs = [
            WorkerSetup(*settings, self._workers, number, (own.start, own.stop), memory.shared.address, core)
            for number, (own, core) in enumerate(zip(columns, cores, strict=True))
        ]
        self._processes = WorkerProcesses(jobs[1:], memory.shared.inherited)
        memory.shared.close_file()
        pool.at_end(weakref.finalize(self, self._processes.close))

    @property
    def pids(self) -> list[int]:
        """The worker processes, this one not among them."""
        return self._processes.pids

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
        gradient: Floats = self._memory.gradients[0]
        return gradient

    def step(self, batch: Batch, rng: np.random.Generator) -> float:
        """Forward and backward on a batch, from the carried state, which moves on.

        Args:
            batch: a chunk of every stream.
            rng: source of the workers' own generators, for the noise of training.

        Returns:
            The mean cost of the batch's targets, in nats.

        Raises:
            WorkerError: a worker's process failed or has ended.
        """
        self._put(batch)
        orders = [
            StepRequest(batch.sizes, batch.num_targets, batch.resets_state, self._current, seed)
            for seed in rng.integers(2**63, size=self._workers).tolist()
        ]
        self._stopwatch.begin()
        self._processes.order([asdict(order) for order in orders[1:]])
        try:
            with on_core(self._core):
                nll_sums = [self._replica.run(orders[0])]
        finally:
            answers = self._processes.answers()
        self._stopwatch.end("step")
        nll_sums += [answer["nll_sum"] for answer in answers]
        self._busy = [self._replica.buffers.stopwatch.seconds, *(answer["seconds"] for answer in answers)]
        self._current = 1 - self._current
        for gradient in self._memory.gradients[1:]:
            self.gradient[:] += gradient
        self._stopwatch.end("sum of gradients")
        return sum(nll_sums) / batch.num_targets

    def update(self, lr: float, t: int) -> None:
        """Update the parameters by ``gradient``, which is used up; see ``Optimizer.update``.

        Raises:
            WorkerError: a worker's process failed or has ended.
        """
        self._processes.order([{"lr": lr, "t": t}] * (self._workers - 1))
        try:
            self._replica.update(lr, t)
        finally:
            self._processes.answers()

    def _put(self, batch: Batch) -> None:
        """Lay a batch out in the shared memory."""
        self._memory.put(batch)
        if batch.resets_state:
            for layer in self.state:
                for array in layer:
                    array[:] = 0

    def profile(self) -> dict[str, float]:
        """Seconds by activity since the start, as the mean of the workers; what they do not use is waiting."""
        busy: dict[str, float] = {}
        for seconds_by_activity in self._busy:
            for activity, seconds in seconds_by_activity.items():
                busy[activity] = busy.get(activity, 0.0) + seconds / self._workers
        spent = self._stopwatch.seconds
        waiting = spent.get("step", 0.0) - sum(busy.values())
        return {**busy, "waiting": waiting, "sum of gradients": spent.get("sum of gradients", 0.0)}
