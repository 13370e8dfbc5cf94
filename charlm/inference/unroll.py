"""One stateful pass over a text: what the readout sees after every character, the state carried throughout.

A long text is split over parallel streams for speed; each stream first reads enough of the text before its part
that the result is the single pass's to four decimals. That is checked at every seam, where a stream's state must
be the one that the stream before it ends with; where it is not, as in a network whose state never forgets, the
text is read again with longer streams, at last with one. Where a document ends, the state starts afresh.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, pairwise, repeat
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.base.progress import Progress
from charlm.engines.threads import ThreadPool
from charlm.models.char_rnn import Model
from charlm.nn.buffers import flatten_time
from charlm.nn.state import States, join_states

Visit: TypeAlias = Callable[[npt.NDArray[np.intp], Floats], None]
"""Handed places in the text (n,) and the outputs there (n, H), valid until it returns; from several threads."""

_STREAMS = (
    "a long text is read as parallel streams, each primed with the text before its part until its state is the "
    "single pass's"
)
POLICY = f"the state is carried from the first character to the last and never reset; {_STREAMS}"
DOCUMENTS_POLICY = f"the state is carried through each document, and starts afresh before it; {_STREAMS}"
PLANS = ((64, 256), (8, 2048), (1, 0))
"""Parallel streams of a long text at the most, and how many characters each reads before its own part."""
SHORTEST_STREAM = 4  # times its priming; a shorter stream is not worth it
SEAM_TOLERANCE = 1e-3  # of a variable of the state, beside 1 and its own size
CHUNK = 64  # time steps at once


def visit_outputs(
    model: Model,
    pool: ThreadPool,
    x_N: TokenIds,
    visit: Visit,
    progress: Progress | None = None,
    end: int | None = None,
    before: States | None = None,
) -> States:
    """Hand out the outputs after every character read, in no order that could be relied on.

    Calls that run at once are about different places. Where the streams' seams do not fit, all places are
    handed out again, so a visitor puts down what it finds by place and sums up at the end.

    Args:
        model: the network.
        pool: workers, over which parallel streams of the text are split.
        x_N: the characters read, at least one: a text from its start, or a stretch of one.
        visit: what to do with them.
        progress: called now and then with how much is done.
        end: the code before which the state starts afresh; None where there is none.
        before: the state that the stretch before this one left (1, H); None at the text's start.

    Returns:
        The state after the last character (1, H).
    """
    for most, priming in PLANS:
        streams = max(1, min(most, len(x_N) // max(1, SHORTEST_STREAM * priming)))
        gap, after = visit_in_streams(model, pool, x_N, streams, priming, visit, progress, end, before)
        if gap <= SEAM_TOLERANCE:
            break
    return after


def visit_in_streams(
    model: Model,
    pool: ThreadPool,
    x_N: TokenIds,
    streams: int,
    priming: int,
    visit: Visit,
    progress: Progress | None = None,
    end: int | None = None,
    before: States | None = None,
) -> tuple[float, States]:
    """Hand out the outputs of so many streams, whether their seams fit or not.

    Returns:
        The gap at the seams, see ``seam_gap``; and the state after the last character (1, H).
    """
    length = math.ceil(len(x_N) / streams)
    tasks = [
        partial(_visit_columns, model, x_N, columns, length, priming, visit, told, end, before)
        for columns, told in zip(pool.columns(streams), chain([progress], repeat(None)), strict=False)
    ]
    firsts, lasts, afters = zip(*pool.run(tasks), strict=True)
    return seam_gap(join_states(firsts), join_states(lasts)), afters[-1]


def seam_gap(first: States, last: States) -> float:
    """The largest difference of a stream's first state from the last of the one before, beside 1 and its size.

    Every variable counts: what a closed gate hides now, it may let out later. Not a number where one of them is.
    """
    pairs = [pair for layers in zip(first, last, strict=True) for pair in zip(*layers, strict=True)]
    gaps = [np.abs(own[1:] - before[:-1]) / (1 + np.abs(before[:-1])) for own, before in pairs]
    return float(np.max([gap.max(initial=0) for gap in gaps]))


def _visit_columns(
    model: Model,
    x_N: TokenIds,
    columns: slice,
    length: int,
    priming: int,
    visit: Visit,
    progress: Progress | None,
    end: int | None,
    before: States | None,
) -> tuple[States, States, States]:
    """Run a slice of the streams; the states before and after their parts, and the last's where the text ends."""
    starts_B = np.arange(columns.start, columns.stop) * length
    buffers = model.buffers(CHUNK, len(starts_B))
    first = state = model.initial_state(len(starts_B))
    after = _columns(state, slice(-1, None))
    # The last stream reads on past the text, as far as the others have to read.
    text_end = min(max(len(x_N) - int(starts_B[-1]), 0), length)
    for time, stop in _chunks(-min(priming, int(starts_B[-1])), 0, text_end, length):
        if time == 0:
            if before is not None and columns.start == 0:
                state = join_states((before, _columns(state, slice(1, None))))
            first = state
        times_T = np.arange(time, stop)
        places_TB = starts_B + times_T[:, None]
        x_TB = x_N[np.clip(places_TB, 0, len(x_N) - 1)]
        carry_TB = carry_mask(places_TB, x_TB, end, model.dtype, is_continued=before is not None)
        h_TBH, state = model.forward(x_TB, state, buffers, carry_TB)
        if time < 0:
            continue
        if stop == text_end:
            after = _columns(state, slice(-1, None))
        places_N, h_NH = places_TB.reshape(-1), flatten_time(h_TBH)
        if places_N[-1] >= len(x_N):
            real_N = places_N < len(x_N)
            places_N, h_NH = places_N[real_N], h_NH[real_N]
        visit(places_N, h_NH)
        if progress is not None:
            progress(stop, length)
    return first, state, after


def _chunks(*bounds: int) -> Iterator[tuple[int, int]]:
    """Stretches of time from the first bound to the last, none longer than CHUNK, none over a bound."""
    for start, stop in pairwise(bounds):
        yield from ((time, min(time + CHUNK, stop)) for time in range(start, stop, CHUNK))


def _columns(state: States, columns: slice) -> States:
    """The state of some of the streams."""
    return tuple(tuple(variable[columns] for variable in layer) for layer in state)


def carry_mask(
    places_TB: npt.NDArray[np.intp],
    x_TB: TokenIds,
    end: int | None,
    dtype: np.dtype[np.floating[npt.NBitBase]],
    is_continued: bool = False,
) -> Floats | None:
    """0 where the state starts afresh and 1 elsewhere; None where it does so nowhere.

    That is before the end of a document, and at place 0 unless a text before it is continued there.
    """
    is_fresh_TB = (places_TB == 0) & (not is_continued)
    if end is not None:
        is_fresh_TB |= x_TB == end
    elif not is_fresh_TB.any():
        return None
    carry_TB: Floats = (~is_fresh_TB).astype(dtype)
    return carry_TB
