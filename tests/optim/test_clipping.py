"""Clipping: by the norm of all gradients together, and by value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from charlm.optim.clipping import clip_norm_, clip_value_, global_norm

VALUES = st.floats(-1e6, 1e6, allow_subnormal=False)
VECTORS = arrays(np.float64, st.integers(1, 8), elements=VALUES)
LIMITS = st.floats(1e-3, 1e3)


@given(g_P=VECTORS)
def test_the_norm_is_euclids(g_P):
    assert global_norm(g_P) == pytest.approx(np.linalg.norm(g_P))


@given(g_P=VECTORS, limit=LIMITS)
def test_a_long_gradient_is_scaled_to_the_limit_and_a_short_one_left_alone(g_P, limit):
    before_P, norm = g_P.copy(), np.linalg.norm(g_P)
    assert clip_norm_(g_P, limit) == pytest.approx(norm)
    if norm > limit * (1 + 1e-12):
        np.testing.assert_allclose(g_P, before_P * limit / norm, rtol=1e-12)
        assert np.linalg.norm(g_P) == pytest.approx(limit)
    elif norm < limit:
        np.testing.assert_array_equal(g_P, before_P)


def test_a_limit_of_zero_turns_either_off():
    g_P = np.array([3e4, -4e4])
    assert clip_norm_(g_P, 0) == pytest.approx(5e4)
    clip_value_(g_P, 0)
    assert g_P.tolist() == [3e4, -4e4]


@given(g_P=VECTORS, limit=LIMITS)
def test_single_values_are_cut_at_the_limit(g_P, limit):
    before_P = g_P.copy()
    clip_value_(g_P, limit)
    inside_P = np.abs(before_P) <= limit
    np.testing.assert_array_equal(g_P[inside_P], before_P[inside_P])
    np.testing.assert_array_equal(g_P[~inside_P], np.sign(before_P[~inside_P]) * limit)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_gradient_that_is_not_finite_shows_in_the_norm(bad):
    g_P = np.array([1.0, bad])
    assert not np.isfinite(clip_norm_(g_P, 1.0))
    assert g_P[0] == 1.0


def test_single_precision_is_clipped_in_place():
    g_P = np.array([30, 40], np.float32)
    clip_norm_(g_P, 5.0)
    np.testing.assert_allclose(g_P, [3, 4], rtol=1e-6)
    assert g_P.dtype == np.float32


def test_a_finite_gradient_is_clipped_however_large():
    """An exploding gradient is what clipping is for: its square may exceed single precision."""
    g_P = np.array([3e20, 4e20], np.float32)
    assert clip_norm_(g_P, 5.0) == pytest.approx(5e20)
    np.testing.assert_allclose(g_P, [3, 4], rtol=1e-6)
