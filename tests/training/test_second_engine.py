"""The engine is a seam: the loop trains through any engine, and reads no engine's memory."""

import numpy as np
import pytest

from charlm.engines.base import Engine, Snapshot, do_nothing
from charlm.engines.numpy.network import open_network
from charlm.engines.numpy.predictor import Predictor
from charlm.optim import make_optimizer
from charlm.optim.clipping import clip_norm_, clip_value_
from charlm.training import start
from charlm.training.loop import train
from charlm.training.resume import resume
from tests.golden import test_trajectory


class PlainEngine(Engine):
    """One process, plain NumPy, no memory that anybody shares."""

    def __init__(self, model, optimizer_config, seq_len, batch_size, workers=None, ranks=None, split_by=""):
        self._model, self._rule = model, make_optimizer(optimizer_config)
        self._slots = self._rule.init(model.params.flat)
        self._state, self._grads = model.zero_state(batch_size), model.params.zeros_like()
        self._buffers = model.buffers(seq_len, batch_size)

    gradient = property(lambda self: self._grads.flat)

    def step(self, batch, rng, meanwhile=do_nothing):
        state = self._model.zero_state(batch["x_TB"].shape[1]) if batch.resets_state else self._state
        nll_sum, self._state = self._model.loss_and_gradient(batch, state, self._buffers, self._grads)
        meanwhile()
        return nll_sum

    def clip(self, value, norm):
        clip_value_(self._grads.flat, value)
        return clip_norm_(self._grads.flat, norm)

    def update(self, lr, t):
        self._rule.update(self._model.params.flat, self._grads.flat, self._slots, lr, t)

    def snapshot(self):
        slots = {name: slot.copy() for name, slot in self._slots.items()}
        return Snapshot(self._model.params.flat.copy(), slots, self._state)

    def restore(self, snapshot):
        self._model.params.flat[:] = snapshot.weights_P
        self._slots, self._state = {name: slot.copy() for name, slot in snapshot.slots.items()}, snapshot.states

    def model(self):
        return self._model

    def network(self):
        return open_network(self._model)

    def predictor(self):
        return Predictor(self._model)

    def profile(self):
        return {}

    def close(self):
        pass


@pytest.mark.parametrize("name", test_trajectory.MODELS)
def test_the_golden_trajectory_comes_out_of_another_engine(monkeypatch, name):
    monkeypatch.setattr(test_trajectory, "NumpyEngine", PlainEngine)
    test_trajectory.test_the_trajectory_is_the_golden_one(name)


@pytest.mark.parametrize("partition", ["sequential", "varied", "random"])
def test_the_loop_trains_saves_and_resumes_through_another_engine(begun, monkeypatch, partition):
    settings = {"dropout": 0.0, "partition": partition, "steps": 30, "eval_every": 10}
    trainer, run = begun(**settings)
    list(train(trainer, run))
    monkeypatch.setattr(start, "NumpyEngine", PlainEngine)
    other, other_run = begun(**settings)
    list(train(other, other_run, lambda: other.state.step >= 12))
    other, other_run = resume(other_run, {})
    list(train(other, other_run))
    for which in ("best", "last"):
        ours, theirs = (each.load_model(which).params.flat for each in (other_run, run))
        np.testing.assert_array_equal(ours, theirs)
    assert other.state.step == trainer.state.step


def test_going_back_forgets_the_batch_that_was_gathered_early(begun, monkeypatch):
    monkeypatch.setattr(start, "NumpyEngine", PlainEngine)
    trainer, _ = begun(dropout=0.0, partition="varied", steps=30)

    def take(steps):
        losses = []
        for _ in range(steps):
            trainer.state, loss, _ = trainer.step(0.0)
            losses.append(loss)
        return losses

    take(2)
    assert trainer.state.index == 2
    before, snapshot = trainer.state, trainer.engine.snapshot()
    losses = take(3)
    trainer.rewind(snapshot)
    trainer.state = before
    assert take(3) == losses
