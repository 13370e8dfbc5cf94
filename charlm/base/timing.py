"""Timing the parts of a training step."""

from __future__ import annotations

import time


class Stopwatch:
    """Seconds by activity; each lap starts where the last one ended.

    >>> stopwatch = Stopwatch()
    >>> stopwatch.begin()
    >>> stopwatch.end("reading")
    >>> sorted(stopwatch.seconds)
    ['reading']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = 0.0

    def begin(self) -> None:
        """Start the clock; time since the last lap is not counted."""
        self._since = time.perf_counter()

    def end(self, activity: str) -> None:
        """End a lap and add its time to an activity."""
        now = time.perf_counter()
        self.seconds[activity] = self.seconds.get(activity, 0.0) + now - self._since
        self._since = now
