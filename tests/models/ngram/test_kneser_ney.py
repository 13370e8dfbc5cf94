"""Modified Kneser-Ney: closed forms and discounts."""

import math

import numpy as np
import pytest

from charlm.models.ngram.kneser_ney import FALLBACK, KneserNey, discounts


def test_a_character_that_stands_in_one_place_only_is_expected_in_few(nll_of):
    # b is the most frequent, and comes after nothing but a: where no context helps, it is the least expected.
    # Places: ab (1 for b); ca, da, ba (3 for a); ac (1 for c); ad (1 for d), and the whole order 0 has 6.
    training = "ab" * 9 + "acad" * 2 + "a"
    after_unseen = {each: math.exp(-nll_of(KneserNey, training, "bb" + each, 2)[-1]) for each in "abcd"}
    assert after_unseen["b"] == pytest.approx(after_unseen["c"], rel=1e-12)
    assert after_unseen["a"] > 2 * after_unseen["b"]


def test_discounts_are_chen_and_goodman_s():
    # N_1..N_4 = 6, 3, 2, 1: Y = 6 / 12.
    counts = np.repeat([1, 2, 3, 4, 9], [6, 3, 2, 1, 5])
    np.testing.assert_allclose(
        discounts(counts), [0, 1 - 0.5, 2 - 3 * 0.5 * 2 / 3, 3 - 4 * 0.5 * 1 / 2], rtol=1e-12
    )


@pytest.mark.parametrize(
    "repeats", [[0, 5, 5, 5], [5, 0, 5, 5], [5, 5, 0, 5], [10, 1, 90, 1], [9, 9, 1, 90], [4, 1, 1, 0]]
)
def test_discounts_that_cannot_be_estimated_are_the_fallback(repeats):
    assert discounts(np.repeat([1, 2, 3, 4], repeats)).tolist() == [0, *FALLBACK]
