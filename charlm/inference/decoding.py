"""Decoding: the likeliest targets of sources, by beam search; a beam of 1 is greedy.

All sources of a batch and all their hypotheses take each step together. A hypothesis that ends is set aside. A
source is over when its best ended one beats every open one: scores are sums of log-probabilities and only fall,
so nothing is lost. Which other sources are in the batch changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.data.batches import Batch
from charlm.models.seq2seq import Seq2Seq, Seq2SeqBuffers
from charlm.nn.readout import check_numbers, log_softmax_
from charlm.nn.state import select_columns

Numbers = npt.NDArray[np.int64]
Length = TypeVar("Length", int, Numbers)


@dataclass(frozen=True)
class Hypothesis:
    """A target without its end, and its log-probability in nats, the end's included if it ``is_finished``."""

    ids: tuple[int, ...]
    log_prob: float
    is_finished: bool


def most_symbols(length: Length) -> Length:
    """The most symbols of an answer to a source of this length, its end included.

    >>> most_symbols(3)
    16
    """
    return 2 * length + 10


def decode(
    model: Seq2Seq, batch: Batch, buffers: Seq2SeqBuffers, beam: int = 1, count: int = 1
) -> list[list[Hypothesis]]:
    """The ``count`` likeliest targets of each source of a batch, the best first; at most ``beam``.

    Of equal scores the one of the lower id wins. Where fewer have ended after ``most_symbols``, the best open
    ones follow, unfinished. An empty source has no target.

    Raises:
        DivergenceError: a logit is not finite.
    """
    encoded = model.encode(batch["x_SB"], batch["length_B"], buffers)
    search = _Search(batch["length_B"].astype(np.int64), beam, count, model.end)
    sources = np.flatnonzero(batch["length_B"])  # those that are not over
    encoded = encoded.select(sources.tolist())
    state = tuple(tuple(np.repeat(each_BH, beam, axis=0) for each_BH in layer) for layer in encoded.state)
    last_AK = np.full((len(sources), beam), model.end)
    while len(sources):
        logits_AKV, state = model.step(last_AK, state, encoded)
        check_numbers(logits_AKV)
        parents_AK, last_AK, is_over_A = search.extend(sources, logits_AKV)
        kept = np.flatnonzero(~is_over_A)
        rows = (kept[:, None] * beam + parents_AK[kept]).reshape(-1)
        state, last_AK = select_columns(state, rows.tolist()), last_AK[kept]
        if len(kept) < len(sources):
            sources, encoded = sources[kept], encoded.select(kept.tolist())
    return search.answers


class _Search:
    """The hypotheses of B sources; in a step only A of the sources are not over."""

    def __init__(self, length_B: Numbers, beam: int, count: int, end: int) -> None:
        self._most_B = most_symbols(length_B)
        self._beam, self._count, self._end = beam, count, end
        self.answers: list[list[Hypothesis]] = [[] for _ in length_B]
        """The best that ended, and once a source is over also open ones if those are too few."""
        self._scores_BK = np.full((len(length_B), beam), -np.inf)
        self._scores_BK[:, 0] = 0  # one hypothesis is open, the empty one
        self._paths: list[tuple[Numbers, Numbers]] = []  # the parents and the symbols (B, K) of each step

    def extend(self, sources_A: Numbers, logits_AKV: Floats) -> tuple[Numbers, Numbers, npt.NDArray[np.bool_]]:
        """Take a step: the parents and the symbols (A, K) of the open hypotheses, and which sources are over."""
        scores_AX, parents_AX, symbols_AX = self._best(sources_A, logits_AKV)
        is_end_AX = symbols_AX == self._end
        self._set_aside(sources_A, scores_AX, parents_AX, is_end_AX)
        order_AK = np.argsort(is_end_AX, axis=1, kind="stable")[:, : self._beam]
        parents_AK, symbols_AK = (np.take_along_axis(each, order_AK, 1) for each in (parents_AX, symbols_AX))
        self._scores_BK[sources_A] = np.take_along_axis(scores_AX, order_AK, axis=1)
        parents_BK, symbols_BK = np.zeros((2, *self._scores_BK.shape), np.int64)
        parents_BK[sources_A], symbols_BK[sources_A] = parents_AK, symbols_AK
        self._paths.append((parents_BK, symbols_BK))
        is_over_A = self._are_over(sources_A)
        for source in sources_A[is_over_A].tolist():
            self._add_open(source)
        return parents_AK, symbols_AK, is_over_A

    def _best(self, sources_A: Numbers, logits_AKV: Floats) -> tuple[Floats, Numbers, Numbers]:
        """The scores, parents and symbols (A, 2K) of the best continuations, the best first.

        Each hypothesis ends in one way, so among twice as many as are open enough go on.
        """
        vocab_size = logits_AKV.shape[-1]
        log_probs_NV = log_softmax_(logits_AKV.reshape(-1, vocab_size).astype(np.float64))
        totals_AKV = self._scores_BK[sources_A][..., None] + log_probs_NV.reshape(logits_AKV.shape)
        totals_AX = totals_AKV.reshape(len(sources_A), -1)
        best_AX: Numbers = np.argsort(-totals_AX, axis=1, kind="stable")[:, : 2 * self._beam]
        scores_AX: Floats = np.take_along_axis(totals_AX, best_AX, axis=1)
        return scores_AX, best_AX // vocab_size, best_AX % vocab_size

    def _set_aside(
        self,
        sources_A: Numbers,
        scores_AX: Floats,
        parents_AX: Numbers,
        is_end_AX: npt.NDArray[np.bool_],
    ) -> None:
        """Keep the hypotheses among the K best that end."""
        ended_AK = (is_end_AX & np.isfinite(scores_AX))[:, : self._beam]
        for row, rank in np.argwhere(ended_AK).tolist():
            source, score = int(sources_A[row]), float(scores_AX[row, rank])
            answers = self.answers[source]
            if len(answers) < self._count or score > answers[-1].log_prob:
                ids = self._path(source, int(parents_AX[row, rank]))
                answers.append(Hypothesis(ids, score, is_finished=True))
                answers.sort(key=lambda each: -each.log_prob)
                del answers[self._count :]

    def _are_over(self, sources_A: Numbers) -> npt.NDArray[np.bool_]:
        """Which sources have enough ended hypotheses that beat every open one, or as many symbols as they may."""
        wanted = [self.answers[source][self._count - 1 :] for source in sources_A.tolist()]
        last_A = np.array([each[0].log_prob if each else -np.inf for each in wanted])
        are_over_A: npt.NDArray[np.bool_] = last_A >= self._scores_BK[sources_A].max(axis=1)
        return are_over_A | (self._most_B[sources_A] <= len(self._paths))

    def _add_open(self, source: int) -> None:
        """Let the best open hypotheses follow where too few have ended."""
        scores_K = self._scores_BK[source]
        for hypothesis in np.flatnonzero(np.isfinite(scores_K)).tolist():
            if len(self.answers[source]) < self._count:
                ids = self._path(source, hypothesis)
                self.answers[source].append(Hypothesis(ids, float(scores_K[hypothesis]), is_finished=False))

    def _path(self, source: int, hypothesis: int) -> tuple[int, ...]:
        """The symbols of an open hypothesis."""
        ids = []
        for parents_BK, symbols_BK in reversed(self._paths):
            ids.append(int(symbols_BK[source, hypothesis]))
            hypothesis = int(parents_BK[source, hypothesis])
        return tuple(reversed(ids))
