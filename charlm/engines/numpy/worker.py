"""A worker process that answers lines of JSON."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from threadpoolctl import threadpool_limits

from charlm.base.arrays import FlatVector
from charlm.config import OptimizerConfig
from charlm.engines.numpy.barrier import BarrierBroken
from charlm.engines.numpy.process_start import failure_line
from charlm.engines.numpy.replica import LossRequest, Replica, RowShare, StepRequest
from charlm.engines.numpy.shared_memory import TrainingMemory
from charlm.models.base import NetworkSpec
from charlm.optim import make_optimizer


@dataclass(frozen=True)
class WorkerSetup:
    """What a worker process needs once.

    ``number`` counts from 0; ``columns`` are the first and the one after the last; ``core`` may be None.

    Attributes:
        exchanged: bytes of the exchange within a step if workers are split by rows, else 0.
        has_core: whether there is a core for each worker.
        leader: the training process.
    """

    network: dict[str, Any]
    optimisation: dict[str, Any]
    seq_len: int
    batch_size: int
    workers: int
    exchanged: int
    address: str
    has_core: bool
    leader: int
    number: int = 0
    columns: tuple[int, int] = (0, 0)
    core: int | None = None

    def replica(self) -> Replica:
        """The worker's replica."""
        blank = NetworkSpec.from_json(self.network).build()
        optimisation = OptimizerConfig(**self.optimisation)
        rule = make_optimizer(optimisation)
        sizes = self.seq_len, self.batch_size, self.workers
        memory = TrainingMemory(blank, rule, *sizes, self.exchanged, self.address)
        memory.shared.close_file()
        model = blank.with_params(FlatVector(blank.shapes, blank.dtype, memory.params))
        share = None
        if self.exchanged:
            hidden, has_core = blank.config.hidden, self.has_core
            share = RowShare(memory, self.number, self.workers, hidden, has_core, _end_with(self.leader))
        return Replica(model, rule, memory, self.number, slice(*self.columns), self.seq_len, optimisation, share)


def _end_with(leader: int) -> Callable[[], None]:
    """The check of a waiting worker: end it, if the training process has ended."""

    def check() -> None:
        if os.getppid() != leader:
            os._exit(0)

    return check


def serve(orders: TextIO, answers: TextIO) -> None:
    """Answer requests until the input ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    job = WorkerSetup(**json.loads(orders.readline()))
    if job.core is not None:
        os.sched_setaffinity(0, {job.core})
    with threadpool_limits(limits=1, user_api="blas"):
        replica = job.replica()
        for line in orders:
            try:
                answer = _handle(replica, json.loads(line)) | {"seconds": replica.buffers.stopwatch.seconds}
                answers.write(json.dumps(answer) + "\n")
            except Exception as error:  # the training process decides
                replica.leave()
                answers.write(failure_line(error))
            answers.flush()


def _handle(replica: Replica, order: dict[str, Any]) -> dict[str, Any]:
    """Run a step, an update, or a share of the candidates."""
    if "lr" in order:
        replica.update(**order)
        return {}
    if "count" in order:
        replica.score(LossRequest(**order))
        return {}
    try:
        return {"nll_sum": replica.run(StepRequest(**order))}
    except BarrierBroken:  # the worker that failed reports why
        return {"nll_sum": math.nan}
