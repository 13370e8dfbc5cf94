"""Accuracy, macro-F1, nats and the confusion matrix of predicted labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelCounts:
    """How often each label was given where another was true.

    Attributes:
        confusion_LL: true labels by predicted ones (L + 1, L); the last row is of labels that training never saw,
            which are always wrong.
        nats: the mean loss over the others.
    """

    confusion_LL: Counts
    nats: float

    @property
    def accuracy(self) -> float:
        """The share that is right."""
        return float(np.trace(self.confusion_LL) / self.confusion_LL.sum())

    @property
    def support_L(self) -> Counts:
        """How often each label is true (L,)."""
        support_L: Counts = self.confusion_LL[:-1].sum(axis=1)
        return support_L

    @property
    def precision_L(self) -> Floats:
        """Of those predicted, the share that is right (L,); 0 where none is."""
        return _shares(np.diagonal(self.confusion_LL), self.confusion_LL.sum(axis=0))

    @property
    def recall_L(self) -> Floats:
        """Of those true, the share that is found (L,); 0 where none is."""
        return _shares(np.diagonal(self.confusion_LL), self.support_L)

    @property
    def f1_L(self) -> Floats:
        """The harmonic mean of precision and recall (L,)."""
        predicted_L = self.confusion_LL.sum(axis=0)
        return _shares(2 * np.diagonal(self.confusion_LL), self.support_L + predicted_L)

    @property
    def macro_f1(self) -> float:
        """The mean F1 over the labels that are true somewhere."""
        return float(self.f1_L[self.support_L > 0].mean())


def count_labels(targets_D: npt.NDArray[np.int64], log_probs_DL: Floats, labels: int) -> LabelCounts:
    """Count predictions; the target L is a label that training never saw.

    >>> found = count_labels(np.array([0, 1, 1]), np.log([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]), 2)
    >>> found.confusion_LL.tolist(), round(found.accuracy, 3), round(found.macro_f1, 3)
    ([[1, 0], [1, 1], [0, 0]], 0.667, 0.667)
    """
    best_D = log_probs_DL.argmax(axis=1)
    confusion_LL = np.zeros((labels + 1, labels), np.int64)
    np.add.at(confusion_LL, (targets_D, best_D), 1)
    known = np.flatnonzero(targets_D < labels)
    nats_D = -log_probs_DL[known, targets_D[known]].astype(np.float64)
    return LabelCounts(confusion_LL, float(nats_D.mean()) if len(known) else float("nan"))


def _shares(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
