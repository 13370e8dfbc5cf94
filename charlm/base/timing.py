"""Timing the parts of a training step."""

from __future__ import annotations

import time


class Stopwatch:
    """Seconds by activity, in laps.

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
        """Start the clock."""
        self._since = time.perf_counter()

    def end(self, activity: str) -> None:
        """Add a lap's time to an activity."""
        now = time.perf_counter()
        self.seconds[activity] = self.seconds.get(activity, 0.0) + now - self._since
        self._since = now
