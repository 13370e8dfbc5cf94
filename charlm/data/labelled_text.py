"""Documents with labels, for a language model whose first input is the label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import id_dtype
from charlm.base.errors import CorpusError
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.config import DataConfig, TrainingConfig
from charlm.data.alphabet import END, UNICODE_END, Alphabet
from charlm.data.buckets import Sequences
from charlm.data.corpus import Corpus, prepare_texts
from charlm.data.encoded import EncodedCorpus, EncodedText
from charlm.data.examples import count_points, sorted_labels
from charlm.data.label_split import number_texts, split_by_label
from charlm.data.permutation import Integers
from charlm.data.reading.sources import Source
from charlm.data.sides import AT_ONCE, Sides, find_firsts, read_sides
from charlm.data.split import Split
from charlm.data.vocabulary import Vocabulary
from charlm.data.windows import BATCHERS, Batcher


@dataclass(frozen=True, eq=False)
class LabelledText(EncodedText):
    """Documents (N,) with the number of each one's label (D,)."""

    label_D: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of_texts(cls, texts: Sequences, label_D: npt.NDArray[np.int64], alphabet: Alphabet) -> LabelledText:
        """The documents of texts, given as code points."""
        pieces = [alphabet.table[[ord(END)]]] if len(texts) else []
        for start in range(0, len(texts), AT_ONCE):
            some = texts.take(np.arange(start, min(start + AT_ONCE, len(texts))))
            points = np.insert(some.ids.astype(np.uint32), np.cumsum(some.lengths_D), ord(END))
            pieces.append(alphabet.table[points])
        ids = np.concatenate(pieces) if pieces else np.zeros(0, alphabet.dtype)
        return cls(ids, alphabet, label_D=label_D)

    def __getitem__(self, places: slice) -> EncodedText:
        """A part; one from the first place on keeps whole documents and their labels."""
        if places.start or places.step or places.stop is None:
            return EncodedText(self.ids[places], self.alphabet)
        ends = self.ends[self.ends < places.indices(len(self))[1]]
        count = int(ends[-1]) + 1 if len(ends) else 0
        return LabelledText(self.ids[:count], self.alphabet, label_D=self.label_D[: max(len(ends) - 1, 0)])

    @property
    def ends(self) -> npt.NDArray[np.intp]:
        """The places of the ends of documents (D + 1,)."""
        assert self.alphabet.end is not None
        return np.flatnonzero(self.ids == self.alphabet.end)

    def by_label(self) -> Iterator[tuple[int, EncodedText]]:
        """The documents of each label that occurs, in its number's order."""
        ends = self.ends
        for label in np.unique(self.label_D).tolist():
            own = np.flatnonzero(self.label_D == label).tolist()
            pieces = [self.ids[:1], *(self.ids[ends[number] + 1 : ends[number + 1] + 1] for number in own)]
            yield label, EncodedText(np.concatenate(pieces), self.alphabet)


class LabelledCorpus(Corpus):
    """A corpus whose splits are labelled texts; a document is read after its label's start symbol."""

    @property
    def notes(self) -> list[str]:
        """How the documents are labelled."""
        labels = counted(len(self.vocabulary.labels), "labels")
        return [f"{labels}: a document is read after its label's start symbol", *super().notes]

    def batches(self, config: DataConfig) -> Batcher:
        """The batches of the training split, with start symbols V + label in the place of end symbols."""
        assert isinstance(self.train, LabelledText)
        sizes = config.seq_len, config.batch_size
        ids, end = self.train.ids, self.vocabulary.end
        first = len(self.vocabulary)
        starts_D = (first + self.train.label_D).astype(id_dtype(first + len(self.vocabulary.labels)))
        return BATCHERS[config.partition](ids, *sizes, self.table, end, (self.train.ends, starts_D))


def read_labelled_corpus(
    source: Source, config: TrainingConfig, progress: Progress | None = None
) -> LabelledCorpus:
    """Read and split labelled documents.

    Raises:
        CorpusError: a file cannot be read, or the training split is too short.
    """
    prepared, val_corpus = prepare_texts(source, config, progress)
    return divide_labelled(prepared, config, val_corpus=val_corpus)


def divide_labelled(
    prepared: EncodedCorpus,
    config: TrainingConfig,
    vocabulary: Vocabulary | None = None,
    val_corpus: EncodedCorpus | None = None,
) -> LabelledCorpus:
    """Split labelled documents; repeats stay in the training split, and a run keeps its vocabulary."""
    corpus, mode, seed = config.corpus, config.task.labels or "file", config.budget.seed
    sides = read_sides(prepared, corpus, mode)
    names = tuple(sorted(sides.symbols))
    split_D = split_by_label(
        number_texts(sides.text_sums_D), sorted_labels(sides)[sides.answers.ids], names,
        Split.of(config.batching), seed, [],
    )  # fmt: skip
    distinct, train = find_firsts(sides.pair_sums_D), np.flatnonzero(split_D == 0)
    train = train[make_generator(seed, "documents").permutation(len(train))]
    labels = vocabulary.labels if vocabulary else names
    numbers = [train, *(distinct[split_D[distinct] == held_out] for held_out in (1, 2))]
    parts = [_take(sides, each, labels) for each in numbers]
    if val_corpus is not None:
        val_sides = read_sides(val_corpus, corpus, mode)
        if unknown := set(val_sides.symbols) - {*labels}:
            raise CorpusError(
                f"{val_corpus.source.name} has the label {min(unknown)!r}, which the training split lacks",
                hint="leave out its lines",
            )
        parts[1] = _take(val_sides, np.arange(len(val_sides)), labels)
    alphabet = _alphabet([texts for texts, _ in parts], config)
    train_text, val_text, test_text = (LabelledText.of_texts(*part, alphabet) for part in parts)
    if len(train_text) <= config.batching.seq_len:
        raise CorpusError(f"{prepared.source.name}: the training split is too short", hint="lower --seq-len")
    if vocabulary is None:
        own = Vocabulary.from_counts(alphabet, alphabet.count(train_text.ids), corpus.min_count)
        counts = np.bincount(parts[0][1], minlength=len(labels))
        vocabulary = replace(own, labels=labels, label_counts=tuple(counts.tolist()))
    return LabelledCorpus(prepared, vocabulary, train_text, val_text, test_text, val_corpus)


def _take(sides: Sides, numbers: Integers, labels: Sequence[str]) -> tuple[Sequences, npt.NDArray[np.int64]]:
    """Some of the texts, and the number of each one's label."""
    place = {label: number for number, label in enumerate(labels)}
    table = np.array([place[label] for label in sides.symbols], np.int64)
    return sides.texts.take(numbers), table[sides.answers.take(numbers).ids]


def _alphabet(parts: Sequence[Sequences], config: TrainingConfig) -> Alphabet:
    """The symbols of all documents, and their end."""
    counts = np.zeros(UNICODE_END, np.int64)
    for texts in parts:
        counts += count_points(texts)
    counts[ord(END)] = sum(map(len, parts))
    return Alphabet.from_counts(counts, config.corpus.units, config.corpus.document_end)
