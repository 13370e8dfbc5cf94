"""Threads for evaluation, with a single-threaded matrix library; and their cores."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from charlm.base.torchrun import local_size

Result = TypeVar("Result")
CLAIM = "charlm-core-"


def usable_cores() -> int:
    """The cores that this process may run on, at most as many as a container's CPU quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, math.floor(cpu_quota())))


def cpu_quota(own: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> float:
    """The CPU time per second of this process's control group and those around it (cgroup v2)."""
    quota = float(os.cpu_count() or 1)
    with suppress(OSError, ValueError):
        group = next(line for line in own.read_text().splitlines() if line.startswith("0::"))
        inside = root / group.removeprefix("0::").strip("/")
        for folder in (inside, *inside.parents):
            if not folder.is_relative_to(root):
                break
            with suppress(OSError, ValueError):
                time, period = (folder / "cpu.max").read_text().split()
                quota = min(quota, float(time) / float(period))  # "max" is no number
    return quota


def default_workers() -> int:
    """A worker for each core, of those that other ranks of this host leave.

    >>> default_workers() <= usable_cores()
    True
    """
    return max(1, usable_cores() // local_size())


class Cores:
    """A core for each worker if there are as many, and no other training has claimed one of them; else None.

    A training claims a core by the name of a socket (Linux): only one process on a machine can have it, and it
    ends with the process. Trainings of one process share their claims.
    """

    _claims: ClassVar[list[Any]] = []
    _trainings: ClassVar[int] = 0

    def __init__(self, workers: int) -> None:
        self.cores: list[int | None] = [None] * workers
        if workers == 1 or local_size() > 1 or not hasattr(os, "sched_setaffinity"):
            return
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) == workers and (Cores._trainings or _claim(usable, Cores._claims)):
            Cores._trainings += 1
            self.cores = [*usable]

    def close(self) -> None:
        """Give the cores back."""
        if self.cores[0] is not None:
            self.cores = [None]
            Cores._trainings -= 1
            while Cores._claims and not Cores._trainings:
                Cores._claims.pop().close()


def _claim(cores: Sequence[int], claims: list[Any]) -> bool:
    """Claim all of these cores, or none."""
    import socket  # here, so that help does not wait for it

    try:
        for core in cores:
            claims.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            claims[-1].bind(f"\0{CLAIM}{core}")
    except OSError:
        while claims:
            claims.pop().close()
    return bool(claims)


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Keep this thread on a core, if given."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class _BlasLimits:
    """What each open pool found before it gave the matrix library one thread, oldest pool first.

    Pools of several threads may close in any order: what the first of them found comes back with the last.
    """

    def __init__(self) -> None:
        # A pool may be closed by the garbage collector, at any moment, also inside of enter and leave.
        self._lock = threading.RLock()
        self._is_busy = False
        self._leaving: list[ThreadPool] = []
        self._found: dict[ThreadPool, threadpool_limits] = {}

    def enter(self, pool: ThreadPool) -> None:
        with self._lock:
            self._is_busy = True
            self._found[pool] = threadpool_limits(limits=1, user_api="blas")
            self._is_busy = False
            self._go_on()

    def leave(self, pool: ThreadPool) -> None:
        with self._lock:
            self._leaving.append(pool)
            self._go_on()

    def _go_on(self) -> None:
        """Let the pools leave that are closed, unless something else is being done."""
        while self._leaving and not self._is_busy:
            self._is_busy = True
            self._release(self._leaving.pop())
            self._is_busy = False

    def _release(self, pool: ThreadPool) -> None:
        pools = [*self._found]
        if pool not in pools:  # it is closed again
            return
        later = pools[pools.index(pool) + 1 :]
        found = self._found.pop(pool)
        if later:
            self._found[later[0]] = found
        else:
            found.restore_original_limits()


_blas_limits = _BlasLimits()


class ThreadPool:
    """A fixed number of worker threads."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = default_workers() if workers is None else workers
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="charlm-worker")
        _blas_limits.enter(self)

    def run(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """Run tasks in parallel: their results in order, or the first exception."""
        futures = [self._threads.submit(_quietly, task) for task in tasks[1:]]
        try:
            first = _quietly(tasks[0])
        finally:
            rest = [future.exception() for future in futures]
        for exception in rest:
            if exception is not None:
                raise exception
        return [first, *(future.result() for future in futures)]

    def run_columns(self, count: int, task: Callable[[slice], Result]) -> list[Result]:
        """Run a task on each worker's slice of columns."""
        return self.run([partial(task, columns) for columns in self.columns(count)])

    def close(self) -> None:
        """End the threads, and free the matrix library's."""
        self._threads.shutdown()
        _blas_limits.leave(self)

    def columns(self, batch_size: int) -> list[slice]:
        """Near-equal slices of a batch, none empty."""
        workers = min(self.workers, batch_size)
        cuts = [batch_size * worker // workers for worker in range(workers + 1)]
        return [slice(start, stop) for start, stop in pairwise(cuts)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _quietly(task: Callable[[], Result]) -> Result:
    """Run a task without overflow warnings."""
    with np.errstate(over="ignore", invalid="ignore"):
        return task()
