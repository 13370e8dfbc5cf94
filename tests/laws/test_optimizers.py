"""Laws of every optimizer."""

import numpy as np
import pytest

from charlm.optim import base
from charlm.optim.base import Optimizer
from charlm.optim.rules import OPTIMIZERS
from tests.laws.conftest import RULES

STEPS = 5
DECAYS = [0.0, 0.1]
PENALISED = [name for name in RULES if OPTIMIZERS.find(name)._decay is Optimizer._decay]


def make(name, weight_decay=0.0):
    return OPTIMIZERS.find(name)(weight_decay)


def run(optimizer, w_P, gradients, lr=0.05):
    """The parameters and the slots after steps on a sequence of gradients."""
    w_P = w_P.copy()
    slots = optimizer.init(w_P)
    for t, g_P in enumerate(gradients, 1):
        optimizer.update(w_P, g_P.copy(), slots, lr, t)
    return w_P, slots


@pytest.fixture(scope="module")
def course():
    """Parameters, and gradients over several orders of magnitude."""
    rng = np.random.default_rng(5)
    return rng.standard_normal(23), rng.standard_normal((STEPS, 23)) * 10.0 ** -(np.arange(23) % 5)


@pytest.mark.parametrize("weight_decay", DECAYS)
@pytest.mark.parametrize("block_values", [1, 7, 22, 23, 24])
def test_blocks_change_nothing(optimizer, course, weight_decay, block_values, monkeypatch):
    whole_P, whole_slots = run(make(optimizer, weight_decay), *course)
    monkeypatch.setattr(base, "BLOCK_VALUES", block_values)
    blocks_P, block_slots = run(make(optimizer, weight_decay), *course)
    np.testing.assert_array_equal(blocks_P, whole_P)
    for name in whole_slots:
        np.testing.assert_array_equal(block_slots[name], whole_slots[name])


@pytest.mark.parametrize("weight_decay", DECAYS)
def test_a_vector_longer_than_a_block_is_updated_as_its_parts(optimizer, weight_decay):
    rng = np.random.default_rng(0)
    size = base.BLOCK_VALUES + 5
    w_P, gradients = rng.standard_normal(size), rng.standard_normal((STEPS, size))
    long_P, _ = run(make(optimizer, weight_decay), w_P, gradients)
    for part in (slice(0, 9), slice(size - 9, size)):
        short_P, _ = run(make(optimizer, weight_decay), w_P[part], gradients[:, part])
        np.testing.assert_array_equal(long_P[part], short_P)


def test_no_gradient_and_no_decay_change_nothing(optimizer, course):
    w_P, gradients = course
    after_P, slots = run(make(optimizer), w_P, np.zeros_like(gradients))
    np.testing.assert_array_equal(after_P, w_P)
    assert not any(slot.any() for slot in slots.values())


def test_updates_are_in_place_and_slots_are_as_declared(optimizer, course):
    w_P, gradients = course[0].astype(np.float32), course[1].astype(np.float32)
    made = make(optimizer)
    slots = made.init(w_P)
    arrays = {"w": w_P, **slots}
    before = {name: array.copy() for name, array in arrays.items()}
    assert made.update(w_P, gradients[0].copy(), slots, 0.1, 1) is None
    assert tuple(slots) == made.slot_names
    assert all(slots[name] is arrays[name] for name in slots)
    for name, array in arrays.items():
        assert array.dtype == np.float32 and array.shape == w_P.shape
        assert (array != before[name]).all()


def test_the_rate_scales_the_first_step(optimizer, course):
    w_P, gradients = course
    moves = [run(make(optimizer), w_P, gradients[:1], lr)[0] - w_P for lr in (0.01, 0.02)]
    np.testing.assert_allclose(moves[1], 2 * moves[0], rtol=1e-8, atol=1e-15)


def test_the_first_step_goes_down(optimizer, course):
    w_P, gradients = course
    after_P, _ = run(make(optimizer), w_P, gradients[:1])
    np.testing.assert_array_equal(np.sign(after_P - w_P), -np.sign(gradients[0]))


@pytest.mark.parametrize("weight_decay", DECAYS)
def test_the_same_gradients_give_the_same_bits(optimizer, course, weight_decay):
    first_P, _ = run(make(optimizer, weight_decay), *course)
    again_P, _ = run(make(optimizer, weight_decay), *course)
    np.testing.assert_array_equal(first_P, again_P)


def test_a_quadratic_is_minimised(optimizer):
    curvature_P = np.array([1.0, 3.0, 10.0])
    lowest_P = np.array([0.5, -1.0, 2.0])
    made = make(optimizer)
    w_P = np.zeros(3)
    slots = made.init(w_P)
    for t in range(1, 2001):
        lr = 0.1 * (1 - t / 2001)
        made.update(w_P, curvature_P * (w_P - lowest_P), slots, lr, t)
    np.testing.assert_allclose(w_P, lowest_P, atol=1e-2)


@pytest.mark.parametrize("name", PENALISED)
def test_decay_is_added_to_the_gradient_where_the_rule_says_nothing_else(name, course):
    w_P, gradients = course
    decayed_P, _ = run(make(name, 0.1), w_P, gradients[:1])
    expected_P, _ = run(make(name), w_P, gradients[:1] + 0.1 * w_P)
    np.testing.assert_array_equal(decayed_P, expected_P)


def test_adamw_shrinks_the_parameters_themselves(course):
    w_P, gradients = course
    lr, decay = 0.05, 0.1
    decayed_P, slots = run(make("adamw", decay), w_P, gradients[:1], lr)
    expected_P, plain_slots = run(make("adam"), w_P * (1 - lr * decay), gradients[:1], lr)
    np.testing.assert_array_equal(decayed_P, expected_P)
    for name in slots:
        np.testing.assert_array_equal(slots[name], plain_slots[name])


def test_decay_pulls_towards_zero_where_there_is_no_gradient(optimizer):
    w_P = np.array([2.0, -2.0, 0.5])
    after_P, _ = run(make(optimizer, 0.1), w_P, np.zeros((STEPS, 3)), lr=0.01)
    assert (np.abs(after_P) < np.abs(w_P)).all()
    assert (np.sign(after_P) == np.sign(w_P)).all()


def test_a_rate_to_start_from_is_positive(optimizer):
    assert OPTIMIZERS.find(optimizer).default_lr > 0
