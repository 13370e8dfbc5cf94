"""Scoring: what every character of a text costs a model, in one stateful pass.

The figure is that of one pass from the first character to the last; see ``stateful_pass`` for how a long text is
read in parallel. A character that is no symbol of the model is charged for what it takes to say which one it is
(see ``reading``); where the model has no unknown symbol either, the state stays as it was before it.

Of documents, the end symbols are predicted and counted like characters, and stand for the bytes of what ends a
document in the text; the state starts afresh before each. A mean "a character" is one over symbols: of bytes, it
is one over bytes. What compares across all of them is the cost a byte of the text in UTF-8.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.arrays import Codes, Floats
from charlm.engine.pool import WorkerPool
from charlm.errors import CorpusError
from charlm.model import Model
from charlm.plural import counted
from charlm.readout import check_numbers, nll_nats
from charlm.stateful_pass import Progress, visit_outputs
from charlm.text.part import Part
from charlm.text.reading import Reading
from charlm.text.vocab import Vocabulary

Costs: TypeAlias = npt.NDArray[np.float64]
KnownCosts: TypeAlias = Callable[[Codes, Codes], Costs]
"""What each target costs (N,), in nats, given the known characters read (N,) and to predict (N,)."""

LARGEST_NATS = math.log(sys.float_info.max)


@dataclass(frozen=True)
class Scores:
    """What a text costs.

    Attributes:
        costs_nats: of every character after the first (N - 1,).
        known: whether each of them is a symbol of the model (N - 1,).
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


def score_part(part: Part, vocabulary: Vocabulary, training_characters: int, known_costs: KnownCosts) -> Scores:
    """Score every character of a text after its first.

    Args:
        part: at least two characters.
        vocabulary: the model's.
        training_characters: how many it was trained on; sets the price of an unknown one.
        known_costs: the model's costs, for the characters alone that it reads.

    Raises:
        CorpusError: the text has fewer than two characters.
        DivergenceError: a cost is no number.
    """
    if len(part) < 2:
        raise CorpusError(
            f"a text of {counted(len(part), 'characters')} has none after its first: score a longer one"
        )
    reading = Reading.of(vocabulary, part.alphabet, training_characters)
    codes, is_read = reading.read(part.codes)
    if not is_read[0]:
        # Nothing known precedes the first known character, so the model starts as it does with no prompt.
        codes = np.concatenate([np.array([vocabulary.start], codes.dtype), codes])
    targets = part.codes[1:]
    costs = reading.extra_nats_A[targets]
    costs[is_read[1:]] += known_costs(codes[:-1], codes[1:])
    check_numbers(costs)
    return Scores(costs, reading.is_known_A[targets], part.target_bytes)


def model_costs(
    model: Model, pool: WorkerPool, progress: Progress | None = None, end: int | None = None
) -> KnownCosts:
    """A network's costs, its parallel streams split over a pool's workers; at ``end`` its state is reset."""

    def known_costs(x_N: Codes, y_N: Codes) -> Costs:
        costs_N = np.empty(len(y_N))

        def visit(places: npt.NDArray[np.intp], h_NH: Floats) -> None:
            costs_N[places] = nll_nats(model.params, h_NH, y_N[places])

        visit_outputs(model, pool, x_N, visit, progress, end)
        return costs_N

    return known_costs
