"""Residual connections: outputs step by step and at once, and dropout."""

import numpy as np
import pytest

from charlm.base.errors import UsageError
from charlm.config import ModelConfig, OptimizerConfig
from charlm.models.architecture import check_settings
from charlm.nn.dropout import Regularization

STEPS, BATCH_SIZE, SYMBOLS, LAYERS = 5, 3, 4, 3


@pytest.fixture
def model(make_model):
    return make_model(SYMBOLS, layers=LAYERS, cell="gru", residual=True)


@pytest.fixture
def x_TB():
    return np.random.default_rng(0).integers(SYMBOLS, size=(STEPS, BATCH_SIZE)).astype(np.uint8)


def test_every_layer_adds_its_input_to_its_output(model, x_TB):
    buffers = model.buffers(STEPS, BATCH_SIZE)
    h_TBH, state = model.forward(x_TB, model.zero_state(BATCH_SIZE), buffers)
    assert h_TBH is buffers.output_TBH
    for layer in range(LAYERS):
        below_BH = buffers.layers[layer - 1].output_TBH[-1] if layer else 0
        np.testing.assert_allclose(buffers.layers[layer].output_TBH[-1], below_BH + state[layer][0], rtol=1e-12)


def test_steps_in_a_loop_equal_forward(model, x_TB):
    state = model.zero_state(BATCH_SIZE)
    h_TBH, after = model.forward(x_TB, state, model.buffers(STEPS, BATCH_SIZE))
    for x_B, h_BH in zip(x_TB, h_TBH, strict=True):
        logits_BV, state = model.step(x_B, state)
        np.testing.assert_allclose(model.output(state), h_BH, rtol=1e-12)
        expected_BV = h_BH @ model.params["readout.W_hy"] + model.params["readout.b_y"]
        np.testing.assert_allclose(logits_BV, expected_BV, rtol=1e-10, atol=1e-13)
    for ours, theirs in zip(sum(state, ()), sum(after, ()), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_unit_is_dropped_once_however_many_layers_pass_it_on(model, x_TB):
    buffers = model.buffers(STEPS, BATCH_SIZE, Regularization(dropout=0.5))
    _, state = model.forward(x_TB, model.zero_state(BATCH_SIZE), buffers, rng=np.random.default_rng(1))
    outputs = [layer.output_TBH[-1] for layer in buffers.layers]
    shares = [outputs[0], *np.diff(outputs, axis=0)]
    for share_BH, (h_BH,) in zip(shares, state, strict=True):
        is_kept_BH = np.abs(share_BH) > 1e-12
        assert 0 < is_kept_BH.sum() < is_kept_BH.size
        np.testing.assert_allclose(share_BH[is_kept_BH], 2 * h_BH[is_kept_BH], rtol=1e-9)


def test_one_layer_has_nothing_to_join():
    check_settings(ModelConfig(residual=True, layers=2), OptimizerConfig())
    with pytest.raises(UsageError, match="--residual joins a layer to the one below: it needs --layers of 2"):
        check_settings(ModelConfig(residual=True, layers=1), OptimizerConfig())
