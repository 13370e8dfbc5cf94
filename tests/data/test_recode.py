"""What a model reads of a text, and is charged beside its predictions: a smaller vocabulary gets nothing free."""

import math
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.config import CorpusConfig
from charlm.data.encoded import EncodedText
from charlm.data.recode import Recoding
from charlm.data.vocabulary import UNICODE_CODE_POINTS, Vocabulary, unknown_nats
from charlm.inference.scoring import joined, score_stretches

TEXTS = st.text("abcdé𝄞\n", min_size=1, max_size=60)


def part_of(text, **settings):
    return EncodedText.of_text(text, CorpusConfig(**settings))


def test_rare_characters_cost_their_choice_and_unseen_ones_any_code_point_more():
    vocabulary = Vocabulary(("a", "b"), 0, rare=("x", "y", "z"))
    reading = Recoding.of(vocabulary, part_of("abyz!").alphabet, 1000)
    choice = math.log(4)  # of three rare ones and the case that it is none of them
    unseen = choice + math.log(UNICODE_CODE_POINTS - 5)
    assert reading.ids_A.tolist() == [2, 0, 1, 2, 2]
    assert reading.is_read_A.all()
    assert reading.is_known_A.tolist() == [False, True, True, False, False]
    assert reading.extra_nats_A.tolist() == pytest.approx([unseen, 0, 0, choice, choice])


def test_without_an_unknown_symbol_an_unseen_character_is_not_read():
    vocabulary = Vocabulary.of("ab")
    reading = Recoding.of(vocabulary, part_of("ab!").alphabet, 1000)
    ids, is_read = reading.read(np.array([0, 1, 2, 1], np.uint8))
    assert (ids.tolist(), is_read.tolist()) == ([0, 1, 0], [False, True, True, True])
    assert reading.extra_nats_A.tolist() == [unknown_nats(1000, 2), 0, 0]


def test_the_charges_leave_the_unknown_symbol_s_probability_to_be_shared_out_once():
    vocabulary = Vocabulary(("a",), 0, rare=tuple("bcdef"))
    reading = Recoding.of(vocabulary, part_of("abcdef!").alphabet, 10)
    shares = np.exp(-reading.extra_nats_A)
    unseen = UNICODE_CODE_POINTS - 6
    assert shares[2:].sum() + unseen * shares[0] == pytest.approx(1, rel=1e-9)


def fixed(costs_V, x_N, y_N):
    return costs_V[y_N]


@given(text=TEXTS)
def test_a_smaller_vocabulary_is_never_cheaper_on_the_text_that_it_was_made_from(text):
    # A model of fixed distribution: each symbol's share of the targets, the best that such a model can do.
    part = part_of(text[0] + text)
    counts_A = part.alphabet.count(part.ids[1:])
    totals = []
    for min_count in range(1, int(counts_A.max()) + 1):
        vocabulary = Vocabulary.from_counts(part.alphabet, counts_A, min_count)
        counts_V = np.bincount(vocabulary.encode_alphabet(part.alphabet), counts_A, len(vocabulary))
        costs_V = -np.log(counts_V / counts_V.sum())
        scores = joined(score_stretches(part, vocabulary, len(text), partial(fixed, costs_V)))
        totals.append(scores.costs_nats.sum())
        assert (~scores.known).sum() == counts_A[counts_A < min_count].sum()
    assert all(later >= sooner - 1e-9 for sooner, later in pairwise(totals))


@given(text=TEXTS, units=st.booleans())
def test_costs_a_byte_are_over_the_same_bytes_in_all_units(text, units):
    part = part_of(text, bytes=units)
    assert part.text == text and part.utf8 == text.encode()
    first = 1 if units else len(text[0].encode())
    assert part.target_bytes == len(text.encode()) - first


@pytest.mark.parametrize(
    ("settings", "text", "size"),
    [
        ({"lines": True}, "né\nab\n\nc", len("né\nab\nc\n".encode())),
        ({"delimiter": "||"}, "né||ab", len("né||ab||".encode())),
        ({"delimiter": "é", "bytes": True}, "néab", len("néabé".encode())),
        ({"lowercase": True}, "İİ", len("i̇i̇".encode()) - 1),
        ({"normalize": "nfkc"}, "ﬁﬁ", 3),
    ],
)
def test_the_bytes_are_those_of_the_text_as_it_was_read_with_its_documents_ends(settings, text, size):
    assert part_of(text, **settings).target_bytes == size


@given(TEXTS)
def test_words_are_what_lies_between_white_space(text):
    assert part_of(text).words == len(text.split())
    assert part_of(text.encode().decode("latin-1"), bytes=True).words >= 0


def test_words_are_counted_over_blocks_and_documents(monkeypatch):
    monkeypatch.setattr("charlm.data.alphabet._BLOCK", 3)
    assert part_of("one two\nthree  four five").words == 5
    assert part_of("one||two three||", delimiter="||").words == 3
    assert part_of("a\u0085b\u00a0c d", bytes=True).words == 2
