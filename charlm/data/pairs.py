"""Pairs of a source and a target, such as a word and its pronunciation: lines with a tab between the two.

A source is read as characters. A target is characters, or words that stand between spaces, of a vocabulary of its
own: ids 0 to L - 1 are the symbols of the training split in order, L is the end, and L + 1 a symbol of a held-out
target that training never saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import id_dtype
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.config import Config, CorpusConfig, DataConfig, TrainingConfig, setting
from charlm.data.batches import Batch
from charlm.data.buckets import LengthBatches, Sequences
from charlm.data.corpus import find_val_source, prepare
from charlm.data.encoded import EncodedCorpus
from charlm.data.examples import (
    SplitExamples,
    by_split,
    count_characters,
    distinct,
    encode_texts,
    read_held_out,
)
from charlm.data.label_split import split_alike
from charlm.data.labels import read_labelled
from charlm.data.permutation import Integers
from charlm.data.reading.sources import Source
from charlm.data.reload import CorpusSearch, StoredCorpus, reload_texts
from charlm.data.split import Split
from charlm.data.vocabulary import Vocabulary

MODE = "pair"
UNITS = ("characters", "words")
SHOWN = 5  # unseen symbols that a note lists


@dataclass(frozen=True)
class PairsConfig(Config):
    """How targets are read."""

    target_units: str = setting(
        "characters", "Symbols of a target: characters, or words between spaces.", choices=UNITS, since=8
    )


@dataclass(frozen=True)
class TargetCoder:
    """Targets as ids, and back.

    >>> coder = TargetCoder(("K", "a", "t"), "words")
    >>> coder.encode(["K a t", "a K s"]).ids.tolist(), coder.decode([0, 1, 2])
    ([0, 1, 2, 1, 0, 4], 'K a t')
    """

    symbols: Sequence[str]
    units: str

    @property
    def end(self) -> int:
        """The id of the end."""
        return len(self.symbols)

    @property
    def unseen(self) -> int:
        """The id of a symbol that training never saw."""
        return len(self.symbols) + 1

    def encode(self, targets: Sequence[str]) -> Sequences:
        """The ids of targets, without ends."""
        ids = {symbol: number for number, symbol in enumerate(self.symbols)}
        parts = [[ids.get(each, self.unseen) for each in split_target(target, self.units)] for target in targets]
        flat = np.array([each for part in parts for each in part], id_dtype(self.unseen + 1))
        return Sequences(flat, np.cumsum([0, *map(len, parts)]))

    def decode(self, ids: Sequence[int]) -> str:
        """The target of known ids, without an end."""
        return join_target([self.symbols[each] for each in ids], self.units)


def split_target(target: str, units: str) -> list[str]:
    """The symbols of a target.

    >>> split_target("d͡ʒ  i", "words"), split_target("ab", "characters")
    (['d͡ʒ', 'i'], ['a', 'b'])
    """
    return [word for word in target.split(" ") if word] if units == "words" else list(target)


def join_target(symbols: Sequence[str], units: str) -> str:
    """The inverse of ``split_target``."""
    return (" " if units == "words" else "").join(symbols)


@dataclass(frozen=True, eq=False)
class PairsPart:
    """The pairs of one split: sources and targets as texts and as ids."""

    texts: Sequence[str]
    sequences: Sequences
    answers: Sequence[str]
    targets: Sequences

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, places: slice) -> Self:
        return self.take(np.arange(len(self))[places])

    def take(self, numbers_K: Integers) -> Self:
        """Some of the pairs, by their numbers."""
        texts, answers = ([each[number] for number in numbers_K.tolist()] for each in (self.texts, self.answers))
        return replace(
            self,
            texts=texts,
            sequences=self.sequences.take(numbers_K),
            answers=answers,
            targets=self.targets.take(numbers_K),
        )

    def is_known_D(self, unseen: int) -> npt.NDArray[np.bool_]:
        """Which targets have no symbol that training never saw (D,)."""
        numbers_N = np.repeat(np.arange(len(self)), self.targets.lengths_D)
        known_D = np.ones(len(self), np.bool_)
        known_D[numbers_N[self.targets.ids == unseen]] = False
        return known_D

    def batches(self, batch_size: int, end: int) -> LengthBatches:
        """Batches for an encoder and a decoder.

        The fields are the sources ``x_SB``, padded in front, and their ``length_B``; the targets ``y_TB`` with
        their ends, padded behind, and ``target_mask_TB``.
        """

        def make(numbers_B: Integers, steps: int) -> Batch:
            is_pair_B = numbers_B >= 0
            lengths_B = self.targets.lengths_of(numbers_B) + is_pair_B
            target_steps = int(lengths_B.max())
            fields: dict[str, npt.NDArray[Any]] = {
                "x_SB": self.sequences.pad_front(numbers_B, steps),
                "length_B": self.sequences.lengths_of(numbers_B),
                "y_TB": self.targets.pad_behind(numbers_B, target_steps, end),
                "target_mask_TB": np.arange(target_steps)[:, None] < lengths_B,
            }
            return Batch(fields, int(lengths_B.sum()), resets_state=True)

        return LengthBatches(self.sequences, batch_size, make, self.targets)


@dataclass(frozen=True, eq=False)
class PairExamples(SplitExamples[PairsPart]):
    """Pairs in their splits; the vocabulary has the symbols of the targets."""

    def batches(self, config: DataConfig) -> LengthBatches:
        """The batches of the training split."""
        return self.train.batches(config.batch_size, len(self.vocabulary.target))


def read_pairs(
    source: Source, config: TrainingConfig, units: str, progress: Progress | None = None
) -> PairExamples:
    """Read and split pairs; ``units`` is a value of ``--target-units``.

    Raises:
        CorpusError: a file cannot be read, or a line is no pair.
    """
    Split.of(config.batching)
    val_source = find_val_source(config.batching, source)
    prepared = prepare(source, config.corpus, progress)
    val_corpus = None if val_source is None else prepare(val_source, config.corpus, progress)
    return divide_pairs(prepared, config, units, val_corpus=val_corpus)


def reload_pairs(
    known: StoredCorpus,
    config: TrainingConfig,
    units: str,
    vocabulary: Vocabulary,
    search: CorpusSearch,
    progress: Progress | None = None,
) -> PairExamples:
    """The pairs of a stored run, in the same splits.

    Raises:
        CorpusError: the corpus has moved or changed.
    """
    prepared, val_corpus = reload_texts(known, config, search, progress)
    return divide_pairs(prepared, config, units, vocabulary, val_corpus)


def divide_pairs(
    prepared: EncodedCorpus,
    config: TrainingConfig,
    units: str,
    vocabulary: Vocabulary | None = None,
    val_corpus: EncodedCorpus | None = None,
) -> PairExamples:
    """Split pairs, each distinct one once and all of a source in one split; a stored run's vocabulary is kept."""
    corpus, notes = config.corpus, list[str]()
    given = read_labelled(prepared.source, corpus, MODE)
    texts, answers = distinct(given, prepared.source.name, notes)
    pairs = by_split(texts, answers, split_alike(texts, Split.of(config.batching), config.budget.seed))
    if val_corpus is not None:
        pairs[1] = read_held_out(val_corpus, corpus, MODE, set(pairs[0][0]), notes)
    if vocabulary is None:
        symbols = {symbol for answer in pairs[0][1] for symbol in split_target(answer, units)}
        vocabulary = replace(count_characters(pairs[0][0], corpus), target=tuple(sorted(symbols)))
    train, validation, test = (make_pairs(*pair, vocabulary, units) for pair in pairs)
    notes += _unseen_notes({"validation": validation, "test": test}, vocabulary, units)
    return PairExamples(prepared, vocabulary, train, validation, test, val_corpus, notes)


