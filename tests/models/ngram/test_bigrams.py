"""Bigrams counted in blocks: the same as counted at once, and cached with the corpus."""

import numpy as np
import pytest

from charlm.config import TrainingConfig
from charlm.data.corpus import prepare_corpus
from charlm.data.encoded import EncodedText
from charlm.data.reading.sources import find_text
from charlm.data.recode import Recoding
from charlm.models.ngram import bigrams
from charlm.models.ngram.bigrams import bigram_levels, count_bigrams, load_bigrams
from charlm.models.ngram.counts import count_levels


def assert_same_levels(found, expected):
    for one, other in zip(found, expected, strict=True):
        for name in ("contexts", "vocab_size", "keys", "counts", "shorter", "is_first"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.parametrize("dense", [0, 1 << 20])
@pytest.mark.parametrize("block", [1, 2, 7, 100])
@pytest.mark.parametrize("length", [1, 2, 8, 99])
def test_blocks_count_what_one_sort_counts(monkeypatch, dense, block, length):
    monkeypatch.setattr(bigrams, "DENSE", dense)
    monkeypatch.setattr(bigrams, "BLOCK", block)
    ids = np.random.default_rng(length).integers(0, 9, length).astype(np.uint8)
    found = count_bigrams(ids, 9)
    keys, counts = np.unique(ids[:-1].astype(int) * 9 + ids[1:], return_counts=True)
    assert (found.keys.tolist(), found.counts.tolist()) == (keys.tolist(), counts.tolist())


@pytest.fixture
def corpus(tmp_path):
    """A function that prepares names with rare characters, under settings."""
    names = [
        f"{first}{second}é"[: 2 + number % 2]
        for number, (first, second) in enumerate(zip("abcab", "dbbca", strict=True))
    ]
    (tmp_path / "names.txt").write_text("\n".join(names * 9 + ["xyz"]))

    def prepare(**settings):
        config = TrainingConfig.from_settings(**{"seq_len": 4, "val_fraction": 0.1, **settings})
        return prepare_corpus(find_text(str(tmp_path / "names.txt")), config)

    return prepare


@pytest.mark.parametrize("settings", [{}, {"min_count": 3}, {"lines": True}, {"bytes": True}])
def test_levels_of_bigrams_are_those_of_the_text(corpus, settings):
    prepared = corpus(**settings)
    part, vocabulary = prepared.train, prepared.vocabulary
    reading = Recoding.of(vocabulary, part.alphabet, 1)
    found = bigram_levels(part, reading.ids_A, len(vocabulary), vocabulary.end)
    ids, is_read = reading.read(part.ids)
    assert is_read.all()
    assert_same_levels(found, count_levels(ids, len(vocabulary), 1, vocabulary.end))


@pytest.mark.parametrize("settings", [{}, {"lines": True}, {"lines": True, "seed": 2}])
def test_bigrams_are_counted_once(corpus, settings, monkeypatch):
    counted = load_bigrams(corpus(**settings).train)
    monkeypatch.setattr(bigrams, "count_bigrams", None)
    kept = load_bigrams(corpus(**settings).train)
    assert (kept.keys.tolist(), kept.counts.tolist()) == (counted.keys.tolist(), counted.counts.tolist())


def test_what_was_altered_is_counted_again(corpus):
    part = corpus().train
    counted = load_bigrams(part)
    raw = part.bigrams_path.read_bytes()
    other = bigrams.Bigrams(counted.vocab_size, counted.keys, counted.counts + 1)
    for damaged in (b"", raw[:-8], raw[:-1] + bytes([raw[-1] ^ 1]), seal(other), raw[:32]):
        part.bigrams_path.write_bytes(damaged)
        assert load_bigrams(part).counts.tolist() == counted.counts.tolist()
        assert part.bigrams_path.read_bytes() == raw


def seal(found):
    """As a file would be that is whole, and not of this part."""
    raw = np.concatenate([found.keys, found.counts]).astype("<i8").tobytes()
    return bigrams.hashlib.sha256(raw).digest() + raw


def test_parts_that_differ_have_files_of_their_own(corpus):
    parts = [corpus(), corpus(val_fraction=0.2)] + [corpus(lines=True, seed=seed) for seed in (1, 2)]
    paths = {path for each in parts for path in (each.train.bigrams_path, each.validation.bigrams_path)}
    assert len(paths) == 8
    assert EncodedText(parts[0].train.ids, parts[0].train.alphabet).bigrams_path is None


def test_a_folder_that_cannot_be_written_changes_nothing(corpus, monkeypatch):
    part = corpus().train

    def refuse(path, data):
        raise OSError

    monkeypatch.setattr(bigrams, "atomic_file", refuse)
    assert load_bigrams(part).counts.sum() == len(part) - 1
