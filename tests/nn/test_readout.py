"""The output layer compared with an independent, slow softmax in double precision."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.nn import readout
from charlm.nn.readout import (
    log_softmax_,
    logits,
    loss_and_gradient,
    nll_nats,
    readout_shapes,
    split_symbols,
)

SIZES = st.tuples(st.integers(1, 9), st.integers(1, 4), st.integers(1, 6))
SEEDS = st.integers(0, 2**32)


def problem(rows, hidden, vocab_size, seed=0, loudness=1.0):
    """Parameters, hidden states and targets."""
    rng = np.random.default_rng(seed)
    params = {
        "readout.W_hy": loudness * rng.standard_normal((hidden, vocab_size)),
        "readout.b_y": loudness * rng.standard_normal(vocab_size),
    }
    return params, rng.standard_normal((rows, hidden)), rng.integers(vocab_size, size=rows).astype(np.uint8)


def slow(params, h_NH, y_N, mask_N, targets):
    """Costs, and the gradients of their mean, one row at a time, by sums written out."""
    W_HV, b_V = params["readout.W_hy"], params["readout.b_y"]
    costs, dh_NH = [], np.zeros_like(h_NH)
    dW_HV, db_V = np.zeros_like(W_HV), np.zeros_like(b_V)
    for row, (h_H, y) in enumerate(zip(h_NH, y_N, strict=True)):
        z = [math.fsum(h_H * W_HV[:, symbol]) + b_V[symbol] for symbol in range(len(b_V))]
        log_partition = max(z) + math.log(math.fsum(math.exp(value - max(z)) for value in z))
        costs.append(log_partition - z[y])
        if mask_N[row]:
            dz_V = np.array([math.exp(value - log_partition) for value in z]) / targets
            dz_V[y] -= 1 / targets
            dh_NH[row] = W_HV @ dz_V
            dW_HV += np.outer(h_H, dz_V)
            db_V += dz_V
    return np.array(costs), dh_NH, {"readout.W_hy": dW_HV, "readout.b_y": db_V}


def fused(params, h_NH, y_N, mask_N, targets):
    dh_NH = np.full_like(h_NH, np.nan)
    grads = {name: np.full_like(array, np.nan) for name, array in params.items()}
    return loss_and_gradient(params, h_NH, y_N, mask_N, targets, dh_NH, grads), dh_NH, grads


def assert_close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)


@given(sizes=SIZES, seed=SEEDS, loudness=st.sampled_from([0.0, 1.0, 30.0]), masked=st.booleans())
def test_costs_and_gradients_are_the_slow_softmaxs(sizes, seed, loudness, masked):
    params, h_NH, y_N = problem(*sizes, seed, loudness)
    mask_N = np.random.default_rng(seed).random(len(y_N)) < 0.6 if masked else np.ones(len(y_N), bool)
    targets = len(y_N) + 2
    costs_N, expected_NH, expected = slow(params, h_NH, y_N, mask_N, targets)
    nll_sum, dh_NH, grads = fused(params, h_NH, y_N, mask_N if masked else None, targets)
    assert_close(nll_nats(params, h_NH, y_N), costs_N)
    assert_close(nll_sum, costs_N[mask_N].sum())
    assert_close(dh_NH, expected_NH)
    for name in params:
        assert_close(grads[name], expected[name])


@given(sizes=SIZES, seed=SEEDS)
def test_log_probabilities_are_normalized_and_in_place(sizes, seed):
    params, h_NH, y_N = problem(*sizes, seed)
    scores_NV = logits(params, h_NH)
    log_probs_NV = log_softmax_(scores_NV)
    assert log_probs_NV is scores_NV
    assert_close(np.exp(log_probs_NV).sum(axis=1), 1)
    assert_close(-log_probs_NV[np.arange(len(y_N)), y_N], nll_nats(params, h_NH, y_N))


@given(rows=st.integers(1, 9), hidden=st.integers(1, 4), vocab_size=st.integers(2, 20), seed=SEEDS)
@pytest.mark.parametrize("tied_to", [None, 3])
def test_an_adaptive_softmax_is_normalized_and_its_loss_needs_no_other_cluster(
    tied_to, rows, hidden, vocab_size, seed
):
    rng = np.random.default_rng(seed)
    shapes = readout_shapes(hidden, vocab_size, tied_to, is_adaptive=True)
    shapes |= {} if tied_to is None else {"embedding": (vocab_size + 2, tied_to)}
    params = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    h_NH, y_N = rng.standard_normal((rows, hidden)), rng.integers(vocab_size, size=rows).astype(np.uint8)
    log_probs_NV = logits(params, h_NH)
    assert_close(np.exp(log_probs_NV).sum(axis=1), 1)
    assert_close(nll_nats(params, h_NH, y_N), -log_probs_NV[np.arange(rows), y_N])
    nll_sum, _, grads = fused(params, h_NH, y_N, None, rows)
    assert nll_sum == pytest.approx(nll_nats(params, h_NH, y_N).sum())
    # The logits of a softmax can grow together: the gradients of their biases sum to zero.
    for ids in split_symbols(vocab_size)[1:]:
        assert grads["readout.b_y"][ids].sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("vocab_size", [1, 2, 65, 300])
def test_a_uniform_model_costs_ln_v(make_model, vocab_size):
    model = make_model(vocab_size)
    model.params.flat[:] = 0
    y_N = np.arange(vocab_size).astype(np.uint16)
    h_NH = np.random.default_rng(0).standard_normal((vocab_size, 4))
    assert_close(nll_nats(model.params, h_NH, y_N), math.log(vocab_size))
    nll_sum, _, _ = fused(
        {name: model.params[name] for name in ("readout.W_hy", "readout.b_y")}, h_NH, y_N, None, vocab_size
    )
    assert_close(nll_sum / vocab_size, math.log(vocab_size))
    logits_BV, _ = model.step(y_N[:1], model.zero_state(1))
    assert_close(log_softmax_(logits_BV), -math.log(vocab_size))


@given(sizes=SIZES, seed=SEEDS)
def test_a_tied_readout_is_one_whose_weights_are_the_embedding_transposed(sizes, seed):
    params, h_NH, y_N = problem(*sizes, seed)
    tied = {"embedding": np.ascontiguousarray(params["readout.W_hy"].T), "readout.b_y": params["readout.b_y"]}
    nll_sum, dh_NH, grads = fused(params, h_NH, y_N, None, len(y_N))
    tied_sum, tied_dh_NH, tied_grads = fused(tied, h_NH, y_N, None, len(y_N))
    assert_close(logits(tied, h_NH), logits(params, h_NH))
    assert_close(nll_nats(tied, h_NH, y_N), nll_nats(params, h_NH, y_N))
    assert tied_sum == pytest.approx(nll_sum, rel=1e-12)
    assert_close(tied_dh_NH, dh_NH)
    assert_close(tied_grads["embedding"].T, grads["readout.W_hy"])
    assert_close(tied_grads["readout.b_y"], grads["readout.b_y"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_logits_do_not_overflow(dtype):
    params = {"readout.W_hy": np.array([[1e4, 0.0, -1e4]], dtype), "readout.b_y": np.zeros(3, dtype)}
    h_NH, y_N = np.ones((2, 1), dtype), np.array([0, 2], np.uint8)
    nll_sum, dh_NH, grads = fused(params, h_NH, y_N, None, 2)
    assert nll_nats(params, h_NH, y_N).tolist() == [0, 2e4]
    assert nll_sum == 2e4
    assert_close(grads["readout.b_y"], [0.5, 0, -0.5])
    assert_close(dh_NH[:, 0], [0, 1e4])


@pytest.mark.parametrize("block_values", [1, 4, 8, 12, 100])
@pytest.mark.parametrize("masked", [False, True])
def test_blocks_equal_the_whole(block_values, masked, monkeypatch):
    params, h_NH, y_N = problem(rows=11, hidden=3, vocab_size=4)
    mask_N = np.arange(11) % 3 > 0 if masked else None
    whole, whole_costs_N = fused(params, h_NH, y_N, mask_N, 11), nll_nats(params, h_NH, y_N)
    monkeypatch.setattr(readout, "BLOCK_VALUES", block_values)
    monkeypatch.setattr(readout, "BLOCK_ROWS", 1)
    nll_sum, dh_NH, grads = fused(params, h_NH, y_N, mask_N, 11)
    assert_close(nll_nats(params, h_NH, y_N), whole_costs_N)
    assert_close(nll_sum, whole[0])
    assert_close(dh_NH, whole[1])
    for name in params:
        assert_close(grads[name], whole[2][name])


def test_the_gradient_may_be_written_over_the_hidden_states(monkeypatch):
    monkeypatch.setattr(readout, "BLOCK_VALUES", 8)
    monkeypatch.setattr(readout, "BLOCK_ROWS", 1)
    params, h_NH, y_N = problem(rows=7, hidden=3, vocab_size=4)
    nll_sum, dh_NH, grads = fused(params, h_NH, y_N, None, 7)
    in_place = {name: np.empty_like(array) for name, array in params.items()}
    assert loss_and_gradient(params, h_NH, y_N, None, 7, h_NH, in_place) == nll_sum
    np.testing.assert_array_equal(h_NH, dh_NH)
    for name in params:
        np.testing.assert_array_equal(in_place[name], grads[name])


def test_single_precision_stays_single_and_sums_in_double():
    params, h_NH, y_N = problem(rows=40, hidden=5, vocab_size=6)
    expected = fused(params, h_NH, y_N, None, 40)
    params = {name: array.astype(np.float32) for name, array in params.items()}
    nll_sum, dh_NH, grads = fused(params, h_NH.astype(np.float32), y_N, None, 40)
    assert {array.dtype for array in (dh_NH, *grads.values())} == {np.dtype(np.float32)}
    assert nll_sum == pytest.approx(expected[0], rel=1e-6)
    np.testing.assert_allclose(dh_NH, expected[1], rtol=1e-4, atol=1e-6)
    assert nll_nats(params, h_NH.astype(np.float32), y_N).dtype == np.float64
