"""Ctrl-C and SIGTERM during training: the first asks for a stop after the step, the second stops at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


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
    """Turn SIGINT and SIGTERM into a stop request while the block runs.

    Raises:
        KeyboardInterrupt: a second signal arrived before the first had its effect.
    """
    request = StopRequest()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if request():
            raise KeyboardInterrupt
        request.ask()

    before: dict[signal.Signals, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, on_signal)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
