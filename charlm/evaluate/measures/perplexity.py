"""Perplexity and related figures, next to a bigram model's."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from charlm.base.errors import UsageError
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.base.tables import PROGRAMS, WIDE, Column, Table
from charlm.config import flag, setting
from charlm.evaluate.base import EvalCase, EvalResult, Measurement, legend_of, text_column
from charlm.evaluate.dynamic import Adaptation

if TYPE_CHECKING:
    from charlm.engines.threads import ThreadPool
    from charlm.inference.scoring import Scores

MARKOV_ORDER = 1
COLUMNS = (
    Column("loss", ".3f"),
    Column("bits/char", ".3f"),
    Column("95% CI", ".3f", is_interval=True),
    Column("perplexity", ".2f"),
    Column("bits/byte", ".3f", WIDE),
    Column("perplexity/word", ",.1f", WIDE),
    Column("characters", ",d", WIDE),
    Column("unknown", ",d", WIDE, adds="unknown characters"),
)
OWN_FIGURES = (
    "nats_per_char",
    "bits_per_char",
    "bits_per_char_low",
    "bits_per_char_high",
    "bits_per_byte",
    "perplexity",
)
"""What the mixture and dynamic evaluation have figures of their own of."""
FITTED = "mixed: with the run's n-gram model, by weights that were fitted on its validation split"


@dataclass(frozen=True)
class Perplexity(Measurement):
    """Loss, bits/char and perplexity, with a bigram baseline.

    Raises:
        UsageError: a setting of dynamic evaluation is given without it.
    """

    aliases = ("ppl",)
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

    mixes: ClassVar[Literal["always"]] = "always"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, default in asdict(Adaptation()).items():
            if not self.dynamic and getattr(self, f"dynamic_{name}") != default:
                raise UsageError(f"{flag(f'dynamic_{name}')} belongs to --dynamic: give both, or leave it out")

    @property
    def needs_numpy(self) -> bool:
        """Dynamic evaluation needs gradients."""
        return self.dynamic

    def measure(self, subjects: Sequence[EvalCase], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Score each subject's text."""
        from charlm.evaluate.losses_by_label import EXPLANATION, LossesByLabel

        records: list[dict[str, Any]] = []
        rows: list[list[Any]] = []
        tables: list[Table] = []
        notes: list[str] = []
        explanation: list[str] = []
        for subject in subjects:
            record = self._record(subject, subject.model.score_stretches_with(pool, subject.part, progress))
            rows.append(_row(record))
            record["mix"] = subject.mixed is not None
            if subject.mixed is not None:
                scores = subject.mixed.score_stretches_with(pool, subject.part, progress)
                rows.append(_row(self._add_figures(record, "mixed", subject, scores)))
                explanation.append(FITTED)
            if self.dynamic:
                rows += self._add_dynamic(record, notes, explanation, subject, progress)
            markov = _markov(subject)
            if markov is None:
                record["markov_nats_per_char"] = None
                notes.append(f"no bigram baseline for {subject.run}: its corpus was not found")
            else:
                of_markov = self._record(subject, markov) | {"run": "bigram baseline"}
                record["markov_nats_per_char"] = of_markov["nats_per_char"]
                rows.append(_row(of_markov))
            if (losses := LossesByLabel.of(subject)) is not None:
                record |= losses.to_json()
                tables.append(losses.table(subject.keys))
                explanation.append(EXPLANATION)
            records.append(record)
            notes += _notes(subject, record)
            explanation += [record["policy"], _explain(subject, record)]
        is_bytes = all(subject.model.corpus.bytes for subject in subjects)
        columns = [Column("model"), text_column(subjects)]
        columns += list(map(_in_bytes, COLUMNS)) if is_bytes else COLUMNS
        return EvalResult(
            records,
            [Table(_title(subjects, records), columns, rows), *tables],
            list(dict.fromkeys(notes)),
            explanation=list(dict.fromkeys(explanation)),
            legend=legend_of(subjects),
            see_also=f"More baselines: charlm eval baselines {shlex.quote(subjects[0].run)}",
        )

    def _add_dynamic(
        self,
        record: dict[str, Any],
        notes: list[str],
        explanation: list[str],
        subject: EvalCase,
        progress: Progress,
    ) -> list[list[Any]]:
        """Add dynamic evaluation to a record, the notes and any row."""
        from charlm.evaluate.dynamic import dynamic_scores

        if subject.training is None:
            record |= {f"dynamic_{name}": None for name in OWN_FIGURES}
            notes.append(f"no dynamic figures for {subject.run}: its corpus was not found")
            return []
        adaptation = Adaptation(**{name: getattr(self, f"dynamic_{name}") for name in asdict(Adaptation())})
        scores = dynamic_scores(subject.model, subject.part, subject.training, adaptation, progress)
        explanation.append(adaptation.note)
        return [_row(self._add_figures(record, "dynamic", subject, scores))]

    def _add_figures(
        self, record: dict[str, Any], kind: str, subject: EvalCase, scores: Iterable[Scores]
    ) -> dict[str, Any]:
        """Add the figures of other scores of the same text to a record; their own record."""
        found = self._record(subject, scores) | {"run": f"{subject.run}, {kind}"}
        record |= {f"{kind}_{name}": found[name] for name in OWN_FIGURES}
        return found

    def _record(self, subject: EvalCase, stretches: Iterable[Scores]) -> dict[str, Any]:
        """A text's figures by JSON name."""
        from charlm.evaluate.bootstrap import MeanSeries
        from charlm.inference.scoring import Tally
        from charlm.inference.unroll import DOCUMENTS_POLICY, POLICY

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


