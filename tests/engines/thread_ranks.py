"""Ranks that are threads of one process, for tests."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

import numpy as np


class ThreadRanks:
    """One of several threads that wait for each other."""

    def __init__(self, rank, slots, barrier):
        self.rank, self.size, self._slots, self._barrier = rank, len(slots), slots, barrier

    def gather(self, message):
        self._slots[self.rank] = message
        self._barrier.wait()
        found = list(self._slots)
        self._barrier.wait()
        return found

    def broadcast(self, message):
        return self.gather(message)[0]

    def sum_(self, buffer):
        buffer = buffer if isinstance(buffer, np.ndarray) else buffer.numpy()  # a tensor's own memory
        parts = [np.frombuffer(each, buffer.dtype) for each in self.gather(buffer.tobytes())]
        buffer[...] = sum(parts[1:], parts[0]).reshape(buffer.shape)

    def close(self):
        self._barrier.abort()


def on_ranks(size, work):
    """What a function of one rank gives on each of them; the first error of any."""
    slots, barrier = [None] * size, Barrier(size, timeout=60)

    def run(rank):
        try:
            return work(ThreadRanks(rank, slots, barrier))
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(run, rank) for rank in range(size)]
    errors = [future.exception() for future in futures if future.exception()]
    for error in sorted(errors, key=lambda error: isinstance(error, BrokenBarrierError)):
        raise error
    return [future.result() for future in futures]
