"""Advice on a training: a text that is too small for its network, and a validation loss that rises."""

from __future__ import annotations

from charlm.base.plural import counted
from charlm.tasks.task import Examples
from charlm.training.events import OverfittingReport, ValidationReport

MOST_WEIGHTS = 10  # per character of the training split
LONG = 1 / 3  # of a run, without a new best
HEIGHT = 0.01  # nats above the best


def describe_small_text(parameters: int, characters: int) -> str | None:
    """Say that a network has far more weights than its text has characters, or None.

    >>> describe_small_text(81_342, 5_000)
    'A small text: 81,342 weights for 5,000 characters, which will be learned by heart'
    >>> describe_small_text(81_342, 9_000) is None
    True
    """
    if parameters <= MOST_WEIGHTS * characters:
        return None
    size = counted(characters, "characters")
    return f"A small text: {parameters:,} weights for {size}, which will be learned by heart"


def list_remarks(corpus: Examples, parameters: int) -> list[str]:
    """What is unusual about a text for a network with this number of weights."""
    small = describe_small_text(parameters, corpus.training_characters)
    remarks = [f"{small}: give more text, or a smaller --hidden."] if small else []
    if not corpus.validation_targets:
        remarks.append(f"No validation loss: {corpus.why_unvalidated}; the last weights are kept as the model.")
    return remarks


class OverfittingWatch:
    """Notices, once, that the validation loss has risen for a third of the run."""

    def __init__(self, progress: float) -> None:
        """Begin at a share of the run that is done; of a resumed run, what was before does not count."""
        self._best_step: int | None = None
        self._best_progress = progress
        self._is_told = False

    def note(
        self, report: ValidationReport, best_nats: float | None, progress: float
    ) -> OverfittingReport | None:
        """Note a validation, and the best so far; give a report if the loss has risen long enough."""
        loss = report.val_nats_per_char
        if report.is_best:
            self._best_step, self._best_progress = report.step, progress
        if loss is None or best_nats is None or loss < best_nats + HEIGHT:
            return None
        if self._is_told or progress - self._best_progress < LONG:
            return None
        self._is_told = True
        return OverfittingReport(report.step, self._best_step, best_nats, loss)
