"""A trained network that sees both sides, with its vocabulary: it names missing characters.

The forward stack reads a text from its start and the backward stack from its end, or from those of each document;
an unknown character is read as a missing one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds, id_dtype
from charlm.config import CorpusConfig
from charlm.data.encoded import EncodedText
from charlm.data.recode import Recoding
from charlm.data.vocabulary import Vocabulary
from charlm.engines.base import Network
from charlm.engines.numpy.network import open_network
from charlm.engines.threads import ThreadPool
from charlm.inference.scoring import Costs
from charlm.inference.unroll import read_text
from charlm.models.char_rnn import Model
from charlm.models.two_sided import TwoSided
from charlm.nn.readout import check_numbers, log_softmax_
from charlm.runs.run import Run

STRETCH = 1 << 15  # characters whose shares of the hidden layer are held at once

Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cloze:
    """Missing characters that were asked for: the loss of each (K,), in nats, and whether it was named right."""

    costs_nats: Costs
    is_right: Marks

    @property
    def nats(self) -> float:
        """The mean loss."""
        return float(self.costs_nats.mean())

    @property
    def accuracy(self) -> float:
        """The share named right."""
        return float(self.is_right.mean())


@dataclass(frozen=True)
class TwoSidedModel:
    """A network that sees both sides, and how its corpus was read."""

    network: TwoSided
    vocabulary: Vocabulary
    training_characters: int
    corpus: CorpusConfig

    @classmethod
    def of(cls, run: Run) -> TwoSidedModel:
        """A run's model.

        Raises:
            RunError: the weights are missing or unreadable.
        """
        network = run.load_model()
        assert isinstance(network, TwoSided)
        return cls(network, run.vocabulary, run.corpus.training_characters, run.config.corpus)

    def cloze(
        self, part: EncodedText, pool: ThreadPool | None = None, is_missing_N: Marks | None = None
    ) -> Cloze:
        """Ask for the characters of a text after its first, each with all others visible.

        Where ``is_missing_N`` (N - 1,) is given, for those that it marks alone, with none of these visible.
        """
        reading = Recoding.of(self.vocabulary, part.alphabet, self.training_characters)
        is_asked_N = askable(part) if is_missing_N is None else is_missing_N
        y_N = reading.ids_A[part.ids[1:]]
        ids_N = reading.ids_A[part.ids].astype(id_dtype(len(self.vocabulary) + 1))
        if is_missing_N is not None:
            ids_N[1:][is_missing_N] = len(self.vocabulary)
        costs_N, best_N = self._ask(ids_N, y_N, pool)
        costs_N += reading.extra_nats_A[part.ids[1:]]
        check_numbers(costs_N)
        is_right_N = (best_N == y_N) & reading.is_known_A[part.ids[1:]]
        return Cloze(costs_N[is_asked_N], is_right_N[is_asked_N])

    def _ask(self, ids_N: TokenIds, y_N: TokenIds, pool: ThreadPool | None) -> tuple[Costs, TokenIds]:
        """The loss of each character after the first, 0 for one that is no symbol, and the likeliest."""
        costs_N, best_N = np.zeros(len(y_N)), np.zeros(len(y_N), y_N.dtype)
        for places, shares_ND in self._shares(ids_N, pool):
            log_probs_NV = log_softmax_(self.network.logits(shares_ND))
            own_N = y_N[places]
            is_known_N = own_N < log_probs_NV.shape[1]
            picked = log_probs_NV[np.flatnonzero(is_known_N), own_N[is_known_N]]
            costs_N[places][is_known_N] = -picked
            best_N[places] = log_probs_NV.argmax(axis=1)
        return costs_N, best_N

    def _shares(self, ids_N: TokenIds, pool: ThreadPool | None) -> Iterator[tuple[slice, Floats]]:
        """Both sides' shares of the hidden layer for the characters after the first, stretch by stretch.

        What the backward stack knows where a stretch ends is read before, from the text's end.
        """
        (ahead, back), end, count = self._open(pool), self.vocabulary.end, len(ids_N) - 1
        after_N = np.append(ids_N[2:], ids_N.dtype.type(self.vocabulary.start))
        stretches = [slice(start, min(start + STRETCH, count)) for start in range(0, count, STRETCH)]
        ahead.begin(1)
        back.begin(1)
        states = [back.state]
        for stretch in stretches[:0:-1]:
            for _ in read_text(back, after_N[stretch][::-1], end):
                pass
            states.append(back.state)
        for stretch in stretches:
            shares_ND = np.empty(
                (stretch.stop - stretch.start, 2 * self.network.config.hidden), self.network.dtype
            )
            for window, outputs in read_text(ahead, ids_N[stretch], end):
                window.store(shares_ND, outputs.logits())
            before_ND = shares_ND[::-1].copy()
            back.state = states.pop()
            for window, outputs in read_text(back, after_N[stretch][::-1], end):
                own_TBD = outputs.logits() + before_ND[window.places_TB]
                window.store(shares_ND[::-1], own_TBD)
            yield stretch, shares_ND

    def line_log_probs(self, lines: Sequence[TokenIds], pool: ThreadPool | None = None) -> list[Floats]:
        """The log-probabilities (n, V) at every character of lines, each by itself; no line is empty."""
        lengths = [len(line) for line in lines]
        x_TB = np.full((max(lengths), len(lines)), self.vocabulary.start, id_dtype(len(self.vocabulary) + 1))
        back_TB = x_TB.copy()
        for column, line in enumerate(lines):
            x_TB[1 : len(line), column] = line[:-1]
            back_TB[1 : len(line), column] = line[:0:-1]
        ahead, back = self._open(pool)
        ahead.begin(len(lines))
        back.begin(len(lines))
        ahead_TBD, back_TBD = ahead.read(x_TB).logits(), back.read(back_TB).logits()
        return [
            log_softmax_(self.network.logits(ahead_TBD[:length, column] + back_TBD[:length, column][::-1]))
            for column, length in enumerate(lengths)
        ]

    def _open(self, pool: ThreadPool | None) -> tuple[Network, Network]:
        ahead, back = self._sides
        return open_network(ahead, pool), open_network(back, pool)

    @cached_property
    def _sides(self) -> tuple[Model, Model]:
        return self.network.sides()


def askable(part: EncodedText) -> Marks:
    """Which characters of a text after its first can be asked for (N - 1,): all but the ends of documents."""
    end = part.alphabet.end
    return np.ones(len(part) - 1, np.bool_) if end is None else part.ids[1:] != end


def draw_missing(part: EncodedText, rate: float, rng: np.random.Generator) -> Marks:
    """Characters of a text after its first that are missing (N - 1,), at least one if any can be."""
    can_be_N = askable(part)
    is_missing_N = can_be_N & (rng.random(len(can_be_N)) < rate)
    if not is_missing_N.any():
        is_missing_N[np.flatnonzero(can_be_N)[:1]] = True
    return is_missing_N
