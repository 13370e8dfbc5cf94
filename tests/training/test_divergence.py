"""Divergence: what is one and what is none, the way back, and that nothing of it is ever saved."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import DivergenceError
from charlm.data.synthetic.markov import Markov
from charlm.nn.cells import CELLS
from charlm.runs.checkpoint import load_checkpoint
from charlm.runs.format_version import FORMAT
from charlm.runs.run import Run
from charlm.training import divergence
from charlm.training.divergence import IN_A_ROW, RollbackPoint, check_loss
from charlm.training.events import RollbackReport, StepReport, SummaryReport
from charlm.training.loop import train
from charlm.training.resume import resume
from charlm.training.state import TrainerState
from charlm.training.trainer import Trainer
from tests.data.synthetic.drawing import draw

CHANCE_NATS = math.log(100)


def follow(losses, share=1.0, chance_nats=CHANCE_NATS):
    """The state after these losses."""
    state = TrainerState()
    for loss_nats in losses:
        state = check_loss(replace(state, step=state.step + 1), loss_nats, share, chance_nats)
    return state


def stored(run, trainer):
    opened = Run.open(run.folder)
    return load_checkpoint(opened.last_path, opened.network, trainer.extra_shapes())


@pytest.fixture
def often(monkeypatch):
    """Copies of the state every five steps."""
    monkeypatch.setattr(divergence, "EVERY", 5)


@pytest.fixture
def plant(monkeypatch):
    """A function that makes training diverge at a step for as long as the rate is this high."""

    def plant_at(step, factor=0.0):
        take = Trainer.step

        def diverging(self, progress):
            if self.state.step + 1 == step and self.state.lr_factor > factor:
                raise DivergenceError(f"the loss at step {step} is nan")
            return take(self, progress)

        monkeypatch.setattr(Trainer, "step", diverging)

    return plant_at


@given(
    seed=st.integers(0, 2**32),
    start=st.floats(1, 8),
    end=st.floats(0.1, 4),
    noise=st.floats(0, 1),
    half_life=st.floats(1, 200),
)
def test_a_loss_that_falls_and_one_that_rests_are_no_divergence(seed, start, end, noise, half_life):
    steps = np.arange(600)
    costs = end + max(start - end, 0.0) * 0.5 ** (steps / half_life)
    costs = costs + noise * np.random.default_rng(seed).standard_normal(600)
    follow(np.maximum(costs, 0.0).tolist())


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("height", [6.0, 20.0, 34.0])
def test_a_loss_that_jumps_and_stays_is_divergence_once_it_has_been_waited_for(noise, height):
    rng = np.random.default_rng(0)
    healthy = (1.5 + noise * rng.standard_normal(300)).tolist()
    high = (height + noise * rng.standard_normal(120)).tolist()
    with pytest.raises(DivergenceError, match=r"by step 4\d\d after [12]\..*, and has not come down for 100 st"):
        follow(healthy + high)


@pytest.mark.parametrize("height", [60.0, 1e30])
def test_an_absurd_jump_is_noticed_within_ten_steps(height):
    with pytest.raises(DivergenceError, match=r"the loss at step 30\d is"):
        follow([1.5] * 300 + [height] * 10)


@pytest.mark.parametrize("end", [1.5, 4.0, 4.7])
@pytest.mark.parametrize("half_life", [5, 30, 100])
@pytest.mark.parametrize("height", [6.0, 12.0, 20.0])
def test_a_loss_that_jumps_and_comes_down_is_none_wherever_it_ends(end, half_life, height):
    falling = end + (height - end) * 0.5 ** (np.arange(900) / half_life)
    position = follow([1.5] * 300 + falling.tolist() + [1.5] * 300)
    assert position.spike_steps == 0


def test_a_character_that_comes_late_and_costs_a_sure_network_much_is_nothing_absurd():
    position = follow([0.01] * 300 + np.linspace(26.0, 0.5, 40).tolist() + [0.01] * 100, chance_nats=math.log(3))
    assert position.spike_steps == 0


def test_a_loss_that_comes_down_and_then_stays_too_high_is_divergence():
    with pytest.raises(DivergenceError, match=r"the loss is 7\.000 nats by step 50\d after"):
        follow([1.5] * 300 + [12.0] * 30 + [7.0] * 300)


def test_a_spike_is_waited_for_as_long_in_a_resumed_run(begun):
    losses = [1.5] * 300 + [7.0] * 200
    resumed = TrainerState()
    for loss_nats in losses:
        resumed = replace(resumed, step=resumed.step + 1)
        try:
            resumed = check_loss(resumed, loss_nats, 1.0, CHANCE_NATS)
        except DivergenceError:
            break
        resumed = TrainerState.from_json(resumed.to_json(), "last.safetensors", FORMAT)
    with pytest.raises(DivergenceError, match=f"by step {resumed.step} after"):
        follow(losses)


def test_a_text_that_changes_its_language_is_no_divergence(begun):
    source, rng = Markov(order=2, symbols=8, chain_seed=3), np.random.default_rng(0)
    first, last = (draw(source, 6_000, rng).characters for _ in range(2))
    other = "".join(rng.choice([chr(code) for code in range(0x430, 0x450)], 4_000))
    settings = {"hidden": 24, "layers": 1, "dropout": 0.0, "weight_decay": 0.0, "seq_len": 16, "batch_size": 1}
    reports = list(train(*begun(first + other + last, epochs=1.0, val_fraction=0.01, lr=0.01, **settings)))
    assert not [report for report in reports if isinstance(report, RollbackReport)]
    assert reports[-1].train_nats_per_char < 2.1


def test_one_hard_batch_is_no_divergence_nor_is_a_small_one():
    follow([1.5] * 300 + [5.0] + [1.5] * 300)
    position = follow([1.5] * 300)
    for _ in range(5):  # an epoch's last batch can have a single target, and that a rare one
        check_loss(position, 12.0, 1 / 4096, CHANCE_NATS)


def test_the_first_steps_may_overshoot():
    follow([4.6, 9.0, 12.0, 8.0, 6.0, 5.0] + [4.0] * 100)


@pytest.mark.parametrize("height", [1e3, 3e5, 1e30])
def test_an_absurd_loss_is_noticed_at_once_in_the_first_steps_too(height):
    with pytest.raises(DivergenceError, match=r"the loss at step 3 is .* blind guessing costs 4\.605"):
        follow([4.6, 4.6, height])


def test_one_rare_target_alone_is_nothing_absurd():
    position = follow([4.6])
    check_loss(position, 300.0, 1 / 64, CHANCE_NATS)


@pytest.mark.parametrize("steps", [20, 30])
def test_a_short_run_at_an_absurd_rate_stops_with_advice(begun, steps):
    trainer, run = begun("the quick brown fox.\n" * 40, steps=steps, lr=1e5, hidden=16, layers=1, warmup=0)
    with pytest.raises(DivergenceError, match=r"blind guessing costs .* smaller --lr than 12500"):
        list(train(trainer, run))
    assert stored(run, trainer).scalars["step"] == 0


@pytest.mark.parametrize("cell", CELLS.names())
@pytest.mark.parametrize("settings", [{}, {"seed": 2}, {"lr": 0.1}, {"batch_size": 1, "seq_len": 16}])
def test_a_training_that_goes_well_is_left_alone(begun, cell, settings):
    text = "the quick brown fox jumps over the lazy dog.\n" * 20
    reports = list(train(*begun(text, cell=cell, hidden=16, steps=150, **settings)))
    assert not [report for report in reports if isinstance(report, RollbackReport)]


def test_training_goes_back_halves_the_rate_and_goes_on(begun, often, plant):
    plant(13, factor=0.5)
    trainer, run = begun(steps=20, eval_every=4, schedule="constant", warmup=0, lr=0.02)
    reports = list(train(trainer, run))
    (back,) = [report for report in reports if isinstance(report, RollbackReport)]
    assert back == RollbackReport(12, 10, "the loss at step 13 is nan", 0.5, 1)
    assert back.to_json()["event"] == "rollback"
    steps = [report for report in reports if isinstance(report, StepReport)]
    assert [report.step for report in steps] == [*range(1, 13), *range(11, 21)]
    # The weights, the moments, the carried state and the batches are those of then: only the rate differs.
    assert steps[12].loss_nats == steps[10].loss_nats
    assert steps[13].loss_nats != steps[11].loss_nats
    assert trainer.state.lr == 0.01 and trainer.state.rollbacks_in_a_row == 0
    assert isinstance(reports[-1], SummaryReport) and reports[-1].steps == 20
    assert [record["step"] for record in run.read_metrics()] == [0, 4, 8, 12, 16, 20]
    assert [record["step"] for record in run.read_training_losses()] == [*range(1, 21)]


def test_a_run_that_has_gone_back_is_resumed_bit_for_bit(begun, often, plant):
    plant(13, factor=0.3)  # that is twice
    settings = {"steps": 24, "eval_every": 4, "save_every": "5"}
    trainer, whole = begun(**settings)
    list(train(trainer, whole))
    assert trainer.state.rollbacks == 2
    for killed_after in (7, 11, 12, 14, 21):
        other, run = begun(**settings)
        taken = 0
        for report in train(other, run):
            taken += isinstance(report, StepReport)
            if taken == killed_after:
                break
        resumed, run = resume(Run.open(run.folder), {})
        list(train(resumed, run))
        assert np.array_equal(resumed.engine._model.params.flat, trainer.engine._model.params.flat)
        assert (resumed.state.lr_factor, resumed.state.rollbacks) == (0.25, 2)
        assert [record["step"] for record in run.read_metrics()] == [0, 4, 8, 12, 16, 20, 24]
        assert run.read_training_losses()[-1]["step"] == len(run.read_training_losses()) == 24


def test_after_three_in_a_row_it_stops_with_advice_and_a_state_that_went_well(begun, often, plant):
    plant(13)
    trainer, run = begun(steps=20, lr=0.02, eval_every=4)
    backs = (report for report in train(trainer, run) if isinstance(report, RollbackReport))
    assert [next(backs).lr_factor for _ in range(IN_A_ROW)] == [0.5, 0.25, 0.125]
    with pytest.raises(DivergenceError, match=r"step 13 is nan, and going back 3 times .* --lr than 0\.0025, or"):
        next(backs)
    checkpoint = stored(run, trainer)
    assert checkpoint.scalars["step"] == 10
    assert [record["step"] for record in run.read_metrics()] == [0, 4, 8]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("settings", [{}, {"lr": 0.02}, {"batch_size": 1, "seq_len": 4}, {"clip": 0.0}])
def test_relu_that_starts_high_is_left_alone(begun, seed, settings):
    text = "the quick brown fox jumps over the lazy dog.\n" * 20
    relu = {"cell": "rnn", "nonlinearity": "relu", "hidden": 16, "steps": 60, "seed": seed}
    reports = list(train(*begun(text, **relu | settings)))
    assert not [report for report in reports if isinstance(report, RollbackReport)]


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_an_absurd_rate_saves_no_number_that_is_none(begun, clip):
    wild = {"cell": "rnn", "nonlinearity": "relu", "lr": 1e6, "warmup": 0, "clip": clip}
    trainer, run = begun(steps=300, eval_every=2, save_every="1", **wild)
    with pytest.raises(DivergenceError, match="smaller --lr"):
        list(train(trainer, run))
    checkpoint = stored(run, trainer)  # loading refuses numbers that are not finite
    assert len(run.read_metrics()) == 1 + checkpoint.scalars["step"] // 2
    assert np.isfinite(run.load_model("best").params.flat).all()


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_comes_back_to_the_parameters_before(begun, monkeypatch, loss):
    trainer, run = begun(steps=9, lr=0.02, eval_every=100)
    before = trainer.engine._model.params.flat.copy()
    monkeypatch.setattr("charlm.engines.numpy.engine.NumpyEngine.step", lambda *args: loss)
    with pytest.raises(DivergenceError, match=rf"the loss at step 1 is {loss}"):
        list(train(trainer, run))
    assert np.array_equal(trainer.engine._model.params.flat, before)


def test_parameters_that_are_no_numbers_are_never_copied_nor_saved(begun, often):
    trainer, run = begun(steps=20, save_every="1", eval_every=100)
    reports = []
    for report in train(trainer, run):
        reports.append(report)
        if isinstance(report, StepReport) and report.step == 10 and not trainer.state.rollbacks:
            trainer.engine._model.params.flat[3] = math.inf
    assert sum(isinstance(report, RollbackReport) for report in reports) == 1
    assert np.isfinite(stored(run, trainer).params.flat).all()


def test_a_spike_that_stays_goes_back_to_before_it(begun, often, monkeypatch):
    take = Trainer.step

    def rising(self, progress):
        state, loss_nats, targets = take(self, progress)
        return state, loss_nats + 8.0 * (state.step > 72 and not state.rollbacks), targets

    monkeypatch.setattr(Trainer, "step", rising)
    trainer, run = begun(steps=200, lr=0.02, eval_every=1000)
    (back,) = [report for report in train(trainer, run) if isinstance(report, RollbackReport)]
    assert back.back_to == 70 and 172 <= back.step <= 180 and back.lr_factor == 0.5


def test_a_copy_is_not_taken_while_the_loss_rises(begun, often):
    trainer, _ = begun(steps=20)
    good = RollbackPoint(trainer)
    for step in range(1, 11):
        trainer.state = trainer.step(0.0)[0]
        trainer.state = replace(trainer.state, mean_nats=1.0, recent_nats=1.7 if step == 10 else 1.0)
        trainer.state = good.renew(trainer.state)
    _, report = good.roll_back(trainer.state, DivergenceError("rising"))
    assert report.back_to == 5
