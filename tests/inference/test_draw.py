"""The draw: the exact inverse of the distribution function, its frequencies, and what it must never give."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charlm.inference.filters import probabilities, sample_ids

ALMOST_ONE = np.nextafter(1.0, 0.0)
WEIGHTS = st.lists(st.just(0) | st.integers(0, 50), min_size=1, max_size=12).filter(any)


def logits_of(weights):
    with np.errstate(divide="ignore"):
        return np.log(np.array([weights], float))


def exact(weights, uniform):
    """The first symbol whose distribution function exceeds the number, in exact arithmetic."""
    total, uniform = Fraction(0), Fraction(uniform) * sum(weights)
    for symbol, weight in enumerate(weights):
        total += weight
        if total > uniform:
            return symbol
    raise AssertionError("the number is below 1")


@given(WEIGHTS, st.integers(0, 2**30))
def test_inverts_the_distribution_function(weights, place):
    # Half a step off every multiple of 1/sum, where rounding alone would decide.
    steps = sum(weights)
    uniform = (place % steps + 0.5) / steps
    assert sample_ids(logits_of(weights), np.array([uniform])).tolist() == [exact(weights, uniform)]


@given(WEIGHTS)
@example([0, 0, 3, 0, 1, 0])
def test_what_has_no_probability_is_never_drawn(weights):
    possible = np.flatnonzero(weights)
    assert sample_ids(logits_of(weights), np.array([0.0])).tolist() == [possible[0]]
    assert sample_ids(logits_of(weights), np.array([ALMOST_ONE])).tolist() == [possible[-1]]
    edges = np.cumsum(weights)[:-1] / sum(weights)
    uniforms = np.array([u for edge in edges for u in (edge, np.nextafter(edge, 0)) if 0 <= u < 1])
    drawn = sample_ids(np.repeat(logits_of(weights), len(uniforms), axis=0), uniforms)
    assert set(drawn.tolist()) <= set(possible.tolist())


@given(st.integers(0, 10_000))
def test_just_below_one_is_a_symbol_whatever_the_rounding(seed):
    logits = np.random.default_rng(seed).standard_normal((50, 97)).astype(np.float32)
    logits[:, -1] = -np.inf
    drawn = sample_ids(logits, np.full(50, ALMOST_ONE))
    assert drawn.max() <= 95


def test_frequencies_are_the_probabilities():
    logits = np.array([[0.3, -np.inf, 1.7, -0.4, 2.0, -2.5]])
    count = 40_000
    drawn = sample_ids(np.repeat(logits, count, axis=0), np.random.default_rng(5).random(count))
    expected = count * probabilities(logits)[0]
    seen = np.bincount(drawn, minlength=6)
    assert seen[1] == 0
    kept = expected > 0
    statistic = float(((seen - expected)[kept] ** 2 / expected[kept]).sum())
    assert statistic < 18.47  # 99.9% of a chi-square with 4 degrees of freedom


def test_every_row_has_its_own_distribution_and_number():
    logits = np.array([[0.0, -np.inf], [-np.inf, 0.0], [0.0, 0.0], [0.0, 0.0]])
    assert sample_ids(logits, np.array([0.9, 0.1, 0.4, 0.6])).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_are_a_float64_softmax_of_any_size_of_logit(dtype):
    p = probabilities(np.array([[1e4, 1e4, -1e4], [-1e4, -np.inf, -1e4]], dtype))
    assert p.dtype == np.float64
    assert p.tolist() == [[0.5, 0.5, 0], [0.5, 0, 0.5]]
