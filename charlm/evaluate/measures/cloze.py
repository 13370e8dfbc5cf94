"""Cloze: how well missing characters are named from those on both sides, next to one side and to n-grams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from charlm.base.errors import UsageError
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.base.tables import PROGRAMS, Column, Table
from charlm.config import setting
from charlm.evaluate.base import EvalResult, Measurement, characters_taken
from charlm.models.ngram.both_sides import ORDER

if TYPE_CHECKING:
    from charlm.data.encoded import EncodedText
    from charlm.engines.base import Outputs
    from charlm.engines.threads import ThreadPool
    from charlm.evaluate.subjects import RunText
    from charlm.inference.two_sided import Cloze as Found
    from charlm.inference.unroll import Window
    from charlm.runs.run import Run

RATES = (0.15, 0.3)
COUNTED = 4_000_000  # characters of the training split, its last, that n-grams are counted in
BLOCK = 4096  # characters whose n-gram distributions are held at once

COLUMNS = (
    Column("missing"),
    Column("loss", ".3f"),
    Column("95% CI", ".3f", rank=1, is_interval=True),
    Column("right", ".1%"),
)
EXPLANATION = (
    "one: each character is asked for with all others visible; a share: so many characters are missing at once, "
    "drawn by --seed, and only these are counted; the ends of documents are always given",
    f"both-side n-grams: Witten-Bell, up to {ORDER // 2} characters on each side, from the training split",
)


@dataclass(frozen=True)
class Cloze(Measurement):
    """Loss and accuracy of missing characters, with baselines."""

    blanks: float | None = setting(
        None, "Share of missing characters.", above=0, below=1, otherwise="one at a time, 0.15 and 0.3"
    )
    characters: int = characters_taken(1_000_000)
    resamples: int = setting(1000, "Bootstrap resamples.", low=100, high=1_000_000)
    seed: int = setting(1, "Seed of missing characters and of the bootstrap.", low=0, high=2**63 - 1)

    cases: ClassVar[Literal["models", "labels", "runs"]] = "runs"

    def measure(self, subjects: Sequence[RunText], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Ask for the characters of each text.

        Raises:
            UsageError: no run fills.
        """
        if all(_is_one_sided(each.run) for each in subjects):
            raise UsageError("eval cloze needs a run of --task fill, beside which others stand: name one")
        records: list[dict[str, Any]] = []
        counted: set[str] = set()
        for done, subject in enumerate(subjects):
            progress(done, len(subjects))
            cut = replace(subject, part=subject.part[: self.characters])
            records.append({**subject.keys, **self._figures("one", _one(cut, pool))})
            if not _is_one_sided(cut.run):
                records[-1]["blanks"] = list(self._at_rates(cut, pool))
                if cut.training is not None and cut.text_name not in counted:
                    counted.add(cut.text_name)
                    found = _ngrams(cut, cut.training)
                    records.append({**cut.keys, "run": "n-grams, both sides", **self._figures("one", found)})
        texts = list(dict.fromkeys(each.text_name for each in subjects))
        title = f"Missing characters of {subjects[0].description or texts[0]}" if len(texts) == 1 else "Missing"
        columns = [Column("model"), Column("text", rank=0 if len(texts) > 1 else PROGRAMS), *COLUMNS]
        return EvalResult(
            records,
            [Table(title, columns, [row for record in records for row in _rows(record, self.blanks)])],
            list(_notes(subjects, self.characters)),
            explanation=list(EXPLANATION),
            legend="loss in nats/char",
        )

    def _at_rates(self, subject: RunText, pool: ThreadPool) -> Iterator[dict[str, Any]]:
        """The figures where several characters are missing at once."""
        from charlm.inference.two_sided import TwoSidedModel, draw_missing

        model = TwoSidedModel.of(subject.run)
        for rate in RATES if self.blanks is None else (self.blanks,):
            missing_N = draw_missing(subject.part, rate, make_generator(self.seed, "missing"))
            yield self._figures(f"{rate:.3g}", model.cloze(subject.part, pool, missing_N))

    def _figures(self, missing: str, found: Found) -> dict[str, Any]:
        from charlm.evaluate.bootstrap import MeanSeries

        series = MeanSeries(len(found.costs_nats))
        series.take(found.costs_nats)
        low, high, _ = series.interval(None, self.resamples, make_generator(self.seed, "bootstrap"))
        return {
            "missing": missing,
            "nats_per_char": found.nats,
            "nats_low": low,
            "nats_high": high,
            "accuracy": found.accuracy,
            "characters": len(found.costs_nats),
        }


