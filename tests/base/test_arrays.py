"""The flat vector and its named views, and the smallest type that numbers symbols."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.arrays import FlatVector, id_dtype

SHAPES = {"W": (2, 3), "b": (3,), "empty": (0, 4), "inner.W": (1, 2, 2)}


@given(symbols=st.integers(1, 2**32))
def test_codes_have_the_smallest_unsigned_type_that_can_number_the_symbols(symbols):
    kind = id_dtype(symbols)
    assert kind.kind == "u"
    assert symbols - 1 <= np.iinfo(kind).max
    smaller = {2: np.uint8, 4: np.uint16, 8: np.uint32}.get(kind.itemsize)
    assert smaller is None or symbols - 1 > np.iinfo(smaller).max


def test_the_views_share_the_vector_in_the_order_of_their_names():
    vector = FlatVector(SHAPES, "float64")
    vector.flat[:] = np.arange(13)
    assert list(vector) == list(SHAPES) and len(vector) == 4
    assert {name: view.shape for name, view in vector.items()} == SHAPES
    np.testing.assert_array_equal(np.concatenate([view.ravel() for view in vector.values()]), np.arange(13))
    vector["b"][:] = -1
    np.testing.assert_array_equal(vector.flat[6:9], -1)


def test_a_new_vector_is_zero_and_of_its_type():
    vector = FlatVector(SHAPES, "float32")
    assert vector.flat.dtype == np.float32 and vector.flat.shape == (13,)
    assert not vector.flat.any()


def test_a_vector_that_is_given_is_used_itself():
    flat = np.ones(13)
    assert FlatVector(SHAPES, "float64", flat).flat is flat


@pytest.mark.parametrize("flat", [np.ones(12), np.ones((1, 13)), np.ones(13, np.float32)])
def test_a_vector_that_does_not_fit_is_refused(flat):
    with pytest.raises(ValueError, match="13 numbers of float64"):
        FlatVector(SHAPES, "float64", flat)


def test_zeros_like_shares_nothing():
    vector = FlatVector(SHAPES, "float32")
    vector.flat[:] = 7
    zeros = vector.zeros_like()
    assert {name: view.shape for name, view in zeros.items()} == SHAPES
    assert zeros.flat.dtype == np.float32 and not zeros.flat.any()
    zeros.flat[:] = 1
    assert (vector.flat == 7).all()


def test_a_part_holds_views_under_the_rest_of_their_names():
    vector = FlatVector(SHAPES, "float64")
    part = vector.part("inner.")
    assert list(part) == ["W"]
    part["W"][:] = 5
    assert (vector["inner.W"] == 5).all() and not vector["W"].any()


def test_an_unknown_name_is_a_key_error():
    with pytest.raises(KeyError):
        FlatVector(SHAPES, "float64")["V"]
