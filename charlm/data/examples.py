"""Labelled examples: distinct texts in stratified splits, with the vocabulary of the training split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from charlm.base.errors import CorpusError
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.config import CorpusConfig, DataConfig, TrainingConfig
from charlm.data.alphabet import UNICODE_END, Alphabet, code_points
from charlm.data.batches import Batch
from charlm.data.buckets import LengthBatches, Sequences
from charlm.data.corpus import find_val_source, prepare
from charlm.data.encoded import EncodedCorpus
from charlm.data.label_split import split_alike, split_by_label
from charlm.data.labels import WORDS, LabelledTexts, guess_mode, read_labelled
from charlm.data.permutation import Integers
from charlm.data.reading.sources import Source
from charlm.data.split import Split
from charlm.data.vocabulary import Vocabulary

DEFAULT_SPLIT = "80/10/10"
VALIDATED = 20_000  # examples of a validation, at most

TextsAndLabels: TypeAlias = tuple[list[str], list[str]]


@dataclass(frozen=True, eq=False)
class LabelledPart:
    """The examples of one split: texts, their symbols, and their targets (D,).

    A target is a label's id, L for one that training never saw; or a standardized number.
    """

    texts: Sequence[str]
    sequences: Sequences
    targets_D: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, places: slice) -> Self:
        own = self.sequences.take(np.arange(len(self))[places])
        return replace(self, texts=self.texts[places], sequences=own, targets_D=self.targets_D[places])

    def batches(self, batch_size: int, weight_L: npt.NDArray[np.float64] | None = None) -> LengthBatches:
        """Batches of fields ``x_TB``, ``length_B``, ``y_B`` and ``weight_B``; labels weigh as given, or 1."""
        targets_D = self.targets_D
        weight_D = np.ones(len(targets_D)) if weight_L is None else weight_L[targets_D]

        def make(numbers_B: Integers, steps: int) -> Batch:
            fields: dict[str, npt.NDArray[Any]] = {
                "x_TB": self.sequences.pad_front(numbers_B, steps),
                "length_B": self.sequences.lengths_of(numbers_B),
                "y_B": targets_D[numbers_B],
                "weight_B": weight_D[numbers_B],
            }
            return Batch(fields, int((numbers_B >= 0).sum()), resets_state=True)

        return LengthBatches(self.sequences, batch_size, make)


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
        return len(self.train.sequences.ids)

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
        sizes = (
            f"{len(self.train):,} to train on, {len(self.validation):,} to validate, {len(self.test):,} to test"
        )
        labels = f", {counted(len(self.vocabulary.labels), 'labels')}" if self.vocabulary.labels else ""
        return f"{self.prepared.source.name}: {counted(len(self), 'examples')}, {sizes}{labels}"

    def __len__(self) -> int:
        return len(self.train) + len(self.validation) + len(self.test)


@dataclass(frozen=True, eq=False)
class LabelledExamples(SplitExamples[LabelledPart]):
    """Labelled texts; the vocabulary has their labels, or the scale of the numbers."""

    weight_L: npt.NDArray[np.float64] | None = None

    def batches(self, config: DataConfig) -> LengthBatches:
        """The batches of the training split."""
        return self.train.batches(config.batch_size, self.weight_L)


def read_examples(
    source: Source, config: TrainingConfig, mode: str | None, progress: Progress | None = None
) -> LabelledExamples:
    """Read and split labelled examples; ``mode`` is a value of ``--labels``, or None to guess.

    Raises:
        CorpusError: a file cannot be read, or there are too few labels.
    """
    Split.of(config.batching)
    val_source = find_val_source(config.batching, source)
    prepared = prepare(source, config.corpus, progress)
    val_corpus = None if val_source is None else prepare(val_source, config.corpus, progress)
    return divide_examples(prepared, config, mode, val_corpus=val_corpus)


def with_default_split(config: TrainingConfig) -> TrainingConfig:
    """The settings with the split of labelled examples, where none is given."""
    names = ("split", "val_fraction", "val_file", "test_file")
    if any(getattr(config.batching, name) is not None for name in names):
        return config
    return replace(config, batching=replace(config.batching, split=DEFAULT_SPLIT))


def divide_examples(
    prepared: EncodedCorpus,
    config: TrainingConfig,
    mode: str | None,
    vocabulary: Vocabulary | None = None,
    val_corpus: EncodedCorpus | None = None,
) -> LabelledExamples:
    """Split the examples of a corpus; a stored run's vocabulary is kept."""
    source, corpus = prepared.source, config.corpus
    found = mode or guess_mode(source)
    notes = [f"labels: {WORDS[found]} (--labels {found})"]
    given = read_labelled(source, corpus, found)
    texts, labels = distinct(given, source.name, notes)
    if found != "number" and len(set(labels)) < 2:
        raise CorpusError(f"{source.name} has one label only", hint="give examples of at least two")
    share = Split.of(config.batching)
    if found == "number":
        splits = split_alike(texts, share, config.budget.seed)
    else:
        splits = split_by_label(texts, labels, share, config.budget.seed, notes)
    pairs = by_split(texts, labels, splits)
    if val_corpus is not None:
        pairs[1] = read_held_out(val_corpus, corpus, found, set(pairs[0][0]), notes)
    if vocabulary is None:
        vocabulary = make_vocabulary(*pairs[0], corpus, found)
    made = [make_part(*pair, vocabulary) for pair in pairs]
    train, validation, test = made
    return LabelledExamples(prepared, vocabulary, train, validation, test, val_corpus, notes=notes)


