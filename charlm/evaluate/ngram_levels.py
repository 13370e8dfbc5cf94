"""The n-gram counts of a run's training split, within a limit of memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from charlm.base.errors import UsageError, annotate_memory_error
from charlm.config import setting
from charlm.evaluate.base import EvalCase

if TYPE_CHECKING:
    from charlm.data.encoded import EncodedText
    from charlm.models.ngram.counts import Level

USUAL_ORDER = 8  # where none is asked for
SAMPLE = 1 << 18  # characters whose n-grams tell how many different ones there are
MEGABYTE = 1 << 20
MEGABYTES_OF_TEXT = 70  # that a stretch takes whose n-grams are looked up


def max_memory() -> int:
    """The setting of how much memory longer n-grams may take."""
    limit: int = setting(500, "Megabytes that n-grams longer than bigrams may take.", low=1, high=1_000_000_000)
    return limit


@dataclass(frozen=True)
class Plan:
    """Which n-grams are counted, and why not more."""

    order: int
    note: str | None


def plan_of(subject: EvalCase, training: EncodedText, order: int | None, limit: int) -> Plan:
    """The n-grams of a training split that fit into a limit in megabytes.

    Raises:
        UsageError: the chosen order does not fit.
    """
    wanted = USUAL_ORDER if order is None else order
    needed = _needed_megabytes(subject, training, wanted, limit)
    fitting = max([1, *(order for order, each in enumerate(needed) if each <= limit)])
    if fitting >= wanted:
        return Plan(wanted, None)
    need = (
        f"n-grams with {wanted} characters of context, counted in {len(training):,}, take about {needed[-1]:,} MB"
    )
    if order is None:
        return Plan(fitting, f"{need}, over --max-memory {limit}, so there are none with more than {fitting}")
    raise UsageError(
        f"--max-order {order}: {need}, over --max-memory {limit}: "
        f"give at most --max-order {fitting}, or a larger limit"
    )


def levels_of(subject: EvalCase, training: EncodedText, order: int) -> Sequence[Level]:
    """The counts for contexts of 0 to ``order`` characters, at least 1."""
    from charlm.data.recode import Recoding
    from charlm.models.ngram.bigrams import bigram_levels
    from charlm.models.ngram.counts import count_levels

    vocabulary = subject.model.vocabulary
    if order <= 1:
        reading = Recoding.of(vocabulary, training.alphabet, subject.model.training_characters)
        return bigram_levels(training, reading.ids_A, len(vocabulary), vocabulary.end)
    with annotate_memory_error(f"counting n-grams with {order} characters of context: lower --max-memory"):
        ids, _ = subject.model.read(training)
        return count_levels(ids, len(vocabulary), order, vocabulary.end)


def _needed_megabytes(subject: EvalCase, training: EncodedText, order: int, limit: int) -> list[int]:
    """Most megabytes for contexts of up to 0, 1, ... ``order`` characters."""
    from charlm.models.ngram.counts import expected_pairs, most_pairs, needed_bytes

    count, symbols = len(training), len(subject.model.vocabulary)
    pairs = most_pairs(count, symbols, order)
    if needed_bytes(count, pairs) > limit * MEGABYTE and order > 1:
        pairs = expected_pairs(count, levels_of(subject, training[:SAMPLE], order))
    return [
        MEGABYTES_OF_TEXT + needed_bytes(count, pairs[: length + 1]) // MEGABYTE for length in range(order + 1)
    ]
