"""Several ranks are one training: the same weights, losses and files as one, whatever their number."""

import errno
import time
from contextlib import closing

import numpy as np
import pytest

from charlm.base.errors import CharlmError, UsageError
from charlm.data.reading.sources import find_text
from charlm.data.windows import BATCHERS
from charlm.engines.numpy.network import open_network
from charlm.engines.ranked_network import spread
from charlm.engines.ranks import ALONE, own_columns, together
from charlm.runs.run import Run
from charlm.training.events import FaultReport
from charlm.training.loop import train
from charlm.training.presets import resolve_settings
from charlm.training.resume import resume
from charlm.training.start import new_run, new_trainer
from tests.cli.conftest import TEXT
from tests.engines.thread_ranks import on_ranks

SMALL = {
    "hidden": 5, "seq_len": 8, "batch_size": 7, "dtype": "float64", "dropout": 0.0, "steps": 12, "workers": 1,
    "eval_every": 6, "sample_every": 0, "schedule": "constant",
}  # fmt: skip
PARTITIONS = [
    {"partition": "sequential"}, {"partition": "varied"}, {"partition": "random", "learned_state": True},
    {"lines": True, "layers": 2, "average": 4},
]  # fmt: skip


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "fox.txt"
    path.write_text(TEXT)
    return find_text(str(path))


def train_ranks(size, text, folder, until=None, faults=None, **settings):
    """The weights of every rank, and the run, of a new training; the faults go to a dict by rank."""

    def work(ranks):
        trainer = new_trainer(text, resolve_settings(SMALL | settings), ranks=ranks)
        with closing(trainer), new_run(trainer, folder) as run:
            reports = train(trainer, run, lambda: ranks.rank == size - 1 and trainer.state.step >= (until or 99))
            said = [report.message for report in reports if isinstance(report, FaultReport)]
            if faults is not None:
                faults[ranks.rank] = said
            return trainer.engine.snapshot().weights_P

    return on_ranks(size, work) if size > 1 else [work(ALONE)], Run.open(folder)


def resume_ranks(size, folder):
    def work(ranks):
        trainer, run = resume(Run.open(folder), {}, ranks=ranks)
        with closing(trainer):
            list(train(trainer, run))
            return trainer.engine.snapshot().weights_P

    return on_ranks(size, work) if size > 1 else [work(ALONE)], Run.open(folder)


def curve(run):
    return [(each["step"], each["val_nats_per_char"]) for each in run.read_metrics()]


@pytest.mark.parametrize("settings", PARTITIONS, ids=str)
def test_any_number_of_ranks_is_one_training(text, tmp_path, settings):
    (whole,), run = train_ranks(1, text, tmp_path / "1", **settings)
    for size in (2, 3):
        weights, other = train_ranks(size, text, tmp_path / str(size), **settings)
        for own in weights:
            np.testing.assert_array_equal(own, weights[0])
        np.testing.assert_allclose(weights[0], whole, rtol=0, atol=1e-12)
        np.testing.assert_allclose(curve(other), curve(run), rtol=0, atol=1e-12)


def test_a_run_goes_on_with_another_number_of_ranks(text, tmp_path):
    (whole,), run = train_ranks(1, text, tmp_path / "whole", lines=True)
    _, cut = train_ranks(3, text, tmp_path / "cut", until=8, lines=True)
    assert curve(cut)[-1][0] < 12
    weights, resumed = resume_ranks(2, tmp_path / "cut")
    np.testing.assert_allclose(weights[0], whole, rtol=0, atol=1e-12)
    np.testing.assert_allclose(curve(resumed), curve(run), rtol=0, atol=1e-12)


