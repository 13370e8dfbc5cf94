"""The alphabet: what stands in a corpus, and how often."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charlm.data import alphabet as alphabet_module
from charlm.data.alphabet import END, Alphabet, code_points, decode_points

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def alphabet_of(text, units="characters", document_end=None):
    return Alphabet.from_counts(np.bincount(code_points(text), minlength=256), units, document_end)


@given(TEXTS)
def test_a_text_is_its_codes(text):
    alphabet = alphabet_of(text)
    ids = alphabet.table[code_points(text)]
    assert ids.dtype == alphabet.dtype
    assert alphabet.decode(ids) == text
    assert decode_points(code_points(text)) == text
    assert sum(alphabet.byte_lengths_A[ids]) == len(text.encode())


@given(st.binary())
def test_bytes_are_their_own_codes_whatever_they_are(raw):
    alphabet = alphabet_of(raw.decode("latin-1"), "bytes")
    ids = np.frombuffer(raw, np.uint8)
    assert len(alphabet) == 256 and alphabet.dtype == np.uint8
    assert alphabet.decode(ids).encode("utf-8", "surrogateescape") == raw
    assert set(alphabet.byte_lengths_A) == {1}


def test_the_end_of_a_document_comes_last_and_stands_for_what_ended_it():
    alphabet = alphabet_of(f"{END}a\ue000{END}", document_end="ß\n\n")
    assert alphabet.symbols == ("a", "\ue000", END) and alphabet.end == 2
    assert alphabet.counts_A.tolist() == [1, 1, 2]
    assert alphabet.byte_lengths_A.tolist() == [1, 3, 4]
    assert alphabet.decode(alphabet.table[code_points(f"a{END}")]) == "aß\n\n"


def test_bytes_have_an_end_beside_the_256():
    alphabet = alphabet_of(f"\xff{END}", "bytes", "\n")
    assert (len(alphabet), alphabet.end, alphabet.dtype) == (257, 256, np.uint16)
    assert alphabet.decode(np.array([0xC3, 0xA9, 256, 0xFF], np.uint16)) == "é\n\udcff"


def test_counting_in_blocks_is_counting(monkeypatch):
    monkeypatch.setattr(alphabet_module, "_BLOCK", 3)
    alphabet = alphabet_of("abracadabra")
    assert alphabet.count(alphabet.table[code_points("abracadabra")]).tolist() == [5, 2, 1, 1, 2]
    assert alphabet.count(alphabet.table[code_points("")]).tolist() == [0] * 5
