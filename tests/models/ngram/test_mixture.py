"""The mixture's weights: the best there are for the text that they are fitted to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.models.ngram.mixture import PRIOR, TENTHS, NgramMixture, buckets, fit_weights, mix_log_probs

LOSSES = st.lists(st.tuples(st.floats(0.01, 20), st.floats(0.01, 20)), min_size=1, max_size=60)


def penalized(weights, network_N, ngram_N, overall):
    """The log-likelihood of one bucket's weight, with the prior."""
    weights = np.clip(weights, 1e-12, 1 - 1e-12)
    prior = PRIOR * (overall * np.log(weights) + (1 - overall) * np.log1p(-weights))
    return mix_log_probs(np.full(len(network_N), weights), -network_N, -ngram_N).sum() + prior


@given(st.integers(0, 1000), st.floats(0.2, 3), st.floats(0.2, 3))
def test_no_other_weight_has_a_higher_likelihood(seed, network, ngram):
    rng = np.random.default_rng(seed)
    network_N, ngram_N = rng.exponential(network, 400), rng.exponential(ngram, 400)
    buckets_N = rng.integers(0, 2, 400) * 57
    weights = fit_weights(network_N, ngram_N, buckets_N).reshape(-1)
    overall = weights[3]  # of a bucket without a character
    grid = np.linspace(0.001, 0.999, 999)
    for bucket in (0, 57):
        own = buckets_N == bucket
        best = max(penalized(each, network_N[own], ngram_N[own], overall) for each in grid)
        assert penalized(weights[bucket], network_N[own], ngram_N[own], overall) > best - 0.01


def test_an_empty_bucket_has_the_weight_that_is_best_for_all():
    network_N, ngram_N = np.array([1.0, 3.0, 1.0, 2.0] * 50), np.array([2.0, 1.0, 1.5, 2.5] * 50)
    weights = fit_weights(network_N, ngram_N, np.zeros(200, np.int64))
    grid = np.linspace(0.001, 0.999, 999)[:, None]
    best = grid[mix_log_probs(grid, -network_N, -ngram_N).sum(axis=1).argmax(), 0]
    np.testing.assert_allclose(weights, best, atol=0.002)


@given(LOSSES)
def test_a_model_that_is_always_better_gets_all_the_weight(losses):
    better, worse = np.sort(np.array(losses), axis=1).T
    where = np.zeros(len(losses), np.int64)
    assert fit_weights(better, worse + 1, where)[0, 0] > 0.9 > 0.1 > fit_weights(worse + 1, better, where)[0, 0]


def test_losses_beyond_all_measure_give_weights():
    weights = fit_weights(np.array([1e5, 0.0]), np.array([0.0, 1e5]), np.array([0, 1]))
    assert weights.shape == (TENTHS, TENTHS) and ((weights >= 0) & (weights <= 1)).all()


def test_buckets_are_tenths_of_the_highest_entropy():
    even, sure = np.full((1, 8), np.log(1 / 8)), np.log([[1 - 7e-9, *[1e-9] * 7]])
    half = np.log([[*[1 / 3 - 1e-12] * 3, *[6e-13] * 5]])  # ln 3 of ln 8: 0.53
    assert buckets(even, sure).tolist() == [90] and buckets(sure, even).tolist() == [9]
    assert buckets(half, half).tolist() == [55]
    mixture = NgramMixture(None, np.arange(100).reshape(10, 10) / 100)
    assert mixture.weights_of(buckets(half, even)).tolist() == [0.59]


def test_what_is_no_number_has_a_bucket():
    assert buckets(np.full((1, 4), np.nan), np.log(np.full((1, 4), 0.25))).tolist() == [9]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_of_one_and_zero_change_no_bit(dtype):
    rng = np.random.default_rng(1)
    network, ngram = (np.log(rng.dirichlet(np.full(9, 0.1), 20)).astype(dtype) for _ in range(2))
    np.testing.assert_array_equal(mix_log_probs(np.array([1.0]), network, ngram).astype(dtype), network)
    np.testing.assert_array_equal(mix_log_probs(np.array([0.0]), network, ngram).astype(dtype), ngram)
