"""The split: parts are disjoint and cover everything, counts are exact, conventions are the field's."""

from fractions import Fraction
from itertools import chain
from math import ceil
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import CorpusError, UsageError
from charlm.config import DataConfig
from charlm.data.alphabet import END, Alphabet, code_points
from charlm.data.split import CONVENTIONS, Split, split_corpus

SPLITS = st.sampled_from(
    ["90/10", "80/10/10", "1/1/1", "99.5/0.25/0.25", "3/0/1", "nanogpt", "char-rnn", "torch-rnn"]
)


def lengths(count, **settings):
    return Split.of(DataConfig(**settings)).lengths(count)


def prepared(text, document_end=None):
    """A prepared corpus of a marked text, in memory."""
    alphabet = Alphabet.from_counts(np.bincount(code_points(text)), "characters", document_end)
    return SimpleNamespace(alphabet=alphabet, ids=alphabet.table[code_points(text)], folder=None)


def parts(corpus, seed=1, val_corpus=None, **settings):
    return split_corpus(corpus, DataConfig(**settings), seed, val_corpus)


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        # nanoGPT prints 1,003,854 and 111,540 for it; torch-rnn takes int(0.1 * n) twice and trains on the rest.
        ("nanogpt", (1_003_854, 111_540, 0)),
        ("torch-rnn", (892_316, 111_539, 111_539)),
        ("char-rnn", (1_059_624, 55_770, 0)),
        ("90/10", (1_003_854, 111_540, 0)),
        ("0.9/0.1", (1_003_854, 111_540, 0)),
        ("80/10/10", (892_315, 111_539, 111_540)),
        ("9/0/1", (1_003_854, 0, 111_540)),
    ],
)
def test_tiny_shakespeare_is_divided_as_the_field_divides_it(split, expected):
    assert lengths(1_115_394, split=split) == expected


@pytest.mark.parametrize("name", ["enwik8", "text8"])
def test_a_hundred_million_are_ninety_five_and_five(name):
    assert lengths(100_000_000, split=name) == (90_000_000, 5_000_000, 5_000_000)
    with pytest.raises(CorpusError, match=r"a corpus of 100,000,000 symbols.* has 99,621,832"):
        lengths(99_621_832, split=name)


@given(st.integers(0, 10**9))
def test_conventions_agree_with_the_arithmetic_of_their_authors(count):
    assert lengths(count, split="nanogpt")[0] == int(count * 0.9)
    assert lengths(count, split="torch-rnn")[1:] == (int(0.1 * count), int(0.1 * count))


@pytest.mark.parametrize(
    ("characters", "fraction", "length"),
    [(100, 0.07, 93), (10, 0.9, 1), (10, 0.3, 7), (10, 0.0, 10), (1, 0.1, 0), (3, 1e-05, 2), (0, 0.5, 0)],
)
def test_the_length_is_exact_where_binary_fractions_are_not(characters, fraction, length):
    assert lengths(characters, val_fraction=fraction) == (length, characters - length, 0)


@given(st.integers(0, 10**9), st.integers(0, 999))
def test_the_validation_part_is_the_fraction_rounded_up(characters, thousandths):
    _, held_out, _ = lengths(characters, val_fraction=thousandths / 1000)
    assert held_out == ceil(Fraction(thousandths, 1000) * characters)


@given(text=st.text("abc\n", min_size=1), split=SPLITS)
def test_the_parts_of_a_text_are_the_text_in_order(text, split):
    assert "".join(part.text for part in parts(prepared(text), split=split)) == text


STORIES = st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=30)


@given(stories=STORIES, split=SPLITS, seed=st.integers(0, 2**63 - 1))
def test_every_document_is_whole_in_one_part(stories, split, seed):
    corpus = prepared(END + "".join(story + END for story in stories), "\n")
    divided = parts(corpus, seed, split=split)
    assert sorted(chain(*(part.text.splitlines() for part in divided))) == sorted(stories)
    counts = [len(part.text.splitlines()) for part in divided]
    assert tuple(counts) == lengths(len(stories), split=split)
    for part in divided:
        assert not len(part) or part.ids[0] == part.ids[-1] == corpus.alphabet.end
        assert part.target_bytes == len(part.text)


def test_documents_are_shuffled_by_the_seed_before_they_are_divided():
    corpus = prepared(END + "".join(f"{number:02}{END}" for number in range(60)), "\n")
    trained = [parts(corpus, seed, split="50/50")[0].text for seed in (1, 1, 2)]
    assert trained[0] == trained[1] != trained[2]
    assert any(int(line) >= 30 for line in trained[0].split())


def test_a_validation_file_leaves_the_whole_corpus_to_train_on():
    other = prepared("xyz")
    train, validation, test = parts(prepared("abcdefghij"), val_corpus=other, val_file="v.txt")
    assert (train.text, validation.text, len(test)) == ("abcdefghij", "xyz", 0)
    assert validation.alphabet is other.alphabet


@pytest.mark.parametrize(
    "split", ["90", "90/", "0/100", "1/2/3/4", "a/b", "90/-10", "90:10", "Nanogpt", "1e3/1", "././."]
)
def test_what_is_no_split_says_what_one_is(split):
    with pytest.raises(UsageError, match=rf"--split is .*90/10 or 80/10/10, or one of {', '.join(CONVENTIONS)}"):
        lengths(10, split=split)


@pytest.mark.parametrize(("split", "total"), [("80/30", "110"), ("80/10/10.5", "100.5")])
def test_shares_of_more_than_all_are_a_slip(split, total):
    with pytest.raises(UsageError, match=rf"--split {split} adds up to {total}, more than 100: give shares"):
        lengths(10, split=split)


@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        ({"val_fraction": 0.1, "split": "90/10"}, "--val-fraction and --split"),
        ({"val_fraction": 0.0, "val_file": "v"}, "--val-fraction and --val-file"),
        ({"val_fraction": 0.1, "test_file": "t"}, "--val-fraction and --test-file"),
        ({"split": "90/10", "val_file": "v"}, "--split and --val-file"),
        ({"split": "80/10/10", "test_file": "t"}, "--split 80/10/10 has a test split, and so does --test-file"),
        ({"split": ""}, "--split is empty"),
    ],
)
def test_what_is_held_out_is_said_once(settings, flags):
    with pytest.raises(UsageError, match=flags):
        lengths(100, **settings)


def test_a_test_file_goes_with_a_split_that_has_no_test_part():
    assert lengths(100, split="90/10", test_file="t") == lengths(100, test_file="t") == (90, 10, 0)
