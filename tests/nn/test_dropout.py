"""Dropout: what is dropped, how often, for how long, and that the mean stays."""

import numpy as np
import pytest

from charlm.base.errors import UsageError
from charlm.config import ModelConfig, OptimizerConfig
from charlm.models.architecture import check_settings
from charlm.nn.dropout import Dropout, EmbeddingDropout, Regularization, WeightDrop

STEPS, BATCH_SIZE, HIDDEN, SYMBOLS = 40, 30, 20, 12


def rng(seed=0):
    return np.random.default_rng(seed)


def masks(locked, layers=2, steps=STEPS):
    """Ones after dropout, layer by layer."""
    generator, ones_TBH = rng(), np.ones((steps, BATCH_SIZE, HIDDEN))
    each = [Dropout((STEPS, BATCH_SIZE, HIDDEN), "float64", 0.4, locked) for _ in range(layers)]
    return [dropout.forward(ones_TBH, generator) for dropout in each]


def test_a_locked_mask_is_one_for_all_steps_of_a_sequence():
    lower_TBH, upper_TBH = masks(locked=True)
    np.testing.assert_array_equal(lower_TBH, np.broadcast_to(lower_TBH[0], lower_TBH.shape))
    assert (lower_TBH[0, 0] != lower_TBH[0, 1]).any() and (lower_TBH != upper_TBH).any()
    # Five standard deviations of the share of 600 draws.
    assert abs((lower_TBH[0] == 0).mean() - 0.4) < 5 * (0.24 / lower_TBH[0].size) ** 0.5


def test_a_mask_that_is_not_locked_is_drawn_anew_at_every_step():
    mask_TBH, _ = masks(locked=False)
    assert all((mask_TBH[t] != mask_TBH[t + 1]).any() for t in range(STEPS - 1))


@pytest.mark.parametrize("locked", [False, True])
def test_a_window_may_be_shorter_than_the_buffers(locked):
    assert [mask.shape for mask in masks(locked, steps=3)] == [(3, BATCH_SIZE, HIDDEN)] * 2


@pytest.mark.parametrize("vocab_size", [SYMBOLS, 256], ids=["few", "as many as a byte has"])
def test_a_symbol_is_dropped_wherever_it_occurs_in_a_sequence(vocab_size):
    rows_VG = 1 + rng(1).random((vocab_size, 3))
    x_TB = rng(2).integers(vocab_size, size=(STEPS, 2000 // vocab_size)).astype(np.uint8)
    dropout = EmbeddingDropout(0.25)
    seen_TBG = dropout.forward(rows_VG, x_TB, rng())[dropout.x_TB]
    is_dropped_TB = (seen_TBG == 0).all(axis=-1)
    np.testing.assert_allclose(seen_TBG[~is_dropped_TB], rows_VG[x_TB[~is_dropped_TB]] / 0.75, rtol=1e-12)
    fates = {(sequence, symbol): set() for sequence, x_T in enumerate(x_TB.T) for symbol in x_T}
    for (_, sequence), symbol, is_dropped in zip(
        np.ndindex(x_TB.shape), x_TB.flat, is_dropped_TB.flat, strict=True
    ):
        fates[sequence, symbol].add(bool(is_dropped))
    assert {len(fate) for fate in fates.values()} == {1}
    share = np.mean([fate == {True} for fate in fates.values()])
    assert abs(share - 0.25) < 5 * (0.1875 / len(fates)) ** 0.5
    assert len({fate for (_, symbol), (fate,) in fates.items() if symbol == x_TB[0, 0]}) == 2


def test_a_dropped_symbol_leaves_the_bias(make_model):
    model = make_model(SYMBOLS, cell="rnn", hidden=5)
    model.params["layers.0.b_h"][:] = rng().standard_normal(5)
    buffers = model.buffers(1, BATCH_SIZE, Regularization(dropout=0, input_dropout=0.5))
    x_TB = np.zeros((1, BATCH_SIZE), np.uint8)
    h_TBH, _ = model.forward(x_TB, model.zero_state(BATCH_SIZE), buffers, rng=rng())
    alone_H = np.tanh(model.params["layers.0.b_h"])
    seen_H = np.tanh(model.params["layers.0.b_h"] + 2 * model.params["layers.0.W_xh"][0])
    is_alone_B = np.isclose(h_TBH[0], alone_H).all(axis=1)
    assert 0 < is_alone_B.sum() < BATCH_SIZE
    np.testing.assert_allclose(h_TBH[0, ~is_alone_B], np.broadcast_to(seen_H, (sum(~is_alone_B), 5)))


def test_recurrent_weights_are_dropped_for_a_pass_and_the_parameters_stay():
    layers = [{"W_hh": np.full((20, 60), 3.0), "b_h": np.zeros(60)} for _ in range(2)]
    generator, drops = rng(), [WeightDrop((20, 60), "float64", 0.4) for _ in range(2)]
    for drop, params in zip(drops, layers, strict=True):
        drop.forward(params, generator)
    lower, upper = (drop.params for drop in drops)
    assert lower["b_h"] is layers[0]["b_h"] and (layers[0]["W_hh"] == 3).all()
    np.testing.assert_allclose(np.unique(lower["W_hh"]), [0, 5])
    assert (lower["W_hh"] != upper["W_hh"]).any()
    assert abs((lower["W_hh"] == 0).mean() - 0.4) < 5 * (0.24 / lower["W_hh"].size) ** 0.5
    drops[0].forward(layers[0], None)
    assert drops[0].params is layers[0]


def test_evaluation_drops_nothing_in_buffers_of_training(make_model):
    model = make_model(SYMBOLS, layers=2)
    regularization = Regularization(dropout=0.5, locked_dropout=True, input_dropout=0.5, weight_drop=0.5)
    x_TB, state = rng().integers(SYMBOLS, size=(4, 3)).astype(np.uint8), model.zero_state(3)
    regularized = model.buffers(4, 3, regularization)
    plain_TBH, _ = model.forward(x_TB, state, model.buffers(4, 3))
    trained_TBH = model.forward(x_TB, state, regularized, rng=rng())[0].copy()
    assert (trained_TBH != plain_TBH).any()
    np.testing.assert_array_equal(model.forward(x_TB, state, regularized)[0], plain_TBH)
    np.testing.assert_array_equal(model.forward(x_TB, state, regularized, rng=rng())[0], trained_TBH)


def test_weight_drop_needs_recurrent_weights():
    check_settings(ModelConfig(cell="gru"), OptimizerConfig(weight_drop=0.1))
    with pytest.raises(UsageError, match="--weight-drop is of W_hh, and --cell mingru has none"):
        check_settings(ModelConfig(cell="mingru"), OptimizerConfig(weight_drop=0.1))
