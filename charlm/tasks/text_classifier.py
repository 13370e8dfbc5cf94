"""Answers of a trained classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from charlm.base.arrays import Floats
from charlm.data.examples import LabelledPart
from charlm.engines.numpy.predictor import Predictor
from charlm.engines.threads import ThreadPool
from charlm.nn.readout import log_softmax_
from charlm.runs.run import Run
from charlm.tasks.whole_texts import TextReader, predict_part


@dataclass(frozen=True)
class Classification:
    """A text's label, and the probability of every label, the likeliest first.

    ``unknown`` counts the characters that training never saw.
    """

    text: str
    label: str
    probability: float
    probabilities: Mapping[str, float]
    unknown: int


@dataclass(frozen=True)
class TextClassifier:
    """A trained classifier of texts."""

    reader: TextReader

    @classmethod
    def of(cls, run: Run) -> TextClassifier:
        """A run's classifier.

        Raises:
            RunError: the weights are missing or unreadable.
        """
        return cls(TextReader.of(run))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in order."""
        return self.reader.vocabulary.labels

    def log_probs(self, texts: Sequence[str], pool: ThreadPool | None = None) -> Floats:
        """The log-probability of every label of every text (D, L), in nats."""
        return log_softmax_(self.reader.outputs(texts, pool))

    def log_probs_of(self, part: LabelledPart, pool: ThreadPool | None = None) -> Floats:
        """The same for examples (D, L)."""
        return log_softmax_(predict_part(Predictor(self.reader.network, pool), part))

    def classify(self, texts: Sequence[str], pool: ThreadPool | None = None) -> list[Classification]:
        """Classify texts; white space at their ends does not count."""
        if not texts:
            return []
        probabilities_DL = np.exp(self.log_probs(texts, pool).astype(np.float64))
        return [self._answer(*each) for each in zip(texts, probabilities_DL, strict=True)]

    def _answer(self, text: str, probabilities_L: Floats) -> Classification:
        order = np.argsort(-probabilities_L, kind="stable").tolist()
        ranked = {self.labels[number]: float(probabilities_L[number]) for number in order}
        label = next(iter(ranked))
        return Classification(text, label, ranked[label], ranked, self.reader.count_unknown(text))


def open_classifier(run: Run) -> TextClassifier:
    """The classifier of a run."""
    return TextClassifier.of(run)
