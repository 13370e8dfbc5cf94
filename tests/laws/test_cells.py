"""Laws of every cell, other than its gradients."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.config import ModelConfig
from charlm.models.char_rnn import Model
from charlm.nn.cells import CELLS
from charlm.nn.dropout import Regularization

SYMBOLS = 5
STEPS = st.integers(1, 7)
BATCHES = st.integers(1, 3)
SEEDS = st.integers(0, 2**32)
ENCODINGS = st.sampled_from(["one-hot", "embedding"])


def assert_close(ours, theirs):
    """States or arrays agree but for the rounding of products of another shape."""
    for mine, yours in zip(leaves(ours), leaves(theirs), strict=True):
        np.testing.assert_allclose(mine, yours, rtol=1e-12, atol=1e-14)


def assert_same_bits(ours, theirs):
    for mine, yours in zip(leaves(ours), leaves(theirs), strict=True):
        np.testing.assert_array_equal(mine, yours)


def leaves(tree):
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple) else [tree]


@pytest.fixture(scope="session")
def problem(make_model):
    """A function that makes a model of two layers, a window for it, and a state that is not zero."""

    def make(variant, steps=6, batch_size=3, seed=0, **settings):
        model = make_model(SYMBOLS, seed, layers=2, **variant, **settings)
        rng = np.random.default_rng(seed)
        x_TB = rng.integers(SYMBOLS, size=(steps, batch_size)).astype(np.uint8)
        zero = model.zero_state(batch_size)
        state = tuple(tuple(rng.standard_normal(s.shape).astype(s.dtype) for s in layer) for layer in zero)
        return model, x_TB, state

    return make


def outputs(model, x_TB, state, buffers=None, carry_TB=None):
    """Copies of the last layer's outputs, and the state after."""
    buffers = buffers or model.buffers(len(x_TB), x_TB.shape[1])
    h_TBH, after = model.forward(x_TB, state, buffers, carry_TB)
    return h_TBH.copy(), after


@given(steps=STEPS, batch_size=BATCHES, encoding=ENCODINGS, split=st.integers(0, 7), seed=SEEDS)
def test_a_window_in_two_parts_equals_the_whole(problem, variant, steps, batch_size, encoding, split, seed):
    model, x_TB, state = problem(variant, steps + 1, batch_size, seed, encoding=encoding)
    split = 1 + split % steps
    buffers = model.buffers(steps + 1, batch_size)
    h_TBH, after = outputs(model, x_TB, state, buffers)
    first_TBH, between = outputs(model, x_TB[:split], state, buffers)
    second_TBH, last = outputs(model, x_TB[split:], between, buffers)
    assert_close(np.concatenate([first_TBH, second_TBH]), h_TBH)
    assert_close(last, after)


@given(steps=STEPS, batch_size=BATCHES, encoding=ENCODINGS, seed=SEEDS)
def test_steps_in_a_loop_equal_forward(problem, variant, steps, batch_size, encoding, seed):
    model, x_TB, state = problem(variant, steps, batch_size, seed, encoding=encoding)
    h_TBH, after = outputs(model, x_TB, state)
    for x_B, h_BH in zip(x_TB, h_TBH, strict=True):
        logits_BV, state = model.step(x_B, state)
        assert_close(state[-1][0], h_BH)
        assert_close(logits_BV, h_BH @ model.params["readout.W_hy"] + model.params["readout.b_y"])
    assert_close(state, after)


@given(steps=STEPS, fresh=st.data(), batch_size=BATCHES, seed=SEEDS)
def test_a_carry_of_zero_starts_from_zero(problem, variant, steps, fresh, batch_size, seed):
    model, x_TB, state = problem(variant, steps, batch_size, seed)
    t = fresh.draw(st.integers(0, steps - 1))
    column = fresh.draw(st.integers(0, batch_size - 1))
    carry_TB = np.ones((steps, batch_size))
    carry_TB[t, column] = 0
    h_TBH, after = outputs(model, x_TB, state, carry_TB=carry_TB)
    own_T1H, own_after = outputs(model, x_TB[t:, [column]], model.zero_state(1))
    assert_close(h_TBH[t:, [column]], own_T1H)
    assert_close(tuple(tuple(s[[column]] for s in layer) for layer in after), own_after)


def test_a_carry_of_ones_changes_nothing(problem, variant):
    model, x_TB, state = problem(variant)
    saved = outputs(model, x_TB, state, carry_TB=np.ones(x_TB.shape))
    assert_same_bits(saved, outputs(model, x_TB, state))


def test_streams_do_not_see_one_another(problem, variant):
    model, x_TB, state = problem(variant)
    h_TBH, _ = outputs(model, x_TB, state)
    x_TB[:, 0] = (x_TB[:, 0] + 1) % SYMBOLS
    other_TBH, _ = outputs(model, x_TB, state)
    assert_same_bits(other_TBH[:, 1:], h_TBH[:, 1:])
    assert (other_TBH[:, 0] != h_TBH[:, 0]).any()


def everything(model, x_TB, state, buffers, dropout_seed=None, carry_TB=None):
    """Outputs, states and gradients of a pass and its derivative."""
    rng = None if dropout_seed is None else np.random.default_rng(dropout_seed)
    h_TBH, after = model.forward(x_TB, state, buffers, carry_TB, rng)
    h_TBH = h_TBH.copy()
    grads = model.params.zeros_like()
    dh_TBH = np.cos(np.arange(h_TBH.size, dtype=model.dtype)).reshape(h_TBH.shape)
    before = model.backward(dh_TBH, state, buffers, grads)
    return h_TBH, after, before, grads.flat


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_buffers_carry_nothing_from_use_to_use(problem, variant, dropout):
    model, x_TB, state = problem(variant)
    seed = 3 if dropout else None
    buffers = model.buffers(len(x_TB), x_TB.shape[1], Regularization(dropout=dropout))
    first = everything(model, x_TB, state, buffers, seed)
    assert_same_bits(everything(model, x_TB, state, buffers, seed), first)
    zero = model.zero_state(x_TB.shape[1])
    everything(model, x_TB[::-1].copy(), zero, buffers, seed, carry_TB=np.zeros(x_TB.shape))
    everything(model, x_TB[:2], zero, buffers, seed)
    assert_same_bits(everything(model, x_TB, state, buffers, seed), first)


