"""Labelled examples: distinct texts in stratified splits, with the vocabulary of the training split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import id_dtype
from charlm.base.errors import CorpusError
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.config import CorpusConfig, DataConfig, TrainingConfig
from charlm.data.alphabet import UNICODE_END, Alphabet, Counts
from charlm.data.batches import Batch
from charlm.data.buckets import LengthBatches, Sequences
from charlm.data.corpus import prepare_texts
from charlm.data.encoded import EncodedCorpus
from charlm.data.label_split import number_texts, split_alike, split_by_label
from charlm.data.labels import WORDS, guess_mode
from charlm.data.permutation import Integers
from charlm.data.reading.sources import Source
from charlm.data.sides import AT_ONCE, Sides, StoredTexts, find_firsts, read_sides
from charlm.data.split import Split
from charlm.data.split_examples import SplitExamples
from charlm.data.vocabulary import Vocabulary

SidesPart: TypeAlias = tuple[Sides, Integers]
"""Examples as they are stored, and the numbers of those of a split."""


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

        def make(numbers_B: Integers, steps: int) -> Batch:
            fields: dict[str, npt.NDArray[Any]] = {
                "x_TB": self.sequences.pad_front(numbers_B, steps),
                "length_B": self.sequences.lengths_of(numbers_B),
                "y_B": targets_D[numbers_B],
                "weight_B": np.ones(len(numbers_B)) if weight_L is None else weight_L[targets_D[numbers_B]],
            }
            return Batch(fields, int((numbers_B >= 0).sum()), resets_state=True)

        return LengthBatches(self.sequences, batch_size, make)


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
    prepared, val_corpus = prepare_texts(source, config, progress)
    return divide_examples(prepared, config, mode, val_corpus=val_corpus)


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
    sides = read_sides(prepared, corpus, found)
    if found != "number" and len(sides.symbols) < 2:
        raise CorpusError(f"{source.name} has one label only", hint="give examples of at least two")
    own = find_distinct(sides, source.name, notes)
    text_D, share, seed = number_texts(sides.text_sums_D[own]), Split.of(config.batching), config.budget.seed
    if found == "number":
        split_D = split_alike(text_D, share, seed)
    else:
        label_D = sorted_labels(sides)[sides.answers.take(own).ids]
        split_D = split_by_label(text_D, label_D, sorted(sides.symbols), share, seed, notes)
    parts = [(sides, own[split_D == number]) for number in range(3)]
    if val_corpus is not None:
        parts[1] = read_held_out(val_corpus, read_sides(val_corpus, corpus, found), parts[0], notes)
    if vocabulary is None:
        vocabulary = make_vocabulary(*parts[0], corpus)
    train, validation, test = (take_part(*part, vocabulary) for part in parts)
    if vocabulary.labels and (unseen := int((validation.targets_D == len(vocabulary.labels)).sum())):
        notes.append(f"labels that training never saw count as wrong: {counted(unseen, 'examples')}")
    return LabelledExamples(prepared, vocabulary, train, validation, test, val_corpus, notes=notes)


def sorted_labels(sides: Sides) -> npt.NDArray[np.int64]:
    """The place of each label among all sorted ones (L,)."""
    order_L = sorted(range(len(sides.symbols)), key=sides.symbols.__getitem__)
    place_L = np.empty(len(order_L), np.int64)
    place_L[order_L] = np.arange(len(order_L))
    return place_L


def read_held_out(val_corpus: EncodedCorpus, sides: Sides, training: SidesPart, notes: list[str]) -> SidesPart:
    """The examples of ``--val-file``, of which nothing is moved."""
    own, name = find_distinct(sides, val_corpus.source.name, notes), val_corpus.source.name
    known, numbers = training
    if again := int(np.isin(sides.text_sums_D[own], known.text_sums_D[numbers]).sum()):
        notes.append(f"{name}: also in the training split: {counted(again, 'texts')}")
    return sides, own


def find_distinct(sides: Sides, name: str, notes: list[str]) -> Integers:
    """The numbers of the first example of each distinct pair, in order; what was left out is noted."""
    own = find_firsts(sides.pair_sums_D)
    answers_T = np.unique(sides.text_sums_D[own], return_counts=True)[1]
    if left_out := len(sides) - len(own):
        notes.append(f"{name}: {counted(left_out, 'repeated examples')} left out, {len(own):,} kept")
    ambiguous = int((answers_T > 1).sum())
    if ambiguous and sides.mode != "number":
        answers, model = ("targets", "network") if sides.mode == "pair" else ("labels", "classifier")
        notes.append(
            f"{name}: {counted(ambiguous, 'texts')} with several {answers}: no {model} of the texts alone gets "
            f"more than {len(answers_T) / len(own):.1%} right"
        )
    if sides.spaced:
        notes.append(f"{name}: white space taken off the ends of {counted(sides.spaced, 'texts')}")
    if sides.empty:
        notes.append(f"{name}: {counted(sides.empty, 'empty lines')} left out")
    return own


def make_vocabulary(sides: Sides, numbers: Integers, config: CorpusConfig) -> Vocabulary:
    """The characters of the training split, and its labels, or the mean and deviation of its numbers."""
    vocabulary = count_characters(sides.texts.take(numbers), config)
    answers = sides.answers.take(numbers).ids
    if sides.mode != "number":
        return replace(vocabulary, labels=tuple(sorted(sides.symbols[each] for each in np.unique(answers))))
    deviation = float(answers.std())
    if not deviation > 0:
        raise CorpusError("the training split has one number only", hint="give examples with different numbers")
    return replace(vocabulary, scale=(float(answers.mean()), deviation))


def count_characters(texts: Sequences, config: CorpusConfig) -> Vocabulary:
    """The characters of texts, given as code points."""
    alphabet = Alphabet.from_counts(count_points(texts), config.units)
    return Vocabulary.from_counts(alphabet, alphabet.counts_A, config.min_count)


def count_points(texts: Sequences) -> Counts:
    """How often each code point stands in texts that are given as such."""
    counts = np.zeros(UNICODE_END, np.int64)
    for start in range(0, len(texts), AT_ONCE):
        found = np.bincount(texts.take(np.arange(start, min(start + AT_ONCE, len(texts)))).ids)
        counts[: len(found)] += found
    return counts


def take_part(sides: Sides, numbers: Integers, vocabulary: Vocabulary) -> LabelledPart:
    """Some of the examples, with their symbols and targets."""
    texts, answers = sides.texts.take(numbers), sides.answers.take(numbers)
    targets_D: npt.NDArray[Any]
    if vocabulary.scale is None:
        ids = {label: number for number, label in enumerate(vocabulary.labels)}
        table = np.array([ids.get(label, len(ids)) for label in sides.symbols], id_dtype(len(ids) + 1))
        targets_D = answers.through(table).ids
    else:
        mean, deviation = vocabulary.scale
        targets_D = (answers.ids - mean) / deviation
    return LabelledPart(StoredTexts(texts), texts.through(vocabulary.points), targets_D)


def encode_texts(texts: Sequence[str], vocabulary: Vocabulary) -> Sequences:
    """Texts of preprocessed symbols as ids; a symbol that training never saw is <unk>, or V."""
    ids = vocabulary.encode_symbols("".join(texts))
    return Sequences(ids, np.cumsum([0, *map(len, texts)]))
