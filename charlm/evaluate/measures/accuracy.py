"""Accuracy of labels or tags, next to the most frequent ones and, for labels, Bayes' rule with n-grams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.base.tables import Column, Matrix, Table
from charlm.config import setting
from charlm.evaluate.base import EvalResult, Measurement

if TYPE_CHECKING:
    from charlm.engines.threads import ThreadPool
    from charlm.evaluate.answers import Answers
    from charlm.evaluate.labelled import LabelledCase
    from charlm.tasks.label_counts import LabelCounts

FIGURES = (Column("precision", ".1%"), Column("recall", ".1%"), Column("F1", ".3f"))
MISTAKE_COLUMNS = (Column("example"), Column("given"), Column("is"), Column("probability", ".1%"))
EXPLANATION = (
    "macro F1 is the mean over the labels or tags that occur in the split; the interval is a bootstrap over "
    "texts; a label or tag that training never saw counts as wrong, and is left out of the nats"
)


@dataclass(frozen=True)
class Accuracy(Measurement):
    """Accuracy, macro-F1 and confusion matrix, with baselines."""

    cases: ClassVar[Literal["models", "labels", "runs"]] = "labels"

    resamples: int = setting(1000, "Bootstrap resamples.", low=100, high=1_000_000)
    seed: int = setting(1, "Seed of the bootstrap.", low=0, high=2**63 - 1)
    mistakes: int = setting(5, "Show this many of the most confident mistakes.", low=0, high=10_000)

    def measure(self, subjects: Sequence[LabelledCase[Any]], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Predict labels or tags of each case's texts."""
        from charlm.evaluate.answers import answer

        result = EvalResult([], [], explanation=[EXPLANATION])
        for case in subjects:
            found = answer(case, pool)
            models = [self._figures(case.run.name, found)]
            models += [self._figures(name, replace(found, log_probs_NL=each)) for name, each in found.baselines()]
            mistakes, counts = self._mistakes(found), found.counts
            record = {**case.keys, "examples": len(case.part), **models[0], "baselines": models[1:]}
            record |= {f"{found.noun}s": _label_rows(counts, found), "confusion": counts.confusion_LL.tolist()}
            result.records.append(record | {"mistakes": mistakes})
            result.tables.extend(_tables(case, found.noun, models, record[f"{found.noun}s"], mistakes))
            result.matrices.append(_matrix(case, found, counts))
            result.notes.extend(_notes(case, found))
            result.explanation.extend({found.explanation} - {*result.explanation})
        return result

    def _figures(self, name: str, found: Answers) -> dict[str, Any]:
        """A model's figures by JSON name."""
        low, high = self._interval(found)
        return {
            "model": name,
            "accuracy": found.counts.accuracy,
            "accuracy_low": low,
            "accuracy_high": high,
            "macro_f1": found.counts.macro_f1,
            f"nats_per_{found.noun}": found.counts.nats,
            **({} if found.noun == "label" else {"right_texts": found.right_texts}),
        }

    def _interval(self, found: Answers) -> tuple[float, float]:
        from charlm.evaluate.bootstrap import COVERAGE

        rng = make_generator(self.seed, "bootstrap")
        sizes_D, right_D = np.bincount(found.text_N), np.bincount(found.text_N, found.is_right_N)
        texts = len(sizes_D)
        if sizes_D.max() == 1:  # resampling texts that are right or wrong is drawing from a binomial distribution
            drawn = rng.binomial(texts, found.counts.accuracy, self.resamples) / texts
        else:
            samples = (rng.integers(texts, size=texts) for _ in range(self.resamples))
            drawn = np.array([right_D[numbers_D].sum() / sizes_D[numbers_D].sum() for numbers_D in samples])
        low, high = np.quantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]).tolist()
        return low, high

    def _mistakes(self, found: Answers) -> list[dict[str, Any]]:
        """The most confident mistakes."""
        best_N, sure_N = found.log_probs_NL.argmax(axis=1), found.log_probs_NL.max(axis=1)
        wrong = np.flatnonzero(~found.is_right_N)
        known = [*found.names, f"unknown {found.noun}"]
        return [
            {
                "text": found.show(number),
                "given": found.names[best_N[number]],
                "is": known[found.targets_N[number]],
                "probability": float(np.exp(sure_N[number])),
            }
            for number in wrong[np.argsort(-sure_N[wrong], kind="stable")][: self.mistakes].tolist()
        ]


def _notes(case: LabelledCase[Any], found: Answers) -> Iterator[str]:
    from charlm.tasks.label_counts import count_labels

    if case.training is None:
        yield f"no baselines for {case.run.name}: its corpus was not found"
    if unseen := int(found.counts.confusion_LL[-1].sum()):
        what = counted(unseen, "examples" if found.noun == "label" else "characters")
        yield f"{found.noun}s that training never saw count as wrong: {what}"
    is_new_D = case.is_new_D
    if case.part is not case.training and not is_new_D.all() and is_new_D.any():
        own = np.flatnonzero(is_new_D[found.text_N])
        others = count_labels(found.targets_N[own], found.log_probs_NL[own], len(found.names))
        again = counted(int((~is_new_D).sum()), "texts")
        yield (
            f"also in the training split: {again}; on the {is_new_D.sum():,} others "
            f"accuracy is {others.accuracy:.1%}, macro F1 {others.macro_f1:.3f}, nats {others.nats:.3f}"
        )


def _label_rows(counts: LabelCounts, found: Answers) -> list[dict[str, Any]]:
    columns = (counts.support_L, counts.precision_L, counts.recall_L, counts.f1_L)
    rows = zip(found.names, *(values.tolist() for values in columns), strict=True)
    names = (found.noun, "examples" if found.noun == "label" else "characters", "precision", "recall", "f1")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _tables(
    case: LabelledCase[Any],
    noun: str,
    models: Sequence[dict[str, Any]],
    labels: Sequence[dict[str, Any]],
    mistakes: Sequence[dict[str, Any]],
) -> Iterator[Table]:
    columns = [
        Column("model"), Column("accuracy", ".1%"), Column("95% CI", ".1%", is_interval=True),
        Column("macro F1", ".3f"), Column(f"nats/{noun}", ".3f"),
    ]  # fmt: skip
    columns += [Column("texts all right", ".1%")] if noun == "tag" else []
    rows = [
        (name, accuracy, (low, high), *others)
        for name, accuracy, low, high, *others in (each.values() for each in models)
    ]
    yield Table(case.title, columns, rows, case.keys)
    counts = Column("examples" if noun == "label" else "characters", ",d")
    yield Table(
        f"By {noun}", [Column(noun), counts, *FIGURES], [tuple(each.values()) for each in labels], case.keys
    )
    if mistakes:
        rows = [tuple(each.values()) for each in mistakes]
        yield Table("Most confident mistakes", MISTAKE_COLUMNS, rows, case.keys)


def _matrix(case: LabelledCase[Any], found: Answers, counts: LabelCounts) -> Matrix:
    occurs = [number for number, count in enumerate(counts.support_L.tolist()) if count]
    values = [[int(counts.confusion_LL[row, column]) for column in range(len(found.names))] for row in occurs]
    names = [found.names[number] for number in occurs]
    return Matrix(f"Confusion of {case.title}", f"true {found.noun}", "given", names, found.names, values)
