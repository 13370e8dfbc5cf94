"""Scoring: what every character of a text costs a model, in one stateful pass.

The figure is that of one pass from the first character to the last, with the state carried throughout. A long
text is split over parallel streams for speed; each stream first reads enough of the text before its part that
the result is the single pass's to four decimals. That is checked at every seam, where a stream's state must be
the one that the stream before it ends with; where it is not, as in a network whose state never forgets, the
text is scored again with longer streams, at last with one. A character that the model never saw costs an escape
and then any code point (see ``unknown_nats``); the state stays as it was before it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.arrays import Codes, Floats
from charlm.engine.pool import WorkerPool
from charlm.errors import CorpusError
from charlm.model import Model, States, Workspace, join_states
from charlm.readout import nll_nats
from charlm.text.vocab import Vocabulary, unknown_nats

Costs: TypeAlias = npt.NDArray[np.float64]
Progress: TypeAlias = Callable[[int, int], None]
"""Called now and then with how much is done, and of how much."""
KnownCosts: TypeAlias = Callable[[Codes, Codes], Costs]
"""What each target costs (N,), in nats, given the known characters read (N,) and to predict (N,)."""

POLICY = (
    "the state is carried from the first character to the last and never reset; a long text is read as parallel "
    "streams, each primed with the text before its part until its state is the single pass's"
)
PLANS = ((64, 256), (8, 2048), (1, 0))
"""Parallel streams of a long text at the most, and how many characters each reads before its own part."""
SHORTEST_STREAM = 4  # times its priming; a shorter stream is not worth it
SEAM_TOLERANCE = 1e-3  # of a hidden unit, beside 1 and its own size
CHUNK = 64  # time steps at once
LARGEST_NATS = math.log(sys.float_info.max)


@dataclass(frozen=True)
class Scores:
    """What a text costs.

    Attributes:
        costs_nats: of every character after the first (N - 1,).
        known: whether the model had seen each of them (N - 1,).
        bytes: their size in UTF-8.
    """

    costs_nats: Costs
    known: npt.NDArray[np.bool_]
    bytes: int


@dataclass(frozen=True)
class Figures:
    """The measures of a text's cost, under the names that ``--json`` gives them.

    >>> figures_of(Scores(np.full(4, math.log(2)), np.ones(4, bool), bytes=8)).bits_per_byte
    0.5
    """

    nats_per_char: float
    bits_per_char: float
    bits_per_byte: float
    perplexity: float
    characters: int
    bytes: int
    unknown: int


def figures_of(scores: Scores) -> Figures:
    """Average a text's costs.

    The perplexity is e to the nats a character (Jelinek et al. 1977), characters of unknown cost included; past
    the largest float it is infinite.
    """
    nats = float(scores.costs_nats.mean())
    bits = float(scores.costs_nats.sum()) / math.log(2)
    return Figures(
        nats_per_char=nats,
        bits_per_char=nats / math.log(2),
        bits_per_byte=bits / scores.bytes,
        perplexity=math.exp(nats) if nats < LARGEST_NATS else math.inf,
        characters=len(scores.costs_nats),
        bytes=scores.bytes,
        unknown=int((~scores.known).sum()),
    )


def score_text(text: str, vocabulary: Vocabulary, training_characters: int, known_costs: KnownCosts) -> Scores:
    """Score every character of a text after its first.

    Args:
        text: at least two characters.
        vocabulary: the model's.
        training_characters: how many it was trained on; sets the price of an unknown one.
        known_costs: the model's costs, for the known characters alone.

    Raises:
        CorpusError: the text has fewer than two characters.
    """
    if len(text) < 2:
        raise CorpusError(f"a text of {len(text)} characters has none after its first: score a longer one")
    codes, known = vocabulary.encode_known(text)
    if not known[0]:
        # Nothing known precedes the first known character, so the model starts as it does with no prompt.
        codes = np.concatenate([np.array([vocabulary.start], codes.dtype), codes])
    costs = np.full(len(text) - 1, unknown_nats(training_characters, len(vocabulary)))
    costs[known[1:]] = known_costs(codes[:-1], codes[1:])
    return Scores(costs, known[1:], len(text[1:].encode("utf-8", "surrogatepass")))


def model_costs(model: Model, pool: WorkerPool, progress: Progress | None = None) -> KnownCosts:
    """A network's costs, its parallel streams split over a pool's workers."""

    def known_costs(x_N: Codes, y_N: Codes) -> Costs:
        costs_N = np.empty(0)
        for most, priming in PLANS:
            streams = max(1, min(most, len(y_N) // max(1, SHORTEST_STREAM * priming)))
            costs_N, gap = _in_streams(model, x_N, y_N, streams, priming, pool, progress)
            if gap <= SEAM_TOLERANCE:
                break
        return costs_N

    return known_costs


def _in_streams(
    model: Model, x_N: Codes, y_N: Codes, streams: int, priming: int, pool: WorkerPool, progress: Progress | None
) -> tuple[Costs, float]:
    """The costs (N,), and how far a stream's first state is at most from the last of the stream before."""
    costs_SN = np.zeros((streams, math.ceil(len(y_N) / streams)))

    def run(columns: slice) -> tuple[States, States]:
        report = progress if columns.start == 0 else None
        return _score_streams(model, x_N, y_N, costs_SN, columns, priming, report)

    ends = pool.run([partial(run, columns) for columns in pool.columns(streams)])
    first = join_states(tuple(first for first, _ in ends))
    last = join_states(tuple(last for _, last in ends))
    gap = max(
        float((np.abs(h[1:] - h_before[:-1]) / (1 + np.abs(h_before[:-1]))).max(initial=0))
        for (h, *_), (h_before, *_) in zip(first, last, strict=True)
    )
    return costs_SN.reshape(-1)[: len(y_N)], gap


def _score_streams(
    model: Model,
    x_N: Codes,
    y_N: Codes,
    costs_SN: Costs,
    columns: slice,
    priming: int,
    progress: Progress | None,
) -> tuple[States, States]:
    """Fill the rows of ``costs_SN`` for a slice of the streams; their states before and after their parts."""
    length = costs_SN.shape[1]
    starts_B = np.arange(columns.start, columns.stop) * length
    workspace = Workspace(model, CHUNK, len(starts_B))
    first = state = model.zero_state(len(starts_B))
    priming = min(priming, int(starts_B[-1]))
    for time in (*range(-priming, 0, CHUNK), *range(0, length, CHUNK)):
        times_T = np.arange(time, min(time + CHUNK, length if time >= 0 else 0))
        places_TB = starts_B + times_T[:, None]
        inside_TB = np.clip(places_TB, 0, len(y_N) - 1)
        h_TBH, state = model.forward(x_N[inside_TB], state, workspace, _keep(places_TB, model.dtype))
        if time + len(times_T) <= 0:
            first = state
            continue
        y_TB = y_N[inside_TB]
        costs_TB = nll_nats(model.params, h_TBH.reshape(y_TB.size, -1), y_TB.reshape(-1))
        costs_SN[columns, time : time + len(times_T)] = costs_TB.reshape(y_TB.shape).T
        if progress is not None:
            progress(time + len(times_T), length)
    return first, state


def _keep(places_TB: npt.NDArray[np.intp], dtype: np.dtype[np.floating[npt.NBitBase]]) -> Floats | None:
    """0 where a stream arrives at the text's first character, before which it has nothing to read."""
    return (places_TB != 0).astype(dtype) if (places_TB <= 0).any() else None
