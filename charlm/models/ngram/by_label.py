"""Bayes' rule with one n-gram model a label: log p(text | label) + log p(label)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds, id_dtype
from charlm.data.buckets import Sequences
from charlm.models.ngram.kneser_ney import KneserNey

ORDER = 4  # characters of context

Probabilities = npt.NDArray[np.float64]


class BayesClassifier:
    """A Kneser-Ney model of the texts of each label, with the labels' shares as prior."""

    def __init__(self, texts: Sequences, targets_D: npt.NDArray[np.int64], labels: int, symbols: int) -> None:
        """Count texts with ids below ``symbols``; every label has one at least."""
        self._end = symbols
        counts_L = np.bincount(targets_D, minlength=labels)
        self._log_prior_L = np.log(counts_L / counts_L.sum())
        numbers = (np.flatnonzero(targets_D == label) for label in range(labels))
        self._models = [KneserNey(self._join(texts, own), symbols + 1, ORDER, symbols) for own in numbers]

    def log_probs(self, texts: Sequences) -> Probabilities:
        """The log-probability of every label of every text (D, L), in nats."""
        stream = self._join(texts, np.arange(len(texts)))
        starts_D = np.cumsum(texts.lengths_D + 1) - texts.lengths_D - 1
        joint_DL = np.empty((len(texts), len(self._models)))
        for label, model in enumerate(self._models):
            joint_DL[:, label] = -np.add.reduceat(model.nll(stream[:-1], stream[1:]), starts_D)
        joint_DL += self._log_prior_L
        joint_DL -= joint_DL.max(axis=1, keepdims=True)
        log_probs_DL: Probabilities = joint_DL - np.log(np.exp(joint_DL).sum(axis=1, keepdims=True))
        return log_probs_DL

    def _join(self, texts: Sequences, numbers: npt.NDArray[np.intp]) -> TokenIds:
        """Texts with the end symbol before, between and after them."""
        end = np.array([self._end], id_dtype(self._end + 1))
        own = texts.take(numbers)
        ends = np.concatenate([[0], np.cumsum(own.lengths_D)])
        return np.insert(own.ids.astype(end.dtype), ends, end[0])