def _is_one_sided(run: Run) -> bool:
    return run.config.task.kind.network != "two-sided"


def _one(subject: RunText, pool: ThreadPool) -> Found:
    """Every character by itself, named by a run; by a language model from those before it."""
    from charlm.inference.conditioned import load_model
    from charlm.inference.scoring import joined, network_costs, score_stretches
    from charlm.inference.two_sided import Cloze as Found
    from charlm.inference.two_sided import TwoSidedModel, askable

    if not _is_one_sided(subject.run):
        return TwoSidedModel.of(subject.run).cloze(subject.part, pool)
    model, best = load_model(subject.run), np.zeros(len(subject.part) - 1, np.int64)
    ids_K, is_read_N = model.read(subject.part)
    best_K = np.zeros(len(ids_K) - 1, np.int64)

    def see(done: int, window: Window, outputs: Outputs) -> None:
        window.store(best_K[done:], outputs.logits().argmax(axis=-1))

    end = model.vocabulary.end
    costs = network_costs(model.open(pool), None, end, len(ids_K), see)
    scores = joined(score_stretches(subject.part, model.vocabulary, model.training_characters, costs))
    best[is_read_N[1:]] = best_K[: int(is_read_N[1:].sum())]
    y_N = model.vocabulary.encode_alphabet(subject.part.alphabet)[subject.part.ids[1:]]
    is_asked_N = askable(subject.part)
    return Found(scores.costs_nats[is_asked_N], ((best == y_N) & scores.known)[is_asked_N])


def _ngrams(subject: RunText, training: EncodedText) -> Found:
    """Every character by itself, named by n-grams of both sides."""
    from charlm.data.recode import Recoding
    from charlm.inference.two_sided import Cloze as Found
    from charlm.inference.two_sided import askable
    from charlm.models.ngram.both_sides import BothSides

    vocabulary, part = subject.run.vocabulary, subject.part
    symbols, characters = len(vocabulary) + 1, subject.run.corpus.training_characters
    ids, text = (
        Recoding.of(vocabulary, each.alphabet, characters).ids_A[each.ids] for each in (training[-COUNTED:], part)
    )
    model, reading = (
        BothSides(ids, symbols, end=vocabulary.end),
        Recoding.of(vocabulary, part.alphabet, characters),
    )
    costs_N, is_right_N = reading.extra_nats_A[part.ids], reading.is_known_A[part.ids]
    for first in range(1, len(text), BLOCK):
        places = np.arange(first, min(first + BLOCK, len(text)))
        p_NV, own = model.predict(text, places), text[places]
        is_symbol = own < len(vocabulary)
        costs_N[places[is_symbol]] -= np.log(p_NV[is_symbol, own[is_symbol]])
        is_right_N[places] &= p_NV.argmax(axis=1) == own
    return Found(costs_N[1:][askable(part)], is_right_N[1:][askable(part)])


def _rows(record: dict[str, Any], blanks: float | None) -> Iterator[list[Any]]:
    for each in (record, *record.get("blanks", ())):
        missing = each["missing"] if each is record else f"{float(each['missing']):.3g}"
        interval = each["nats_low"], each["nats_high"]
        yield [record["run"], record["text"], missing, each["nats_per_char"], interval, each["accuracy"]]


def _notes(subjects: Sequence[RunText], most: int) -> Iterator[str]:
    for each in subjects:
        if len(each.part) > most:
            yield f"{each.text_name}: its first {most:,} characters are measured (--characters)"
        if each.training is None and not _is_one_sided(each.run):
            yield f"no n-grams for {each.run.name}: its corpus was not found"
