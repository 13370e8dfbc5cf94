"""The beginning of a text: what is taken of it by measurements whose memory or time would grow with the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from charlm.config import setting
from charlm.evaluate.base import EvalCase


def characters_taken(default: int) -> int:
    """The setting of how much of a text is taken by a measurement whose memory or time would grow with it."""
    most: int = setting(
        default, "The most characters of a text that are taken, from its first.", low=2, high=10_000_000
    )
    return most


def beginnings(subjects: Sequence[EvalCase], most: int) -> tuple[list[EvalCase], list[str]]:
    """Subjects with no more than so many characters of their texts, and a note on each text that is cut."""
    notes = [
        f"{subject.text_name}: the first {most:,} of its {len(subject.part):,} {subject.model.corpus.units} are "
        "measured (--characters)"
        for subject in subjects
        if len(subject.part) > most
    ]
    return [replace(subject, part=subject.part[:most]) for subject in subjects], notes
