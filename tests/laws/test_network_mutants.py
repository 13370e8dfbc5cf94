"""The gradient check rejects planted errors outside the cells: encoding, dropout, residual connections."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from charlm.config import ModelConfig
from charlm.models.char_rnn import Model
from charlm.nn import layer, state
from charlm.nn.buffers import StateHistory
from charlm.nn.dropout import EmbeddingDropout, Regularization, WeightDrop, draw_mask
from charlm.nn.embedding import Embedding, TiedEmbedding

TOLERANCE = 1e-6
NOTICED = 1e-3  # what a planted error is off by, at least


def before_backward(monkeypatch, change):
    """Let ``change`` precede the network's backward pass, which is handed the model and its buffers."""
    original = Model.backward

    def backward(self, dh_TBH, dstate, buffers, grads):
        change(self, buffers)
        return original(self, dh_TBH, dstate, buffers, grads)

    monkeypatch.setattr(Model, "backward", backward)


def change_backward(monkeypatch, old, new):
    """Run a layer's backward pass from its source with one passage changed."""
    source = Path(layer.__file__).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"the layer no longer has one {old!r}"
    changed = ModuleType("charlm.nn.layer")
    monkeypatch.setitem(sys.modules, "charlm.nn.layer", changed)  # where dataclasses look up their module
    exec(compile(source.replace(old, new), "layer", "exec"), vars(changed))
    monkeypatch.setattr(layer.RecurrentLayer, "backward", changed.RecurrentLayer.backward)


def skip_a_layers_dropout(monkeypatch):
    """Forget one layer's mask on the way back."""
    before_backward(monkeypatch, lambda model, buffers: buffers.layers[0].dropout._mask.fill(1))


def draw_another_mask(monkeypatch):
    """Draw the masks of the way back anew."""

    def draw(model, buffers):
        for number, own in enumerate(buffers.layers):
            draw_mask(own.dropout._mask, 0.5, np.random.default_rng(number))

    before_backward(monkeypatch, draw)


def count_a_symbol_once(monkeypatch):
    """The classic of gathers: ``out[x] += da`` keeps only the last of equal symbols."""

    def sum_by_symbol(x_N, da_NG, out):
        out[:] = 0
        out[x_N] += da_NG

    monkeypatch.setattr("charlm.nn.layer.sum_by_symbol", sum_by_symbol)


def skip_the_embedding(monkeypatch):
    original = Embedding.backward

    def backward(self, params, drows_VG, grads, ids):
        original(self, params, drows_VG, grads, ids)
        grads["embedding"][:] = 0

    monkeypatch.setattr(Embedding, "backward", backward)


def forget_the_scale_of_symbols(monkeypatch):
    monkeypatch.setattr(EmbeddingDropout, "backward", lambda self, drows_VG: drows_VG[:-1])


def teach_dropped_symbols(monkeypatch):
    """Give a dropped symbol's row the gradient of where it would have been read."""
    original = EmbeddingDropout.forward

    def forward(self, rows_VG, x_TB, rng):
        self.read_TB = x_TB
        return original(self, rows_VG, x_TB, rng)

    def restore(model, buffers):
        symbols = buffers.layers[0].embedding_dropout
        symbols.x_TB = symbols.read_TB

    monkeypatch.setattr(EmbeddingDropout, "forward", forward)
    before_backward(monkeypatch, restore)


def teach_dropped_weights(monkeypatch):
    monkeypatch.setattr(WeightDrop, "backward", lambda self, grads: None)


def go_back_through_all_weights(monkeypatch):
    """Send the state's gradient through W_hh itself, not the masked copy."""

    def undrop(model, buffers):
        for own, plain in zip(buffers.layers, model.stack.layers, strict=True):
            own.params = plain.params

    before_backward(monkeypatch, undrop)


def forget_what_passes_by(monkeypatch):
    change_backward(monkeypatch, "dx_TBH += scratch.around_TBH[:steps]", "pass")


def drop_what_passes_by(monkeypatch):
    """Keep the gradient that goes around a layer only after that layer's mask."""
    change_backward(
        monkeypatch,
        "        buffers.dropout.backward(dh_TBH)\n",
        "        buffers.dropout.backward(dh_TBH)\n        scratch.around_TBH[:steps] = dh_TBH\n",
    )


def forget_the_readouts_part(monkeypatch):
    """Overwrite what a tied readout has written."""
    monkeypatch.setattr(TiedEmbedding, "_put", Embedding._put)


def forget_the_encodings_part(monkeypatch):
    monkeypatch.setattr(TiedEmbedding, "backward", lambda self, params, drows_VG, grads, ids: None)


