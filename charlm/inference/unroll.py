"""The loop over a text's windows, with a state that is reset where a document begins.

A long text is read as parallel sequences; where their seams do not fit, as fewer.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.engines.base import Network, Outputs
from charlm.nn.state import States, join_states, select_columns

Places: TypeAlias = npt.NDArray[np.intp]

_SEQUENCES = (
    "a long text is read as parallel sequences, each with enough text before it for a single pass's figures"
)
POLICY = f"the state is carried from the first character to the last; {_SEQUENCES}"
DOCUMENTS_POLICY = f"the state is carried through each document and reset before it; {_SEQUENCES}"
PLANS = ((64, 256), (64, 1024), (8, 2048), (1, 0))
"""Parallel sequences of a long text at most, and how many characters each reads before its own part."""
SHORTEST = 4  # times what is read before it; a shorter sequence is not worth it
SEAM_TOLERANCE = 1e-3  # of a variable of the state, relative to 1 plus its size
WINDOW = 64  # time steps
ONE: Places = np.zeros(1, np.intp)  # one sequence, from the text's start


@dataclass(frozen=True)
class Window:
    """Some steps of parallel sequences of a text.

    Attributes:
        stop: the step after the last.
        x_TB: the characters.
        carry_TB: 0 where the state is reset before a step, else 1; None for 1.
        places_TB: their places in the text.
        is_own_TB: whether the place is the sequence's own.
    """

    stop: int
    x_TB: TokenIds
    carry_TB: Floats | None
    places_TB: Places
    is_own_TB: npt.NDArray[np.bool_]

    @property
    def steps_done(self) -> int:
        """Steps that all sequences have made."""
        return self.stop * len(self.x_TB[0])

    def store(self, found_N: npt.NDArray[Any], values_TB: npt.NDArray[Any]) -> None:
        """Write values to the sequences' own places."""
        found_N[self.places_TB[self.is_own_TB]] = values_TB[self.is_own_TB]


def reset_marks(x_N: TokenIds, end: int | None = None, starts: Places | None = None) -> npt.NDArray[np.bool_]:
    """Where the state is reset before a character (N,)."""
    marks_N = np.zeros(len(x_N), np.bool_) if end is None else x_N == end
    if starts is not None:
        marks_N[starts] = True
    return marks_N


def windows(
    x_N: TokenIds,
    marks_N: npt.NDArray[np.bool_],
    starts_B: Places,
    *bounds: int,
    ends_B: Places | None = None,
    size: int = WINDOW,
) -> Iterator[Window]:
    """The windows of parallel sequences of a text; none crosses a bound."""
    ends_B = starts_B + bounds[-1] if ends_B is None else ends_B
    has_marks = bool(marks_N.any())
    for first, last in pairwise(bounds):
        for start in range(first, last, size):
            stop = min(start + size, last)
            places_TB = starts_B + np.arange(start, stop)[:, None]
            is_own_TB = (places_TB >= starts_B) & (places_TB < ends_B)
            np.clip(places_TB, 0, len(x_N) - 1, out=places_TB)
            carry_TB: Floats | None = None
            if has_marks and (resets_TB := marks_N[places_TB]).any():
                carry_TB = (~resets_TB).astype(np.float32)
            yield Window(stop, x_N[places_TB], carry_TB, places_TB, is_own_TB)


def unroll(network: Network, text: Iterable[Window]) -> Iterator[tuple[Window, Outputs]]:
    """Read windows in order; predictions are valid until the next."""
    for window in text:
        yield window, network.read(window.x_TB, window.carry_TB)


def read_text(network: Network, x_N: TokenIds, end: int | None = None) -> Iterator[tuple[Window, Outputs]]:
    """Read a text, or its next stretch, from the state (1, H), as parallel sequences.

    Windows may come again: store by place, and sum at the end.
    """
    before = network.state
    for most, burn_in in (*network.plans, *PLANS):
        count = max(1, min(most, len(x_N) // max(1, SHORTEST * burn_in)))
        gap = yield from read_as_sequences(network, x_N, count, burn_in, before, end)
        if gap <= SEAM_TOLERANCE:
            return


def read_as_sequences(
    network: Network, x_N: TokenIds, count: int, burn_in: int, before: States, end: int | None = None
) -> Generator[tuple[Window, Outputs], None, float]:
    """Read a text as ``count`` sequences; returns the gap at their seams."""
    length = math.ceil(len(x_N) / count)
    starts_B = np.arange(count) * length
    ends_B = np.minimum(starts_B + length, len(x_N))
    # Past the end of the text the last sequence reads on, as far as the others have to read.
    text_end = min(max(len(x_N) - int(starts_B[-1]), 0), length)
    after = before
    network.begin(count)
    for window in windows(x_N, reset_marks(x_N, end, ONE), starts_B, -min(burn_in, int(starts_B[-1])), 0):
        network.read(window.x_TB, window.carry_TB)
    first = join_states((before, select_columns(network.state, slice(1, None))))
    network.state = first
    parts = windows(x_N, reset_marks(x_N, end), starts_B, 0, text_end, length, ends_B=ends_B)
    for window, outputs in unroll(network, parts):
        yield window, outputs
        if window.stop == text_end:
            after = select_columns(network.state, slice(-1, None))
    gap = seam_gap(first, network.state)
    network.state = after
    return gap


def seam_gap(first: States, last: States) -> float:
    """How far first states are from the last of the sequences before, relative to 1 plus their size."""
    pairs = [pair for layers in zip(first, last, strict=True) for pair in zip(*layers, strict=True)]
    gaps = [np.abs(own[1:] - before[:-1]) / (1 + np.abs(before[:-1])) for own, before in pairs]
    return float(np.max([gap.max(initial=0) for gap in gaps]))
