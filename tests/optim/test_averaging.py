"""The EMA of the parameters: the stated weights, and an unchanged update rule."""

import numpy as np
import pytest

from charlm.config import OptimizerConfig
from charlm.optim import base, make_optimizer
from charlm.optim.averaging import AVERAGE
from charlm.optim.rules import OPTIMIZERS

NAMES = [name for name in OPTIMIZERS.names() if not OPTIMIZERS.find(name).moves_weights]
RULE = pytest.mark.parametrize("rule", NAMES)
LR = 0.05


def path_of(rule, average=0, updates=30, weight_decay=0.1):
    """The parameters before the first update and after each, and the slots after the last."""
    rng = np.random.default_rng(3)
    w_P = rng.standard_normal(23)
    optimizer = make_optimizer(OptimizerConfig(optimizer=rule, average=average, weight_decay=weight_decay))
    slots = optimizer.init(w_P)
    path = [w_P.copy()]
    for t in range(1, updates + 1):
        optimizer.update(w_P, rng.standard_normal(23), slots, LR, t)
        path.append(w_P.copy())
    return np.array(path), slots


@RULE
def test_the_rule_is_left_alone(rule):
    plain, plain_slots = path_of(rule)
    averaged, slots = path_of(rule, average=5)
    np.testing.assert_array_equal(averaged, plain)
    assert set(slots) - set(plain_slots) == {AVERAGE}
    for name, slot in plain_slots.items():
        np.testing.assert_array_equal(slots[name], slot)


@RULE
@pytest.mark.parametrize("steps", [1, 2, 5, 1000])
def test_the_average_is_the_path_under_the_stated_weights(rule, steps, monkeypatch):
    monkeypatch.setattr(base, "BLOCK_VALUES", 7)
    path, slots = path_of(rule, average=steps)
    weights = np.zeros(len(path))
    weights[0] = 1
    for t in range(1, len(path)):
        decay = min(1 - 1 / steps, (1 + t) / (10 + t))
        weights *= decay
        weights[t] = 1 - decay
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(slots[AVERAGE], weights @ path, rtol=1e-11, atol=1e-13)


def test_the_average_of_one_step_is_the_parameters_themselves():
    path, slots = path_of("adam", average=1)
    np.testing.assert_allclose(slots[AVERAGE], path[-1], rtol=1e-12, atol=1e-14)


def test_before_the_first_update_it_is_the_parameters_and_a_vector_of_its_own():
    path, slots = path_of("adam", average=9, updates=0)
    np.testing.assert_array_equal(slots[AVERAGE], path[0])
    assert slots[AVERAGE].base is None


def test_where_there_is_noise_it_ends_closer_to_the_minimum():
    rng = np.random.default_rng(0)
    optimizer = make_optimizer(OptimizerConfig(optimizer="sgd", average=200))
    w_P = np.full(50, 3.0)
    slots = optimizer.init(w_P)
    for t in range(1, 2001):
        optimizer.update(w_P, w_P + rng.standard_normal(50), slots, 0.1, t)
    assert np.linalg.norm(slots[AVERAGE]) < 0.5 * np.linalg.norm(w_P)


def test_off_there_is_no_average():
    assert type(make_optimizer(OptimizerConfig())) is OPTIMIZERS.find("adam")
