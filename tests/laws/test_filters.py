"""Laws of every sampling filter."""

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charlm.inference.filters import FILTERS, probabilities, sample_ids

SEEDS = st.integers(0, 2**32)
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 9))
LOUDNESS = st.sampled_from([1e-3, 1.0, 30.0, 1e4])


def setting_of(name):
    """A filter's one setting: its field."""
    (field,) = dataclasses.fields(FILTERS[name])
    return field


def values_of(name):
    """Values that the setting may have, its bounds among them."""
    field = setting_of(name)
    limits = field.metadata["limits"]
    high = 10 if limits.high is None else limits.high
    low = limits.low if limits.low is not None else limits.above
    if int in FILTERS[name].accepted_types(field.name):
        return st.integers(int(low), int(high))
    return st.floats(low, high, exclude_min=limits.low is None)


def make(name, value):
    return FILTERS[name](**{setting_of(name).name: value})


def random_logits(shape, loudness, seed):
    return loudness * np.random.default_rng(seed).standard_normal(shape)


@given(data=st.data(), shape=SHAPES, loudness=LOUDNESS, seed=SEEDS)
def test_something_is_always_left_to_draw(filter_name, data, shape, loudness, seed):
    logits_BV = random_logits(shape, loudness, seed)
    likeliest_B = logits_BV.argmax(axis=1)
    make(filter_name, data.draw(values_of(filter_name))).apply(logits_BV)
    p_BV = probabilities(logits_BV)
    np.testing.assert_allclose(p_BV.sum(axis=1), 1)
    rows = np.arange(len(p_BV))
    assert (p_BV[rows, likeliest_B] == p_BV.max(axis=1)).all()
    drawn_B = sample_ids(logits_BV, np.full(len(p_BV), 0.999999))
    assert (p_BV[rows, drawn_B] > 0).all()


@given(data=st.data(), shape=SHAPES, loudness=LOUDNESS, seed=SEEDS)
def test_the_order_of_the_likely_is_kept(filter_name, data, shape, loudness, seed):
    logits_BV = random_logits(shape, loudness, seed)
    before_BV = logits_BV.copy()
    make(filter_name, data.draw(values_of(filter_name))).apply(logits_BV)
    for before_V, after_V in zip(before_BV, logits_BV, strict=True):
        left_V = np.isfinite(after_V)
        order = np.argsort(before_V[left_V], kind="stable")
        assert (np.diff(after_V[left_V][order]) >= 0).all()
        assert before_V[left_V].min() >= before_V[~left_V].max(initial=-np.inf)


@given(data=st.data(), loudness=LOUDNESS, seed=SEEDS)
def test_rows_do_not_see_one_another(filter_name, data, loudness, seed):
    logits_BV = random_logits((3, 6), loudness, seed)
    one_at_a_time = [logits_BV[[row]] for row in range(3)]
    made = make(filter_name, data.draw(values_of(filter_name)))
    made.apply(logits_BV)
    for row, alone_1V in enumerate(one_at_a_time):
        made.apply(alone_1V)
        np.testing.assert_array_equal(logits_BV[[row]], alone_1V)


@given(shape=SHAPES, loudness=LOUDNESS, seed=SEEDS)
def test_left_at_its_default_a_filter_changes_no_probability(filter_name, shape, loudness, seed):
    logits_BV = random_logits(shape, loudness, seed)
    before_BV = probabilities(logits_BV)
    FILTERS[filter_name]().apply(logits_BV)
    np.testing.assert_allclose(probabilities(logits_BV), before_BV, rtol=1e-9)


@given(data=st.data(), seed=SEEDS)
def test_single_precision_works_in_place(filter_name, data, seed):
    logits_BV = random_logits((2, 7), 1.0, seed).astype(np.float32)
    assert make(filter_name, data.draw(values_of(filter_name))).apply(logits_BV) is None
    assert logits_BV.dtype == np.float32
    assert np.isfinite(logits_BV).any(axis=1).all()
