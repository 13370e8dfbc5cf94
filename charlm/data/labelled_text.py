"""Documents with labels, for a language model that is told the label first."""

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
from charlm.data.alphabet import END, Alphabet, code_points
from charlm.data.batches import BATCHERS, Batcher
from charlm.data.corpus import Corpus, find_val_source, prepare
from charlm.data.encoded import EncodedCorpus, EncodedText
from charlm.data.label_split import split_by_label
from charlm.data.labels import read_labelled
from charlm.data.reading.sources import Source
from charlm.data.split import Split
from charlm.data.vocabulary import Vocabulary

Pairs = Sequence[tuple[str, int]]
"""Texts with the number of their label."""


@dataclass(frozen=True, eq=False)
class LabelledText(EncodedText):
    """Documents (N,) with the number of each one's label (D,)."""

    label_D: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of_pairs(cls, pairs: Pairs, alphabet: Alphabet) -> LabelledText:
        """The documents of pairs, in their order."""
        text = "".join(f"{document}{END}" for document, _ in pairs)
        ids = alphabet.table[code_points(END + text if text else "")]
        return cls(ids, alphabet, label_D=np.array([label for _, label in pairs], np.int64))

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
    Split.of(config.batching)
    val_source = find_val_source(config.batching, source)
    prepared = prepare(source, config.corpus, progress)
    val_corpus = None if val_source is None else prepare(val_source, config.corpus, progress)
    return divide_labelled(prepared, config, val_corpus=val_corpus)


def divide_labelled(
    prepared: EncodedCorpus,
    config: TrainingConfig,
    vocabulary: Vocabulary | None = None,
    val_corpus: EncodedCorpus | None = None,
) -> LabelledCorpus:
    """Split labelled documents; repeats stay in the training split, and a run keeps its vocabulary."""
    mode, seed = config.task.labels or "file", config.budget.seed
    given = read_labelled(prepared.source, config.corpus, mode)
    if not given.texts:
        raise CorpusError(f"{prepared.source.name} has no examples", hint="give texts with labels")
    splits = split_by_label(given.texts, given.labels, Split.of(config.batching), seed, [])
    labels = vocabulary.labels if vocabulary else tuple(sorted(set(given.labels)))
    number = {label: place for place, label in enumerate(labels)}
    parts: list[list[tuple[str, int]]] = [[], [], []]
    for text, label, split in zip(given.texts, given.labels, splits, strict=True):
        parts[split].append((text, number[label]))
    order = make_generator(seed, "documents").permutation(len(parts[0])).tolist()
    parts = [[parts[0][place] for place in order], *(list(dict.fromkeys(part)) for part in parts[1:])]
    if val_corpus is not None:
        held_out = read_labelled(val_corpus.source, config.corpus, mode)
        if unknown := set(held_out.labels) - number.keys():
            raise CorpusError(
                f"{val_corpus.source.name} has the label {min(unknown)!r}, which the training split lacks",
                hint="leave out its lines",
            )
        parts[1] = [(text, number[label]) for text, label in zip(held_out.texts, held_out.labels, strict=True)]
    alphabet = _alphabet(parts, config)
    train, validation, test = (LabelledText.of_pairs(part, alphabet) for part in parts)
    if len(train) <= config.batching.seq_len:
        raise CorpusError(f"{prepared.source.name}: the training split is too short", hint="lower --seq-len")
    if vocabulary is None:
        own = Vocabulary.from_counts(alphabet, alphabet.count(train.ids), config.corpus.min_count)
        distinct = np.array([label for _, label in set(parts[0])], np.int64)
        counts = np.bincount(distinct, minlength=len(labels))
        vocabulary = replace(own, labels=labels, label_counts=tuple(counts.tolist()))
    return LabelledCorpus(prepared, vocabulary, train, validation, test, val_corpus)


def _alphabet(parts: Sequence[Pairs], config: TrainingConfig) -> Alphabet:
    """The symbols of all documents, and their end."""
    texts = "".join(text for part in parts for text, _ in part)
    documents = sum(map(len, parts))
    counts = np.bincount(code_points(texts + END), minlength=256).astype(np.int64)
    counts[ord(END)] = documents
    return Alphabet.from_counts(counts, config.corpus.units, config.corpus.document_end)
