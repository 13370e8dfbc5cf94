"""Scoring: the loss of every character of a text after its first.

The ends of documents count as characters.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.base.errors import CorpusError
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.data.encoded import EncodedText
from charlm.data.recode import Recoding
from charlm.data.vocabulary import Vocabulary
from charlm.engines.base import Network, Outputs
from charlm.inference.unroll import Window, read_text
from charlm.nn.readout import check_numbers

Costs: TypeAlias = npt.NDArray[np.float64]
KnownCosts: TypeAlias = Callable[[TokenIds, TokenIds], Costs]
"""The loss of each target (N,), in nats, given the known characters read (N,) and to predict (N,).

One serves one text: it is called with its stretches in order, and may remember what came before.
"""

LARGEST_NATS = math.log(sys.float_info.max)
STRETCH = 1 << 19  # characters that are scored at once, so that memory does not grow with the text


@dataclass(frozen=True)
class Scores:
    """The losses of a text or a stretch.

    Attributes:
        costs_nats: of every character after the text's first (N - 1,).
        known: whether each is a symbol of the model (N - 1,).
        bytes: their size in UTF-8.
    """

    costs_nats: Costs
    known: npt.NDArray[np.bool_]
    bytes: int


@dataclass(frozen=True)
class TextMetrics:
    """A text's mean losses, named as in ``--json``.

    >>> text_metrics(Scores(np.full(4, math.log(2)), np.ones(4, bool), bytes=8)).bits_per_byte
    0.5
    """

    nats_per_char: float
    bits_per_char: float
    bits_per_byte: float
    perplexity: float
    characters: int
    bytes: int
    unknown: int


Figures = TextMetrics
"""The name of ``TextMetrics`` in earlier versions."""


class Tally:
    """The sums of a text's losses.

    Nats and characters are those after the first, unknown ones included.
    """

    def __init__(self) -> None:
        self.nats = self.unknown_nats = 0.0
        self.characters = self.bytes = self.unknown = 0

    def take(self, scores: Scores) -> None:
        """Add a stretch."""
        unknown_costs = scores.costs_nats[~scores.known]
        self.nats += float(scores.costs_nats.sum())
        self.unknown_nats += float(unknown_costs.sum())
        self.characters += len(scores.costs_nats)
        self.unknown += len(unknown_costs)
        self.bytes += scores.bytes

    @property
    def figures(self) -> TextMetrics:
        """The means; the perplexity (Jelinek et al. 1977) is e to the nats/char."""
        nats = self.nats / self.characters
        return TextMetrics(
            nats_per_char=nats,
            bits_per_char=nats / math.log(2),
            bits_per_byte=self.nats / math.log(2) / self.bytes,
            perplexity=math.exp(nats) if nats < LARGEST_NATS else math.inf,
            characters=self.characters,
            bytes=self.bytes,
            unknown=self.unknown,
        )


def text_metrics(*stretches: Scores) -> TextMetrics:
    """Average the losses of a text."""
    return tally_of(stretches).figures


def tally_of(stretches: Iterable[Scores]) -> Tally:
    """Sum up a text's stretches without keeping them."""
    tally = Tally()
    for scores in stretches:
        tally.take(scores)
    return tally


def joined(stretches: Iterable[Scores]) -> Scores:
    """A text's scores from those of its stretches."""
    costs, known, sizes = zip(*((each.costs_nats, each.known, each.bytes) for each in stretches), strict=True)
    return Scores(np.concatenate(costs), np.concatenate(known), sum(sizes))


def score_stretches(
    part: EncodedText, vocabulary: Vocabulary, training_characters: int, known_costs: KnownCosts
) -> Iterator[Scores]:
    """Score every character after the first, up to ``STRETCH`` at a time.

    Raises:
        CorpusError: the text has fewer than two characters.
        DivergenceError: a loss is not finite.
    """
    if len(part) < 2:
        raise CorpusError(
            f"a text of {counted(len(part), 'characters')} has none after its first: score a longer one"
        )
    reading = Recoding.of(vocabulary, part.alphabet, training_characters)
    before, is_read = reading.read(part.ids[:1])
    if not is_read[0]:
        # Nothing known precedes the first known character, so the model starts as it does with no prompt.
        before = np.array([vocabulary.start], before.dtype)
    for start in range(1, len(part), STRETCH):
        targets = part.ids[start : start + STRETCH]
        y_K, is_read = reading.read(targets)
        costs = reading.extra_nats_A[targets]
        if len(y_K):
            costs[is_read] += known_costs(np.concatenate([before, y_K[:-1]]), y_K)
            before = y_K[-1:]
        check_numbers(costs)
        yield Scores(costs, reading.is_known_A[targets], int(part.alphabet.byte_lengths_A[targets].sum()))


def network_costs(
    network: Network,
    progress: Progress | None = None,
    end: int | None = None,
    characters: int | None = None,
    see: Callable[[int, Window, Outputs], None] | None = None,
) -> KnownCosts:
    """A network's losses of one text; its state is carried from stretch to stretch."""
    network.begin(1)
    done = 0

    def known_costs(x_N: TokenIds, y_N: TokenIds) -> Costs:
        nonlocal done
        costs_N = np.empty(len(y_N))
        for window, outputs in read_text(network, x_N, end):
            window.store(costs_N, outputs.nll(y_N[window.places_TB]))
            if see is not None:
                see(done, window, outputs)
            if progress is not None:
                progress(done + min(window.steps_done, len(y_N)), characters or len(y_N))
        done += len(y_N)
        return costs_N

    return known_costs
