"""Accuracy of a classifier, next to the most frequent label and Bayes' rule with n-grams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from charlm.base.arrays import Floats
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.base.tables import Column, Matrix, Table
from charlm.config import setting
from charlm.data.examples import LabelledPart
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import EvalResult, Measurement
from charlm.evaluate.bootstrap import COVERAGE
from charlm.evaluate.labelled import LabelledCase
from charlm.models.ngram.by_label import ORDER, BayesClassifier
from charlm.tasks.label_counts import LabelCounts, count_labels
from charlm.tasks.text_classifier import open_classifier

COLUMNS = (
    Column("model"),
    Column("accuracy", ".1%"),
    Column("95% CI", ".1%", is_interval=True),
    Column("macro F1", ".3f"),
    Column("nats/label", ".3f"),
)
LABEL_COLUMNS = (
    Column("label"),
    Column("examples", ",d"),
    Column("precision", ".1%"),
    Column("recall", ".1%"),
    Column("F1", ".3f"),
)
MISTAKE_COLUMNS = (Column("example"), Column("given"), Column("is"), Column("probability", ".1%"))
EXPLANATION = (
    "macro F1 is the mean over the labels that occur in the split; the interval is a bootstrap over examples; a "
    "label that training never saw counts as wrong, and not in the nats",
    f"Bayes' rule has a Kneser-Ney model of {ORDER} characters of context a label, from the training split",
)


@dataclass(frozen=True)
class Accuracy(Measurement):
    """Accuracy, macro-F1 and confusion matrix, with baselines."""

    cases: ClassVar[Literal["models", "labels", "runs"]] = "labels"

    resamples: int = setting(1000, "Bootstrap resamples.", low=100, high=1_000_000)
    seed: int = setting(1, "Seed of the bootstrap.", low=0, high=2**63 - 1)
    mistakes: int = setting(5, "Show this many of the most confident mistakes.", low=0, high=10_000)

    def measure(
        self, subjects: Sequence[LabelledCase[LabelledPart]], pool: ThreadPool, progress: Progress
    ) -> EvalResult:
        """Classify each case's texts."""
        records: list[dict[str, Any]] = []
        tables: list[Table] = []
        matrices: list[Matrix] = []
        notes: list[str] = []
        for case in subjects:
            classifier = open_classifier(case.run)
            log_probs_DL = classifier.log_probs_of(case.part, pool)
            labels, targets_D = classifier.labels, case.part.targets_D
            found = count_labels(targets_D, log_probs_DL, len(labels))
            rows = [(case.run.name, found), *_baselines(case, len(labels))]
            models = [self._figures(name, counts) for name, counts in rows]
            mistakes = self._mistakes(case, log_probs_DL, labels)
            record = {**case.keys, "examples": len(case.part), **models[0], "baselines": models[1:]}
            record["labels"] = _label_rows(found, labels)
            record["confusion"] = found.confusion_LL.tolist()
            records.append(record | {"mistakes": mistakes})
            tables += _tables(case, models, record["labels"], mistakes)
            matrices.append(_matrix(case, found, labels))
            notes += self._notes(case, log_probs_DL, found)
        return EvalResult(records, tables, notes, matrices=matrices, explanation=list(EXPLANATION))

    def _figures(self, name: str, found: LabelCounts) -> dict[str, Any]:
        """A model's figures by JSON name."""
        examples = int(found.confusion_LL.sum())
        # Resampling examples that are right or wrong is drawing from a binomial distribution.
        rng = make_generator(self.seed, "bootstrap")
        drawn = rng.binomial(examples, found.accuracy, self.resamples) / examples
        low, high = np.quantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]).tolist()
        return {
            "model": name,
            "accuracy": found.accuracy,
            "accuracy_low": low,
            "accuracy_high": high,
            "macro_f1": found.macro_f1,
            "nats_per_label": found.nats,
        }

    def _mistakes(
        self, case: LabelledCase[LabelledPart], log_probs_DL: Floats, labels: Sequence[str]
    ) -> list[dict[str, Any]]:
        """The most confident mistakes."""
        best_D = log_probs_DL.argmax(axis=1)
        wrong = np.flatnonzero(best_D != case.part.targets_D)
        sure_D = log_probs_DL.max(axis=1)
        known = [*labels, "unknown label"]
        return [
            {
                "text": case.part.texts[number],
                "given": labels[best_D[number]],
                "is": known[case.part.targets_D[number]],
                "probability": float(np.exp(sure_D[number])),
            }
            for number in wrong[np.argsort(-sure_D[wrong], kind="stable")][: self.mistakes].tolist()
        ]

    def _notes(self, case: LabelledCase[LabelledPart], log_probs_DL: Floats, found: LabelCounts) -> Iterator[str]:
        if case.training is None:
            yield f"no baselines for {case.run.name}: its corpus was not found"
        if unseen := int(found.confusion_LL[-1].sum()):
            examples = counted(unseen, "examples")
            yield f"labels that training never saw count as wrong: {examples}"
        is_new_D = case.is_new_D
        if case.part is not case.training and not is_new_D.all() and is_new_D.any():
            others = count_labels(case.part.targets_D[is_new_D], log_probs_DL[is_new_D], log_probs_DL.shape[1])
            again = counted(int((~is_new_D).sum()), "texts")
            yield (
                f"also in the training split: {again}; on the {is_new_D.sum():,} others "
                f"accuracy is {others.accuracy:.1%}, macro F1 {others.macro_f1:.3f}, nats {others.nats:.3f}"
            )


