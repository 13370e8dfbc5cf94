"""Perplexity and its relatives: how well a model predicts a text, beside a first-order Markov model's figure.

Every character after the first is scored once, in one stateful pass, by the model and by the counts of its
training part alike. A character that the model never saw costs both the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from charlm.config import setting
from charlm.engine.pool import WorkerPool
from charlm.evaluate._base import Column, Findings, Measurement, Subject, Table
from charlm.evaluate._bootstrap import default_block_length, mean_interval
from charlm.ngram.witten_bell import WittenBell
from charlm.randomness import generator
from charlm.scoring import LARGEST_NATS, Scores, figures_of, score_text
from charlm.stateful_pass import POLICY, Progress
from charlm.text.vocab import unknown_nats

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


@dataclass(frozen=True)
class Perplexity(Measurement):
    """Nats and bits a character, bits a byte and perplexity of texts, beside a Markov model's."""

    block_length: int | None = setting(
        None, "Characters of a block of the bootstrap; left out, the square root of the text's.", low=1
    )
    resamples: int = setting(1000, "How often the bootstrap resamples the text.", low=100, high=1_000_000)
    seed: int = setting(1, "Seed of the bootstrap.", low=0, high=2**63 - 1)

    def measure(self, subjects: Sequence[Subject], pool: WorkerPool, progress: Progress) -> Findings:
        """Score each subject's text; see Measurement.measure."""
        records: list[dict[str, Any]] = []
        rows: list[list[Any]] = []
        notes = [POLICY]
        for subject in subjects:
            record = self._record(subject, subject.model.score_with(pool, subject.text, progress))
            rows.append([record[name] for name in COLUMNS])
            markov = _markov(subject)
            if markov is None:
                record["markov_nats_per_char"] = None
                notes.append(f"no Markov baseline for {subject.run}: its corpus is not to be found")
            else:
                of_markov = self._record(subject, markov) | {"run": f"Markov, order {MARKOV_ORDER}"}
                record["markov_nats_per_char"] = of_markov["nats_per_char"]
                rows.append([of_markov[name] for name in COLUMNS])
            records.append(record)
            notes += _notes(subject, record)
        table = Table("Perplexity", list(COLUMNS.values()), rows)
        return Findings(records, [table], list(dict.fromkeys(notes)))

    def _record(self, subject: Subject, scores: Scores) -> dict[str, Any]:
        """Every figure of a text's costs, under the names that ``--json`` gives them."""
        costs = scores.costs_nats
        block_length = min(self.block_length or default_block_length(len(costs)), len(costs))
        # The model and its baseline are resampled alike, and so is every run on the same text.
        rng = generator(self.seed, "bootstrap")
        low, high = mean_interval(costs, block_length, self.resamples, rng)
        words = _scored_words(subject.text)
        vocabulary = subject.model.vocabulary
        nats_per_word = float(costs.sum()) / words if words else None
        return {
            "run": subject.run,
            "text": subject.text_name,
            **asdict(figures_of(scores)),
            "bits_per_char_low": low / math.log(2),
            "bits_per_char_high": high / math.log(2),
            "block_length": block_length,
            "words": words,
            "nats_per_word": nats_per_word,
            "perplexity_per_word": _perplexity(nats_per_word),
            "unknown_nats_each": unknown_nats(subject.model.training_characters, len(vocabulary)),
            "policy": POLICY,
        }


def _markov(subject: Subject) -> Scores | None:
    """What a first-order Markov model that counted the run's training part makes of the text."""
    if subject.training is None:
        return None
    vocabulary = subject.model.vocabulary
    counts = WittenBell(subject.training, len(vocabulary), MARKOV_ORDER)
    return score_text(subject.text, vocabulary, subject.model.training_characters, counts.costs)


def _scored_words(text: str) -> int:
    """Words between white space of which at least one character is scored: all but a first of one letter."""
    return len(text[1:].split())


def _perplexity(nats: float | None) -> float | None:
    """The exponential of nats; None where there are none, or where no float is large enough."""
    return math.exp(nats) if nats is not None and nats < LARGEST_NATS else None


def _notes(subject: Subject, record: dict[str, Any]) -> list[str]:
    notes = [
        f"{subject.text_name}: perplexity a word is e to the nats of all {record['characters']:,} characters, "
        f"white space too, over {record['words']:,} words between white space; the interval is a block "
        f"bootstrap's, of {record['block_length']:,} characters a block"
    ]
    if record["unknown"]:
        share = record["unknown"] * record["unknown_nats_each"]
        share /= record["nats_per_char"] * record["characters"]
        notes.append(
            f"{record['unknown']:,} characters of {subject.text_name} are unknown to {subject.run}: each was "
            f"charged {record['unknown_nats_each']:.2f} nats, {share:.1%} of the whole cost together"
        )
    return notes
