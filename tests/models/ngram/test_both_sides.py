"""The n-gram model of both sides: its distributions against a direct count, and what documents hide."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from charlm.models.ngram.both_sides import BothSides

SIZES = [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2)]


def context(text, place, size, end):
    """The characters around a place; None beyond the text, the end beyond an end."""
    found = []
    for step, count in ((-1, size[0]), (1, size[1])):
        side = []
        for distance in range(1, count + 1):
            where = place + step * distance
            hidden = end is not None and end in side
            side.append(end if hidden else text[where] if 0 <= where < len(text) else None)
        found.append(tuple(side))
    return tuple(found)


def slow(training, text, place, vocab_size, end):
    p = np.full(vocab_size, 1 / vocab_size)
    for size in SIZES:
        counts = defaultdict(Counter)
        for number, symbol in enumerate(training):
            counts[context(training, number, size, end)][symbol] += 1
        own = counts.get(context(text, place, size, end))
        if own is None:
            break
        total, types = own.total(), len(own)
        p = np.array([(own[symbol] + types * p[symbol]) / (total + types) for symbol in range(vocab_size)])
    return p


@pytest.mark.parametrize("end", [None, 3])
def test_distributions_are_those_of_a_direct_count(end):
    rng = np.random.default_rng(0)
    training, text = rng.choice(4, 200, p=[0.4, 0.3, 0.1, 0.2]), rng.integers(4, size=30)
    found = BothSides(training.astype(np.uint8), 4, order=4, end=end).predict(
        text.astype(np.uint8), np.arange(30)
    )
    expected = [slow(training.tolist(), text.tolist(), place, 4, end) for place in range(30)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=1e-12)


def test_its_own_character_does_not_change_a_prediction():
    rng = np.random.default_rng(1)
    model = BothSides(rng.integers(3, size=100).astype(np.uint8), 3)
    text = rng.integers(3, size=20).astype(np.uint8)
    changed = text.copy()
    changed[7] = (changed[7] + 1) % 3
    np.testing.assert_array_equal(model.predict(text, np.array([7])), model.predict(changed, np.array([7])))
