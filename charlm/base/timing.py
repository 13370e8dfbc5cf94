"""Where the time of a training step goes: laps on a worker's own clock, cheap enough to be taken always."""

from __future__ import annotations

import time


class Stopwatch:
    """Seconds by activity; each lap ends where the next begins.

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
        """Start the clock; what passed since the last lap belongs to nothing."""
        self._since = time.perf_counter()

    def end(self, activity: str) -> None:
        """End a lap that was spent on this activity."""
        now = time.perf_counter()
        self.seconds[activity] = self.seconds.get(activity, 0.0) + now - self._since
        self._since = now
