"""Saving: when it happens, and what is kept."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.config import RunConfig
from charlm.runs.folder import find_snapshots
from charlm.runs.run import Run
from charlm.training.loop import train
from charlm.training.resume import resume
from charlm.training.run_length import Budget
from charlm.training.saving import Saver
from charlm.training.state import TrainerState


@pytest.fixture
def saved_steps(monkeypatch):
    """The steps after which the state is saved."""
    steps, save = [], Saver.save

    def noted(self, state):
        steps.append(state.step)
        return save(self, state)

    monkeypatch.setattr(Saver, "save", noted)
    return steps


def test_saves_come_every_so_many_steps_and_at_the_end(begun, saved_steps):
    list(train(*begun(steps=10, save_every="4")))
    assert saved_steps == [0, 4, 8, 10]


def test_saves_come_every_so_many_seconds_and_at_the_end(begun, clock, saved_steps):
    list(train(*begun(steps=10, save_every="3s", eval_every=100)))
    # The first validation takes two seconds, a step one.
    assert saved_steps == [0, 3, 6, 9, 10]
    saved_steps.clear()
    clock.step_seconds = 20.0
    list(train(*begun(steps=10, save_every="1m", eval_every=100)))
    assert saved_steps == [0, 3, 6, 9, 10]


def test_what_is_said_on_resuming_takes_the_place_of_what_was_said(begun, saved_steps):
    trainer, run = begun(steps=9, save_every="100")
    list(train(trainer, run, lambda: trainer.state.step >= 2))
    list(train(*resume(Run.open(run.folder), {"save_every": "3", "keep": 2})))
    assert saved_steps == [0, 2, 3, 6, 9]
    budget = Run.open(run.folder).config.budget
    assert (budget.save_every, budget.keep) == ("3", 2)


@given(cost=st.floats(1e-3, 10), step=st.floats(0.5, 10))
def test_where_nothing_is_said_saving_takes_under_two_hundredths_of_the_time(cost, step):
    budget, state, saving = Budget(RunConfig(steps=10**9), targets_per_epoch=10), TrainerState(), 0.0
    state = budget.note_save(state, cost)
    while state.seconds < 100 * cost + 100:
        state = replace(state, step=state.step + 1, seconds=state.seconds + step)
        if budget.is_save_due(state):
            saving += cost
            state = budget.note_save(replace(state, seconds=state.seconds + cost), cost)
    assert saving == 0 or saving < 0.02 * state.seconds
    assert saving > 0.005 * min(state.seconds * cost / 10, state.seconds) - cost


def test_the_latest_saves_are_kept_as_whole_ones(begun, saved_steps):
    settings = {"steps": 14, "eval_every": 4, "save_every": "3", "keep": 2}
    trainer, run = begun(**settings)
    list(train(trainer, run))
    assert saved_steps == [0, 3, 6, 9, 12, 14]
    assert [path.name for path in find_snapshots(run.folder)] == [
        "step-000012.safetensors",
        "step-000014.safetensors",
    ]
    earlier, last = find_snapshots(run.folder)
    assert last.read_bytes() == run.last_path.read_bytes()
    shutil.copy(earlier, run.last_path)
    resumed, _ = resume(Run.open(run.folder), {})
    assert resumed.state.step == 12
    list(train(resumed, run))
    assert np.array_equal(resumed.engine._model.params.flat, trainer.engine._model.params.flat)
    shutil.copy(last, run.best_path)
    assert np.array_equal(run.load_model("best").params.flat, trainer.engine._model.params.flat)


def test_the_oldest_goes_only_once_the_newest_is_there(begun, monkeypatch):
    trainer, run = begun(steps=9, save_every="3", keep=1)
    counts = []
    unlink = Path.unlink

    def counting(self, **kwargs):
        if self.name.startswith("step-"):
            counts.append(len(find_snapshots(run.folder)))
        unlink(self, **kwargs)

    monkeypatch.setattr(Path, "unlink", counting)
    list(train(trainer, run))
    assert counts == [2, 2, 2]


def test_where_the_last_state_is_saved_nothing_of_the_save_is_left_to_do(begun, monkeypatch):
    trainer, run = begun(steps=9, save_every="3", keep=1)

    class Killed(BaseException):
        pass

    write = Saver._write_state

    def killed_after(self, checkpoint):
        write(self, checkpoint)
        if trainer.state.step == 9:
            raise Killed

    monkeypatch.setattr(Saver, "_write_state", killed_after)
    with pytest.raises(Killed):
        list(train(trainer, run))
    assert [path.name for path in find_snapshots(run.folder)] == ["step-000009.safetensors"]
