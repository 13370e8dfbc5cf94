"""Gradients of networks that read whole texts: every pooling, through padding, in both directions."""

import numpy as np
import pytest

from charlm.nn.cells import CELLS
from charlm.nn.dropout import Regularization
from charlm.nn.pooling import POOLINGS, Max
from tests.laws.gradient_check import relative_errors
from tests.laws.test_batch_invariance import OPTIONS, TEXTS, make, pack, run

DROPOUT = Regularization(dropout=0.3, input_dropout=0.2, weight_drop=0.2)


def soften(model, seed):
    """Small weights, so that no unit is near its bounds."""
    model.params.flat[:] = np.random.default_rng(seed).uniform(-0.8, 0.8, model.params.flat.size)
    return model


def errors_of(model, batch, regularization):
    """The relative error of every parameter's gradient."""
    rng, buffers = np.random.default_rng(3), model.buffers(*batch["x_TB"].shape, regularization)

    def loss():
        grads = model.params.zeros_like()
        return np.array([model.loss_and_gradient(batch, (), buffers, grads, np.random.default_rng(4))[0]])

    grads = model.params.zeros_like()
    grads.flat[:] = np.nan
    model.loss_and_gradient(batch, (), buffers, grads, np.random.default_rng(4))
    return relative_errors(loss, dict(model.params), grads, rng)


class SteadyMax(Max):
    """The maximum at the places that were largest first: the function that its gradient is of."""

    places = None

    def forward(self, h_TBD, finals):
        pooled_BD = super().forward(h_TBD, finals)
        if SteadyMax.places is None:
            SteadyMax.places = self._places_1BD
        self._places_1BD = SteadyMax.places
        is_text_B1 = (self.length_B > 0)[:, None]
        return np.where(is_text_B1, np.take_along_axis(h_TBD, self._places_1BD, axis=0)[0], pooled_BD)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
@pytest.mark.parametrize(("network", "cell"), [("regressor", "gru"), *(("classifier", c) for c in CELLS.names())])
def test_gradients_through_padding(monkeypatch, network, cell, options):
    monkeypatch.setitem(POOLINGS, "max", SteadyMax)
    noisy = {"encoding": "embedding", "learned_state": True}, DROPOUT
    deep = {"layers": 3 if options["bidirectional"] else 2}, Regularization()
    for number, (own, regularization) in enumerate((noisy, deep)):
        SteadyMax.places = None
        model = soften(make(network, options, cell=cell, **own), seed=number)
        errors = errors_of(model, pack(model, [*TEXTS, []], padding=1), regularization)
        assert max(errors.values()) < 1e-6, errors


def test_weights_weigh_the_gradient_of_each_example_and_not_the_loss():
    model = make()
    plain, weighed = (run(model, pack(model, TEXTS, weights=weights)) for weights in (None, [2.0, 0.5, 1.0, 0.0]))
    assert weighed[1] == plain[1]
    alone = [run(model, pack(model, [text], targets=[n % 3]))[2] for n, text in enumerate(TEXTS)]
    expected = 2 * alone[0] + 0.5 * alone[1] + alone[2]
    np.testing.assert_allclose(weighed[2], expected, rtol=0, atol=1e-12)
