"""The encodings' tables, and the derivative of the gather."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.arrays import FlatVector
from charlm.config import ModelConfig
from charlm.nn.embedding import ONE_HOT_DEVIATION, make_encoding, sum_by_symbol

SEEDS = st.integers(0, 2**32)
ENCODINGS = pytest.mark.parametrize("name", ["one-hot", "embedding"])


def make(name, vocab_size, width, size=3, seed=0):
    """An encoding and its initialized parameters."""
    tied = {"encoding": "embedding", "tied": True, "hidden": size}
    encoding = make_encoding(ModelConfig(embedding_size=size, **(tied if name == "tied" else {"encoding": name})))
    params = FlatVector(encoding.shapes(vocab_size, width), "float64")
    encoding.initialize(params, np.random.default_rng(seed))
    return encoding, params


@given(vocab_size=st.integers(1, 6), rows=st.integers(1, 30), width=st.integers(1, 5), seed=SEEDS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_rows_are_summed_by_symbol_as_add_at_does(dtype, vocab_size, rows, width, seed):
    rng = np.random.default_rng(seed)
    x_N, da_NG = rng.integers(vocab_size, size=rows).astype(dtype), rng.standard_normal((rows, width))
    expected_VG = np.zeros((vocab_size, width))
    np.add.at(expected_VG, x_N, da_NG)
    out_VG = np.full((vocab_size, width), np.nan)
    sum_by_symbol(x_N, da_NG, out_VG)
    np.testing.assert_allclose(out_VG, expected_VG, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("vocab_size", "dtype"), [(256, np.uint8), (65_536, np.uint16)])
def test_the_last_code_of_a_type_is_a_symbol_like_another(vocab_size, dtype):
    out_VG = np.full((vocab_size, 1), np.nan)
    sum_by_symbol(np.array([vocab_size - 1, 0, vocab_size - 1], dtype), np.array([[1.0], [2.0], [4.0]]), out_VG)
    assert (out_VG[0], out_VG[-1], out_VG.sum()) == (2, 5, 7)


@ENCODINGS
@given(vocab_size=st.integers(1, 6), width=st.integers(1, 5), size=st.integers(1, 4), seed=SEEDS)
def test_a_row_of_the_table_is_the_product_with_a_one_hot_vector(name, vocab_size, width, size, seed):
    encoding, params = make(name, vocab_size, width, size, seed)
    one_hot_VV = np.eye(vocab_size)
    input_VE = one_hot_VV @ params["embedding"] if name == "embedding" else one_hot_VV
    expected_VG = input_VE @ params["W_xh"]
    np.testing.assert_allclose(encoding.rows(params), expected_VG, rtol=1e-12, atol=1e-14)


@ENCODINGS
def test_gradients_are_written_not_added(name):
    encoding, params = make(name, 4, 6)
    drows_VG = np.random.default_rng(1).standard_normal((4, 6))
    first, second = params.zeros_like(), params.zeros_like()
    second.flat[:] = np.nan
    for grads in (first, second):
        encoding.backward(params, drows_VG, grads)
    np.testing.assert_array_equal(first.flat, second.flat)


def test_a_tied_embeddings_gradient_is_added_to_the_readouts():
    encoding, params = make("tied", 4, 6)
    plain, _ = make("embedding", 4, 6)
    drows_VG = np.random.default_rng(1).standard_normal((4, 6))
    own, both = params.zeros_like(), params.zeros_like()
    both["embedding"][:] = 7
    plain.backward(params, drows_VG, own)
    encoding.backward(params, drows_VG, both)
    np.testing.assert_allclose(both["embedding"], own["embedding"] + 7, rtol=1e-14)
    np.testing.assert_array_equal(both["W_xh"], own["W_xh"])


@pytest.mark.parametrize("name", ["one-hot", "embedding", "tied"])
def test_pre_activations_start_as_loud_in_either_encoding(name):
    encoding, params = make(name, 500, 400, size=50)
    assert encoding.rows(params).std() == pytest.approx(ONE_HOT_DEVIATION, rel=0.1)
