"""Perplexity and related figures, next to a bigram model's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from charlm.base.errors import UsageError
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.base.tables import Column, Table
from charlm.config import flag, setting
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import EvalCase, EvalResult, Measurement
from charlm.evaluate.bootstrap import MeanSeries
from charlm.evaluate.dynamic import Adaptation, dynamic_scores
from charlm.evaluate.ngram_levels import levels_of
from charlm.inference.scoring import LARGEST_NATS, Scores, Tally, score_stretches
from charlm.inference.unroll import DOCUMENTS_POLICY, POLICY
from charlm.models.ngram.witten_bell import WittenBell

MARKOV_ORDER = 1
COLUMNS = {
    "run": Column("model"),
    "text": Column("text"),
    "nats_per_char": Column("nats/char", ".4f"),
    "bits_per_char": Column("bits/char", ".4f"),
    "bits_per_char_low": Column("95% from", ".4f"),
    "bits_per_char_high": Column("to", ".4f"),
    "bits_per_byte": Column("bits/byte", ".4f"),
    "perplexity": Column("perplexity", ".3f"),
    "perplexity_per_word": Column("a word", ",.1f"),
    "characters": Column("characters", ",d"),
    "unknown": Column("unknown", ",d"),
}
DYNAMIC = (
    "nats_per_char",
    "bits_per_char",
    "bits_per_char_low",
    "bits_per_char_high",
    "bits_per_byte",
    "perplexity",
)
"""What dynamic evaluation has a figure of its own of."""


@dataclass(frozen=True)
class Perplexity(Measurement):
    """Loss, bits/char, bits/byte and perplexity, with a bigram baseline.

    Raises:
        UsageError: a setting of dynamic evaluation is given without it.
    """

    block_length: int | None = setting(
        None,
        "Block length of the bootstrap, in characters.",
        low=1,
        otherwise="by autocorrelation",
    )
    resamples: int = setting(1000, "Bootstrap resamples.", low=100, high=1_000_000)
    seed: int = setting(1, "Seed of the bootstrap.", low=0, high=2**63 - 1)
    dynamic: bool = setting(False, "Also measure dynamic evaluation (about 3,000 chars/s at 256 hidden units).")
    dynamic_chunk: int = setting(Adaptation.chunk, "Characters per step of --dynamic.", low=1, high=10_000)
    dynamic_rate: float = setting(Adaptation.rate, "Learning rate of --dynamic.", low=0, high=1e6)
    dynamic_decay: float = setting(
        Adaptation.decay,
        "Decay of --dynamic towards the trained weights, per step.",
        low=0,
        high=1,
    )
    dynamic_clip: float = setting(Adaptation.clip, "Gradient clipping of --dynamic; 0 is off.", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, default in asdict(Adaptation()).items():
            if not self.dynamic and getattr(self, f"dynamic_{name}") != default:
                raise UsageError(f"{flag(f'dynamic_{name}')} belongs to --dynamic: give both, or leave it out")

    def measure(self, subjects: Sequence[EvalCase], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Score each subject's text."""
        records: list[dict[str, Any]] = []
        rows: list[list[Any]] = []
        notes: list[str] = []
        for subject in subjects:
            record = self._record(subject, subject.model.score_stretches_with(pool, subject.part, progress))
            rows.append([record[name] for name in COLUMNS])
            if self.dynamic:
                rows += self._add_dynamic(record, notes, subject, progress)
            markov = _markov(subject)
            if markov is None:
                record["markov_nats_per_char"] = None
                notes.append(f"no Markov baseline for {subject.run}: its corpus was not found")
            else:
                of_markov = self._record(subject, markov) | {"run": f"Markov, order {MARKOV_ORDER}"}
                record["markov_nats_per_char"] = of_markov["nats_per_char"]
                rows.append([of_markov[name] for name in COLUMNS])
            records.append(record)
            notes += [record["policy"], *_notes(subject, record)]
        is_bytes = all(subject.model.corpus.bytes for subject in subjects)
        table = Table(
            "Perplexity", [_in_bytes(column) if is_bytes else column for column in COLUMNS.values()], rows
        )
        return EvalResult(records, [table], list(dict.fromkeys(notes)))

    def _add_dynamic(
        self, record: dict[str, Any], notes: list[str], subject: EvalCase, progress: Progress
    ) -> list[list[Any]]:
        """Add dynamic evaluation to a record, the notes and any row."""
        if subject.training is None:
            record |= {f"dynamic_{name}": None for name in DYNAMIC}
            notes.append(f"no dynamic figures for {subject.run}: its corpus was not found")
            return []
        adaptation = Adaptation(**{name: getattr(self, f"dynamic_{name}") for name in asdict(Adaptation())})
        scores = dynamic_scores(subject.model, subject.part, subject.training, adaptation, progress)
        found = self._record(subject, scores) | {"run": f"{subject.run}, dynamic"}
        record |= {f"dynamic_{name}": found[name] for name in DYNAMIC}
        notes.append(adaptation.note)
        return [[found[name] for name in COLUMNS]]

    def _record(self, subject: EvalCase, stretches: Iterable[Scores]) -> dict[str, Any]:
        """A text's figures by JSON name."""
        tally, series = Tally(), MeanSeries(len(subject.part) - 1)
        for scores in stretches:
            tally.take(scores)
            series.take(scores.costs_nats)
        # The model and its baseline are resampled alike, and so is every run on the same text.
        rng = make_generator(self.seed, "bootstrap")
        low, high, block_length = series.interval(self.block_length, self.resamples, rng)
        words = subject.part[1:].words
        nats_per_word = tally.nats / words if words else None
        return {
            "run": subject.run,
            "text": subject.text_name,
            **asdict(tally.figures),
            "bits_per_char_low": low / math.log(2),
            "bits_per_char_high": high / math.log(2),
            "block_length": block_length,
            "words": words,
            "nats_per_word": nats_per_word,
            "perplexity_per_word": _perplexity(nats_per_word),
            "unknown_nats_each": tally.unknown_nats / tally.unknown if tally.unknown else None,
            "lossy": subject.model.corpus.is_lossy,
            "policy": DOCUMENTS_POLICY if subject.model.vocabulary.has_end else POLICY,
        }


