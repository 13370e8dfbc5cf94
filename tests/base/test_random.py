"""Generators are made from a seed, a purpose and counters, and from nothing else."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.random import make_generator

KEYS = st.tuples(st.integers(0, 2**63 - 1), st.sampled_from(["dropout", "sample", "weights"]))


def numbers(*key):
    return make_generator(*key).random(8).tolist()


@given(key=KEYS, counters=st.lists(st.integers(0, 2**40), max_size=3))
def test_the_same_key_gives_the_same_numbers(key, counters):
    assert numbers(*key, *counters) == numbers(*key, *counters)


def test_any_difference_in_the_key_gives_other_numbers():
    keys = [(1, "a", 0, 1), (2, "a", 0, 1), (1, "b", 0, 1), (1, "a", 1, 1), (1, "a", 0, 2), (1, "a", 1, 0)]
    drawn = [numbers(*key) for key in keys]
    assert all(one != other for one, other in combinations(drawn, 2))


def test_the_global_state_is_neither_read_nor_changed():
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()
    first = numbers(3, "weights")
    assert np.random.get_state()[1].tolist() == before
    np.random.seed(2)
    assert numbers(3, "weights") == first
