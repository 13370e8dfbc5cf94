"""Modified Kneser-Ney: closed forms and discounts."""

import math

import numpy as np
import pytest

from charlm.models.ngram.kneser_ney import FALLBACK, KneserNey, discounts
from tests.bench.kenlm_reference import charlm_nats

# What lmplz of KenLM 0.3.0 gives for the documents below, by the most characters of context (kenlm_reference.py).
KENLM_NATS = {1: 1.33127162, 2: 0.86753433, 3: 0.88167007, 4: 0.90170081}


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


def documents(count):
    """Documents of a Markov source of order 2."""
    rng = np.random.default_rng(1)
    rows = rng.dirichlet(np.full(5, 0.3), (5, 5))
    found = []
    while len(found) < count:
        one, two, text = 4, 4, ""
        while len(text) <= 30:
            code = int(rng.choice(5, p=rows[one, two]))
            if code < 4:
                text += "abcd"[code]
                one, two = two, code
            elif text:
                break
        found.append(text)
    return found


@pytest.mark.parametrize("order", KENLM_NATS)
def test_has_the_loss_of_kenlm(order):
    texts = documents(900)
    assert charlm_nats(texts[:800], texts[800:], order) == pytest.approx(KENLM_NATS[order], abs=2e-8)
