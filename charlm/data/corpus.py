"""Preparing a corpus for training: encoding and splitting it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from charlm.base.arrays import TokenIds
from charlm.base.errors import CorpusError, UsageError, VocabularyError
from charlm.base.files.cache_dir import make_cache_folder
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.config import CorpusConfig, DataConfig, TrainingConfig
from charlm.data.alphabet import Alphabet, Counts
from charlm.data.cache.entry import hash_key, hash_name
from charlm.data.cache.store import (
    ScannedCorpus,
    add_naming,
    entry_lock,
    find,
    open_entry,
    report_os_errors,
    store,
    write_key,
)
from charlm.data.encoded import EncodedCorpus, EncodedText
from charlm.data.reading.encode import CorpusEncoder
from charlm.data.reading.sources import Source, find_text
from charlm.data.remarks import describe_undivided, list_remarks
from charlm.data.split import Split, split_corpus
from charlm.data.vocabulary import Vocabulary
from charlm.data.windows import BATCHERS, Batcher

VALIDATION_CHARACTERS = 250_000  # scored at each validation; eval scores the whole split
TELLING_SHARE = 0.5  # of the targets that must be known: an unknown one costs the same with any weights


@dataclass(frozen=True, eq=False)
class Corpus:
    """An encoded corpus, its splits, and a vocabulary."""

    prepared: EncodedCorpus
    vocabulary: Vocabulary
    train: EncodedText
    validation: EncodedText
    test: EncodedText
    val_corpus: EncodedCorpus | None = None

    @property
    def val_sha256(self) -> str | None:
        """The sha256 of ``--val-file``, or None."""
        return None if self.val_corpus is None else self.val_corpus.sha256

    @property
    def source(self) -> Source:
        """Where it came from."""
        return self.prepared.source

    @property
    def training_characters(self) -> int:
        """The size of the training split."""
        return len(self.train)

    @cached_property
    def validated(self) -> EncodedText | None:
        """The beginning of the validation split; None if missing or mostly unknown."""
        part = self.validation[:VALIDATION_CHARACTERS]
        if len(part) < 2:
            return None
        is_known_A = self.vocabulary.encode_alphabet(part.alphabet) < len(self.vocabulary)
        return part if np.mean(is_known_A[part.ids[1:]]) >= TELLING_SHARE else None

    @property
    def validation_targets(self) -> int:
        """The targets of a validation; 0 if there is none."""
        return 0 if self.validated is None else len(self.validated) - 1

    @property
    def why_unvalidated(self) -> str:
        """The reason why there is no validation."""
        if len(self.validation) > 1:
            return "most of what is held out is unknown"
        return "what is held out is too short" if len(self.validation) else "nothing is held out to validate on"

    @property
    def notes(self) -> list[str]:
        """What a user should know before training."""
        return list_remarks(self.prepared)

    def describe(self) -> str:
        """The sizes of the splits; a validation split that is cut off the end says its share."""
        sizes = {"train": len(self.train), "val": len(self.validation), "test": len(self.test)}
        parts = [f"{name} {size:,}" for name, size in sizes.items() if size]
        if self.val_corpus is not None:
            parts[1:2] = [f"{part} ({self.val_corpus.source.name})" for part in parts[1:2]]
        elif self.prepared.alphabet.end is None and len(parts) == 2 and sizes["val"]:
            parts[-1] += f" (last {100 * sizes['val'] / sum(sizes.values()):.3g}%)"
        return " · ".join(parts)

    def batches(self, config: DataConfig) -> Batcher:
        """The batches of the training split."""
        sizes = config.seq_len, config.batch_size
        return BATCHERS[config.partition](self.train.ids, *sizes, self.table, self.vocabulary.end)

    @cached_property
    def table(self) -> TokenIds | None:
        """The vocabulary's id (A,) of each symbol; None if they are the same."""
        table_A = self.vocabulary.encode_alphabet(self.train.alphabet)
        return None if np.array_equal(table_A, np.arange(len(table_A))) else table_A


def prepare_corpus(source: Source, config: TrainingConfig, progress: Progress | None = None) -> Corpus:
    """Prepare a corpus and split it.

    >>> from charlm.data.reading.sources import make_text_source
    >>> config = TrainingConfig.from_settings(val_fraction=0.25, seq_len=4)
    >>> corpus = prepare_corpus(make_text_source("to be or not to be"), config)
    >>> corpus.train.text, corpus.validation.text, corpus.vocabulary.symbols
    ('to be or not ', 'to be', (' ', 'b', 'e', 'n', 'o', 'r', 't'))
    """
    prepared, val_corpus = prepare_texts(source, config, progress)
    return divide(prepared, config, val_corpus=val_corpus)


def prepare_texts(
    source: Source, config: TrainingConfig, progress: Progress | None = None
) -> tuple[EncodedCorpus, EncodedCorpus | None]:
    """Encode the text of a new run, and that of ``--val-file`` if there is one.

    Raises:
        UsageError: the split is impossible.
        CorpusError: a file cannot be read.
    """
    # Checked first: reading can take hours.
    Split.of(config.batching)
    val_source = _find_val_source(config.batching, source)
    prepared = prepare(source, config.corpus, progress)
    return prepared, None if val_source is None else prepare(val_source, config.corpus, progress)


