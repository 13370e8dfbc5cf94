"""Documents: marked alike however the text is cut, none empty, shuffled whole, in memory and on disk alike."""

import errno
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import CorpusError
from charlm.data.alphabet import END, Alphabet, code_points
from charlm.data.permutation import Permutation
from charlm.data.reading import documents
from charlm.data.reading.documents import mark_documents, shuffled

TEXTS = st.text("ab\r\n|", max_size=30)


def marked(*pieces, delimiter="\n", lines=False):
    return "".join(mark_documents(pieces, delimiter, lines)).replace(END, "^")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("emma\nava\n", "^emma^ava^"),
        ("emma\nava", "^emma^ava^"),
        ("emma\r\nava\r\n", "^emma^ava^"),
        ("\n\nemma\n\n\r\n\nava\n\n", "^emma^ava^"),
        (" \nemma\n", "^ ^emma^"),
        ("a\rb\r\r\nc\r", "^a\rb\r^c\r^"),
        ("\n\r\n", ""),
        ("", ""),
    ],
)
def test_a_line_is_a_document(text, expected):
    assert marked(text, lines=True) == expected


@pytest.mark.parametrize(
    ("text", "delimiter", "expected"),
    [
        ("one||two", "||", "^one^two^"),
        ("||one||||two||", "||", "^one^two^"),
        ("one||\ntwo||\n", "||", "^one^\ntwo^"),
        ("one\ntwo\r\n", "||", "^one\ntwo^"),
        ("a\n\nb\n\n\nc\n", "\n\n", "^a^b^\nc^"),
        ("aaa", "aa", "^a^"),
        ("\n", "|", ""),
        ("||", "||", ""),
        ("é\U0001d11e¶ü", "¶", "^é\U0001d11e^ü^"),
    ],
)
def test_a_delimiter_ends_a_document(text, delimiter, expected):
    assert marked(text, delimiter=delimiter) == expected


@given(bits=st.lists(st.sampled_from(["a", "|=|=", "|", "=", "\r", "\n", "\r\n"])), lines=st.booleans())
def test_where_the_pieces_are_cut_makes_no_difference(bits, lines):
    text = "".join(bits)
    whole = marked(text, delimiter="|=|=", lines=lines)
    assert marked(*bits, delimiter="|=|=", lines=lines) == whole
    assert marked(*text, delimiter="|=|=", lines=lines) == whole


@given(text=TEXTS, delimiter=st.text("ab|\r", min_size=1, max_size=4))
def test_the_documents_are_what_splitting_the_text_gives(text, delimiter):
    documents = re.sub(r"\r?\n\Z", "", text).split(delimiter)
    kept = [document for document in documents if document]
    assert marked(text, delimiter=delimiter) == ("^" + "^".join(kept) + "^" if kept else "")


STORIES = st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=40)


def corpus(stories):
    text = END + "".join(story + END for story in stories)
    alphabet = Alphabet.from_counts(np.bincount(code_points(text)), "characters", "\n")
    return alphabet.table[code_points(text)], alphabet


@given(stories=STORIES, seed=st.integers(0, 2**63 - 1), block=st.integers(1, 30), at_once=st.integers(1, 50))
def test_shuffled_documents_are_the_same_documents(stories, seed, block, at_once):
    ids, alphabet = corpus(stories)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "BLOCK", block)
        patch.setattr(documents, "DOCUMENTS_AT_ONCE", at_once)
        laid, offsets = shuffled(ids, alphabet, seed, None)
    assert sorted(alphabet.decode(laid).split("\n")) == sorted(["", *stories, ""])
    assert laid.dtype == ids.dtype and laid[0] == laid[-1] == alphabet.end
    assert offsets.tolist() == np.flatnonzero(laid == alphabet.end).tolist()


def test_long_documents_among_short_ones_are_laid_out_in_small_pieces(monkeypatch):
    ids, alphabet = corpus(["a", "b" * 500, "c", "a" * 30, "bb", "c" * 400, "a"])
    monkeypatch.setattr(documents, "BLOCK", 16)
    offsets = np.flatnonzero(ids == alphabet.end)
    for seed in range(20):
        order = Permutation(len(offsets) - 1, np.random.default_rng(seed))
        assert max(map(len, documents._lay_out(ids, offsets, order))) <= 2 * documents.BLOCK


def test_a_seed_is_an_order_and_others_are_others():
    ids, alphabet = corpus([chr(0x61 + k) for k in range(20)])
    orders = [alphabet.decode(shuffled(ids, alphabet, seed, None)[0]) for seed in (1, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert len({*orders, alphabet.decode(ids)}) == 4


def test_on_disk_it_is_what_it_is_in_memory_and_is_laid_out_once(tmp_path, monkeypatch):
    ids, alphabet = corpus(["ab", "c", "aab", "bb"])
    in_memory = shuffled(ids, alphabet, 5, None)
    on_disk = shuffled(ids, alphabet, 5, tmp_path)
    assert not any(array.flags.writeable or array.flags.owndata for array in on_disk)
    assert all(np.array_equal(*pair) for pair in zip(in_memory, on_disk, strict=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ends", "shuffled-5", "shuffled-5-ends"]
    monkeypatch.setattr(documents, "_write", None)
    assert np.array_equal(shuffled(ids, alphabet, 5, tmp_path)[0], in_memory[0])


@pytest.mark.parametrize("size", [1, 13])
def test_a_map_that_was_cut_or_written_to_is_laid_out_again(tmp_path, size):
    ids, alphabet = corpus(["ab", "c", "aab", "bb"])
    assert len(ids) == 13
    whole = shuffled(ids, alphabet, 5, tmp_path)[0].tolist()
    (tmp_path / "shuffled-5").write_bytes(b"\0" * size)
    assert shuffled(ids, alphabet, 5, tmp_path)[0].tolist() == whole


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CorpusError, match=r"cannot be shuffled into .* \(No space left on device\)"):
        shuffled(*corpus(["ab", "c"]), 5, tmp_path)
    assert not list(tmp_path.iterdir())