def read_pairs_part(source: Source, config: CorpusConfig, vocabulary: Vocabulary, units: str) -> PairsPart:
    """The pairs of a file, each distinct one once, as a run reads them.

    Raises:
        CorpusError: it cannot be read, or a line is no pair.
    """
    return make_pairs(*distinct(read_labelled(source, config, MODE), source.name, []), vocabulary, units)


def make_pairs(texts: Sequence[str], answers: Sequence[str], vocabulary: Vocabulary, units: str) -> PairsPart:
    """Pairs of preprocessed sources and targets as ids."""
    targets = TargetCoder(vocabulary.target, units).encode(answers)
    return PairsPart(texts, encode_texts(texts, vocabulary), answers, targets)


def _unseen_notes(parts: dict[str, PairsPart], vocabulary: Vocabulary, units: str) -> list[str]:
    """What is said of held-out targets with symbols that training never saw."""
    notes, known = [], {*vocabulary.target}
    for name, part in parts.items():
        wrong = [each for each in part.answers if not known.issuperset(split_target(each, units))]
        if wrong:
            unseen = sorted({symbol for each in wrong for symbol in split_target(each, units)} - known)
            more = f" and {len(unseen) - SHOWN:,} more" if len(unseen) > SHOWN else ""
            notes.append(
                f"the {name} split has target symbols that training never saw, {', '.join(unseen[:SHOWN])}{more}:"
                f" {counted(len(wrong), 'examples')} with them count as wrong"
            )
    return notes
