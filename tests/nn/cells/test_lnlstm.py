"""The layer-normalized LSTM agrees with its paper's equations, unit by unit, with its own epsilon."""

from math import exp, sqrt, tanh

import numpy as np
import pytest

EPSILON = 1e-5


def logistic(a):
    return 1 / (1 + exp(-a))


def layer_norm(z, gains):
    mean = sum(z) / len(z)
    variance = sum((value - mean) ** 2 for value in z) / len(z)
    return [gain * (value - mean) / sqrt(variance + EPSILON) for value, gain in zip(z, gains, strict=True)]


def test_it_is_the_papers_recurrence(make_window):
    window = make_window("lnlstm")
    hidden, p = window.hidden, window.params

    def advance(a_G, h_H, c_H):
        product = [sum(h_H[k] * p["W_hh"][k, j] for k in range(hidden)) for j in range(4 * hidden)]
        parts = layer_norm(product, p["gain_h"]), layer_norm(a_G, p["gain_x"]), p["bias"]
        a = [sum(terms) for terms in zip(*parts, strict=True)]
        o, i, f = ([logistic(value) for value in a[k * hidden : (k + 1) * hidden]] for k in range(3))
        g = [tanh(value) for value in a[3 * hidden :]]
        new_c = [f[j] * c_H[j] + i[j] * g[j] for j in range(hidden)]
        normal = layer_norm(new_c, p["gain_c"])
        new_h = [o[j] * tanh(normal[j] + p["bias_c"][j]) for j in range(hidden)]
        return [np.array(new_h), np.array(new_c)]

    window.assert_follows(advance)


def test_neither_the_weights_nor_the_inputs_scale_matters(make_window):
    window = make_window("lnlstm")
    window.carry_TB[:] = 1
    window.params["W_hh"] *= 100
    window.a_TBG *= 100
    (expected_TBH, _) = window.outputs()
    window.params["W_hh"] *= 1000
    window.a_TBG *= 1000
    np.testing.assert_allclose(window.outputs()[0], expected_TBH, atol=1e-3)


@pytest.mark.parametrize("forget_bias", [0.0, 1.0, -2.5])
def test_gains_start_at_one_and_only_the_forget_gate_with_a_bias(make_model, forget_bias):
    params = make_model(cell="lnlstm", layers=2, forget_bias=forget_bias).params
    for layer in range(2):
        own = params.part(f"layers.{layer}.")
        assert all((own[name] == 1).all() for name in ("gain_h", "gain_x", "gain_c"))
        np.testing.assert_array_equal(
            own["bias"].reshape(4, -1).any(axis=1), [False, False, forget_bias != 0, False]
        )
        assert (own["bias"].reshape(4, -1)[2] == forget_bias).all()
        assert not own["b_h"].any() and not own["bias_c"].any()
