"""A run's predictions and the true values: labels of whole texts, or tags of their characters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.data.examples import LabelledPart
from charlm.data.pairs import PairsPart
from charlm.engines.numpy.predictor import Predictor
from charlm.engines.threads import ThreadPool
from charlm.evaluate.labelled import LabelledCase
from charlm.models.ngram.by_label import ORDER, BayesClassifier
from charlm.tasks.label_counts import LabelCounts, count_labels
from charlm.tasks.text_classifier import open_classifier
from charlm.tasks.text_tagger import TextTagger, log_probs_of_part

AROUND = 10  # characters that are shown on each side of a tagged one

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """N predictions for a case.

    Attributes:
        noun: ``label`` or ``tag``.
        names: of the L labels.
        targets_N: the true labels; L for one that training never saw.
        log_probs_NL: what the run predicts.
        text_N: the text that each belongs to.
        baselines: models without a network by name, and their log-probabilities; none without a training split.
        show: the text of a prediction, by its number.
        explanation: what the baselines are.
    """

    noun: str
    names: Sequence[str]
    targets_N: Ids
    log_probs_NL: Floats
    text_N: Ids
    baselines: Callable[[], Iterator[tuple[str, Floats]]]
    show: Callable[[int], str]
    explanation: str

    @property
    def counts(self) -> LabelCounts:
        """The confusion matrix: how often each label was predicted for each true one."""
        return count_labels(self.targets_N, self.log_probs_NL, len(self.names))

    @property
    def is_right_N(self) -> npt.NDArray[np.bool_]:
        """Which predictions are right (N,)."""
        is_right_N: npt.NDArray[np.bool_] = self.log_probs_NL.argmax(axis=1) == self.targets_N
        return is_right_N

    @property
    def right_texts(self) -> float:
        """The share of texts whose predictions are all right."""
        wrong_D = np.bincount(self.text_N, ~self.is_right_N)
        return float((wrong_D == 0).mean())


def answer(case: LabelledCase[Any], pool: ThreadPool) -> Answers:
    """The predictions of a case's run."""
    return _tag(case, pool) if case.run.config.task.kind.network == "tagger" else _classify(case, pool)


def _classify(case: LabelledCase[LabelledPart], pool: ThreadPool) -> Answers:
    classifier = open_classifier(case.run)
    part, training, labels = case.part, case.training, classifier.labels

    def baselines() -> Iterator[tuple[str, Floats]]:
        if training is None:
            return
        symbols = len(case.run.vocabulary) + 1
        bayes = BayesClassifier(training.sequences, training.targets_D, len(labels), symbols)
        yield "Bayes' rule, n-grams", bayes.log_probs(part.sequences)
        yield "most frequent label", _tile_shares(training.targets_D, len(labels), len(part))

    return Answers(
        "label", labels, part.targets_D, classifier.log_probs_of(part, pool), np.arange(len(part)), baselines,
        part.texts.__getitem__,
        f"Bayes' rule has a Kneser-Ney model of {ORDER} characters of context per label, from the training split",
    )  # fmt: skip


def _tag(case: LabelledCase[PairsPart], pool: ThreadPool) -> Answers:
    part, training, tags = case.part, case.training, case.run.vocabulary.target
    log_probs_NL = np.concatenate(log_probs_of_part(Predictor(TextTagger.of(case.run).network, pool), part))
    lengths_D = part.sequences.lengths_D
    ends_D = np.cumsum(lengths_D)
    text_N = np.repeat(np.arange(len(part)), lengths_D)

    def baselines() -> Iterator[tuple[str, Floats]]:
        if training is None:
            return
        known_N, symbols = _targets(training, len(tags)), len(case.run.vocabulary) + 1
        yield "most frequent tag of a character", _by_character(training, known_N, part, symbols, len(tags))
        yield "most frequent tag", _tile_shares(known_N, len(tags), len(text_N))

    def show(number: int) -> str:
        text = part.texts[int(text_N[number])]
        place = number - int(ends_D[text_N[number]] - len(text))
        before, after = text[max(place - AROUND, 0) : place], text[place + 1 : place + 1 + AROUND]
        return f"{before}[{text[place]}]{after}"

    return Answers(
        "tag", tags, _targets(part, len(tags)), log_probs_NL, text_N, baselines, show,
        "most frequent tag of a character: how often training has each tag at the same character, with the share "
        "of each tag added once",
    )  # fmt: skip


def _targets(part: PairsPart, tags: int) -> Ids:
    """The tag of every character (N,); L for one that training never saw."""
    return np.minimum(part.targets.ids, tags).astype(np.int64)


def _by_character(training: PairsPart, known_N: Ids, part: PairsPart, symbols: int, tags: int) -> Floats:
    """The log-probability of each tag at each character (N, L), from counts of characters and tags."""
    counts_VL = np.zeros((symbols, tags))
    np.add.at(counts_VL, (training.sequences.ids, known_N), 1)
    counts_VL += counts_VL.sum(axis=0) / counts_VL.sum()
    log_probs_VL: Floats = np.log(counts_VL / counts_VL.sum(axis=1, keepdims=True))
    return log_probs_VL[part.sequences.ids]


def _tile_shares(known_N: Ids, labels: int, answers: int) -> Floats:
    """The log of the labels' shares, repeated for every prediction (N, L)."""
    shares_L = np.bincount(known_N, minlength=labels) / len(known_N)
    return np.tile(np.log(shares_L), (answers, 1))