def _find_val_source(config: DataConfig, source: Source) -> Source | None:
    """The source of ``--val-file``, or None."""
    if config.test_file is not None and find_text(config.test_file).kind == "stdin":
        raise UsageError(f"--test-file is {config.test_file!r}, which is read later, by eval: give a file")
    if config.val_file is None:
        return None
    val_corpus = find_text(config.val_file)
    if val_corpus.kind == "stdin" and val_corpus.label == source.label:
        raise UsageError(f"{source.label} cannot be both CORPUS and --val-file: put one of them into a file")
    return val_corpus.allow_expansion() if source.may_expand else val_corpus


def divide(
    prepared: EncodedCorpus,
    config: TrainingConfig,
    vocabulary: Vocabulary | None = None,
    val_corpus: EncodedCorpus | None = None,
) -> Corpus:
    """Split an encoded corpus, and make a vocabulary if none is given.

    Raises:
        UsageError: the split is impossible.
        CorpusError: the training split is shorter than one window.
        VocabularyError: the training split has an unknown character.
    """
    train, validation, test = split_corpus(prepared, config.batching, config.budget.seed, val_corpus)
    _check_length(train, config, prepared)
    # The held-out splits are smaller, so faster to count.
    alphabet = prepared.alphabet
    held_out = [part for part in (validation, test) if part.alphabet is alphabet]
    counts_A = alphabet.counts_A - sum(alphabet.count(part.ids) for part in held_out)
    if vocabulary is None:
        vocabulary = Vocabulary.from_counts(alphabet, counts_A, config.corpus.min_count)
    _check_known(alphabet, counts_A, vocabulary, prepared.source.name)
    return Corpus(prepared, vocabulary, train, validation, test, val_corpus)


def sort_by_frequency(corpus: Corpus) -> Corpus:
    """The same corpus with ids sorted by decreasing frequency in its training split."""
    alphabet = corpus.train.alphabet
    vocabulary = corpus.vocabulary.sorted_by_frequency(alphabet, alphabet.count(corpus.train.ids))
    return replace(corpus, vocabulary=vocabulary)


def _check_length(train: EncodedText, config: TrainingConfig, prepared: EncodedCorpus) -> None:
    seq_len = config.batching.seq_len
    if len(train) < seq_len + 1:
        if undivided := describe_undivided(prepared):
            raise CorpusError(undivided)
        raise CorpusError(
            f"{prepared.source.name}: the training split has {counted(len(train), config.corpus.units)}, and "
            f"a window of --seq-len {seq_len} needs {seq_len + 1}",
            hint="give a longer text, a smaller --seq-len, or hold out less",
        )


def _check_known(alphabet: Alphabet, counts_A: Counts, vocabulary: Vocabulary, name: str) -> None:
    unseen_A = (vocabulary.encode_alphabet(alphabet) == len(vocabulary)) & (counts_A > 0)
    if unseen_A.any():
        symbol = alphabet.symbols[int(unseen_A.argmax())]
        raise VocabularyError(
            f"{name}: the training split has {symbol!r}, which is not in the run's vocabulary: restore the run's "
            "vocab.json from a copy"
        )


def prepare(source: Source, config: CorpusConfig, progress: Progress | None = None) -> EncodedCorpus:
    """Encode a corpus, or find it in the cache.

    Raises:
        CorpusError: a file cannot be read, all are empty, or the cache cannot be written.
    """
    when = time.time()
    encoder = CorpusEncoder(source, config, progress)
    if all(isinstance(member.content, bytes) for member in source.files):
        scanned = ScannedCorpus(source, config, *encoder.count())
        return scanned.prepared(np.concatenate(list(encoder.ids(scanned.alphabet))))
    key = hash_key(source, encoder.stamps, config)
    prepared = find(key, source, config)
    if prepared is None:
        with entry_lock(key):
            prepared = find(key, source, config) or _encode(encoder, key, source, config)
        write_key(key, prepared, encoder.stamps, when)
    return prepared


def find_prepared(source: Source, config: CorpusConfig) -> EncodedCorpus | None:
    """A corpus in the cache, or None; CorpusError if a file is missing."""
    return find(hash_key(source, CorpusEncoder(source, config, None).stamps, config), source, config)


def prepare_temporary(source: Source, config: CorpusConfig) -> EncodedText:
    """Encode a text into a temporary file."""
    encoder = CorpusEncoder(source, config, progress=None)
    alphabet, _ = encoder.count()
    with report_os_errors(), tempfile.TemporaryFile(dir=make_cache_folder()) as file:
        for ids in encoder.ids(alphabet):
            file.write(ids.astype(alphabet.dtype, copy=False).data)
        file.flush()
        return EncodedText(np.memmap(file, alphabet.dtype, "r").view(np.ndarray), alphabet)


def _encode(encoder: CorpusEncoder, key: str, source: Source, config: CorpusConfig) -> EncodedCorpus:
    """Read a corpus that has no key."""
    scanned = ScannedCorpus(source, config, *encoder.count())
    prepared = open_entry(hash_name(scanned.sha256, config), source, config)
    if prepared is None:
        return store(key, scanned, encoder.ids(scanned.alphabet))
    encoder.check_unchanged()
    add_naming(prepared, scanned.files)
    return prepared
