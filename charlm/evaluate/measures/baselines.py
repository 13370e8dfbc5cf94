"""Baselines: a model ranked among simpler ones with the same training split."""

from __future__ import annotations

import bz2
import lzma
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import repeat
from operator import add
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.base.tables import WIDE, Column, Table
from charlm.config import setting
from charlm.evaluate.base import EvalCase, EvalResult, Measurement, beginnings, characters_taken, legend_of
from charlm.evaluate.ngram_levels import max_memory

if TYPE_CHECKING:
    from charlm.base.arrays import TokenIds
    from charlm.data.encoded import EncodedText
    from charlm.engines.threads import ThreadPool
    from charlm.evaluate.ngram_levels import Plan
    from charlm.inference.scoring import Costs, TextMetrics

COLUMNS = (
    Column("context"),
    Column("loss", ".3f"),
    Column("bits/char", ".3f"),
    Column("bits/byte", ".3f", WIDE),
)


def _xz(data: bytes) -> bytes:
    """At the best level, with a dictionary no longer than the data."""
    longest = min(max(len(data), 1 << 12), 1 << 26)
    return lzma.compress(data, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": longest}])


COMPRESSORS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("32 KB", partial(zlib.compress, level=9)),
    "bz2": ("900 KB", partial(bz2.compress, compresslevel=9)),
    "xz": ("all", _xz),
}
"""What each remembers, and how it is called at its best level; DEFLATE in zlib's wrapping is what gzip writes."""

SHOWN = {"first-order Markov (Witten-Bell)": "Witten-Bell (bigram)"}
"""Names of models in tables, where records have another."""

REMEMBERED = 4_000_000
"""Symbols of the training split, its last, that compressors get at most."""

RULE = (
    "a compressor's size is that of the training split and the text together, less that of the training "
    "split alone; a counting model's context is in characters, and it mixes down to the uniform distribution"
)


@dataclass(frozen=True)
class Baseline:
    """A model, its context and its loss."""

    model: str
    order: int | None
    context: str
    nats_per_char: float


