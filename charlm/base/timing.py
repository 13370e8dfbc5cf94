"""Times: measured and spelled."""

from __future__ import annotations

import time


def format_seconds(seconds: float) -> str:
    """A time for people.

    >>> [format_seconds(seconds) for seconds in (0.04, 6.64, 36.2, 125, 3600, 29000)]
    ['0.0 s', '6.6 s', '36 s', '2 min 5 s', '1 h 0 min', '8 h 3 min']
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def format_date(seconds: float) -> str:
    """A local time, given in seconds since 1970, such as ``27 Nov 2026 22:21``."""
    moment = time.localtime(seconds)
    return f"{moment.tm_mday} {time.strftime('%b %Y %H:%M', moment)}"


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

    def leave_out(self, seconds: float) -> None:
        """Exclude these seconds from the current lap."""
        self._since += seconds

    def end(self, activity: str) -> None:
        """Add a lap's time to an activity."""
        now = time.perf_counter()
        self.seconds[activity] = self.seconds.get(activity, 0.0) + now - self._since
        self._since = now
