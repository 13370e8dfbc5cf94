"""Signals during training: the first asks for a stop after the step, a second Ctrl-C or SIGTERM stops at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

URGENT = (signal.SIGINT, signal.SIGTERM)
HANG_UPS = (signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()  # Windows has none


class StopRequest:
    """Whether a stop has been asked for; calling it tells."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self) -> bool:
        """Whether one has been asked for."""
        return self._asked

    def ask(self) -> None:
        """Ask for a stop."""
        self._asked = True


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn the signals that end a program into a stop request while the block runs; an ignored one stays ignored.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM arrived after another signal that has not yet had its effect. What a
            closed terminal sends does not: it comes twice, from the system and from the shell.
    """
    request = StopRequest()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if request() and number in URGENT:
            raise KeyboardInterrupt
        request.ask()

    before: dict[signal.Signals, Any] = {}
    for number in (*URGENT, *HANG_UPS):
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, on_signal)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
