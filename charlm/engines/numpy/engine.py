"""The NumPy engine: workers split a batch's columns, or the network's units."""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import FlatVector, Floats
from charlm.base.timing import Stopwatch
from charlm.config import OptimizerConfig
from charlm.data.batches import Batch
from charlm.engines.base import Engine, Meanwhile, Network, Snapshot, do_nothing
from charlm.engines.numpy.network import open_network
from charlm.engines.numpy.predictor import Predictor
from charlm.engines.numpy.processes import WorkerProcesses
from charlm.engines.numpy.replica import LossRequest, Replica, RowShare, StepRequest, exchanged_bytes
from charlm.engines.numpy.shared_memory import TrainingMemory
from charlm.engines.numpy.worker import WorkerSetup
from charlm.engines.ranked_network import spread
from charlm.engines.ranks import ALONE, Ranks
from charlm.engines.threads import Cores, ThreadPool, default_workers, on_core
from charlm.models.base import BaseModel
from charlm.models.char_rnn import Model
from charlm.nn.state import States
from charlm.optim import make_optimizer
from charlm.optim.averaging import AVERAGE
from charlm.optim.clipping import clip_norm_, clip_value_


class NumpyEngine(Engine):
    """Runs steps on this machine's cores."""

    def __init__(
        self,
        model: BaseModel,
        optimizer_config: OptimizerConfig,
        seq_len: int,
        batch_size: int,
        workers: int | None = None,
        ranks: Ranks = ALONE,
        split_by: str = "columns",
    ) -> None:
        """Start the workers, one a usable core by default; ``batch_size`` is this rank's share.

        Raises:
            WorkerError: a process cannot be started.
        """
        self._ranks = ranks
        self._threads = threads = ThreadPool(workers)
        columns = threads.columns(batch_size)
        if split_by == "rows":
            columns = [slice(0, batch_size)] * min(threads.workers, model.config.hidden)
        self._workers = len(columns)
        pinned, self._processes = Cores(self._workers), WorkerProcesses()
        self._finish = weakref.finalize(self, _finish, self._processes, threads, pinned)
        self._core = pinned.cores[0]
        self._optimizer = rule = make_optimizer(optimizer_config)
        sizes = seq_len, batch_size, self._workers
        exchanged = exchanged_bytes(model, optimizer_config, *sizes) if split_by == "rows" else 0
        self._memory = memory = TrainingMemory(model, rule, *sizes, exchanged)
        self._model, self._averaged = model, self._move(model)
        has_core = self._workers <= default_workers()
        setup = WorkerSetup(
            model.spec.to_json(), optimizer_config.to_json(), *sizes, exchanged, memory.shared.address, has_core,
            os.getpid(),
        )  # fmt: skip
        self._start(setup, columns, pinned.cores)
        self._share = None
        if exchanged:
            self._share = RowShare(memory, 0, self._workers, model.config.hidden, has_core, self._processes.check)
        self._replica = Replica(model, rule, memory, 0, columns[0], seq_len, optimizer_config, self._share)
        self._current = 0
        self._stopwatch = Stopwatch()
        self._busy: list[dict[str, float]] = [{}]

    def _move(self, model: BaseModel) -> BaseModel:
        """Move the weights to the shared memory; give the model with averaged ones, if there are any."""
        memory = self._memory
        for name, slot in self._optimizer.init(model.params.flat).items():
            memory.slots[name][:] = slot
        model.use_storage(memory.params)
        if AVERAGE not in memory.slots:
            return model
        return model.with_params(FlatVector(model.shapes, model.dtype, memory.slots[AVERAGE]))

    def _start(self, setup: WorkerSetup, columns: Sequence[slice], cores: Sequence[int | None]) -> None:
        """Start the other workers."""
        setups = [
            replace(setup, number=number, columns=(own.start, own.stop), core=core)
            for number, (own, core) in enumerate(zip(columns, cores, strict=True))
        ]
        shared = self._memory.shared
        try:
            self._processes.start(setups[1:], shared.inherited)
        finally:
            shared.close_file()

    def close(self) -> None:
        """End the worker processes and the threads."""
        self._replica.leave()  # an interrupt may have come when not all had the order of a step
        self._finish()

    @property
    def pids(self) -> list[int]:
        """The worker processes, without this one."""
        return self._processes.pids

    @property
    def gradient(self) -> Floats:
        """The gradient of the last step's mean loss (P,)."""
        gradient: Floats = self._memory.gradients[0]
        return gradient

    def step(self, batch: Batch, rng: np.random.Generator, meanwhile: Meanwhile = do_nothing) -> float:
        """Forward and backward on a batch; or, for a rule with a population, forward with every candidate."""
        if self._optimizer.population:
            return self._search(batch, rng)
        self._put(batch)
        seeds = rng.integers(2**63, size=self._workers).tolist()
        if self._share is not None:
            self._share.barrier.clear()
            seeds = seeds[:1] * self._workers  # what they draw together is the same
        requests = [
            StepRequest(batch.sizes, batch.num_targets, batch.resets_state, self._current, seed) for seed in seeds
        ]
        self._stopwatch.begin()
        self._processes.order([asdict(request) for request in requests[1:]])
        try:
            with on_core(self._core):
                nll_sums = [self._replica.run(requests[0])]
        except BaseException:
            self._replica.leave()
            raise
        finally:
            answers = self._processes.answers()
        self._stopwatch.end("step")
        nll_sums += [answer["nll_sum"] for answer in answers]
        self._busy = [self._replica.buffers.stopwatch.seconds, *(answer["seconds"] for answer in answers)]
        self._current = 1 - self._current
        if self._share is None:
            for gradient in self._memory.gradients[1:]:
                self.gradient[:] += gradient
        self._ranks.sum_(self.gradient)
        self._stopwatch.end("sum of gradients")
        return sum(nll_sums)

    def _search(self, batch: Batch, rng: np.random.Generator) -> float:
        """Tell the rule the losses of its candidates, from which it makes a gradient."""
        memory, rule = self._memory, self._optimizer
        weights_P = memory.params.copy()
        candidates_KP = rule.candidates(weights_P, memory.slots, rng)
        sums_K = self.losses(batch, np.concatenate([weights_P[None], candidates_KP]), int(rng.integers(2**63)))
        means_K = (sums_K / batch.num_targets).astype(memory.params.dtype)
        # Overflow is not announced here either: the loss and the gradient tell.
        with np.errstate(over="ignore", invalid="ignore"):
            rule.learn(memory.params, candidates_KP, float(means_K[0]), means_K[1:], memory.slots, self.gradient)
        self._stopwatch.end("learning from losses")
        return float(sums_K[0])

    def losses(self, batch: Batch, candidates_KP: Floats, seed: int) -> npt.NDArray[np.float64]:
        """The summed loss of a batch under each parameter vector (K,), each scored by one worker."""
        self._put(batch)
        count = len(candidates_KP)
        self._memory.candidates[:count] = candidates_KP
        step = batch.sizes, batch.num_targets, batch.resets_state, self._current, seed
        request = LossRequest(*step, count)
        self._stopwatch.begin()
        self._processes.order([asdict(request)] * (self._workers - 1))
        try:
            with on_core(self._core):
                self._replica.score(request)
        finally:
            self._processes.answers()
        self._stopwatch.end("losses of candidates")
        self._current = 1 - self._current
        return self._memory.losses[:count].copy()

    def _put(self, batch: Batch) -> None:
        """Lay a batch out in the shared memory."""
        self._memory.put(batch)
        if batch.resets_state:
            for layer in self._memory.states[self._current]:
                for array in layer:
                    array[:] = 0

    def clip(self, value: float, norm: float) -> float:
        """Clip the gradient in place."""
        clip_value_(self.gradient, value)
        return clip_norm_(self.gradient, norm)

    def update(self, lr: float, t: int) -> None:
        """Update the weights."""
        self._processes.order([{"lr": lr, "t": t}] * (self._workers - 1))
        try:
            self._replica.update(lr, t)
        finally:
            self._processes.answers()
        self._stopwatch.end("optimizer")

    def snapshot(self) -> Snapshot:
        """Copies of the weights, slots and state."""
        memory = self._memory
        states: States = tuple(tuple(array.copy() for array in layer) for layer in memory.states[self._current])
        slots = {name: slot.copy() for name, slot in memory.slots.items()}
        return Snapshot(memory.params.copy(), slots, states)

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot."""
        memory = self._memory
        memory.params[:] = snapshot.weights_P
        for name, slot in memory.slots.items():
            slot[:] = snapshot.slots[name]
        for layer, values in zip(memory.states[self._current], snapshot.states, strict=True):
            for array, value in zip(layer, values, strict=True):
                array[:] = value

    def model(self) -> BaseModel:
        """The model, with averaged weights if there are any."""
        return self._averaged

    def network(self) -> Network:
        """That model on as many threads as workers."""
        assert isinstance(self._averaged, Model), "this network does not predict characters"
        return spread(open_network(self._averaged, self._threads), self._ranks)

    def predictor(self) -> Predictor:
        """That model on as many threads as workers."""
        return Predictor(self._averaged, self._threads)

    def profile(self) -> dict[str, float]:
        """Seconds by activity, the workers' mean; the rest is waiting."""
        busy: dict[str, float] = {}
        for seconds_by_activity in self._busy:
            for activity, seconds in seconds_by_activity.items():
                busy[activity] = busy.get(activity, 0.0) + seconds / self._workers
        spent = dict(self._stopwatch.seconds)
        waiting = spent.pop("step", 0.0) - sum(busy.values())
        return {**busy, "waiting": waiting, **spent}


def _finish(processes: WorkerProcesses, threads: ThreadPool, pinned: Cores) -> None:
    processes.close()
    threads.close()
    pinned.close()
