"""Examples in their splits, whatever an example is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, Protocol, Self, TypeVar

from charlm.base.plural import counted
from charlm.config import TrainingConfig
from charlm.data.buckets import Sequences
from charlm.data.encoded import EncodedCorpus
from charlm.data.vocabulary import Vocabulary

DEFAULT_SPLIT = "80/10/10"
VALIDATED = 20_000  # examples of a validation, at most


def with_default_split(config: TrainingConfig) -> TrainingConfig:
    """The settings with the split of labelled examples, where none is given."""
    return with_split(config, {"split": DEFAULT_SPLIT})


def with_split(config: TrainingConfig, split: Mapping[str, Any]) -> TrainingConfig:
    """The settings with this split, if they have none."""
    names = ("split", "val_fraction", "val_file", "test_file")
    if any(getattr(config.batching, name) is not None for name in names):
        return config
    return replace(config, batching=replace(config.batching, **split))


class SplitPart(Protocol):
    """What every split of examples has: a text each, as ``sequences`` of ids."""

    @property
    def sequences(self) -> Sequences: ...  # noqa: D102
    def __len__(self) -> int: ...
    def __getitem__(self, places: slice) -> Self: ...


Part = TypeVar("Part", bound=SplitPart)


@dataclass(frozen=True, eq=False)
class SplitExamples(Generic[Part]):
    """Examples in their splits, and the vocabulary of the training split."""

    prepared: EncodedCorpus
    vocabulary: Vocabulary
    train: Part
    validation: Part
    test: Part
    val_corpus: EncodedCorpus | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def training_characters(self) -> int:
        """The symbols of the training split."""
        return int(self.train.sequences.lengths_D.sum())

    @cached_property
    def validated(self) -> Part:
        """The beginning of the validation split."""
        return self.validation[:VALIDATED]

    @property
    def validation_targets(self) -> int:
        """The examples of a validation; 0 if there is none."""
        return len(self.validated)

    @property
    def why_unvalidated(self) -> str:
        """The reason why there is no validation."""
        return "nothing is held out to validate on"

    def describe(self) -> str:
        """The sizes of the splits, in words."""
        parts = {"to train on": self.train, "to validate": self.validation, "to test": self.test}
        sizes = ", ".join(f"{len(part):,} {use}" for use, part in parts.items() if len(part))
        labels = f", {counted(len(self.vocabulary.labels), 'labels')}" if self.vocabulary.labels else ""
        return f"{self.prepared.source.name}: {counted(len(self), 'examples')}, {sizes}{labels}"

    def __len__(self) -> int:
        return len(self.train) + len(self.validation) + len(self.test)