def _baselines(case: LabelledCase[LabelledPart], labels: int) -> Iterator[tuple[str, LabelCounts]]:
    """What is reached from the same training split without a network."""
    if case.training is None:
        return
    targets_D, symbols = case.part.targets_D, len(case.run.vocabulary) + 1
    bayes = BayesClassifier(case.training.sequences, case.training.targets_D, labels, symbols)
    yield "Bayes' rule, n-grams", count_labels(targets_D, bayes.log_probs(case.part.sequences), labels)
    shares_L = np.bincount(case.training.targets_D, minlength=labels) / len(case.training)
    log_probs_DL = np.tile(np.log(shares_L), (len(case.part), 1))
    yield "most frequent label", count_labels(targets_D, log_probs_DL, labels)


def _label_rows(found: LabelCounts, labels: Sequence[str]) -> list[dict[str, Any]]:
    columns = (found.support_L, found.precision_L, found.recall_L, found.f1_L)
    rows = zip(labels, *(values.tolist() for values in columns), strict=True)
    return [dict(zip(("label", "examples", "precision", "recall", "f1"), row, strict=True)) for row in rows]


def _tables(
    case: LabelledCase[LabelledPart],
    models: Sequence[dict[str, Any]],
    labels: Sequence[dict[str, Any]],
    mistakes: Sequence[dict[str, Any]],
) -> Iterator[Table]:
    rows = [
        (each["model"], each["accuracy"], (each["accuracy_low"], each["accuracy_high"]), each["macro_f1"],
         each["nats_per_label"])
        for each in models
    ]  # fmt: skip
    yield Table(case.title, COLUMNS, rows, case.keys)
    yield Table("By label", LABEL_COLUMNS, [tuple(each.values()) for each in labels], case.keys)
    if mistakes:
        rows = [tuple(each.values()) for each in mistakes]
        yield Table("Most confident mistakes", MISTAKE_COLUMNS, rows, case.keys)


def _matrix(case: LabelledCase[LabelledPart], found: LabelCounts, labels: Sequence[str]) -> Matrix:
    occurs = [number for number, count in enumerate(found.support_L.tolist()) if count]
    counts = [[int(found.confusion_LL[row, column]) for column in range(len(labels))] for row in occurs]
    return Matrix(
        f"Confusion of {case.title}", "true label", "given", [labels[n] for n in occurs], labels, counts
    )
