"""Signals during training: the first asks for a stop after the step, a second Ctrl-C or SIGTERM stops at once."""

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
    """Whether a stop has been asked for; calling it tells.

    Attributes:
        number: of the signal that asked; None where none has.
    """

    def __init__(self) -> None:
        self.number: int | None = None

    def __call__(self) -> bool:
        """Whether one has been asked for."""
        return self.number is not None

    def ask(self, number: int) -> None:
        """Ask for a stop by a signal."""
        self.number = number


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn the signals that end a program into a stop request while the block runs; an ignored one stays ignored.

    Only a program's first thread can have signals: in another, nothing asks.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM arrived after another signal that has not yet had its effect. What a
            closed terminal sends does not: it comes twice, from the system and from the shell.
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
