"""The exceptions that charlm raises on purpose, as one tree.

Every message is one line that names the value, the place and the remedy; the command line prints it as it
is. Anything else that escapes is a bug.

    CharlmError
    |-- UsageError           a setting or a combination of settings that cannot work (exit code 2)
    |-- CorpusError          a text that cannot be read, or is too short for what was asked of it
    |-- VocabularyError      a character that the model has never seen, where it needs one that it has
    |-- RunError             a run that is missing, ambiguous, in use, or not the one that was asked for
    |   `-- CheckpointError  a file of a run that is damaged, hostile, or of another version
    |-- DivergenceError      training whose loss is no longer a finite number
    `-- WorkerError          a worker process that failed, was killed, or could not be started

``CharlmWarning`` is what charlm says without failing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class CharlmError(Exception):
    """Base of every error that charlm raises on purpose."""

    exit_code = 1


class UsageError(CharlmError):
    """A setting or a combination of settings cannot work."""

    exit_code = 2


class CorpusError(CharlmError):
    """A text cannot be read, or is too short for what was asked of it."""


class VocabularyError(CharlmError):
    """A character is not in the vocabulary of the model, where one is needed that is."""


class RunError(CharlmError):
    """A run is missing, ambiguous, in use, or not the one that was asked for."""


class CheckpointError(RunError):
    """A file of a run is damaged, hostile, or of another version."""


class DivergenceError(CharlmError):
    """The training loss is no longer a finite number."""


class WorkerError(CharlmError):
    """A worker process failed, was killed, or could not be started."""


class CharlmWarning(UserWarning):
    """Something that a user should know, and that stops nothing."""


@contextmanager
def annotate_memory_error(activity: str) -> Iterator[None]:
    """Have a MemoryError that leaves the block bear in a note what was being done; the innermost's is the first.

    >>> with annotate_memory_error("counting"):
    ...     raise MemoryError
    Traceback (most recent call last):
    MemoryError
    counting
    """
    try:
        yield
    except MemoryError as error:
        error.add_note(activity)
        raise


@contextmanager
def as_run_error(problem: str, hint: str) -> Iterator[None]:
    """Raise a RunError ``PROBLEM: REASON; HINT`` in place of an OSError.

    >>> with as_run_error("runs/ cannot be read", "see to its permissions"):
    ...     raise PermissionError(13, "Permission denied")
    Traceback (most recent call last):
    charlm.base.errors.RunError: runs/ cannot be read: Permission denied; see to its permissions
    """
    try:
        yield
    except OSError as error:
        raise RunError(f"{problem}: {error.strerror or error}; {hint}") from error
