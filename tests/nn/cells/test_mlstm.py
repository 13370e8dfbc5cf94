"""The multiplicative LSTM compared with its paper's equations, unit by unit."""

from math import exp, tanh

import numpy as np
import pytest


def logistic(a):
    return 1 / (1 + exp(-a))


def test_it_is_the_papers_recurrence(make_window):
    window = make_window("mlstm")
    hidden, W = window.hidden, window.params["W_hh"]
    unit = range(hidden)

    def advance(a_G, h_H, c_H):
        m_H = [a_G[j] * sum(h_H[k] * W[k, j] for k in unit) for j in unit]

        def gate(block, j):
            column = block * hidden + j
            return a_G[column] + sum(m_H[k] * W[k, column] for k in unit)

        new_h, new_c = [], []
        for j in unit:
            o, i, f = (logistic(gate(block, j)) for block in (1, 2, 3))
            new_c.append(f * c_H[j] + i * tanh(gate(4, j)))
            new_h.append(o * tanh(new_c[j]))
        return [np.array(new_h), np.array(new_c)]

    window.assert_follows(advance)


def test_without_an_input_the_state_says_nothing_but_through_c(make_window):
    window = make_window("mlstm")
    window.a_TBG[..., : window.hidden] = 0
    (expected_TBH, _), h_BH = window.outputs(), window.state[0]
    h_BH += 1
    np.testing.assert_array_equal(window.outputs()[0], expected_TBH)


@pytest.mark.parametrize("forget_bias", [0.0, 1.0, -2.5])
def test_only_the_forget_gate_starts_with_a_bias(make_model, forget_bias):
    model = make_model(cell="mlstm", layers=2, forget_bias=forget_bias)
    for layer in range(2):
        blocks = dict(zip(model.cell.gates, np.split(model.params[f"layers.{layer}.b_h"], 5), strict=True))
        assert (blocks.pop("f") == forget_bias).all()
        assert not any(block.any() for block in blocks.values())