def untranspose_the_readouts_part(monkeypatch):
    """The gradient of W_hy taken for the embedding's, as shapes allow where V = H."""
    original = TiedEmbedding.backward

    def backward(self, params, drows_VG, grads, ids):
        grads["embedding"][:] = grads["embedding"].T.copy()
        original(self, params, drows_VG, grads, ids)

    monkeypatch.setattr(TiedEmbedding, "backward", backward)


def forget_the_initial_state(monkeypatch):
    """Stop the gradient where a sequence starts, and lose it."""

    def mask_gradient(self, t, dstate_BH):
        if self._carry_TB is not None:
            dstate_BH *= self._carry_TB[t, :, None]

    monkeypatch.setattr(StateHistory, "mask_gradient", mask_gradient)


def teach_the_initial_state_by_carried_states(monkeypatch):
    """Sum the gradient of the sequences that carry their state, not of those that start."""
    original = StateHistory.mask_gradient

    def mask_gradient(self, t, dstate_BH):
        own_H = self.dinitial_H + dstate_BH[self._carry_TB[t] != 0].sum(axis=0)
        original(self, t, dstate_BH)
        self.dinitial_H = own_H

    monkeypatch.setattr(StateHistory, "mask_gradient", mask_gradient)


def start_from_zero_in_the_weights_gradient(monkeypatch):
    def reset(self, h_TBH):
        h_TBH *= self._carry_TB[..., None]

    monkeypatch.setattr(StateHistory, "reset", reset)


def exchange_h_and_c(monkeypatch):
    original = state.write_initial_gradients

    def write(cell, cache, grads):
        original(cell, cache, {"h_0": grads["c_0"], "c_0": grads["h_0"]})

    monkeypatch.setattr("charlm.nn.layer.write_initial_gradients", write)


TIED = {"tied": True, "encoding": "embedding", "embedding_size": 3}
EMBEDDED = {"encoding": "embedding", "embedding_size": 2}
DROPOUT = {"dropout": 0.5}
LOCKED = {"dropout": 0.5, "locked_dropout": True}
IN_A_TIED_NETWORK = [forget_the_readouts_part, forget_the_encodings_part, untranspose_the_readouts_part]
IN_AN_INITIAL_STATE = [
    forget_the_initial_state,
    teach_the_initial_state_by_carried_states,
    start_from_zero_in_the_weights_gradient,
    exchange_h_and_c,
]
PLANTED = [
    (EMBEDDED, DROPOUT, skip_a_layers_dropout),
    (EMBEDDED, DROPOUT, count_a_symbol_once),
    (EMBEDDED, DROPOUT, skip_the_embedding),
    ({}, LOCKED, skip_a_layers_dropout),
    ({}, LOCKED, draw_another_mask),
    ({}, {"input_dropout": 0.5}, forget_the_scale_of_symbols),
    ({}, {"input_dropout": 0.5}, teach_dropped_symbols),
    ({}, {"weight_drop": 0.5}, teach_dropped_weights),
    ({}, {"weight_drop": 0.5}, go_back_through_all_weights),
    ({"residual": True}, DROPOUT, forget_what_passes_by),
    ({"residual": True}, DROPOUT, drop_what_passes_by),
]


def assert_caught(check, settings, regularization, plant, monkeypatch, **case):
    """The check finds nothing wrong before an error is planted, and something after."""
    case |= {
        "config": ModelConfig(**{"cell": "rnn", "layers": 2, "hidden": 3, **settings}),
        "regularization": Regularization(**{"dropout": 0.0, **regularization}),
        "steps": 4,
        "batch_size": 3,
        "vocab_size": 3,
    }
    assert max(check(**case).values()) <= TOLERANCE
    plant(monkeypatch)
    assert max(check(**case).values()) > NOTICED


@pytest.mark.parametrize("check", ["layers", "loss"])
@pytest.mark.parametrize(("settings", "regularization", "plant"), PLANTED)
def test_an_error_around_the_cells_is_caught(gradients, check, settings, regularization, plant, monkeypatch):
    assert_caught(getattr(gradients, check), settings, regularization, plant, monkeypatch)


@pytest.mark.parametrize("plant", IN_A_TIED_NETWORK)
def test_an_error_in_a_tied_network_is_caught(gradients, plant, monkeypatch):
    assert_caught(gradients.loss, TIED, {}, plant, monkeypatch)


@pytest.mark.parametrize("plant", IN_AN_INITIAL_STATE)
def test_an_error_in_a_learned_initial_state_is_caught(gradients, plant, monkeypatch):
    settings = {"cell": "lstm", "learned_state": True}
    assert_caught(gradients.layers, settings, {}, plant, monkeypatch, with_carry=True)
