"""Rules that need losses alone: on a quadratic bowl, and with the same bits for any number of workers."""

import dataclasses
from contextlib import closing
from unittest import mock

import numpy as np
import pytest

from charlm.base.errors import UsageError
from charlm.config import ModelConfig, OptimizerConfig, TrainingConfig
from charlm.data.windows import SequentialBatcher
from charlm.engines.numpy.engine import NumpyEngine
from charlm.models.architecture import check_settings
from charlm.models.char_rnn import Model
from charlm.optim.rules import OPTIMIZERS, es
from charlm.training.presets import resolve_settings
from charlm.training.start import check_engine
from tests.laws.test_two_sides import draw_batch, draw_state, make

POPULATIONS = [name for name in OPTIMIZERS.names() if OPTIMIZERS.find(name).population]
CURVATURE_P, LOWEST_P = np.array([1.0, 3.0, 10.0]), np.array([0.5, -1.0, 2.0])


def bowl(w_P):
    return 0.5 * (CURVATURE_P * (w_P - LOWEST_P) ** 2).sum(axis=-1) + 0.1


def estimate(w_P, seed):
    rule, g_P = es.ES(), np.empty(3)
    slots, rng = rule.init(w_P), np.random.default_rng(seed)
    candidates_KP = rule.candidates(w_P, slots, rng)
    rule.learn(w_P, candidates_KP, float(bowl(w_P)), bowl(candidates_KP), slots, g_P)
    return g_P


def test_both_are_there():
    assert POPULATIONS == ["es", "pso"]


def test_the_mean_of_the_estimate_is_the_gradient():
    w_P = np.array([2.0, 1.0, -1.0])
    found = np.array([estimate(w_P, seed) for seed in range(400)])
    expected = CURVATURE_P * (w_P - LOWEST_P)
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (error < 0.04 * np.abs(expected).max()).all()
    assert (np.abs(found.mean(axis=0) - expected) < 4 * error).all()


@pytest.mark.parametrize("name", POPULATIONS)
def test_the_lowest_point_of_a_bowl_is_found(name):
    rule, w_P, g_P = OPTIMIZERS.find(name)(), np.zeros(3), np.empty(3)
    slots, rng = rule.init(w_P), np.random.default_rng(0)
    for t in range(1, 401):
        candidates_KP = rule.candidates(w_P, slots, rng)
        assert candidates_KP.shape == (rule.population, 3)
        rule.learn(w_P, candidates_KP, float(bowl(w_P)), bowl(candidates_KP), slots, g_P)
        rule.update(w_P, g_P.copy(), slots, 0.1 * (1 - t / 401), t)
    np.testing.assert_allclose(w_P, LOWEST_P, atol=2e-2)


def trained(name, workers, steps=4):
    """The losses, weights and slots of some steps with dropout, on a network that carries its state."""
    model = Model(ModelConfig(cell="gru", hidden=3), 4)
    model.initialize(np.random.default_rng(0))
    ids = np.random.default_rng(1).integers(4, size=200).astype(np.uint8)
    config = OptimizerConfig(optimizer=name, dropout=0.2)
    losses = []
    with closing(NumpyEngine(model, config, 5, 4, workers)) as engine:
        for t, batch in zip(
            range(1, steps + 1), SequentialBatcher(ids, 5, 4).epoch(np.random.default_rng(0)), strict=False
        ):
            losses.append(engine.step(batch, np.random.default_rng(t)))
            engine.clip(0, 1)
            engine.update(0.02, t)
        return losses, engine.snapshot()


@pytest.mark.parametrize("name", POPULATIONS)
def test_any_number_of_workers_gives_the_same_bits(name):
    losses, one = trained(name, workers=1)
    again, three = trained(name, workers=3)
    assert losses == again and len(set(losses)) == len(losses)
    np.testing.assert_array_equal(one.weights_P, three.weights_P)
    for slot, values in one.slots.items():
        np.testing.assert_array_equal(values, three.slots[slot])
    for ours, theirs in zip(one.states, three.states, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.abs(one.states[0][0]).max() > 0


def test_a_snapshot_goes_on_with_the_same_bits():
    ids = np.random.default_rng(1).integers(4, size=200).astype(np.uint8)
    batches = list(SequentialBatcher(ids, 5, 4).epoch(np.random.default_rng(0)))[:4]
    found = []
    for stop in (None, 2):
        model = Model(ModelConfig(cell="gru", hidden=3), 4)
        model.initialize(np.random.default_rng(0))
        with closing(NumpyEngine(model, OptimizerConfig(optimizer="pso"), 5, 4, 1)) as engine:
            for t, batch in enumerate(batches):
                if t == stop:
                    kept = engine.snapshot()
                    engine.step(batch, np.random.default_rng(99))
                    engine.restore(kept)
                engine.step(batch, np.random.default_rng(t))
            found.append(engine.snapshot().weights_P)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("name", POPULATIONS)
def test_several_processes_are_refused(name):
    config = TrainingConfig.from_settings(optimizer=name, steps=1)
    check_engine(config)
    with pytest.raises(UsageError, match=f"--optimizer {name} is of one process"):
        check_engine(config, ranks=mock.Mock(size=2))


@pytest.mark.parametrize("network", ["char-rnn", "two-sided"])
def test_the_loss_alone_is_that_of_the_step_with_a_gradient(network):
    if network == "char-rnn":
        model = Model(ModelConfig(cell="lstm", hidden=3, dtype="float64", learned_state=True), 4)
        model.initialize(np.random.default_rng(0))
        ids = np.random.default_rng(1).integers(4, size=30).astype(np.uint8)
        batch, state = (
            next(SequentialBatcher(ids, 5, 2, end=3).epoch(np.random.default_rng(0))),
            model.zero_state(2),
        )
    else:
        model, batch = make(), draw_batch()
        state = draw_state(model)
    buffers = model.buffers(5, len(state[0][0]))
    rng, again = np.random.default_rng(5), np.random.default_rng(5)
    loss, after = model.loss(batch, state, buffers, rng)
    expected, state_after = model.loss_and_gradient(batch, state, buffers, model.params.zeros_like(), again)
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_array_equal(after, state_after)


@pytest.mark.parametrize(("setting", "value"), [("lr", 0.5), ("weight_decay", 0.1), ("average", 20)])
def test_what_needs_a_gradient_is_refused_with_a_swarm(setting, value):
    config = OptimizerConfig(optimizer="pso", **{setting: value})
    with pytest.raises(UsageError, match=f"--{setting.replace('_', '-')} needs a gradient"):
        check_settings(ModelConfig(), config)
    check_settings(ModelConfig(), dataclasses.replace(config, optimizer="es"))


def test_a_preset_leaves_out_what_a_swarm_lacks():
    config = resolve_settings({"minutes": 1, "optimizer": "pso"}).config
    assert config.optimisation.average == 0
    check_settings(config.model, config.optimisation)