def test_a_full_disk_of_the_first_rank_is_told_once_and_all_go_on(text, tmp_path, monkeypatch):
    save, calls, faults = Run.save, [], {}

    def fill(run, *arguments):
        calls.append(arguments)
        if 1 < len(calls) < 4:  # the first makes the run
            raise OSError(errno.ENOSPC, "No space left on device")
        save(run, *arguments)

    (whole,), _ = train_ranks(1, text, tmp_path / "whole", save_every="3")
    monkeypatch.setattr(Run, "save", fill)
    weights, run = train_ranks(2, text, tmp_path / "run", faults=faults, save_every="3")
    (full, again), others = faults[0], faults[1]
    assert "No space left on device; training goes on" in full and again.startswith("saved again") and not others
    np.testing.assert_allclose(run.load_model("last").params.flat, whole, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(*weights)


def test_a_save_of_half_the_timeout_is_told_once(text, tmp_path, monkeypatch):
    save, faults = Run.save, {}
    monkeypatch.setattr(Run, "save", lambda *arguments: (time.sleep(0.06), save(*arguments)))
    train_ranks(2, text, tmp_path / "run", faults=faults, save_every="3", rank_timeout=0.1)
    (said,) = faults[0]
    assert said.endswith("s, and one of 0.1 s ends a training: raise --rank-timeout")


def test_masks_differ_between_ranks_and_come_again(text, tmp_path):
    found = [train_ranks(2, text, tmp_path / f"{number}", dropout=0.4)[0][0] for number in (1, 2)]
    np.testing.assert_array_equal(*found)
    assert np.abs(found[0] - train_ranks(1, text, tmp_path / "one", dropout=0.4)[0][0]).max() > 1e-3


@pytest.mark.parametrize("partition", BATCHERS)
def test_the_columns_of_ranks_are_those_of_the_batch(partition):
    ids = np.random.default_rng(0).integers(0, 9, 300).astype(np.uint8)
    whole = BATCHERS[partition](ids, 6, 7, end=3)
    parts = [whole.of_columns(slice(0, 3)), whole.of_columns(slice(3, 7))]
    streams = [each.epoch(np.random.default_rng(1)) for each in (whole, *parts)]
    for batch, *own in zip(*streams, strict=True):
        assert {each.num_targets for each in own} == {batch.num_targets}
        for name in ("x_TB", "y_TB"):
            np.testing.assert_array_equal(np.concatenate([each[name] for each in own], 1), batch[name])


def test_a_network_is_read_by_more_ranks_than_it_has_sequences(make_model, text):
    model = make_model(9, cell="lstm", learned_state=True)

    def read(ranks):
        network = spread(open_network(model), ranks)
        network.begin(2)
        x_TB = np.arange(10, dtype=np.uint8).reshape(5, 2) % 9
        outputs = network.read(x_TB)
        found = [outputs.nll(x_TB), outputs[1:3].log_probs(), outputs.logits(), network.step(x_TB[0])]
        return [*found, *(each for layer in network.state for each in layer)]

    alone = read(ALONE)
    for found in on_ranks(3, read):
        for own, whole in zip(found, alone, strict=True):
            np.testing.assert_allclose(own, whole, rtol=0, atol=1e-12)


def test_if_one_rank_fails_all_do_and_say_which():
    def fail(ranks):
        if ranks.rank == 1:
            raise UsageError("there is no text here")

    def work(ranks):
        with pytest.raises(CharlmError) as caught:
            together(ranks, lambda: fail(ranks))
        return str(caught.value)

    first, second = on_ranks(2, work)
    assert second == "there is no text here" and first.startswith("rank 1 on ") and first.endswith(second)


def test_what_differs_between_ranks_is_refused_by_rank_host_and_value():
    def work(ranks):
        with pytest.raises(UsageError) as caught:
            together(ranks, lambda: None, lambda _: {"numpy": "2.0", "lr": 0.1 * (1 + ranks.rank)})
        return str(caught.value)

    for message in on_ranks(2, work):
        assert message.startswith("rank 1 on ") and " has lr 0.2, rank 0 on " in message


def test_ranks_are_no_more_than_sequences_and_know_one_task(text, tmp_path):
    for settings, reason in (({"batch_size": 2}, "3 ranks cannot share --batch-size 2"), (
        {"task": "classify"}, "--task classify is trained by one process"
    )):  # fmt: skip
        with pytest.raises(UsageError, match=reason):
            train_ranks(3, text, tmp_path / "run", **settings)


def test_shares_differ_by_one_at_most():
    for count in range(1, 20):
        parts = on_ranks(3, lambda ranks, count=count: own_columns(ranks, count))
        sizes = [part.stop - part.start for part in parts]
        assert parts[0].start == 0 and parts[-1].stop == count == sum(sizes) and max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("bug", ["mean", "states of one rank", "columns of another"])
def test_a_planted_error_of_ranks_is_seen(text, tmp_path, monkeypatch, bug):
    from charlm.training import trainer as module
    from tests.engines.thread_ranks import ThreadRanks

    if bug == "mean":
        own = ThreadRanks.sum_
        monkeypatch.setattr(ThreadRanks, "sum_", lambda self, x: (own(self, x), np.divide(x, self.size, out=x)))
    elif bug == "states of one rank":
        monkeypatch.setattr(module, "gather_states", lambda ranks, states: states)
    else:
        monkeypatch.setattr(module, "own_columns", lambda ranks, count: slice(0, count // ranks.size))
    (whole,), _ = train_ranks(1, text, tmp_path / "whole")
    try:
        train_ranks(2, text, tmp_path / "cut", until=5)
        weights, _ = resume_ranks(2, tmp_path / "cut")
    except Exception:  # that is seen, too
        return
    assert np.abs(weights[0] - whole).max() > 1e-9
