"""Modified Kneser-Ney against a slow one over dictionaries of strings, closed forms, and as a distribution."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.ngram.kneser_ney import FALLBACK, KneserNey, discounts

ALPHABET = "abcd"
TRAINING = st.one_of(st.text("abc", min_size=1, max_size=80), st.text(ALPHABET, min_size=1, max_size=80))
TEXTS = st.text(ALPHABET, min_size=1, max_size=30)
ORDERS = st.integers(0, 4)


def encoded(text):
    return np.array([ALPHABET.index(character) for character in text], np.uint8)


def fast(training, text, order):
    codes = encoded(text)
    return KneserNey(encoded(training), len(ALPHABET), order).costs(codes[:-1], codes[1:])


class Slow:
    """The formulas as they are written."""

    def __init__(self, training, order):
        self.order = order
        self.tables, self.discounts = [], []
        for length in range(order + 1):
            grams = [training[i : i + length + 1] for i in range(len(training) - length)]
            if length == order:
                counts = Counter(grams)
            else:
                places = range(1, len(training) - length)
                before = defaultdict(set)
                for i in places:
                    before[training[i : i + length + 1]].add(training[i - 1])
                counts = Counter({gram: len(characters) for gram, characters in before.items()})
            self.tables.append(counts)
            self.discounts.append(self.estimate(Counter(counts.values())))

    @staticmethod
    def estimate(n):
        if n[1] and n[2] and n[3]:
            y = n[1] / (n[1] + 2 * n[2])
            d = (1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3])
            if all(discount > 0 for discount in d):
                return d
        return FALLBACK

    def probability(self, character, context, order):
        shorter = self.probability(character, context[1:], order - 1) if order else 1 / len(ALPHABET)
        counts = {each: self.tables[order][context + each] for each in ALPHABET}
        total = sum(counts.values())
        if total == 0:
            return shorter
        taken = {each: self.discounts[order][min(n, 3) - 1] if n else 0 for each, n in counts.items()}
        return (counts[character] - taken[character] + sum(taken.values()) * shorter) / total

    def costs(self, text):
        found = []
        for i in range(1, len(text)):
            length = min(self.order, i)
            context = text[i - length : i]
            found.append(-math.log(self.probability(text[i], context, length)))
        return found


@given(TRAINING, TEXTS, ORDERS)
def test_is_the_slow_one(training, text, order):
    np.testing.assert_allclose(fast(training, text, order), Slow(training, order).costs(text), rtol=1e-10)


def test_is_the_slow_one_on_a_long_text_where_discounts_are_estimated():
    rng = np.random.default_rng(5)
    rows = rng.dirichlet(np.full(4, 0.3), 4**3)
    codes = [0, 0, 0]
    for _ in range(3000):
        codes.append(int(rng.choice(4, p=rows[codes[-3] * 16 + codes[-2] * 4 + codes[-1]])))
    text = "".join(ALPHABET[code] for code in codes)
    slow = Slow(text[:2500], 5)
    assert slow.discounts[5] != FALLBACK
    np.testing.assert_allclose(fast(text[:2500], text[2500:], 5), slow.costs(text[2500:]), rtol=1e-10)


@given(TRAINING, TEXTS, ORDERS)
def test_the_symbols_after_a_context_share_all_probability(training, context, order):
    total = sum(math.exp(-fast(training, context + character, order)[-1]) for character in ALPHABET)
    assert total == pytest.approx(1, rel=1e-12)


def test_a_character_that_stands_in_one_place_only_is_expected_in_few():
    # b is the most frequent, and comes after nothing but a: where no context helps, it is the least expected.
    # Places: ab (1 for b); ca, da, ba (3 for a); ac (1 for c); ad (1 for d), and the whole order 0 has 6.
    training = "ab" * 9 + "acad" * 2 + "a"
    after_unseen = {each: math.exp(-fast(training, "bb" + each, 2)[-1]) for each in "abcd"}
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


def test_every_order_is_the_model_of_that_order():
    training, text = "abcabdabcacbbda" * 3, encoded("abdcabca")
    by_order = KneserNey(encoded(training), 4, 4).costs_by_order(text[:-1], text[1:])
    for order, costs in enumerate(by_order):
        np.testing.assert_allclose(costs, fast(training, "abdcabca", order), rtol=1e-12)
