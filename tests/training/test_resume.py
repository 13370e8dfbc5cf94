"""Resuming: a run that was interrupted equals the one that was not, bit for bit; and what may not change."""

import re
import shutil

import pytest

from charlm.base.errors import CheckpointError, CorpusError, RunError, UsageError
from charlm.data.windows import BATCHERS
from charlm.nn.cells import CELLS
from charlm.optim.rules import OPTIMIZERS
from charlm.runs.checkpoint import load_checkpoint
from charlm.runs.run import Run
from charlm.training.events import StepReport
from charlm.training.loop import train
from charlm.training.resume import resume

LENGTHS = {"steps": {"steps": 30}, "epochs": {"epochs": 2.5}}
# 12 steps are an epoch of the sequential partition; the others lie in the middle of one.
AT_VALIDATIONS = (4, 12, 20)
BETWEEN = (1, 7, 14)
TIMES = {
    *("seconds", "validated_at", "training_seconds", "validation_seconds", "saving_seconds"),
    *("slowest_validation", "slowest_save"),
}
CELL = pytest.mark.parametrize("cell", CELLS.names())
PARTITION = pytest.mark.parametrize("partition", BATCHERS)


def losses_of(reports):
    return {report.step: report.loss_nats for report in reports if isinstance(report, StepReport)}


def interrupted(trainer, run, stops):
    """The losses of a run that is stopped after these steps, and each time restored from its folder alone."""
    losses = {}
    for stop in stops:
        losses |= losses_of(train(trainer, run, lambda stop=stop, at=trainer: at.state.step >= stop))
        trainer, run = resume(Run.open(run.folder), {})
        assert trainer.state.step == stop
    return losses | losses_of(train(trainer, run))


def last_of(run):
    """Everything in the run's last save but its times."""
    trainer_extras = [name for name in _names(run) if name.startswith(("optimizer.", "state."))]
    shapes = {name: shape for name, shape in _names(run).items() if name in trainer_extras}
    checkpoint = load_checkpoint(run.last_path, run.network, shapes)
    arrays = {"params": checkpoint.params.flat, **checkpoint.extras}
    return arrays, {name: value for name, value in checkpoint.scalars.items() if name not in TIMES}


def _names(run):
    from safetensors import safe_open

    with safe_open(run.last_path, framework="numpy") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def curve(run):
    """The records of the curve without their times."""
    records = run.read_metrics() + run.read_training_losses()
    return [{key: record[key] for key in record if key != "seconds"} for record in records]


def check_same(run, other):
    arrays, scalars = last_of(run)
    other_arrays, other_scalars = last_of(other)
    assert scalars == other_scalars
    assert arrays.keys() == other_arrays.keys()
    for name in arrays:
        assert arrays[name].tobytes() == other_arrays[name].tobytes(), name


def check_resumed_equals_whole(begun, settings):
    trainer, whole = begun(eval_every=4, **settings)
    losses = losses_of(train(trainer, whole))
    trainer, run = begun(eval_every=4, **settings)
    assert interrupted(trainer, run, AT_VALIDATIONS) == losses
    check_same(run, whole)
    assert run.best_path.read_bytes() == whole.best_path.read_bytes()
    assert curve(run) == curve(whole)


@CELL
@PARTITION
@pytest.mark.parametrize("length", LENGTHS)
def test_a_resumed_run_equals_an_uninterrupted_one(begun, cell, partition, length):
    settings = {"cell": cell, "partition": partition, "save_every": "3"}
    check_resumed_equals_whole(begun, settings | LENGTHS[length])


@PARTITION
@pytest.mark.parametrize("optimizer", OPTIMIZERS.names())
def test_a_resumed_run_equals_an_uninterrupted_one_with_each_optimiser(begun, partition, optimizer):
    settings = {"optimizer": optimizer, "partition": partition, "dtype": "float64", "encoding": "embedding"}
    if OPTIMIZERS.find(optimizer).moves_weights:
        settings |= {"weight_decay": 0.0}
    check_resumed_equals_whole(begun, {"embedding_size": 3, **settings, **LENGTHS["steps"]})


