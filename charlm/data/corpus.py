"""A corpus made ready for training: read into the cache, or found there, and divided."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from charlm.base.arrays import TokenIds
from charlm.base.errors import CorpusError, UsageError, VocabularyError
from charlm.base.files.cache_dir import make_cache_folder
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.config import CorpusConfig, DataConfig, TrainingConfig
from charlm.data.alphabet import Alphabet, Counts
from charlm.data.cache.store import (
    ScannedCorpus,
    add_naming,
    entry_lock,
    find,
    hash_key,
    hash_name,
    open_entry,
    report_os_errors,
    store,
    write_key,
)
from charlm.data.encoded import EncodedCorpus, EncodedText
from charlm.data.reading.encode import CorpusEncoder
from charlm.data.reading.sources import Source, find_text
from charlm.data.remarks import describe_undivided
from charlm.data.split import Split, split_corpus
from charlm.data.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Corpus:
    """A corpus that is ready for training.

    Attributes:
        prepared: the whole of it.
        vocabulary: the characters of the training part, or those of the run that is continued.
        train: what is trained on.
        validation: what is held out; it may hold characters that the vocabulary lacks.
        test: what is held out from both.
        val_corpus: the text of ``--val-file``; None where there is none.
    """

    prepared: EncodedCorpus
    vocabulary: Vocabulary
    train: EncodedText
    validation: EncodedText
    test: EncodedText
    val_corpus: EncodedCorpus | None = None

    @property
    def val_sha256(self) -> str | None:
        """Of the text of ``--val-file``, in hexadecimal; None where there is none."""
        return None if self.val_corpus is None else self.val_corpus.sha256

    @property
    def source(self) -> Source:
        """Where it came from."""
        return self.prepared.source

    @cached_property
    def table(self) -> TokenIds | None:
        """The vocabulary's code (A,) of each code of the training part; None where they are the same."""
        table_A = self.vocabulary.encode_alphabet(self.train.alphabet)
        return None if np.array_equal(table_A, np.arange(len(table_A))) else table_A


def prepare_corpus(source: Source, config: TrainingConfig, progress: Progress | None = None) -> Corpus:
    """Prepare a corpus and divide it; see ``prepare`` and ``divide`` for what is raised.

    >>> from charlm.data.reading.sources import make_text_source
    >>> config = TrainingConfig.from_settings(val_fraction=0.25, seq_len=4)
    >>> corpus = prepare_corpus(make_text_source("to be or not to be"), config)
    >>> corpus.train.text, corpus.validation.text, corpus.vocabulary.symbols
    ('to be or not ', 'to be', (' ', 'b', 'e', 'n', 'o', 'r', 't'))
    """
    # What can be complained of without reading is, before hours of it and not after.
    Split.of(config.batching)
    val_corpus = _find_apart(config.batching, source)
    prepared = prepare(source, config.corpus, progress)
    return divide(
        prepared, config, val_corpus=None if val_corpus is None else prepare(val_corpus, config.corpus, progress)
    )


def _find_apart(config: DataConfig, source: Source) -> Source | None:
    """The source of ``--val-file``, once it is known that that of ``--test-file`` can be read later."""
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
    """Divide a prepared corpus.

    Args:
        prepared: the corpus.
        config: the settings of the run.
        vocabulary: what the model knows; left out, it is made from the training part.
        val_corpus: the text of ``--val-file``; None where there is none.

    Raises:
        UsageError: the split cannot be.
        CorpusError: the training part is shorter than one chunk.
        VocabularyError: the training part has a character that the given vocabulary lacks.
    """
    train, validation, test = split_corpus(prepared, config.batching, config.budget.seed, val_corpus)
    _check_length(train, config, prepared)
    # What is held out is the smaller part, and so the faster one to count.
    alphabet = prepared.alphabet
    held_out = [part for part in (validation, test) if part.alphabet is alphabet]
    counts_A = alphabet.counts_A - sum(alphabet.count(part.ids) for part in held_out)
    if vocabulary is None:
        vocabulary = Vocabulary.from_counts(alphabet, counts_A, config.corpus.min_count)
    _check_known(alphabet, counts_A, vocabulary, prepared.source.name)
    return Corpus(prepared, vocabulary, train, validation, test, val_corpus)


