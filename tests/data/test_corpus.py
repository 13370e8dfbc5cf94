"""Preparing: any text and any bytes come back from their codes, and a corpus is divided for training."""

import lzma
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import CorpusError, UsageError, VocabularyError
from charlm.config import CorpusConfig, TrainingConfig
from charlm.data.alphabet import END
from charlm.data.corpus import divide, prepare, prepare_corpus
from charlm.data.reading import files
from charlm.data.reading.sources import find_source, make_text_source
from charlm.data.vocabulary import Vocabulary

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """A function that writes files and finds them as a source."""
    folder = tmp_path_factory.mktemp("texts")

    def write_files(*contents):
        paths = [folder / f"{number}.txt" for number, _ in enumerate(contents)]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        return find_source([str(path) for path in paths], "")

    return write_files


@pytest.fixture(params=[3, 1 << 20])
def block(request, monkeypatch):
    """The files are read in blocks of this size."""
    monkeypatch.setattr(files, "BLOCK", request.param)


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_any_text_comes_back_from_the_cache(write, texts):
    prepared = prepare(write(*(text.encode() for text in texts)), CorpusConfig())
    whole = "".join(texts)
    assert prepared.alphabet.decode(prepared.ids) == whole
    assert prepared.alphabet.symbols == tuple(sorted(set(whole)))
    assert prepared.alphabet.counts_A.tolist() == [whole.count(symbol) for symbol in prepared.alphabet.symbols]
    assert prepared.ids.dtype == prepared.alphabet.dtype and not prepared.ids.flags.writeable


@given(st.binary(min_size=1))
def test_any_bytes_come_back_from_the_cache(write, raw):
    prepared = prepare(write(raw), CorpusConfig(bytes=True))
    assert prepared.alphabet.decode(prepared.ids).encode("utf-8", "surrogateescape") == raw
    assert prepared.ids.tobytes() == raw


def test_the_size_of_the_blocks_does_not_matter(write, block):
    text = "Ça va? ΟΔΟΣ, 漢字 😀 e\u0301\n" * 9
    source = write(text.encode())
    assert prepare(source, CorpusConfig()).alphabet.decode(prepare(source, CorpusConfig()).ids) == text
    changed = prepare(source, CorpusConfig(lowercase=True, normalize="nfc"))
    assert changed.alphabet.decode(changed.ids) == "ça va? οδος, 漢字 😀 é\n" * 9
    assert changed.is_lossy and not prepare(source, CorpusConfig()).is_lossy


