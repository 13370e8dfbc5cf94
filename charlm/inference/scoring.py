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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.base.errors import CorpusError
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.data.encoded import EncodedText
from charlm.data.recode import Recoding
from charlm.data.vocabulary import Vocabulary
from charlm.engines.threads import ThreadPool
from charlm.inference.unroll import visit_outputs
from charlm.models.char_rnn import Model
from charlm.nn.readout import check_numbers, nll_nats
from charlm.nn.state import States

Costs: TypeAlias = npt.NDArray[np.float64]
KnownCosts: TypeAlias = Callable[[TokenIds, TokenIds], Costs]
"""What each target costs (N,), in nats, given the known characters read (N,) and to predict (N,).

One serves one text: it is called with its stretches in order, and may remember what came before.
"""

LARGEST_NATS = math.log(sys.float_info.max)


STRETCH = 1 << 19
"""Characters that are scored at once, so that no memory grows with the text."""


@dataclass(frozen=True)
class Scores:
    """What a text, or a stretch of it, costs.

    Attributes:
        costs_nats: of every character after the first (N - 1,); of a later stretch, of every one.
        known: whether each of them is a symbol of the model (N - 1,).
        bytes: their size in UTF-8.
    """

    costs_nats: Costs
    known: npt.NDArray[np.bool_]
    bytes: int


@dataclass(frozen=True)
class TextMetrics:
    """The measures of a text's cost, under the names that ``--json`` gives them.

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
    """The sums of a text's costs, which are all that its figures take.

    Attributes:
        nats: of all its characters after the first.
        characters: how many they are.
        bytes: their size in UTF-8.
        unknown: how many of them are no symbols of the model.
        unknown_nats: what those cost.
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
        """The averages.

        The perplexity is e to the nats a character (Jelinek et al. 1977), characters of unknown cost included;
        past the largest float it is infinite.
        """
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
    """Average the costs of a text, whole or in stretches; see ``Tally`` for those that cannot be kept."""
    return tally_of(stretches).figures


def tally_of(stretches: Iterable[Scores]) -> Tally:
    """Sum up a text's stretches as they come."""
    tally = Tally()
    for scores in stretches:
        tally.take(scores)
    return tally


def score_part(
    part: EncodedText, vocabulary: Vocabulary, training_characters: int, known_costs: KnownCosts
) -> Scores:
    """Score every character of a text after its first, and keep what each costs; see ``score_stretches``."""
    return joined(score_stretches(part, vocabulary, training_characters, known_costs))


def joined(stretches: Iterable[Scores]) -> Scores:
    """The scores of a text from those of its stretches, at least one."""
    costs, known, sizes = zip(*((each.costs_nats, each.known, each.bytes) for each in stretches), strict=True)
    return Scores(np.concatenate(costs), np.concatenate(known), sum(sizes))


def score_stretches(
    part: EncodedText, vocabulary: Vocabulary, training_characters: int, known_costs: KnownCosts
) -> Iterator[Scores]:
    """Score every character of a text after its first, stretch by stretch, in memory that no text makes larger.

    Args:
        part: at least two characters.
        vocabulary: the model's.
        training_characters: how many it was trained on; sets the price of an unknown one.
        known_costs: the model's costs, for the characters alone that it reads; called for one stretch after the
            other.

    Yields:
        The scores of up to ``STRETCH`` characters each.

    Raises:
        CorpusError: the text has fewer than two characters.
        DivergenceError: a cost is no number.
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


def model_costs(
    model: Model,
    pool: ThreadPool,
    progress: Progress | None = None,
    end: int | None = None,
    characters: int | None = None,
) -> KnownCosts:
    """A network's costs of one text, its parallel streams split over a pool's workers.

    The state is carried from one stretch of the text to the next.

    Args:
        model: the network.
        pool: workers to use.
        progress: called now and then with how much of the text is done.
        end: the code before which the state starts afresh; None where there is none.
        characters: how many the whole text has; None where it comes at once.
    """
    before: States | None = None
    done = 0

    def known_costs(x_N: TokenIds, y_N: TokenIds) -> Costs:
        nonlocal before, done
        costs_N, whole, start = np.empty(len(y_N)), characters or len(y_N), done

        def visit(places: npt.NDArray[np.intp], h_NH: Floats) -> None:
            costs_N[places] = nll_nats(model.params, h_NH, y_N[places])

        def tell(part: int, parts: int) -> None:
            if progress is not None:
                progress(start + len(y_N) * part // parts, whole)

        before = visit_outputs(model, pool, x_N, visit, tell, end, before)
        done += len(y_N)
        return costs_N

    return known_costs
