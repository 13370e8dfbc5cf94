"""The worker processes, seen from the training process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from charlm.base.errors import WorkerError, hinting
from charlm.engines.numpy.barrier import BarrierBroken
from charlm.engines.numpy.process import Process
from charlm.engines.numpy.worker import WorkerSetup

MODULE = "charlm.engines.numpy.worker"
HINT = "go on from the last save with --resume, with fewer --workers if memory ran out"
# A worker must not start the matrix library's own threads at all.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")


class WorkerProcesses:
    """Processes that work until they are closed; none at first."""

    def __init__(self) -> None:
        self._processes: list[Process] = []

    def start(self, jobs: Sequence[WorkerSetup], inherited: tuple[int, ...]) -> None:
        """Start a process with each setup.

        Raises:
            WorkerError: a process cannot be started.
        """
        try:
            for job in jobs:
                self._processes.append(Process(MODULE, inherited, ONE_THREAD))
                self._processes[-1].send(asdict(job))
        except OSError as error:
            self.close()
            raise WorkerError(f"no worker process can be started ({error}): train with --workers 1") from error

    @property
    def pids(self) -> list[int]:
        """The process ids."""
        return [process.pid for process in self._processes]

    def check(self) -> None:
        """Check that every process runs.

        Raises:
            BarrierBroken: one has ended, which ``answers`` reports.
        """
        if any(process.has_ended for process in self._processes):
            raise BarrierBroken

    def order(self, orders: Sequence[Mapping[str, Any]]) -> None:
        """Send each worker its request."""
        for process, order in zip(self._processes, orders, strict=True):
            process.send(order)

    def answers(self) -> list[dict[str, Any]]:
        """Wait for all answers, in the workers' order.

        Raises:
            WorkerError: a worker failed or has ended.
        """
        answers, failures = [], []
        for process in self._processes:
            try:
                with hinting(HINT, WorkerError):
                    answers.append(process.answer())
            except WorkerError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]
        return answers

    def close(self) -> None:
        """End the processes and wait for them."""
        for process in self._processes:
            process.dismiss()
        for process in self._processes:
            process.wait()