def test_a_short_window_in_long_buffers_equals_one_in_its_own(problem, variant):
    model, x_TB, state = problem(variant)
    long = model.buffers(len(x_TB), x_TB.shape[1])
    everything(model, x_TB, state, long)
    short = model.buffers(2, x_TB.shape[1])
    assert_same_bits(everything(model, x_TB[:2], state, long), everything(model, x_TB[:2], state, short))


def test_a_pass_without_dropout_in_buffers_that_have_it_is_differentiated_as_such(problem, variant):
    model, x_TB, state = problem(variant)
    with_masks = model.buffers(len(x_TB), x_TB.shape[1], Regularization(dropout=0.5))
    everything(model, x_TB, state, with_masks, dropout_seed=1)
    plain = model.buffers(len(x_TB), x_TB.shape[1])
    assert_same_bits(everything(model, x_TB, state, with_masks), everything(model, x_TB, state, plain))


def test_a_state_that_was_handed_back_is_the_callers(problem, variant):
    model, x_TB, state = problem(variant)
    buffers = model.buffers(len(x_TB), x_TB.shape[1])
    given_before = [array.copy() for array in leaves(state)]
    _, after = outputs(model, x_TB, state, buffers)
    saved = [array.copy() for array in leaves(after)]
    _, stepped = model.step(x_TB[0], after)
    everything(model, x_TB[::-1].copy(), stepped, buffers)
    assert_same_bits(tuple(leaves(after)), tuple(saved))
    assert_same_bits(tuple(leaves(state)), tuple(given_before))


def test_single_precision_stays_single_and_agrees_with_double(problem, variant):
    model, x_TB, state = problem(variant)
    single = Model(dataclasses.replace(model.config, dtype="float32"), SYMBOLS)
    single.params.flat[:] = model.params.flat
    low = tuple(tuple(s.astype(np.float32) for s in layer) for layer in state)
    precise = everything(model, x_TB, state, model.buffers(*x_TB.shape))
    coarse = everything(single, x_TB, low, single.buffers(*x_TB.shape))
    logits_BV, stepped = single.step(x_TB[0], low)
    assert {leaf.dtype for leaf in leaves((coarse, logits_BV, stepped))} == {np.dtype(np.float32)}
    for ours, theirs in zip(leaves(coarse), leaves(precise), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_recurrent_weights_start_orthogonal_and_biases_where_the_cell_says(make_model, variant):
    model = make_model(SYMBOLS, hidden=6, layers=2, **variant)
    for layer in range(2):
        W_hh = model.params.part(f"layers.{layer}.").get("W_hh")
        for block in [] if W_hh is None else np.split(W_hh, len(model.cell.gates), axis=1):
            np.testing.assert_allclose(block.T @ block, np.eye(6), atol=1e-12)
        for name in model.cell.recurrent_biases.values():
            assert not model.params[f"layers.{layer}.{name}"].any()
    assert not model.params["readout.b_y"].any()


def test_the_same_generator_draws_the_same_parameters(make_model, variant):
    first, again, other = (make_model(SYMBOLS, seed, layers=2, **variant) for seed in (1, 1, 2))
    assert_same_bits(first.params.flat, again.params.flat)
    assert (first.params.flat != other.params.flat).any()


@given(
    hidden=st.integers(1, 3),
    layers=st.integers(1, 3),
    symbols=st.integers(1, 3),
    width=st.integers(1, 2),
    encoding=ENCODINGS,
)
def test_the_smallest_models_start_finite(make_model, variant, hidden, layers, symbols, width, encoding):
    sizes = {"hidden": hidden, "layers": layers, "embedding_size": width, "encoding": encoding}
    assert np.isfinite(make_model(symbols, **variant, **sizes).params.flat).all()


def test_a_cell_is_made_from_its_own_settings(variant):
    cell = CELLS.find(variant["cell"])
    config = ModelConfig(**variant)
    assert type(config.own) is cell.config_type
    assert variant.items() <= config.to_json().items()
    assert not cell.config_type.settings().keys() & ModelConfig.settings().keys()
    assert cell.state_names[0] == "h"
    made = cell.from_config(config)
    assert made.torch_gates is None or sorted(made.torch_gates) == sorted(made.gates)


def test_relu_weights_start_as_the_irnns(make_model):
    params = make_model(40, hidden=50, layers=2, cell="rnn", nonlinearity="relu").params
    for layer in range(2):
        np.testing.assert_array_equal(params[f"layers.{layer}.W_hh"], np.eye(50))
        assert not params[f"layers.{layer}.b_h"].any()
        assert np.abs(params[f"layers.{layer}.W_xh"]).max() < 0.2


@pytest.mark.parametrize("forget_bias", [0.0, 1.0, -2.5])
def test_only_the_forget_gate_starts_with_a_bias(make_model, forget_bias):
    model = make_model(cell="lstm", forget_bias=forget_bias)
    blocks = dict(zip(model.cell.gates, np.split(model.params["layers.0.b_h"], 4), strict=True))
    assert (blocks.pop("f") == forget_bias).all()
    assert not any(block.any() for block in blocks.values())