def by_split(texts: Sequence[str], labels: Sequence[str], splits: Sequence[int]) -> list[TextsAndLabels]:
    """The texts and labels of each of the three splits; ``splits`` has the one of each example."""
    parts = [[place for place, part in enumerate(splits) if part == number] for number in range(3)]
    return [([texts[place] for place in part], [labels[place] for place in part]) for part in parts]


def read_held_out(
    val_corpus: EncodedCorpus, corpus: CorpusConfig, mode: str, training: set[str], notes: list[str]
) -> TextsAndLabels:
    """The examples of ``--val-file``, of which nothing is moved."""
    texts, labels = distinct(read_labelled(val_corpus.source, corpus, mode), val_corpus.source.name, notes)
    if known := sum(text in training for text in texts):
        notes.append(f"{val_corpus.source.name}: also in the training split: {counted(known, 'texts')}")
    return texts, labels


def distinct(given: LabelledTexts, name: str, notes: list[str]) -> TextsAndLabels:
    """The distinct pairs of a text and a label, in order; what was left out is noted."""
    if not given.texts:
        raise CorpusError(f"{name} has no examples", hint="give texts with labels")
    pairs = list(dict.fromkeys(zip(given.texts, given.labels, strict=True)))
    left_out = len(given.texts) - len(pairs)
    texts, labels = [text for text, _ in pairs], [label for _, label in pairs]
    ambiguous = [text for text, count in Counter(texts).items() if count > 1]
    if left_out:
        notes.append(f"{name}: {counted(left_out, 'repeated examples')} left out, {len(pairs):,} kept")
    if ambiguous and given.mode != "number":
        ceiling = len(set(texts)) / len(pairs)
        kind = "targets: no network" if given.mode == "pair" else "labels: no classifier"
        notes.append(
            f"{name}: {counted(len(ambiguous), 'texts')} have several {kind} of the texts alone gets more than "
            f"{ceiling:.1%} right"
        )
    if given.spaced:
        notes.append(f"{name}: white space taken off the ends of {counted(given.spaced, 'texts')}")
    if given.empty:
        notes.append(f"{name}: {counted(given.empty, 'empty lines')} left out")
    return texts, labels


def make_vocabulary(texts: Sequence[str], labels: Sequence[str], config: CorpusConfig, mode: str) -> Vocabulary:
    """The characters of the training split, and its labels, or the mean and deviation of its numbers."""
    vocabulary = count_characters(texts, config)
    if mode != "number":
        return replace(vocabulary, labels=tuple(sorted(set(labels))))
    numbers = np.array([float(label) for label in labels])
    deviation = float(numbers.std())
    if not deviation > 0:
        raise CorpusError("the training split has one number only", hint="give examples with different numbers")
    return replace(vocabulary, scale=(float(numbers.mean()), deviation))


def count_characters(texts: Sequence[str], config: CorpusConfig) -> Vocabulary:
    """The characters of texts."""
    counts = np.bincount(code_points("".join(texts)), minlength=256)
    alphabet = Alphabet.from_counts(counts[:UNICODE_END], config.units)
    return Vocabulary.from_counts(alphabet, alphabet.counts_A, config.min_count)


def make_part(texts: Sequence[str], labels: Sequence[str], vocabulary: Vocabulary) -> LabelledPart:
    """The examples as symbols and targets."""
    targets_D: npt.NDArray[Any]
    if vocabulary.scale is None:
        ids = {label: number for number, label in enumerate(vocabulary.labels)}
        targets_D = np.array([ids.get(label, len(ids)) for label in labels], np.int64)
    else:
        mean, deviation = vocabulary.scale
        targets_D = (np.array([float(label) for label in labels]) - mean) / deviation
    return LabelledPart(texts, encode_texts(texts, vocabulary), targets_D)


def encode_texts(texts: Sequence[str], vocabulary: Vocabulary) -> Sequences:
    """Texts of preprocessed symbols as ids; a symbol that training never saw is <unk>, or V."""
    ids = vocabulary.encode_symbols("".join(texts))
    return Sequences(ids, np.cumsum([0, *map(len, texts)]))
