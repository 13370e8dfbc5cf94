"""Witten-Bell against a slow recursive one over strings, against closed forms, and as a distribution."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.ngram.witten_bell import WittenBell

ALPHABET = "abcd"
# The last symbol is often missing from what is counted, so that it is unseen in every context.
TRAINING = st.one_of(st.text("abc", min_size=1, max_size=60), st.text(ALPHABET, min_size=1, max_size=60))
TEXTS = st.text(ALPHABET, min_size=1, max_size=30)
ORDERS = st.integers(0, 5)


def encoded(text):
    return np.array([ALPHABET.index(character) for character in text], np.uint8)


def fast(training, text, order):
    codes = encoded(text)
    return WittenBell(encoded(training), len(ALPHABET), order).costs(codes[:-1], codes[1:])


class Slow:
    """The recursion as it is written, over a dictionary of strings."""

    def __init__(self, training, order):
        self.order = order
        self.followers = defaultdict(Counter)
        for end, character in enumerate(training):
            for length in range(min(order, end) + 1):
                self.followers[training[end - length : end]][character] += 1

    def probability(self, character, context):
        shorter = self.probability(character, context[1:]) if context else 1 / len(ALPHABET)
        followers = self.followers.get(context)
        if followers is None:
            return shorter
        n, t = sum(followers.values()), len(followers)
        return (followers[character] + t * shorter) / (n + t)

    def costs(self, text):
        places = range(1, len(text))
        return [-math.log(self.probability(text[i], text[max(0, i - self.order) : i])) for i in places]


@given(TRAINING, TEXTS, ORDERS)
def test_is_the_recursion(training, text, order):
    np.testing.assert_allclose(fast(training, text, order), Slow(training, order).costs(text), rtol=1e-12)


@given(TRAINING, ORDERS)
def test_is_the_recursion_on_its_own_text(training, order):
    np.testing.assert_allclose(fast(training, training, order), Slow(training, order).costs(training), rtol=1e-12)


@given(TRAINING, TEXTS, ORDERS)
def test_the_symbols_after_a_context_share_all_probability(training, context, order):
    total = sum(math.exp(-fast(training, context + character, order)[-1]) for character in ALPHABET)
    assert total == pytest.approx(1, rel=1e-12)


def test_order_0_is_counts_and_an_even_share_for_the_rest():
    # 3 a and 1 b, of two kinds: (3 + 2/4) / 6, (1 + 2/4) / 6, (2/4) / 6.
    shares = np.exp(-fast("aaba", "cabc", 0))
    np.testing.assert_allclose(shares, [3.5 / 6, 1.5 / 6, 0.5 / 6], rtol=1e-12)


def test_order_1_falls_back_on_order_0():
    # After a: b twice, a once. Two kinds in four, whose order 0 gives b (2 + 2/4) / (5 + 2).
    b = (2 + 2 / 4) / 7
    assert math.exp(-fast("abaab", "ab", 1)[0]) == pytest.approx((2 + 2 * b) / (3 + 2), rel=1e-12)
    # c was never seen, so its successor is order 0's alone;.
    assert math.exp(-fast("abaab", "cb", 1)[0]) == pytest.approx(b, rel=1e-12)


def test_a_context_at_the_very_end_of_what_was_counted_has_no_followers():
    np.testing.assert_allclose(fast("aab", "ba", 1), fast("aab", "ba", 0), rtol=1e-12)


def test_a_text_shorter_than_the_order_counts_what_there_is():
    np.testing.assert_allclose(fast("ab", "ab", 5), fast("ab", "ab", 1), rtol=1e-12)
    np.testing.assert_allclose(fast("a", "aa", 3), fast("a", "aa", 0), rtol=1e-12)


def test_nothing_to_predict_costs_nothing():
    assert fast("abab", "", 2).tolist() == []
    assert fast("abab", "a", 2).tolist() == []


@given(st.text(ALPHABET, min_size=4, max_size=40))
def test_codes_of_any_width_count_alike(training):
    codes = encoded(training)
    costs = WittenBell(codes, 300, 3).costs(codes[:-1], codes[1:])
    wide = codes.astype(np.uint32)
    assert np.array_equal(WittenBell(wide, 300, 3).costs(wide[:-1], wide[1:]), costs)