def _check_length(train: EncodedText, config: TrainingConfig, prepared: EncodedCorpus) -> None:
    seq_len = config.batching.seq_len
    if len(train) < seq_len + 1:
        if undivided := describe_undivided(prepared):
            raise CorpusError(undivided)
        raise CorpusError(
            f"{prepared.source.name}: the training part has {counted(len(train), config.corpus.units)}, and "
            f"a chunk of --seq-len {seq_len} needs {seq_len + 1}",
            hint="give a longer text, a smaller --seq-len, or hold out less",
        )


def _check_known(alphabet: Alphabet, counts_A: Counts, vocabulary: Vocabulary, name: str) -> None:
    unseen_A = (vocabulary.encode_alphabet(alphabet) == len(vocabulary)) & (counts_A > 0)
    if unseen_A.any():
        symbol = alphabet.symbols[int(unseen_A.argmax())]
        raise VocabularyError(
            f"{name}: the training part has {symbol!r}, which is not in the run's vocabulary: restore the run's "
            "vocab.json from a copy"
        )


def prepare(source: Source, config: CorpusConfig, progress: Progress | None = None) -> EncodedCorpus:
    """Prepare a corpus, or find it prepared in the cache.

    Built-in corpora and texts from Python are small, and stay in memory.

    Args:
        source: what to read.
        config: how to read it.
        progress: called now and then while files are read.

    Raises:
        CorpusError: a file cannot be read as the settings say, there is nothing in any, or the cache is full.
    """
    when = time.time()
    passes = CorpusEncoder(source, config, progress)
    if all(isinstance(member.content, bytes) for member in source.files):
        facts = ScannedCorpus(source, config, *passes.count())
        return facts.prepared(np.concatenate(list(passes.ids(facts.alphabet))))
    key = hash_key(source, passes.stamps, config)
    prepared = find(key, source, config)
    if prepared is None:
        with entry_lock(key):
            prepared = find(key, source, config) or _read(passes, key, source, config)
        write_key(key, prepared, passes.stamps, when)
    return prepared


def find_prepared(source: Source, config: CorpusConfig) -> EncodedCorpus | None:
    """A corpus whose files were read before, and have the times and sizes that they had; none of them is read.

    Raises:
        CorpusError: a file is gone, or is no plain file.
    """
    return find(hash_key(source, CorpusEncoder(source, config, None).stamps, config), source, config)


def prepare_temporary(source: Source, config: CorpusConfig) -> EncodedText:
    """A text that nothing vouches for, of which nothing stays in the cache when the program ends.

    Raises:
        CorpusError: a file cannot be read as the settings say, there is nothing in any, or the cache is full.
    """
    passes = CorpusEncoder(source, config, progress=None)
    alphabet, _ = passes.count()
    with report_os_errors(), tempfile.TemporaryFile(dir=make_cache_folder()) as file:
        for ids in passes.ids(alphabet):
            file.write(ids.astype(alphabet.dtype, copy=False).data)
        file.flush()
        return EncodedText(np.memmap(file, alphabet.dtype, "r").view(np.ndarray), alphabet)


def _read(passes: CorpusEncoder, key: str, source: Source, config: CorpusConfig) -> EncodedCorpus:
    """Read a corpus that no key is known for; where its content is in the cache already, once is enough."""
    facts = ScannedCorpus(source, config, *passes.count())
    prepared = open_entry(hash_name(facts.sha256, config), source, config)
    if prepared is None:
        return store(key, facts, passes.ids(facts.alphabet))
    passes.check_unchanged()
    add_naming(prepared, facts.files)
    return prepared
