"""The exceptions that charlm raises on purpose, as one tree.

    CharlmError
    |-- UsageError           a setting or a combination of settings that cannot work (exit code 2)
    |-- CorpusError          a text that cannot be read, or is too short
    |   `-- MissingCorpusError  a text that is missing or has changed
    |-- VocabularyError      a character outside the model's vocabulary, where only known ones are possible
    |-- RunError             a run that is missing, ambiguous, in use, or the wrong one
    |   |-- FinishedError    a run that has nothing left to do
    |   `-- CheckpointError  a file of a run that is damaged, hostile, or of another version
    |-- DivergenceError      a training loss that is not finite
    `-- WorkerError          a worker process that failed, was killed, or could not be started

``CharlmWarning`` is for warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class CharlmError(Exception):
    """Base of every error that charlm raises on purpose.

    Attributes:
        message: what is wrong, and where.
        hint: what to do; None where the message says it, empty where only a caller knows.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Both, as one line.

        >>> str(CharlmError("there is no file 'a'", hint="give one that is there"))
        "there is no file 'a': give one that is there"
        """
        return f"{self.message}: {self.hint}" if self.hint else self.message


class UsageError(CharlmError):
    """A setting or a combination of settings cannot work."""

    exit_code = 2


class CorpusError(CharlmError):
    """A text cannot be read, or is too short."""


class MissingCorpusError(CorpusError):
    """A text is missing or has changed."""


class VocabularyError(CharlmError):
    """A character is not in the model's vocabulary."""


class RunError(CharlmError):
    """A run is missing, ambiguous, in use, or the wrong one."""


class FinishedError(RunError):
    """A run has nothing left to do."""


class CheckpointError(RunError):
    """A file of a run is damaged, hostile, or of another version."""


class DivergenceError(CharlmError):
    """The training loss is not finite."""


class WorkerError(CharlmError):
    """A worker process failed, was killed, or could not be started."""


class CharlmWarning(UserWarning):
    """A warning to the user."""


@contextmanager
def hinting(hint: str, *kinds: type[CharlmError]) -> Iterator[None]:
    """Replace the hint of an error, by default MissingCorpusError.

    >>> with hinting("name another"):
    ...     raise MissingCorpusError("there is no file 'a'", hint="give a text file")
    Traceback (most recent call last):
    charlm.base.errors.MissingCorpusError: there is no file 'a': name another
    """
    expected = kinds or (MissingCorpusError,)
    try:
        yield
    except expected as error:
        if error.hint is not None:
            error.hint = hint
        raise


@contextmanager
def alternative(hint: str) -> Iterator[None]:
    """Add to the hint of a MissingCorpusError.

    >>> with alternative("name another"):
    ...     raise MissingCorpusError("there is no file 'a'", hint="put it back")
    Traceback (most recent call last):
    charlm.base.errors.MissingCorpusError: there is no file 'a': put it back, or name another
    """
    try:
        yield
    except MissingCorpusError as error:
        error.hint = f"{error.hint}, or {hint}" if error.hint else hint
        raise


@contextmanager
def annotate_memory_error(activity: str) -> Iterator[None]:
    """Add the activity as a note to a MemoryError.

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
