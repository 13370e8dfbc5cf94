"""Pairs of a source and a target, such as a word and its pronunciation: lines with a tab between the two.

A source is read as characters. A target is characters, or words that stand between spaces, of a vocabulary of its
own: ids 0 to L - 1 are the symbols of the training split in order, L is the end, and L + 1 a symbol of a held-out
target that training never saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds, id_dtype
from charlm.base.errors import CorpusError
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.config import CorpusConfig, DataConfig, TrainingConfig
from charlm.data.alphabet import code_points
from charlm.data.batches import Batch
from charlm.data.buckets import LengthBatches, Sequences
from charlm.data.corpus import prepare, prepare_texts
from charlm.data.encoded import EncodedCorpus
from charlm.data.examples import count_characters, find_distinct, read_held_out
from charlm.data.label_split import number_texts, split_alike
from charlm.data.permutation import Integers
from charlm.data.reading.sources import Source
from charlm.data.reload import CorpusSearch, StoredCorpus, reload_texts
from charlm.data.sides import Sides, StoredTexts, read_sides
from charlm.data.split import Split
from charlm.data.split_examples import SplitExamples
from charlm.data.vocabulary import Vocabulary

MODE = "pair"

SHOWN = 5  # unseen symbols that a note lists


@dataclass(frozen=True)
class TargetCoder:
    """Targets as ids, and back.

    >>> coder = TargetCoder(("K", "a", "t"), "words")
    >>> coder.table(["a", "K", "s"]).tolist(), coder.decode([0, 1, 2])
    ([1, 0, 4], 'K a t')
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

    def table(self, symbols: Sequence[str]) -> TokenIds:
        """The id of each symbol."""
        ids = {symbol: number for number, symbol in enumerate(self.symbols)}
        return np.array([ids.get(each, self.unseen) for each in symbols], id_dtype(self.unseen + 1))

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

    texts: StoredTexts
    sequences: Sequences
    answers: StoredTexts
    targets: Sequences

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, places: slice) -> Self:
        return self.take(np.arange(len(self))[places])

    def take(self, numbers_K: Integers) -> Self:
        """Some of the pairs, by their numbers."""
        return type(self)(*(getattr(self, each.name).take(numbers_K) for each in fields(self)))

    @property
    def target_ids(self) -> list[list[int]]:
        """The ids of every target, without ends."""
        parts = np.split(self.targets.ids, np.cumsum(self.targets.lengths_D)[:-1])
        return [part.tolist() for part in parts]

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
    prepared, val_corpus = prepare_texts(source, config, progress)
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
    sides = _read_sides(prepared, corpus, units)
    own = find_distinct(sides, prepared.source.name, notes)
    split_D = split_alike(number_texts(sides.text_sums_D[own]), Split.of(config.batching), config.budget.seed)
    parts = [(sides, own[split_D == number]) for number in range(3)]
    if not len(parts[0][1]):
        few = counted(len(own), "different pairs")
        raise CorpusError(f"{prepared.source.name} has {few}, and none is left to train on", hint="give more")
    if val_corpus is not None:
        parts[1] = read_held_out(val_corpus, _read_sides(val_corpus, corpus, units), parts[0], notes)
    if vocabulary is None:
        numbers = parts[0][1]
        symbols = sorted(sides.symbols[each] for each in np.unique(sides.answers.take(numbers).ids))
        vocabulary = replace(count_characters(sides.texts.take(numbers), corpus), target=tuple(symbols))
    train, validation, test = (_take_pairs(*part, vocabulary, units) for part in parts)
    notes += _unseen_notes({"validation": validation, "test": test}, vocabulary, units)
    return PairExamples(prepared, vocabulary, train, validation, test, val_corpus, notes)


def read_pairs_part(source: Source, config: CorpusConfig, vocabulary: Vocabulary, units: str) -> PairsPart:
    """The pairs of a file, each distinct one once, as a run reads them.

    Raises:
        CorpusError: it cannot be read, or a line is no pair.
    """
    sides = _read_sides(prepare(source, config), config, units)
    return _take_pairs(sides, find_distinct(sides, source.name, []), vocabulary, units)


def _read_sides(prepared: EncodedCorpus, config: CorpusConfig, units: str) -> Sides:
    return read_sides(prepared, config, MODE, partial(split_target, units=units), units)


def _take_pairs(sides: Sides, numbers: Integers, vocabulary: Vocabulary, units: str) -> PairsPart:
    """Some of the pairs, with the ids of both sides."""
    texts, answers = sides.texts.take(numbers), sides.answers.take(numbers)
    targets = answers.through(TargetCoder(vocabulary.target, units).table(sides.symbols))

    def decode(ids: TokenIds) -> str:
        return join_target([sides.symbols[each] for each in ids.tolist()], units)

    return PairsPart(StoredTexts(texts), texts.through(vocabulary.points), StoredTexts(answers, decode), targets)


def make_pairs(texts: Sequence[str], answers: Sequence[str], vocabulary: Vocabulary, units: str) -> PairsPart:
    """Pairs of preprocessed sources and targets, whose symbols training knows."""
    coder, parts = TargetCoder(vocabulary.target, units), [split_target(each, units) for each in answers]
    points = Sequences(code_points("".join(texts)), np.cumsum([0, *map(len, texts)]))
    flat = coder.table([symbol for part in parts for symbol in part])
    targets = Sequences(flat, np.cumsum([0, *map(len, parts)]))
    decoded = StoredTexts(targets, lambda ids: coder.decode(ids.tolist()))
    return PairsPart(StoredTexts(points), points.through(vocabulary.points), decoded, targets)


def _unseen_notes(parts: dict[str, PairsPart], vocabulary: Vocabulary, units: str) -> list[str]:
    """What is said of held-out targets with symbols that training never saw."""
    notes, known = [], {*vocabulary.target}
    for name, part in parts.items():
        wrong = [each for each in part.answers if not known.issuperset(split_target(each, units))]
        if wrong:
            unseen = sorted({symbol for each in wrong for symbol in split_target(each, units)} - known)
            more = f" and {len(unseen) - SHOWN:,} more" if len(unseen) > SHOWN else ""
            notes.append(
                f"the {name} split has target symbols that training never saw, {', '.join(unseen[:SHOWN])}{more},"
                f" which make {counted(len(wrong), 'examples')} wrong"
            )
    return notes
