"""Baselines: a model's place among what is simpler, on the same characters with the same training part.

Counting models and compressors are given what the model was given, the run's training part and the text's first
character, and are charged for every character after it. A counting model pays for a character outside the
vocabulary what the network pays; a compressor, which has no vocabulary, pays whatever its code makes of it.
"""

from __future__ import annotations

import bz2
import lzma
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from charlm.arrays import Codes
from charlm.config import setting
from charlm.engine.pool import WorkerPool
from charlm.evaluate._base import Column, Findings, Measurement, Subject, Table
from charlm.ngram.kneser_ney import KneserNey
from charlm.ngram.witten_bell import WittenBell
from charlm.plural import counted
from charlm.scoring import Costs, Figures, figures_of, score_part
from charlm.stateful_pass import Progress
from charlm.text.part import Part

COLUMNS = (
    Column("model"),
    Column("context"),
    Column("bits/char", ".4f"),
    Column("nats/char", ".4f"),
    Column("bits/byte", ".4f"),
)
COMPRESSORS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("32 KB", partial(zlib.compress, level=9)),
    "bz2": ("900 KB", partial(bz2.compress, compresslevel=9)),
    "xz": ("all", partial(lzma.compress, preset=9)),
}
"""What each remembers, and how it is called at its best level; DEFLATE in zlib's wrapping is what gzip writes."""

RULE = (
    "a compressor is charged the size of the training part and the text together, less the size of the training "
    "part alone; a counting model's context is in characters, and it mixes down to the uniform distribution"
)


@dataclass(frozen=True)
class Baseline:
    """A model and its figure.

    Attributes:
        model: its name.
        order: how many characters of context it has; None where that is not its measure.
        context: what it remembers, in words.
        nats_per_char: averaged over the characters after the first.
    """

    model: str
    order: int | None
    context: str
    nats_per_char: float


@dataclass(frozen=True)
class Baselines(Measurement):
    """A model's place among n-grams and compressors, on the same text."""

    max_order: int = setting(8, "The most characters of context that the n-grams have.", low=1, high=32)

    def measure(self, subjects: Sequence[Subject], pool: WorkerPool, progress: Progress) -> Findings:
        """Rank each subject; see Measurement.measure."""
        records: list[dict[str, Any]] = []
        tables = []
        notes = [RULE]
        for subject in subjects:
            figures = figures_of(subject.model.score_with(pool, subject.part, progress))
            ranked = sorted(self._baselines(subject, pool), key=lambda each: each.nats_per_char)
            record = {"run": subject.run, "text": subject.text_name, **asdict(figures)}
            record["lossy"] = subject.model.corpus.is_lossy
            records.append(record | {"baselines": [_record(each, figures) for each in ranked]})
            tables.append(_table(subject, figures, ranked))
            notes += _caveats(subject, figures)
        return Findings(records, tables, notes)

    def _baselines(self, subject: Subject, pool: WorkerPool) -> Iterator[Baseline]:
        """Every baseline, in no order; without the training part the uniform distribution alone."""
        symbols = len(subject.model.vocabulary)
        (uniform,) = _mean_nats(subject, lambda x_N, y_N: [np.full(len(y_N), math.log(symbols))])
        yield Baseline("uniform", None, "none", uniform)
        if subject.training is None:
            return
        training, _ = subject.model.read(subject.training)
        tasks: list[Callable[[], list[Baseline]]] = [
            partial(_witten_bell, subject, training, self.max_order),
            partial(_kneser_ney, subject, training, self.max_order),
            *(partial(_compressor, subject, subject.training, name) for name in COMPRESSORS),
        ]
        for found in pool.run(tasks):
            yield from found


def compressed_bits(compress: Callable[[bytes], bytes], before: bytes, text: bytes) -> int:
    """How many more bits a compressor writes for a text where it has read what came before.

    >>> compressed_bits(lambda data: data, b"what came before", b"abc")
    24
    """
    return 8 * (len(compress(before + text)) - len(compress(before)))


def _witten_bell(subject: Subject, training: Codes, max_order: int) -> list[Baseline]:
    model = WittenBell(training, len(subject.model.vocabulary), max_order)
    unigram, markov, *others = _mean_nats(subject, model.costs_by_order)
    return [
        Baseline("unigram", 0, "none", unigram),
        Baseline("first-order Markov (Witten-Bell)", 1, "1", markov),
        *(Baseline("Witten-Bell", order, str(order), nats) for order, nats in enumerate(others, start=2)),
    ]


def _kneser_ney(subject: Subject, training: Codes, max_order: int) -> list[Baseline]:
    model = KneserNey(training, len(subject.model.vocabulary), max_order)
    _, *by_order = _mean_nats(subject, model.costs_by_order)
    return [Baseline("Kneser-Ney", order, str(order), nats) for order, nats in enumerate(by_order, start=1)]


def _compressor(subject: Subject, training: Part, name: str) -> list[Baseline]:
    memory, compress = COMPRESSORS[name]
    bits = compressed_bits(compress, training.utf8 + subject.part[:1].utf8, subject.part[1:].utf8)
    return [Baseline(name, None, memory, bits * math.log(2) / (len(subject.part) - 1))]


def _mean_nats(subject: Subject, costs_by_order: Callable[[Codes, Codes], list[Costs]]) -> list[float]:
    """What the text costs each of several counting models on average, unknown characters included."""
    found: list[Costs] = []

    def shortest(x_N: Codes, y_N: Codes) -> Costs:
        found.extend(costs_by_order(x_N, y_N))
        return found[0]

    model = subject.model
    scores = score_part(subject.part, model.vocabulary, model.training_characters, shortest)
    beside_nats = float(scores.costs_nats.sum()) - float(found[0].sum())
    return [(beside_nats + float(costs.sum())) / len(scores.known) for costs in found]


def _record(baseline: Baseline, figures: Figures) -> dict[str, Any]:
    return asdict(baseline) | {
        "bits_per_char": baseline.nats_per_char / math.log(2),
        "bits_per_byte": _bits_per_byte(baseline.nats_per_char, figures),
    }


def _table(subject: Subject, figures: Figures, ranked: Sequence[Baseline]) -> Table:
    """The baselines with the model in its place."""
    own = Baseline(f"> {subject.run}", None, "its state", figures.nats_per_char)
    rows = [
        (each.model, each.context, each.nats_per_char / math.log(2), each.nats_per_char,
         _bits_per_byte(each.nats_per_char, figures))
        for each in sorted([own, *ranked], key=lambda each: each.nats_per_char)
    ]  # fmt: skip
    return Table(f"Baselines of {subject.run} on {subject.text_name}", COLUMNS, rows)


def _bits_per_byte(nats_per_char: float, figures: Figures) -> float:
    return nats_per_char / math.log(2) * figures.characters / figures.bytes


def _caveats(subject: Subject, figures: Figures) -> list[str]:
    caveats = []
    if subject.training is None:
        caveats.append(f"no baselines that learn for {subject.run}: its corpus is not to be found")
    elif len(subject.training) == len(subject.part) and subject.training.utf8 == subject.part.utf8:
        caveats.append(f"{subject.text_name} is what all were trained on: this ranks memories, not models")
    if figures.unknown:
        caveats.append(f"{subject.run} never saw {counted(figures.unknown, 'characters')} of {subject.text_name}")
    return caveats