def _markov(subject: EvalCase) -> Iterator[Scores] | None:
    """The bigram model's scores; None without a training split."""
    if subject.training is None:
        return None
    model, vocabulary = subject.model, subject.model.vocabulary
    counted = WittenBell.from_levels(levels_of(subject, subject.training, MARKOV_ORDER), vocabulary.end)
    read = counted.reader()
    return score_stretches(
        subject.part, vocabulary, model.training_characters, lambda x_N, y_N: read(x_N, y_N)[-1]
    )


def _perplexity(nats: float | None) -> float | None:
    """The exponential of nats; None on overflow."""
    return math.exp(nats) if nats is not None and nats < LARGEST_NATS else None


def _in_bytes(column: Column) -> Column:
    """A column per symbol, where symbols are bytes."""
    return replace(column, heading=column.heading.replace("/char", "/byte").replace("characters", "bytes"))


def _notes(subject: EvalCase, record: dict[str, Any]) -> list[str]:
    units = subject.model.corpus.units
    notes = [
        f"{subject.text_name}: perplexity a word is e to the nats of all {counted(record['characters'], units)}, "
        f"white space too, over {counted(record['words'], 'words')} between white space; the interval is a block "
        f"bootstrap's, of {counted(record['block_length'], units)} a block"
    ]
    if record["unknown"]:
        share = record["unknown"] * record["unknown_nats_each"]
        share /= record["nats_per_char"] * record["characters"]
        notes.append(
            f"{subject.run} never saw {counted(record['unknown'], units)} of {subject.text_name}: each was "
            f"charged {record['unknown_nats_each']:.2f} nats on average, together {share:.1%} of the loss"
        )
    if record["lossy"]:
        notes.append(
            f"{subject.run} reads a text in lower case or normalized: its figures are of that text, divided by "
            "that text's bytes, and do not compare with those of the original"
        )
    return notes
