"""The split: the tail is held out, nothing is lost, and the count is exact."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.text.split import split_tail, training_length


def test_tiny_shakespeare_splits_as_nanogpt_splits_it():
    assert training_length(1_115_394, 0.1) == int(0.9 * 1_115_394) == 1_003_854


@pytest.mark.parametrize(
    ("characters", "fraction", "length"),
    [(100, 0.07, 93), (10, 0.9, 1), (10, 0.3, 7), (10, 0.0, 10), (1, 0.1, 0), (3, 1e-05, 2), (0, 0.5, 0)],
)
def test_the_length_is_exact_where_binary_fractions_are_not(characters, fraction, length):
    assert training_length(characters, fraction) == length


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 999))
def test_the_validation_part_is_the_fraction_rounded_up(characters, thousandths):
    held_out = characters - training_length(characters, thousandths / 1000)
    assert held_out == ceil(Fraction(thousandths, 1000) * characters)


@settings(deadline=None)
@given(st.text(), st.floats(0, 1, exclude_max=True))
def test_the_parts_are_the_text_in_order(text, fraction):
    train, validation = split_tail(text, fraction)
    assert train + validation == text
    assert len(train) == training_length(len(text), fraction)