@dataclass(frozen=True)
class Baselines(Measurement):
    """Compare with n-grams and compressors on the same text."""

    max_order: int | None = setting(
        None,
        "Longest context of the n-grams, in characters.",
        low=1,
        high=32,
        otherwise="8, or what --max-memory allows",
    )
    max_memory: int = max_memory()
    characters: int = characters_taken(4_000_000)

    mixes: ClassVar[Literal["always"]] = "always"

    def measure(self, subjects: Sequence[EvalCase], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Rank each case.

        Raises:
            UsageError: n-grams of the chosen order do not fit into memory.
        """
        from charlm.evaluate.ngram_levels import plan_of

        records: list[dict[str, Any]] = []
        tables = []
        subjects, cuts = beginnings(subjects, self.characters)
        notes = [*cuts]
        # What does not fit is refused before minutes of work and not after.
        plans = [
            None if each.training is None else plan_of(each, each.training, self.max_order, self.max_memory)
            for each in subjects
        ]
        for subject, plan in zip(subjects, plans, strict=True):
            figures = subject.model.tally_with(pool, subject.part, progress).figures
            ranked = sorted(_baselines(subject, plan), key=lambda each: each.nats_per_char)
            own = [Baseline(subject.run, None, "whole", figures.nats_per_char)]
            record = {"run": subject.run, "text": subject.text_name, **asdict(figures)}
            record["mix"] = subject.mixed is not None
            if subject.mixed is not None:
                nats = subject.mixed.tally_with(pool, subject.part, progress).figures.nats_per_char
                record["mixed_nats_per_char"] = nats
                own.append(Baseline(f"{subject.run}, mixed", None, "whole", nats))
            record["lossy"] = subject.model.corpus.is_lossy
            records.append(record | {"baselines": [_record(each, figures) for each in ranked]})
            tables.append(_table(subject, figures, own, ranked))
            notes += [*([plan.note] if plan and plan.note else []), *_caveats(subject, figures)]
        return EvalResult(records, tables, notes, explanation=[RULE], legend=legend_of(subjects))


def _baselines(subject: EvalCase, plan: Plan | None) -> Iterator[Baseline]:
    """Every baseline; without a training split the uniform distribution alone."""
    symbols = len(subject.model.vocabulary)
    (uniform,) = _mean_nats(subject, lambda x_N, y_N: [np.full(len(y_N), math.log(symbols))])
    yield Baseline("uniform", None, "none", uniform)
    if subject.training is None or plan is None:
        return
    # One after the other: what they take is not held side by side.
    yield from _counting(subject, subject.training, plan.order)
    yield from _compressors(subject, subject.training)


def compressed_bits(compress: Callable[[bytes], bytes], before: bytes, text: bytes) -> int:
    """The bits that a text adds to what came before.

    >>> compressed_bits(lambda data: data, b"what came before", b"abc")
    24
    """
    return 8 * (len(compress(before + text)) - len(compress(before)))


def _counting(subject: EvalCase, training: EncodedText, order: int) -> list[Baseline]:
    """The n-grams, all kinds from the same counts."""
    from charlm.evaluate.ngram_levels import levels_of
    from charlm.models.ngram.kneser_ney import KneserNey
    from charlm.models.ngram.witten_bell import WittenBell

    levels, end = levels_of(subject, training, order), subject.model.vocabulary.end
    unigram, markov, *others = _mean_nats(subject, WittenBell.from_levels(levels, end).reader())
    _, *kneser_ney = _mean_nats(subject, KneserNey.from_levels(levels, end).reader())
    return [
        Baseline("unigram", 0, "none", unigram),
        Baseline("first-order Markov (Witten-Bell)", 1, "1", markov),
        *(Baseline("Witten-Bell", order, str(order), nats) for order, nats in enumerate(others, start=2)),
        *(Baseline("Kneser-Ney", order, str(order), nats) for order, nats in enumerate(kneser_ney, start=1)),
    ]


def _compressors(subject: EvalCase, training: EncodedText) -> list[Baseline]:
    text = subject.part
    before, after = training[-REMEMBERED:].utf8 + text[:1].utf8, text[1:].utf8
    return [
        Baseline(name, None, memory, compressed_bits(compress, before, after) * math.log(2) / (len(text) - 1))
        for name, (memory, compress) in COMPRESSORS.items()
    ]


def _mean_nats(subject: EvalCase, costs_by_order: Callable[[TokenIds, TokenIds], list[Costs]]) -> list[float]:
    """The text's mean loss to each counting model."""
    from charlm.inference.scoring import score_stretches, tally_of

    sums: list[float] = []

    def shortest(x_N: TokenIds, y_N: TokenIds) -> Costs:
        costs = costs_by_order(x_N, y_N)
        sums[:] = map(add, sums or repeat(0.0), (float(each.sum()) for each in costs))
        return costs[0]

    model = subject.model
    stretches = score_stretches(subject.part, model.vocabulary, model.training_characters, shortest)
    tally = tally_of(stretches)
    return [(tally.nats - sums[0] + nats) / tally.characters for nats in sums]


def _record(baseline: Baseline, figures: TextMetrics) -> dict[str, Any]:
    return asdict(baseline) | {
        "bits_per_char": baseline.nats_per_char / math.log(2),
        "bits_per_byte": _bits_per_byte(baseline.nats_per_char, figures),
    }


def _table(subject: EvalCase, figures: TextMetrics, own: Sequence[Baseline], ranked: Sequence[Baseline]) -> Table:
    """The baselines with the model in its place."""
    rows = [
        (each.model, each.context, each.nats_per_char, each.nats_per_char / math.log(2),
         _bits_per_byte(each.nats_per_char, figures))
        for each in sorted([*own, *ranked], key=lambda each: each.nats_per_char)
    ]  # fmt: skip

    def show(name: str) -> str:
        return f"> {name}" if name in (each.model for each in own) else SHOWN.get(name, name)

    return Table(f"{subject.title}, among baselines", [Column("model", show), *COLUMNS], rows, subject.keys)


def _bits_per_byte(nats_per_char: float, figures: TextMetrics) -> float:
    return nats_per_char / math.log(2) * figures.characters / figures.bytes


def _caveats(subject: EvalCase, figures: TextMetrics) -> list[str]:
    caveats = []
    if subject.training is None:
        caveats.append(f"no baselines that learn for {subject.run}: its corpus was not found")
    elif _is_same(subject.training, subject.part):
        caveats.append(f"{subject.text_name} is what all were trained on: this ranks memories, not models")
    if subject.training is not None and len(subject.training) > REMEMBERED:
        units = subject.model.corpus.units
        caveats.append(f"compressors get the last {REMEMBERED:,} {units} of the training split")
    if figures.unknown:
        caveats.append(f"{subject.run} never saw {counted(figures.unknown, 'characters')} of {subject.text_name}")
    return caveats


def _is_same(one: EncodedText, other: EncodedText) -> bool:
    """Whether two parts are the same text."""
    pairs = zip(one.symbol_blocks, other.symbol_blocks, strict=False)
    return len(one) == len(other) and all(own == others for own, others in pairs)
