"""Witten-Bell: closed forms."""

import math

import numpy as np
import pytest

from charlm.models.ngram.witten_bell import WittenBell


@pytest.fixture
def nll(nll_of):
    """A function that gives what a text nll the model of an order."""
    return lambda *given: nll_of(WittenBell, *given)


def test_order_0_is_counts_and_an_even_share_for_the_rest(nll):
    # 3 a and 1 b, of two kinds: (3 + 2/4) / 6, (1 + 2/4) / 6, (2/4) / 6.
    shares = np.exp(-nll("aaba", "cabc", 0))
    np.testing.assert_allclose(shares, [3.5 / 6, 1.5 / 6, 0.5 / 6], rtol=1e-12)


def test_order_1_falls_back_on_order_0(nll):
    # After a: b twice, a once. Two kinds in four, whose order 0 gives b (2 + 2/4) / (5 + 2).
    b = (2 + 2 / 4) / 7
    assert math.exp(-nll("abaab", "ab", 1)[0]) == pytest.approx((2 + 2 * b) / (3 + 2), rel=1e-12)
    # c was never seen, so its successor is order 0's alone.
    assert math.exp(-nll("abaab", "cb", 1)[0]) == pytest.approx(b, rel=1e-12)


def test_a_context_at_the_very_end_of_what_was_counted_has_no_followers(nll):
    np.testing.assert_allclose(nll("aab", "ba", 1), nll("aab", "ba", 0), rtol=1e-12)


def test_an_order_that_is_longer_than_the_text_adds_nothing(nll):
    np.testing.assert_allclose(nll("ab", "ab", 5), nll("ab", "ab", 1), rtol=1e-12)
    np.testing.assert_allclose(nll("a", "aa", 3), nll("a", "aa", 0), rtol=1e-12)
