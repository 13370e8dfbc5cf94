"""The laws of encoders and decoders: gradients of everything at once, batch invariance, causality."""

import numpy as np
import pytest

from charlm.nn.cells import CELLS
from charlm.nn.dropout import Regularization
from tests.laws.gradient_check import relative_errors
from tests.laws.pairs import ATTENTION, END, SOURCES, TARGETS, make, pack, run

DROPOUT = Regularization(dropout=0.3, input_dropout=0.2, weight_drop=0.2)
EVERY = [*((name, "lstm") for name in ATTENTION), *(("dot", cell) for cell in CELLS.names() if cell != "lstm")]


def errors_of(model, batch, regularization):
    """The relative error of every parameter's gradient."""
    buffers = model.buffers(12, batch["x_SB"].shape[1], regularization)

    def loss():
        grads = model.params.zeros_like()
        return np.array([model.loss_and_gradient(batch, (), buffers, grads, np.random.default_rng(4))[0]])

    return relative_errors(
        loss, dict(model.params), run(model, batch, regularization)[2], np.random.default_rng(3)
    )


@pytest.mark.parametrize("attention", ATTENTION)
def test_the_gradient_of_everything_at_once_through_padding(attention):
    noisy = {"cell": "lstm", "encoding": "embedding", "learned_state": True}, DROPOUT
    deep = {"cell": "gru", "layers": 2, "bidirectional": False}, Regularization()
    for own, regularization in (noisy, deep) if attention == "dot" else (noisy,):
        model = make(attention, **own)
        batch = pack([*SOURCES, []], [*TARGETS, None], padding=1)
        errors = errors_of(model, batch, regularization)
        assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize(("attention", "cell"), EVERY)
def test_a_pair_is_the_same_alone_and_in_any_batch(attention, cell):
    model = make(attention, cell=cell, layers=2)
    nll_BT, loss, grads = run(model, pack())
    padded = run(model, pack([*SOURCES, [], []], [*TARGETS, None, None], padding=3))
    alone = [run(model, pack([source], [target])) for source, target in zip(SOURCES, TARGETS, strict=True)]
    for number, (own, *_) in enumerate(alone):
        np.testing.assert_allclose(own[0], nll_BT[number, : own.shape[1]], rtol=0, atol=1e-12)
    np.testing.assert_allclose(padded[0][:4, : nll_BT.shape[1]], nll_BT, rtol=0, atol=1e-12)
    assert abs(padded[1] - loss) < 1e-12 and abs(sum(each[1] for each in alone) - loss) < 1e-12
    np.testing.assert_allclose(padded[2].flat, grads.flat, rtol=0, atol=1e-12)
    np.testing.assert_allclose(sum(each[2].flat for each in alone), grads.flat, rtol=0, atol=1e-12)


@pytest.mark.parametrize("attention", ATTENTION)
def test_a_target_changes_no_prediction_at_its_own_step_or_before(attention):
    model = make(attention, layers=2)
    before, after = (
        model.forward(pack([SOURCES[0]], [target]), model.buffers(12, 1))
        for target in ([0, 1, 2, 0, 1], [0, 1, 0, 0, 1])
    )
    np.testing.assert_array_equal(before[:3], after[:3])
    assert (before[3:] != after[3:]).any(axis=(1, 2)).all()


def test_the_first_input_is_the_end_symbol_and_the_others_the_target_shifted_by_one():
    model, seen = make(), []
    forward = model.decoder.forward
    model.decoder.forward = lambda x_TB, *given, **own: seen.append(x_TB.copy()) or forward(x_TB, *given, **own)
    run(model, pack([SOURCES[0]], [[2, 0, 1]]))
    assert [x_TB[:, 0].tolist() for x_TB in seen] == [[END, 2, 0, 1]] * 2
