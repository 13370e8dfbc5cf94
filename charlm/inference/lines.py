"""Lines: the loss of each line of a text by itself.

It includes the newline, or the document's end. A carriage return belongs to the newline.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.data.alphabet import END, Alphabet, code_points
from charlm.data.reading.documents import ended_lines
from charlm.data.reading.preprocess import preprocess_text
from charlm.data.recode import Recoding
from charlm.engines.base import Network
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import LanguageModel
from charlm.inference.unroll import reset_marks, unroll, windows
from charlm.nn.readout import check_numbers

SEQUENCES = 128  # read in parallel at most
STEPS = 32  # of a window
GROUP = 200_000  # characters of lines that are scored together, if no single line is longer

Costs = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LineScores:
    """The losses of L lines.

    Attributes:
        nats: of each whole line (L,).
        characters: scored in each, newline included (L,).
        unknown: those the model never saw (L,).
    """

    nats: Costs
    characters: Counts
    unknown: Counts

    @property
    def bits_per_char(self) -> Costs:
        """The mean loss per character (L,), in bits."""
        bits: Costs = self.nats / math.log(2) / self.characters
        return bits


def groups(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lines in groups, in order, that fit into memory.

    >>> [len(group) for group in groups(["x" * 150_000, "y" * 60_000, "z"])]
    [2, 1]
    """
    group: list[str] = []
    size = 0
    for line in lines:
        group.append(line)
        size += len(line) + 1
        if size >= GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


def score_lines(model: LanguageModel, lines: Sequence[str], pool: ThreadPool) -> LineScores:
    """Score lines, at least one, each by itself."""
    vocabulary, corpus = model.vocabulary, model.corpus
    points_N = code_points(_written(lines, model))
    ends_L = np.flatnonzero(points_N == ord(END if vocabulary.has_end else "\n"))
    characters_L = np.diff(ends_L, prepend=-1)
    alphabet = Alphabet.from_counts(np.bincount(points_N), corpus.units, corpus.document_end)
    reading = Recoding.of(vocabulary, alphabet, model.training_characters)
    ids_N = alphabet.table[points_N]
    ids_K, is_read_N = reading.read(ids_N)
    lines_N = np.repeat(np.arange(len(lines)), characters_L)
    lines_K = lines_N[is_read_N]
    read_L = np.bincount(lines_K, minlength=len(lines))
    costs_K = _costs(model.open(pool), ids_K, vocabulary.start, read_L[read_L > 0])
    nats_L = np.asarray(np.bincount(lines_N, weights=reading.extra_nats_A[ids_N]), np.float64)
    nats_L += np.bincount(lines_K, weights=costs_K, minlength=len(lines))
    unknown_L = np.bincount(lines_N, weights=~reading.is_known_A[ids_N]).astype(np.int64)
    return LineScores(nats_L, characters_L, unknown_L)


def _written(lines: Sequence[str], model: LanguageModel) -> str:
    """Lines as symbols of the model's corpus, with their ends."""
    text = preprocess_text("".join(f"{line}\n" for line in lines), model.corpus)
    if model.vocabulary.has_end:
        return ended_lines(text)
    return text if model.knows("\r") else text.replace("\r\n", "\n")


def posteriors(nats_ML: Costs) -> Costs:
    """The probability of each of M models as the source of L lines, by Bayes' rule with equal priors.

    >>> posteriors(np.log([[2.0, 8.0], [6.0, 8.0]])).round(6).tolist()
    [[0.75, 0.5], [0.25, 0.5]]
    """
    likelihoods_ML = np.exp(nats_ML.min(axis=0) - nats_ML)
    posteriors_ML: Costs = likelihoods_ML / likelihoods_ML.sum(axis=0)
    return posteriors_ML


def _costs(network: Network, y_K: TokenIds, start: int, lengths: Counts) -> Costs:
    """The loss of each character (K,), in nats, after those before it in its line."""
    costs_K = np.zeros(len(y_K))
    if not len(y_K):
        return costs_K
    starts = np.cumsum(lengths) - lengths
    x_K = np.roll(y_K, 1)
    x_K[starts] = start
    # As many sequences as leave none shorter than the longest line, which cannot be divided.
    count = max(1, min(SEQUENCES, len(y_K) // int(lengths.max())))
    cuts = np.append(starts, len(y_K))[np.searchsorted(starts, np.arange(count + 1) * (len(y_K) / count))]
    marks_K, longest = reset_marks(x_K, starts=starts), int(np.diff(cuts).max())
    network.begin(count)
    parts = windows(x_K, marks_K, cuts[:-1], 0, longest, ends_B=cuts[1:], size=STEPS)
    for window, outputs in unroll(network, parts):
        window.store(costs_K, outputs.nll(y_K[window.places_TB]))
    check_numbers(costs_K)
    return costs_K