@pytest.mark.parametrize(
    ("contents", "marked"),
    [
        ([b"emma\nava\n", b"\nmia"], "|emma|ava|mia|"),
        ([b"emma", b"", b"\n\n", b"ava\n"], "|emma|ava|"),
        ([b"\n", b"x"], "|x|"),
    ],
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_documents_of_several_files_share_the_ends_between_them(write, block, contents, marked, as_bytes):
    prepared = prepare(write(*contents), CorpusConfig(lines=True, bytes=as_bytes))
    symbols = "".join(np.array(prepared.alphabet.symbols)[prepared.ids])
    assert symbols.replace(END, "|") == marked
    assert prepared.alphabet.counts_A[-1] == marked.count("|")
    assert prepared.alphabet.count(prepared.ids).tolist() == prepared.alphabet.counts_A.tolist()


@pytest.mark.parametrize(
    ("contents", "settings", "words"),
    [
        ([b""], {}, r"'.*0\.txt' is empty: give a text"),
        ([b"", b""], {}, r"the corpus 0 is empty: give a text"),
        ([b"\n\n"], {"lines": True}, r"0\.txt' has empty documents only"),
        ([b"fine", b"caf\xe9"], {}, r"1\.txt' is not in UTF-8: byte 3 \(counted from 0\) is 0xE9"),
        ([b"fine", b"a\0"], {}, r"1\.txt' is binary, not text: byte 1"),
        (["fine".encode("utf-16")], {"lowercase": True}, r"0\.txt' is in UTF-16"),
    ],
)
def test_what_cannot_be_prepared_is_named(write, contents, settings, words):
    with pytest.raises(CorpusError, match=words):
        prepare(write(*contents), CorpusConfig(**settings))


def test_progress_covers_both_passes(write):
    seen = []
    prepare(write(b"x" * 3000, b"y" * 500), CorpusConfig(), lambda done, total: seen.append((done, total)))
    assert seen[-1] == (7000, 7000) and seen == sorted(seen)


def test_what_changes_between_the_passes_is_noticed(write):
    source = write(b"abc" * 100)

    def progress(done, total):
        if done == 300:
            Path(source.paths[0]).write_bytes(b"abd" * 100)

    with pytest.raises(CorpusError, match=r"0\.txt' has changed while it was read: wait"):
        prepare(source, CorpusConfig(), progress)


def corpus_of(text, **settings):
    settings = {"seq_len": 3, **settings}
    return prepare_corpus(make_text_source(text), TrainingConfig.from_settings(**settings))


def test_a_corpus_is_divided_and_its_vocabulary_is_the_training_part_s():
    corpus = corpus_of("acdacdacbb", val_fraction=0.2)
    assert corpus.vocabulary == Vocabulary.of("acd")
    assert (corpus.train.text, corpus.validation.text, len(corpus.test)) == ("acdacdac", "bb", 0)
    assert corpus.table.tolist() == [0, 3, 1, 2]
    assert corpus_of("abcabcabcc", val_fraction=0.2).table is None


def test_rare_characters_of_the_training_part_share_a_symbol():
    corpus = corpus_of("aaabbbxyaaabz", split="10/3", min_count=2)
    assert corpus.train.text == "aaabbbxyaa"
    vocabulary = corpus.vocabulary
    assert (vocabulary.symbols, vocabulary.rare, vocabulary.unknown) == (("a", "b"), ("x", "y"), 2)
    assert corpus.table.tolist() == [0, 1, 2, 2, 3] and len(vocabulary) == 3


def test_a_vocabulary_that_is_given_must_have_the_training_part_s_characters():
    config = TrainingConfig.from_settings(seq_len=3, val_fraction=0.0)
    prepared = prepare(make_text_source("fade"), config.corpus)
    vocabulary = Vocabulary.of("abcdef")
    corpus = divide(prepared, config, vocabulary)
    assert corpus.vocabulary is vocabulary and corpus.table.tolist() == [0, 3, 4, 5]
    with pytest.raises(VocabularyError, match=r"text: the training split has 'f', which is not in the run's"):
        divide(prepared, config, Vocabulary.of("abcde"))


def test_a_split_that_cannot_be_is_told_before_anything_is_read():
    config = TrainingConfig.from_settings(split="nonsense")
    with pytest.raises(UsageError, match="--split"):
        prepare_corpus(None, config)


def test_the_training_part_needs_a_chunk_and_the_character_after_it():
    assert len(corpus_of("a" * 10, val_fraction=0.1, seq_len=8).train) == 9
    with pytest.raises(CorpusError, match=r"has 8 characters, and a window of --seq-len 8 needs 9"):
        corpus_of("a" * 9, val_fraction=0.1, seq_len=8)


def test_a_validation_file_is_read_as_the_corpus_is(tmp_path):
    (tmp_path / "val.txt").write_text("CAB")
    corpus = corpus_of("ABCABC", val_file=str(tmp_path / "val.txt"), lowercase=True)
    assert (corpus.train.text, corpus.validation.text) == ("abcabc", "cab")


def test_a_file_to_validate_on_may_expand_where_the_corpus_may(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "EXPANDED", 10_000)
    (tmp_path / "val.txt.xz").write_bytes(lzma.compress(b"abc" * 100_000))
    config = TrainingConfig.from_settings(val_file=str(tmp_path / "val.txt.xz"), seq_len=4)
    source = make_text_source("abcabcabc")
    with pytest.raises(CorpusError, match="--allow-expansion"):
        prepare_corpus(source, config)
    assert len(prepare_corpus(source.allow_expansion(), config).validation) == 300_000
