"""The gradient check rejects backward passes with a typical planted error."""

import numpy as np
import pytest

from charlm.nn import buffers
from charlm.nn.buffers import StateHistory, flatten_time
from charlm.nn.cells import gru, lstm, rnn

TOLERANCE = 1e-6
NOTICED = 1e-3  # what a planted error is off by, at least


def after(monkeypatch, owner, name, change):
    """Let ``change`` follow a function, with the function's own arguments."""
    original = getattr(owner, name)

    def mutant(*args, **kwargs):
        result = original(*args, **kwargs)
        change(*args, **kwargs)
        return result

    monkeypatch.setattr(owner, name, mutant)


def drop_cell_state_carry(monkeypatch):
    def forget(gates_TBG, h_TBH, c_TBH, tanh_TBH, scratch):
        scratch["f"][:] = 0

    after(monkeypatch, lstm, "local_derivatives", forget)


def shift_recurrent_gradient(cell):
    """Pair each step's gradient with the state that it produced, not the one that it saw."""

    def plant(monkeypatch):
        def shift(self, params, dh_TBH, dstate, cache, grads):
            after_NH = flatten_time(cache.history[0].states_after(slice(len(dh_TBH))))
            grads["W_hh"][:] = after_NH.T @ flatten_time(cache.gates_TBG)

        after(monkeypatch, cell, "backward", shift)

    return plant


def shift_gated_recurrent_gradient(monkeypatch):
    def produced_rows(cache):
        return flatten_time(np.ascontiguousarray(cache.history[0].states_after(slice(len(cache.gates_TBG)))))

    monkeypatch.setattr(buffers.ForwardCache, "rows_before", produced_rows)


def wrong_tanh_derivative_of_rnn(monkeypatch):
    def derivative(self, h_TBH, out):
        np.subtract(1, np.abs(h_TBH), out=out)

    monkeypatch.setattr(rnn.RNN, "_local_derivatives", derivative)


def wrong_relu_derivative(monkeypatch):
    monkeypatch.setattr(rnn.RNN, "_local_derivatives", lambda self, h_TBH, out: out.fill(1))


def wrong_tanh_derivative_of_lstm(monkeypatch):
    original = lstm.local_derivatives

    def derivative(gates_TBG, h_TBH, c_TBH, tanh_TBH, scratch):
        wrong = gates_TBG[..., : h_TBH.shape[-1]] * (1 - tanh_TBH)
        original(gates_TBG, h_TBH, c_TBH, tanh_TBH, scratch)
        scratch["dh_ds"][: len(h_TBH)] = wrong

    monkeypatch.setattr(lstm, "local_derivatives", derivative)


def wrong_tanh_derivative_of_gru(monkeypatch):
    original = gru.GRU._local_derivatives

    def derivative(self, gates_TBG, h_TBH, scratch, inner_TBH):
        hidden = h_TBH.shape[-1]
        z, n = gates_TBG[..., hidden : 2 * hidden].copy(), gates_TBG[..., 2 * hidden :].copy()
        original(self, gates_TBG, h_TBH, scratch, inner_TBH)
        gates_TBG[..., 2 * hidden :] = (1 - z) * (1 - n)

    monkeypatch.setattr(gru.GRU, "_local_derivatives", derivative)


def drop_reset_path(unit):
    """Send nothing back through the reset gate."""

    def plant(monkeypatch):
        monkeypatch.setattr(unit, "_reset_derivative", lambda self, r_TBH, inner_TBH: r_TBH.fill(0))

    return plant


def reset_path_without_the_gate(monkeypatch):
    """Send the reset's gradient to the old state as if r were 1."""
    original = gru.GRU._through_products

    def through(self, W_GH, da_BG, dh_BH, r_BH, inner_BH, product_BH):
        original(self, W_GH, da_BG, dh_BH, np.ones_like(r_BH), inner_BH, product_BH)

    monkeypatch.setattr(gru.GRU, "_through_products", through)


