"""The computed permutation: one-to-one, the same for the same draw, without favourites, and small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.data.permutation import Permutation


def permutation(count, seed=0):
    return Permutation(count, np.random.default_rng(seed))


@given(count=st.integers(1, 3000), seed=st.integers(0, 2**32))
def test_every_number_is_reached_once(count, seed):
    assert np.sort(permutation(count, seed)(np.arange(count))).tolist() == list(range(count))


@given(count=st.integers(1, 2**62), seed=st.integers(0, 2**32), data=st.data())
def test_a_number_goes_to_the_same_place_alone_and_among_others(count, seed, data):
    numbers = np.array(data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=20)))
    places = permutation(count, seed)(numbers)
    assert ((places >= 0) & (places < count)).all()
    assert len(set(places.tolist())) == len(set(numbers.tolist()))
    alone = [int(permutation(count, seed)(numbers[k : k + 1])[0]) for k in range(len(numbers))]
    assert places.tolist() == alone


@pytest.mark.parametrize("count", [3, 5, 16, 17])
def test_every_place_is_as_likely_for_every_number(count):
    draws = np.array([permutation(count, seed)(np.arange(count)) for seed in range(3000)])
    seen = np.array([np.bincount(draws[:, number], minlength=count) for number in range(count)])
    shares = seen * count / 3000  # 1 but for chance, whose standard deviation is 0.08 at the most
    assert shares.min() > 0.65 and shares.max() < 1.4


def test_neighbours_part_and_no_drift_is_left():
    places = permutation(100_000, seed=4)(np.arange(100_000))
    assert abs(np.corrcoef(places[:-1], places[1:])[0, 1]) < 0.02
    assert abs(np.corrcoef(places, np.arange(100_000))[0, 1]) < 0.02


@pytest.mark.parametrize("count", [0, -1, 2**62 + 1])
def test_no_numbers_and_too_many_are_refused(count):
    with pytest.raises(ValueError, match="no permutation"):
        permutation(count)
