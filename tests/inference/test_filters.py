"""The laws of every filter, found through the registry, and each one against a few lines of plain Python."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from charlm.base.errors import UsageError
from charlm.config import flag
from charlm.inference.filters import FILTERS, probabilities

FILTER = pytest.mark.parametrize("name", FILTERS)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=7)
# Few values, so that ties abound; and values of any size.
LOGITS = hnp.arrays(np.float64, SHAPES, elements=st.one_of(st.sampled_from([-1.0, 0.0, 2.0]), st.floats(-90, 90)))


def made(name, value=None):
    """A filter by name with its one setting; left out, at its default."""
    kind = FILTERS[name]
    (field,) = dataclasses.fields(kind)
    return kind() if value is None else kind(**{field.name: value})


def filtered(name, logits, value=None):
    after = np.array(logits)
    made(name, value).apply(after)
    return after


def values(name):
    """Values inside a filter's limits, its ends included."""
    kind = FILTERS[name]
    (field,) = dataclasses.fields(kind)
    limits = field.metadata["limits"]
    if int in kind.accepted_types(field.name):
        return st.integers(limits.low, 9)
    low = limits.above if limits.low is None else limits.low
    high = 5 if limits.high is None else min(limits.high, 5)
    ordinary = st.floats(low, high, exclude_min=limits.above is not None).filter(lambda v: v == 0 or v > 1e-3)
    ends = [high] + [low] * (limits.low is not None)
    return st.one_of(ordinary, st.sampled_from(ends).map(float))


@FILTER
@given(data=st.data(), logits=LOGITS)
def test_keeps_the_likeliest_and_so_never_rules_out_every_symbol(name, data, logits):
    after = filtered(name, logits, data.draw(values(name)))
    assert not np.isnan(after).any()
    # Of symbols that are equal but for rounding, either may be the one that stays.
    kept = logits[np.arange(len(logits)), after.argmax(axis=1)]
    assert np.isfinite(after.max(axis=1)).all()
    np.testing.assert_allclose(kept, logits.max(axis=1), atol=1e-9)
    assert (after < np.inf).all()


@FILTER
@given(data=st.data(), logits=LOGITS)
def test_a_row_is_filtered_alone_and_always_alike(name, data, logits):
    value = data.draw(values(name))
    after = filtered(name, logits, value)
    assert np.array_equal(after, filtered(name, logits, value))
    for row, expected in zip(logits, after, strict=True):
        assert np.array_equal(filtered(name, row[None], value)[0], expected)


@FILTER
@given(logits=LOGITS)
def test_is_off_by_default(name, logits):
    np.testing.assert_allclose(probabilities(filtered(name, logits)), probabilities(logits), rtol=1e-12)


@FILTER
@given(data=st.data(), logits=LOGITS)
def test_never_brings_a_symbol_back(name, data, logits):
    gone = data.draw(hnp.arrays(bool, logits.shape))
    gone[:, 0] = False
    after = filtered(name, np.where(gone, -np.inf, logits), data.draw(values(name)))
    assert (after[gone] == -np.inf).all()
    assert (after > -np.inf).any(axis=1).all()


@DTYPES
@pytest.mark.parametrize(
    ("name", "value", "kept"), [("temperature", 0.0, 1), ("top_k", 2, 2), ("top_p", 0.5, 2), ("min_p", 1.0, 4)]
)
def test_of_equals_the_first_are_kept(name, value, kept, dtype):
    (row,) = filtered(name, np.zeros((1, 4), dtype), value)
    assert np.flatnonzero(row > -np.inf).tolist() == list(range(kept))


def top_k(p, k):
    return sorted(range(len(p)), key=lambda i: (-p[i], i))[:k]


def top_p(p, share):
    kept, total = [], 0.0
    for place in sorted(range(len(p)), key=lambda i: (-p[i], i)):
        if total >= share:
            break
        kept.append(place)
        total += p[place]
    return kept


def min_p(p, share):
    return [i for i in range(len(p)) if p[i] >= share * max(p)]


PLAIN = {
    "top_k": (top_k, [1, 2, 3, 5]),
    "top_p": (top_p, [0.03, 0.31, 0.62, 0.97]),
    "min_p": (min_p, [0.03, 0.4, 0.9]),
}


@DTYPES
@pytest.mark.parametrize("name", PLAIN)
@given(seed=st.integers(0, 10_000))
def test_keeps_what_a_plain_implementation_keeps(name, dtype, seed):
    plain, choices = PLAIN[name]
    rng = np.random.default_rng(seed)
    logits = (2 * rng.standard_normal((3, 6))).astype(dtype)
    logits[0, rng.integers(6)] = logits[0, rng.integers(6)]  # a tie, mostly
    for value in choices:
        after = filtered(name, logits, value)
        for row, before in zip(after, logits.astype(float), strict=True):
            p = [math.exp(x - max(before)) for x in before]
            expected = sorted(plain([x / sum(p) for x in p], value))
            assert np.flatnonzero(row > -np.inf).tolist() == expected
            assert (row[expected] == before[expected]).all()


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_temperature_is_a_power_of_the_probabilities(temperature):
    logits = np.random.default_rng(0).standard_normal((2, 5))
    powers = np.exp(logits) ** (1 / temperature)
    after = probabilities(filtered("temperature", logits, temperature))
    np.testing.assert_allclose(after, powers / powers.sum(axis=1, keepdims=True), rtol=1e-12)


@DTYPES
@pytest.mark.parametrize("temperature", [0.0, 1e-30, 1e-3])
def test_a_low_temperature_leaves_the_likeliest_alone(dtype, temperature):
    logits = np.array([[-1, 5, 2], [3, 1e4, -1e4]], dtype)
    assert probabilities(filtered("temperature", logits, temperature)).tolist() == [[0, 1, 0], [0, 1, 0]]


@pytest.mark.parametrize("temperature", [1e-50, 5e-324])
def test_a_temperature_that_the_logits_type_has_no_room_for_is_greedy(temperature):
    after = filtered("temperature", np.array([[-1, 5, 2]], np.float32), temperature)
    assert probabilities(after).tolist() == [[0, 1, 0]]


def test_temperature_zero_takes_the_first_of_equals():
    assert probabilities(filtered("temperature", [[1.0, 3.0, 3.0]], 0.0)).tolist() == [[0, 1, 0]]


def test_a_nucleus_ends_where_the_sum_is_reached_exactly():
    row = filtered("top_p", np.log([[0.25, 0.5, 0.25]]), 0.5)[0]
    assert np.flatnonzero(row > -np.inf).tolist() == [1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("top_k", 0),
        ("top_k", 2.5),
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("min_p", -0.01),
        ("min_p", 1.5),
        ("min_p", "much"),
    ],
)
def test_an_impossible_value_is_named(name, value):
    with pytest.raises(UsageError, match=f"{flag(name)} is {value!r}"):
        made(name, value)


def test_temperature_comes_first():
    assert next(iter(FILTERS)) == "temperature"