@pytest.mark.parametrize(("workers", "split_by"), [(2, "rows"), (3, "columns")])
def test_a_resumed_run_equals_an_uninterrupted_one_with_more_workers(begun, workers, split_by):
    settings = {"workers": workers, "split_by": split_by, "save_every": "3", **LENGTHS["steps"]}
    check_resumed_equals_whole(begun, settings)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_resumed_run_equals_an_uninterrupted_one_with_averaged_weights(begun, optimizer):
    settings = {"optimizer": optimizer, "average": 4, "save_every": "3", **LENGTHS["steps"]}
    check_resumed_equals_whole(begun, settings)


@PARTITION
@pytest.mark.parametrize("workers", [1, 2])
def test_a_resumed_run_equals_an_uninterrupted_one_with_every_ingredient(begun, partition, workers):
    noise = {"dropout": 0.3, "locked_dropout": True, "input_dropout": 0.2, "weight_drop": 0.2, "average": 4}
    network = {
        "encoding": "embedding",
        "embedding_size": 3,
        "tied": True,
        "adaptive_softmax": True,
        "residual": True,
        "learned_state": True,
    }
    settings = {"workers": workers, "partition": partition, **LENGTHS["steps"]}
    check_resumed_equals_whole(begun, noise | network | settings)


@PARTITION
def test_a_stop_between_validations_changes_nothing(begun, partition):
    settings = {"eval_every": 4, "partition": partition, "steps": 30}
    trainer, whole = begun(**settings)
    losses = losses_of(train(trainer, whole))
    trainer, run = begun(**settings)
    assert interrupted(trainer, run, BETWEEN) == losses
    check_same(run, whole)
    assert run.best_path.read_bytes() == whole.best_path.read_bytes()
    assert curve(run) == curve(whole)


@pytest.mark.parametrize("killed_at", [3, 6, 9, 13, 20])
def test_a_killed_run_goes_on_from_its_last_save(begun, killed_at):
    trainer, whole = begun(steps=20, eval_every=8)
    losses = losses_of(train(trainer, whole))
    trainer, run = begun(steps=20, eval_every=8, save_every="5")
    for report in train(trainer, run):
        if isinstance(report, StepReport) and report.step == killed_at:
            break
    trainer, run = resume(Run.open(run.folder), {})
    saved = (killed_at - 1) // 5 * 5
    assert trainer.state.step == saved
    assert losses_of(train(trainer, run)) == {step: losses[step] for step in range(saved + 1, 21)}
    check_same(run, whole)
    assert run.best_path.read_bytes() == whole.best_path.read_bytes()
    assert curve(run) == curve(whole)


def test_a_copy_of_the_folder_resumes_as_well(begun, tmp_path):
    trainer, run = begun(steps=10)
    list(train(trainer, run, lambda: trainer.state.step >= 5))
    shutil.copytree(run.folder, tmp_path / "copy")
    first, second = (losses_of(train(*resume(Run.open(f), {}))) for f in (run.folder, tmp_path / "copy"))
    assert first == second and set(first) == {6, 7, 8, 9, 10}


def test_a_run_can_be_made_longer_and_remembers_it(begun):
    trainer, run = begun(steps=10, schedule="constant", eval_every=5)
    whole = losses_of(train(*begun(steps=16, schedule="constant", eval_every=5)))
    losses = losses_of(train(trainer, run))
    losses |= losses_of(train(*resume(Run.open(run.folder), {"steps": 16})))
    assert losses == whole
    assert Run.open(run.folder).config.budget.steps == 16


def test_another_length_takes_the_old_one_s_place(begun):
    trainer, run = begun(steps=4)
    list(train(trainer, run))
    changes = {"epochs": 1.0, "eval_every": 3, "sample_every": 2}
    trainer, run = resume(Run.open(run.folder), changes)
    budget = trainer.config.budget
    assert budget.length == ("epochs", 1.0)
    assert (budget.eval_every, budget.sample_every) == (3, 2)
    list(train(trainer, run))
    assert trainer.state.targets == 377


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    ("length", "done", "more"),
    [
        ({"steps": 4}, "4 steps", "--steps 16"),
        ({"steps": 1}, "1 step", "--steps 4"),
        ({"epochs": 0.5}, "0.5 epochs", r"--epochs 2\.\d+"),
        ({"minutes": 0.5}, "0.5 minutes", "--minutes 2"),
    ],
)
def test_a_run_that_has_finished_says_so_and_writes_nothing(begun, clock, length, done, more):
    trainer, run = begun(**length)
    list(train(trainer, run))
    before = contents(run.folder)
    end = rf"run-0 has finished \({re.escape(done)}\)\. To train longer: charlm train --resume \S+run-0 {more}$"
    for settings in ({}, length, {"save_every": "7"}, {"eval_every": 1}):
        with pytest.raises(RunError, match=end):
            resume(Run.open(run.folder), settings)
    assert contents(run.folder) == before


