"""The base class of tasks: examples from a corpus, and what their validation and their answers are.

Its network is a file of ``charlm/models``. Training, saving and resuming are the same for every task.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from charlm.base.progress import Progress
from charlm.config import DataConfig, TaskKind, TrainingConfig

if TYPE_CHECKING:
    from charlm.data.batches import Batches
    from charlm.data.encoded import EncodedCorpus
    from charlm.data.reading.sources import Source
    from charlm.data.reload import CorpusSearch, StoredCorpus
    from charlm.data.vocabulary import Vocabulary
    from charlm.engines.base import Engine


class Examples(Protocol):
    """A task's examples in their splits."""

    @property
    def prepared(self) -> EncodedCorpus: ...  # noqa: D102
    @property
    def val_corpus(self) -> EncodedCorpus | None: ...  # noqa: D102
    @property
    def vocabulary(self) -> Vocabulary: ...  # noqa: D102

    @property
    def training_characters(self) -> int:
        """The size of the training split."""

    @property
    def validation_targets(self) -> int:
        """The targets of a validation; 0 if there is none."""

    @property
    def why_unvalidated(self) -> str:
        """The reason why there is no validation."""

    @property
    def notes(self) -> list[str]:
        """What a user should know before training."""

    def describe(self) -> str:
        """The sizes of the splits, in words."""

    def batches(self, config: DataConfig) -> Batches:
        """The batches of the training split."""


@dataclass(frozen=True)
class Validation:
    """A validation: the less of (``errors``, ``loss``), the better.

    Attributes:
        loss: the mean.
        errors: what ranks before it; 0 where only the loss counts.
        figures: further ones, by their names in records.
    """

    loss: float
    errors: float = 0.0
    figures: Mapping[str, float] = field(default_factory=dict)


class Task(TaskKind, ABC):
    """What a network is trained to do; the class's first line is its help."""

    def __init__(self, config: TrainingConfig) -> None:
        self.config = config

    def complete(self, source: Source) -> TrainingConfig:
        """The settings, with those that the corpus decides where they are not given."""
        return self.config

    @abstractmethod
    def read(self, source: Source, progress: Progress | None = None) -> Examples:
        """The examples of a corpus.

        Raises:
            UsageError: settings cannot work together.
            CorpusError: the corpus is unreadable, or has too few examples.
        """

    @abstractmethod
    def reload(
        self,
        known: StoredCorpus,
        vocabulary: Vocabulary,
        search: CorpusSearch,
        progress: Progress | None = None,
    ) -> Examples:
        """The examples of a stored run, in the same splits.

        Raises:
            CorpusError: the corpus has moved or changed.
        """

    @abstractmethod
    def guess_loss(self, vocabulary: Vocabulary) -> float:
        """The loss of blind guessing."""

    @abstractmethod
    def validate(self, engine: Engine, examples: Examples) -> Validation:
        """Measure the engine's model on the validation split, which has targets."""

    @abstractmethod
    def show(self, engine: Engine, examples: Examples, seed: int) -> str:
        """A short text that shows what the engine's model has learned."""


def make_task(config: TrainingConfig) -> Task:
    """The task of these settings.

    >>> type(make_task(TrainingConfig())).__name__
    'Predict'
    """
    return cast(type[Task], config.task.kind)(config)
