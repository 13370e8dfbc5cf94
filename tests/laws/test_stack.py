"""A stack by itself: vectors as its input, and reading from the last step to the first."""

import numpy as np
import pytest

from charlm.base.arrays import FlatVector
from charlm.nn.cells import CELLS
from charlm.nn.dropout import Regularization
from charlm.nn.stack import Stack, StackBuffers
from tests.laws.gradient_check import draw_carry, relative_errors, terms

STEPS, BATCH, HIDDEN = 5, 3, 4


def make(cell="lstm", layers=2, prefix="encoder.layers.", **options):
    """A stack that reads vectors of as many numbers as it has units."""
    made = CELLS.find(cell)()
    shapes = {}
    for number in range(layers):
        width = len(made.gates) * HIDDEN
        own = {"W_xh": (HIDDEN, width), "b_h": (width,), **made.shapes(HIDDEN)}
        shapes |= {f"{prefix}{number}.{name}": shape for name, shape in own.items()}
    params = FlatVector(shapes, "float64")
    stack = Stack(made, params, layers, prefix, **options)
    stack.initialize(np.random.default_rng(0))
    return stack, params


def case(seed=1):
    rng = np.random.default_rng(seed)
    return rng, rng.standard_normal((STEPS, BATCH, HIDDEN)), draw_carry(rng, True, STEPS, BATCH)


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("is_residual", [False, True])
@pytest.mark.parametrize("cell", CELLS.names())
def test_gradients_of_a_stack_over_vectors(cell, is_residual, is_reversed):
    stack, params = make(cell, is_residual=is_residual, is_reversed=is_reversed)
    rng, x_TBE, carry_TB = case()
    state = tuple(tuple(rng.uniform(-1, 1, a.shape) for a in layer) for layer in stack.zero_state(BATCH))
    dh_TBH = rng.standard_normal((STEPS, BATCH, HIDDEN))
    dstate = tuple(tuple(rng.standard_normal(a.shape) for a in layer) for layer in state)
    buffers = StackBuffers(stack, STEPS + 1, BATCH, Regularization(dropout=0.3))

    def projection():
        h_TBH, after = stack.forward(x_TBE, state, buffers, carry_TB, np.random.default_rng(2))
        return terms((dh_TBH, *sum(dstate, ())), (h_TBH, *sum(after, ())))

    projection()
    grads = params.zeros_like()
    grads.flat[:] = np.nan
    dx_TBE, before = stack.backward(dh_TBH.copy(), dstate, buffers, grads)
    arrays = {**params, "x": x_TBE} | {f"state.{n}": a for n, a in enumerate(sum(state, ()))}
    found = {**grads, "x": dx_TBE.copy()} | {f"state.{n}": a for n, a in enumerate(sum(before, ()))}
    assert max(relative_errors(projection, arrays, found, rng).values()) <= 1e-6


def test_a_reversed_stack_reads_from_the_last_step():
    forward, _ = make()
    backward, _ = make(is_reversed=True)
    _, x_TBE, _ = case()
    ours_TBH, ours = backward.forward(x_TBE, backward.zero_state(BATCH), StackBuffers(backward, STEPS, BATCH))
    theirs_TBH, theirs = forward.forward(
        x_TBE[::-1], forward.zero_state(BATCH), StackBuffers(forward, STEPS, BATCH)
    )
    np.testing.assert_array_equal(ours_TBH, theirs_TBH[::-1])
    for own, other in zip(sum(ours, ()), sum(theirs, ()), strict=True):
        np.testing.assert_array_equal(own, other)


def test_a_prefix_names_the_parameters():
    _, params = make("rnn", layers=1, prefix="decoder.layers.")
    assert list(params) == ["decoder.layers.0.W_xh", "decoder.layers.0.b_h", "decoder.layers.0.W_hh"]
