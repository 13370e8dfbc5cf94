"""Signals: the first stops after the step, a second Ctrl-C or SIGTERM at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

URGENT = (signal.SIGINT, signal.SIGTERM)
HANG_UPS = (signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()  # Windows has none


class StopRequest:
    """A stop request, with its signal's ``number``."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __call__(self) -> bool:
        """Whether a stop was requested."""
        return self.number is not None

    def ask(self, number: int) -> None:
        """Request a stop."""
        self.number = number


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn SIGINT, SIGTERM and SIGHUP into a stop request, in the main thread only.

    Raises:
        KeyboardInterrupt: a second SIGINT or SIGTERM.
    """
    request = StopRequest()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if request() and number in URGENT:
            raise KeyboardInterrupt
        request.ask(number)

    is_first = threading.current_thread() is threading.main_thread()
    before: dict[signal.Signals, Any] = {}
    for number in (*URGENT, *HANG_UPS):
        if is_first and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, on_signal)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
