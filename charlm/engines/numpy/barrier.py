"""The barrier at which the workers of a step wait for each other: counters in shared memory.

Each worker counts its arrivals in a cache line of its own, and continues once all counts have reached its own. It
spins for a bounded time, then sleeps: another worker may not be running.

What a worker writes before it counts must be visible to the workers that see its count. On x86 it is: stores
become visible in program order (total store order), and loads stay in order too. Elsewhere, for example on ARM,
a lock is released and acquired between the data and the count, which orders them; that has not been run.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from threading import Lock

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import CACHE_LINE
from charlm.base.timing import Stopwatch

LINE = CACHE_LINE // 8  # counters of a cache line
SPINS = 4000  # reads of about 50 ns, if every worker has a core: longer than a sleep, which can cost the core
YIELDS = 100
NAP = 5e-5  # seconds of sleep between later reads
IS_ORDERED = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")


class BarrierBroken(Exception):
    """Another worker will not arrive."""


class Barrier:
    """One worker at the barrier of a step."""

    def __init__(
        self,
        counters: npt.NDArray[np.int64],
        number: int,
        workers: int,
        has_core: bool,
        check: Callable[[], None],
    ) -> None:
        """Make worker ``number``'s barrier; ``check`` is called between sleeps, and raises if another has ended.

        If not every worker ``has_core`` of its own, a waiting worker yields at once.
        """
        self._counters = counters.data
        self._own = number * LINE
        self._others = [other * LINE for other in range(workers) if other != number]
        self._broken = workers * LINE
        self._has_core = has_core
        self._check = check
        self._count = 0
        self._locks = Lock(), Lock()
        self.stopwatch = Stopwatch()  # of the worker's activities, without waiting

    @staticmethod
    def size(workers: int) -> int:
        """The number of counters, with a cache line that says that a worker will not arrive."""
        return (workers + 1) * LINE

    def begin(self) -> None:
        """Start a step."""
        self._count = 0

    def clear(self) -> None:
        """Set all counters to zero, while no worker runs."""
        for place in range(0, self._broken + LINE, LINE):
            self._counters[place] = 0

    def leave(self) -> None:
        """Tell the others not to wait."""
        self._counters[self._broken] = 1

    def __call__(self) -> None:
        """Wait until every worker has arrived.

        Raises:
            BarrierBroken: one will not arrive.
        """
        self._count = count = self._count + 1
        counters = self._counters
        if not IS_ORDERED:
            self._fence()
        counters[self._own] = count
        for other in self._others:
            if counters[other] < count:
                self._wait(other, count)
        if not IS_ORDERED:
            self._fence()

    def _wait(self, other: int, count: int) -> None:
        began, counters = time.perf_counter(), self._counters
        for _ in range(SPINS if self._has_core else YIELDS):
            if counters[other] >= count:
                break
            if not self._has_core:
                os.sched_yield()
        while counters[other] < count:
            if counters[self._broken]:
                raise BarrierBroken
            self._check()
            time.sleep(NAP)
        self.stopwatch.leave_out(time.perf_counter() - began)

    def _fence(self) -> None:
        """Order all earlier memory accesses before all later ones: a release, then an acquire."""
        for lock in self._locks:
            with lock:
                pass