def _title(subjects: Sequence[EvalCase], records: Sequence[dict[str, Any]]) -> str:
    if len(subjects) > 1:
        return "Perplexity"
    return f"{subjects[0].title} ({counted(records[0]['characters'], subjects[0].model.corpus.units)})"


def _row(record: dict[str, Any]) -> list[Any]:
    names = ["run", "text", "nats_per_char", "bits_per_char", "perplexity", "bits_per_byte"]
    row = [record[name] for name in [*names, "perplexity_per_word", "characters", "unknown"]]
    row.insert(4, (record["bits_per_char_low"], record["bits_per_char_high"]))
    return row


def _markov(subject: EvalCase) -> Iterator[Scores] | None:
    """The bigram model's scores; None without a training split."""
    from charlm.evaluate.ngram_levels import levels_of
    from charlm.inference.scoring import score_stretches
    from charlm.models.ngram.witten_bell import WittenBell

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
    from charlm.inference.scoring import LARGEST_NATS

    return math.exp(nats) if nats is not None and nats < LARGEST_NATS else None


def _in_bytes(column: Column) -> Column:
    """A column per symbol, where symbols are bytes."""
    if column.heading == "bits/byte":  # which is what bits/char are then
        return replace(column, rank=PROGRAMS, name="bits/byte of text")
    return replace(column, heading=column.heading.replace("/char", "/byte").replace("characters", "bytes"))


def _explain(subject: EvalCase, record: dict[str, Any]) -> str:
    units = subject.model.corpus.units
    return (
        f"{subject.title}: perplexity/word is e to the nats of all {counted(record['characters'], units)}, "
        f"white space too, over {counted(record['words'], 'words')} between white space; the 95% CI is that of "
        f"bits/{units.removesuffix('s').replace('character', 'char')} by a block bootstrap, with blocks of "
        f"{counted(record['block_length'], units)}"
    )


def _notes(subject: EvalCase, record: dict[str, Any]) -> list[str]:
    notes, units = [], subject.model.corpus.units
    if record["unknown"]:
        share = record["unknown"] * record["unknown_nats_each"]
        share /= record["nats_per_char"] * record["characters"]
        notes.append(
            f"{subject.run} never saw {counted(record['unknown'], units)} of {subject.text_name}: their "
            f"loss is {record['unknown_nats_each']:.2f} nats on average, together {share:.1%} of the whole"
        )
    if record["lossy"]:
        notes.append(
            f"{subject.run} reads a text in lower case or normalized: its figures are of that text, divided by "
            "that text's bytes, and do not compare with those of the original"
        )
    return notes
