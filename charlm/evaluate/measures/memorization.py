"""Memorization: how much of a model's samples stands verbatim in its training split.

Shares of n-grams (McCoy et al. 2023), next to those of held-out text, which nobody copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.base.errors import CorpusError
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.base.tables import Column, Curve, Table
from charlm.config import setting
from charlm.evaluate.base import EvalCase, EvalResult, Measurement

if TYPE_CHECKING:
    from charlm.data.alphabet import Points
    from charlm.data.encoded import EncodedText
    from charlm.engines.threads import ThreadPool
    from charlm.evaluate.copies import Search, Stretch

SIZES = (5, 10, 15, 20, 30, 40, 50)
AT_ONCE, LENGTH = 100, 1000  # samples that are drawn together, and the characters of each
ENOUGH = 20  # copied n-grams for each stretch in the list
SHOWN = 60  # characters of a stretch in a table

COLUMNS = (Column("n", "d"), Column("samples", ".2%"), Column("held-out text", ".2%"))
STRETCHES = (Column("characters", ",d"), Column("place in training", ",d"), Column("copied text"))


@dataclass(frozen=True)
class Memorization(Measurement):
    """How much of the samples is copied from the training split."""

    samples: str | None = setting(None, "Measure the samples in this file, instead of new ones.")
    characters: int = setting(
        100_000, "Characters of samples, and of the text to compare with.", low=50, high=10_000_000
    )
    temperature: float = setting(1.0, "Temperature of new samples.", low=0, high=1000)
    seed: int = setting(1, "Seed of new samples.", low=0, high=2**31)
    longest: int = setting(5, "Longest copied stretches to list.", low=0, high=1000)

    def measure(self, subjects: Sequence[EvalCase], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Look up samples and held-out text in each subject's training split.

        Raises:
            CorpusError: a run's corpus is missing.
        """
        from charlm.evaluate.copies import PLACES_EACH

        records: list[dict[str, Any]] = []
        tables, curves, notes = [], [], []
        for subject in subjects:
            if subject.training is None:
                raise CorpusError(
                    f"the training split of {subject.run} is not at hand, so nothing can be looked up in it",
                    hint="put the run's corpus back, or name its new place with --corpus",
                )
            samples = self._samples(subject, progress)
            held_out = subject.part[: sum(map(len, samples))]
            found = _found(samples, held_out, subject.training, pool, progress, self.longest)
            records.append({"run": subject.run, "text": subject.text_name, "samples": self._named} | found)
            tables += _tables(subject, found)
            curves.append(_curve(subject, found))
            if not found["is_complete"]:
                notes.append(f"stretches are followed from the first {PLACES_EACH} places of each n-gram")
        rule = (
            f"{self._named}: the share of n-grams that stand verbatim in the training split, next to the same "
            "share of the held-out text; places are counted in characters from 0"
        )
        return EvalResult(records, tables, notes, curves, explanation=[rule])

    @property
    def _named(self) -> str:
        if self.samples is not None:
            return self.samples
        return f"{counted(self.characters, 'characters')} of samples at temperature {self.temperature:g}"

    def _samples(self, subject: EvalCase, progress: Progress) -> list[EncodedText]:
        """The samples, each as a text of its own."""
        from charlm.data.reading.sources import find_text

        model = subject.model
        if self.samples is not None:
            text = find_text(self.samples).read(model.corpus.units)
            return [model.part_of(text)[: self.characters]]
        return list(self._drawn(subject, progress))

    def _drawn(self, subject: EvalCase, progress: Progress) -> Iterator[EncodedText]:
        """New samples until they have so many characters; those of a model of documents are joined."""
        model, done, round_number = subject.model, 0, 0
        end = model.corpus.document_end
        while done < self.characters:
            progress(done, self.characters)
            left = -(-(self.characters - done) // AT_ONCE) if end is None else LENGTH
            texts = model.samples(
                AT_ONCE, len=min(LENGTH, left), temperature=self.temperature, seed=self.seed + round_number
            )
            for text in [end.join(texts)] if end is not None else texts:
                part = model.part_of(text)[: self.characters - done]
                done += len(part)
                yield part
            round_number += 1


def _found(
    samples: list[EncodedText],
    held_out: EncodedText,
    training: EncodedText,
    pool: ThreadPool,
    progress: Progress,
    longest: int,
) -> dict[str, Any]:
    """Both texts' shares, and the samples' longest stretches."""
    from charlm.evaluate.copies import find_copies, find_stretches, without_overlap

    theirs = find_copies(_joined([held_out]), training, SIZES, pool, progress)
    own = find_copies(_joined(samples), training, SIZES, pool, progress)
    # Stretches are followed from the longest n-grams that are copied often enough to fill the list.
    chosen = [search for search in own if search.copied_N.sum() >= ENOUGH * longest][-1:] or own[:1]
    stretches, is_complete = find_stretches(chosen[0], training, progress)
    shares = [
        {"n": one.n, "samples": _share(one, samples), "held_out": _share(other, [held_out])}
        for one, other in zip(own, theirs, strict=True)
    ]
    shown = [_stretch(each, training) for each in without_overlap(stretches, longest)]
    return {"ngrams": shares, "longest": shown, "is_complete": is_complete}


def _joined(texts: Sequence[EncodedText]) -> Points:
    """The texts' characters, with a separator between them, which no text has."""
    from charlm.evaluate.copies import SEPARATOR

    parts: list[Points] = []
    for text in texts:
        parts += [text.alphabet.points_A[text.ids], np.array([SEPARATOR], np.uint32)]
    return np.concatenate(parts[:-1])


def _share(search: Search, texts: Sequence[EncodedText]) -> float | None:
    """The share of a group's n-grams that are copied; None if it has none."""
    count = sum(max(0, len(text) - search.n + 1) for text in texts)
    return int(search.copied_N.sum()) / count if count else None


def _stretch(stretch: Stretch, training: EncodedText) -> dict[str, Any]:
    from charlm.data.alphabet import END

    text = training[stretch.source : stretch.source + stretch.length]
    return {"characters": stretch.length, "place": stretch.source, "text": text.symbols.replace(END, "\n")}


def _tables(subject: EvalCase, found: dict[str, Any]) -> list[Table]:
    shares = [list(each.values()) for each in found["ngrams"]]
    stretches = [[each["characters"], each["place"], each["text"][:SHOWN]] for each in found["longest"]]
    title = f"n-grams that stand in the training split of {subject.run}"
    copied = Table("Longest copied stretches", STRETCHES, stretches, subject.keys)
    return [Table(title, COLUMNS, shares, subject.keys), copied]


def _curve(subject: EvalCase, found: dict[str, Any]) -> Curve:
    series = {}
    for name, key in (("samples", "samples"), ("held-out text", "held_out")):
        points = [(float(each["n"]), 100 * each[key]) for each in found["ngrams"] if each[key] is not None]
        series[name] = ([n for n, _ in points], [share for _, share in points])
    return Curve(f"Copied n-grams, samples of {subject.run}", "n, characters", "copied, %", series)