def add_to_gradients(monkeypatch):
    """Accumulate over calls instead of writing."""
    original = lstm.LSTM.backward

    def backward(self, params, dh_TBH, dstate, cache, grads):
        before = grads["W_hh"].copy()
        result = original(self, params, dh_TBH, dstate, cache, grads)
        grads["W_hh"][:] += before
        return result

    monkeypatch.setattr(lstm.LSTM, "backward", backward)


def forget_carry_in_backward(monkeypatch):
    monkeypatch.setattr(StateHistory, "mask_gradient", lambda self, t, dstate_BH: None)


def forget_carry_in_the_weights_gradient(monkeypatch):
    monkeypatch.setattr(StateHistory, "reset", lambda self, h_TBH: None)


def mask_a_step_late(monkeypatch):
    original = StateHistory.mask_gradient
    monkeypatch.setattr(StateHistory, "mask_gradient", lambda self, t, d_BH: original(self, max(t - 1, 0), d_BH))


def ignore_the_last_states_gradient(monkeypatch):
    original = rnn.RNN.backward

    def backward(self, params, dh_TBH, dstate, cache, grads):
        return original(self, params, dh_TBH, (np.zeros_like(dstate[0]),), cache, grads)

    monkeypatch.setattr(rnn.RNN, "backward", backward)


IN_A_CELL = [
    ("lstm", {}, drop_cell_state_carry),
    ("lstm", {}, shift_recurrent_gradient(lstm.LSTM)),
    ("rnn", {}, shift_recurrent_gradient(rnn.RNN)),
    ("gru", {}, shift_gated_recurrent_gradient),
    ("gru", {"reset_after": True}, shift_gated_recurrent_gradient),
    ("rnn", {}, wrong_tanh_derivative_of_rnn),
    ("rnn", {"nonlinearity": "relu"}, wrong_relu_derivative),
    ("lstm", {}, wrong_tanh_derivative_of_lstm),
    ("gru", {}, wrong_tanh_derivative_of_gru),
    ("gru", {"reset_after": True}, wrong_tanh_derivative_of_gru),
    ("gru", {}, drop_reset_path(gru.GRU)),
    ("gru", {"reset_after": True}, drop_reset_path(gru._ResetAfter)),
    ("gru", {}, reset_path_without_the_gate),
    ("lstm", {}, add_to_gradients),
    ("lstm", {}, forget_carry_in_backward),
    ("lstm", {}, forget_carry_in_the_weights_gradient),
    ("gru", {}, forget_carry_in_the_weights_gradient),
    ("gru", {}, mask_a_step_late),
    ("rnn", {}, ignore_the_last_states_gradient),
]


@pytest.mark.parametrize(("cell", "settings", "plant"), IN_A_CELL)
def test_an_error_in_a_cell_is_caught(gradients, cell, settings, plant, monkeypatch):
    case = {"variant": {"cell": cell, **settings}, "steps": 4, "batch_size": 3, "hidden": 3, "with_carry": True}
    assert max(gradients.cell(**case).values()) <= TOLERANCE
    plant(monkeypatch)
    worst = max(gradients.cell(**case).values(), key=lambda error: (np.isnan(error), error))
    assert not worst <= NOTICED


def test_an_error_over_blocks_of_steps_is_caught(gradients, monkeypatch):
    case = {"variant": {"cell": "lstm"}, "steps": 4, "batch_size": 3, "hidden": 3}
    monkeypatch.setattr(buffers, "BLOCK_VALUES", 2 * 3 * 4 * 3)
    assert max(gradients.cell(**case).values()) <= TOLERANCE
    original = buffers.ForwardCache.blocks_backward
    monkeypatch.setattr(buffers.ForwardCache, "blocks_backward", lambda *args: reversed(list(original(*args))))
    assert max(gradients.cell(**case).values()) > NOTICED
