"""Answers of trained classifiers: of a network, or by Bayes' rule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from charlm.base.arrays import Floats
from charlm.data.examples import LabelledPart
from charlm.data.labels import SPACE
from charlm.engines.numpy.predictor import Predictor
from charlm.engines.threads import ThreadPool
from charlm.inference.conditioned import ConditionedModel, load_model
from charlm.inference.lines import score_lines
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


class TextClassifier(ABC):
    """Gives texts labels."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """The labels, in order."""

    @abstractmethod
    def log_probs(self, texts: Sequence[str], pool: ThreadPool | None = None) -> Floats:
        """The log-probability of every label of every text (D, L), in nats."""

    @abstractmethod
    def log_probs_of(self, part: LabelledPart, pool: ThreadPool | None = None) -> Floats:
        """The same for examples (D, L)."""

    @abstractmethod
    def count_unknown(self, text: str) -> int:
        """How many characters of a text training never saw."""

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
        return Classification(text, label, ranked[label], ranked, self.count_unknown(text))


@dataclass(frozen=True)
class NetworkClassifier(TextClassifier):
    """A network of ``--task classify``."""

    reader: TextReader

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in order."""
        return self.reader.vocabulary.labels

    def log_probs(self, texts: Sequence[str], pool: ThreadPool | None = None) -> Floats:
        """The softmax of the network's outputs."""
        return log_softmax_(self.reader.outputs(texts, pool))

    def log_probs_of(self, part: LabelledPart, pool: ThreadPool | None = None) -> Floats:
        """The same for examples."""
        return log_softmax_(predict_part(Predictor(self.reader.network, pool), part))

    def count_unknown(self, text: str) -> int:
        """How many characters of a text training never saw."""
        return self.reader.count_unknown(text)


@dataclass(frozen=True)
class BayesLanguageModels(TextClassifier):
    """Bayes' rule with a language model whose first input is the label: log p(text | label) + log p(label)."""

    model: ConditionedModel

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in order."""
        return self.model.labels

    def log_probs(self, texts: Sequence[str], pool: ThreadPool | None = None) -> Floats:
        """The same lines, scored under every label."""
        if pool is None:
            with ThreadPool(1) as own:
                return self.log_probs(texts, own)
        lines = [text.strip(SPACE) for text in texts]
        models = (self.model.under(label) for label in self.labels)
        joint_DL = -np.stack([score_lines(model, lines, pool).nats for model in models], axis=1)
        return log_softmax_(joint_DL + self.model.log_prior_L)

    def log_probs_of(self, part: LabelledPart, pool: ThreadPool | None = None) -> Floats:
        """The same for examples."""
        if self.model.corpus.bytes:
            return self.log_probs(
                [text.encode("latin-1").decode("utf-8", "surrogateescape") for text in part.texts], pool
            )
        return self.log_probs(part.texts, pool)

    def sample(self, len: int = 500, **settings: Any) -> str:
        """A sample under a ``label``, or a drawn one, as of ``LanguageModel.sample``."""
        return self.model.sample(len, **settings)

    def count_unknown(self, text: str) -> int:
        """How many different characters of a text training never saw."""
        return len(self.model.split_unknown(text.strip(SPACE))[1])


def open_classifier(run: Run) -> TextClassifier:
    """The classifier of a run with labels.

    Raises:
        RunError: the weights are missing or unreadable.
    """
    if run.config.task.kind.network == "classifier":
        return NetworkClassifier(TextReader.of(run))
    model = load_model(run)
    assert isinstance(model, ConditionedModel)
    return BayesLanguageModels(model)
