"""minGRU compared with its paper's equations, unit by unit."""

from math import exp

import numpy as np

from charlm.nn.cells import CELLS


def logistic(a):
    return 1 / (1 + exp(-a))


def test_it_is_the_papers_recurrence(make_window):
    window = make_window("mingru")
    hidden = window.hidden

    def advance(a_G, h_H):
        new_H = []
        for j in range(hidden):
            z = logistic(a_G[j])
            candidate = a_G[hidden + j]
            new_H.append((1 - z) * h_H[j] + z * candidate)
        return [np.array(new_H)]

    window.assert_follows(advance)


def test_it_has_no_recurrent_parameters(make_model):
    model = make_model(cell="mingru", layers=2)
    assert CELLS.find("mingru")().shapes(4) == {}
    own = {name for name in model.params if name.startswith("layers.")}
    assert own == {"layers.0.W_xh", "layers.0.b_h", "layers.1.W_xh", "layers.1.b_h"}
    assert not model.params["layers.1.b_h"].any()


def test_a_gate_that_is_shut_keeps_the_state_and_one_that_is_open_takes_the_candidate(make_window):
    window = make_window("mingru")
    window.carry_TB[:] = 1
    window.a_TBG[..., : window.hidden] = -1e4
    _, (last_BH,) = window.outputs()
    np.testing.assert_array_equal(last_BH, window.state[0])
    window.a_TBG[..., : window.hidden] = 1e4
    h_TBH, _ = window.outputs()
    np.testing.assert_array_equal(h_TBH, window.a_TBG[..., window.hidden :])