@pytest.mark.parametrize(
    ("shorter", "place"),
    [
        ({"steps": 1}, "step 7 of 1"),
        ({"steps": 7}, "step 7 of 7"),
        ({"epochs": 0.1}, "epoch 0.5.* of 0.1"),
        ({"minutes": 0.01}, "minute .* of 0.01"),
    ],
)
def test_a_length_that_is_past_is_refused_and_nothing_is_written(begun, clock, shorter, place):
    trainer, run = begun(steps=20, eval_every=5)
    list(train(trainer, run, lambda: trainer.state.step == 7))
    before = contents(run.folder)
    (flag,) = shorter
    with pytest.raises(RunError, match=rf"run-0 is past that \({place}\)\. To train longer: .* --{flag} \d"):
        resume(Run.open(run.folder), shorter)
    assert contents(run.folder) == before


def test_a_run_that_was_killed_before_its_last_validation_has_that_to_do(begun):
    trainer, run = begun(steps=8, eval_every=5, save_every="1")
    for report in train(trainer, run):
        if isinstance(report, StepReport) and report.step == 8:
            run.save(run.last_path, trainer.checkpoint(trainer.state))
            break
    reports = list(train(*resume(Run.open(run.folder), {})))
    assert losses_of(reports) == {} and run.read_metrics()[-1]["step"] == 8


@pytest.mark.parametrize("settings", [{"hidden": 8}, {"lr": 0.1}, {"seed": 2}, {"steps": 9, "dropout": 0.0}])
def test_what_a_run_is_cannot_change(begun, settings):
    trainer, run = begun(steps=4)
    list(train(trainer, run))
    name = next(name for name in settings if name != "steps")
    said = f"--{name} cannot change when a run is resumed; these can: --epochs.* see --init-from"
    with pytest.raises(UsageError, match=said):
        resume(Run.open(run.folder), settings)
    assert Run.open(run.folder).config == run.config


def test_a_corpus_that_changed_or_went_is_refused(begun, corpus):
    trainer, run = begun(steps=4)
    list(train(trainer, run))
    text = corpus.read_text()
    corpus.write_text(text[:-1] + "!")
    with pytest.raises(CorpusError, match="is not what the run read"):
        resume(Run.open(run.folder), {})
    corpus.unlink()
    with pytest.raises(CorpusError, match="there is no file"):
        resume(Run.open(run.folder), {})
    corpus.write_text(text)
    assert resume(Run.open(run.folder), {"steps": 5})[0].state.step == 4


def test_a_validation_file_that_changed_is_refused_and_the_test_file_is_not_looked_at(begun, tmp_path):
    val, test = tmp_path / "val.txt", tmp_path / "test.txt"
    val.write_text("abcabcab" * 20)
    test.write_text("abcabcab" * 20)
    trainer, run = begun(steps=4, val_file=str(val), test_file=str(test))
    list(train(trainer, run))
    test.write_text("cba")
    assert resume(Run.open(run.folder), {"steps": 5})[0].state.step == 4
    val.write_text("cabcabca" * 20)
    with pytest.raises(
        CorpusError, match=r"val\.txt' is not what the run read .*: put back what the run validates on"
    ):
        resume(Run.open(run.folder), {})


def test_weights_alone_are_not_enough_to_resume(begun):
    trainer, run = begun(steps=4)
    list(train(trainer, run))
    shutil.copy(run.best_path, run.last_path)
    with pytest.raises(CheckpointError, match=r"last\.safetensors"):
        resume(Run.open(run.folder), {})
