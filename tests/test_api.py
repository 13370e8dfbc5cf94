"""The Python interface: what is public, what training hands back, and that a kept run loads as it was."""

import signal
import threading
import types

import numpy as np
import pytest

import charlm
from charlm.base.errors import CorpusError, RunError, UsageError
from charlm.runs.checkpoint import load_checkpoint
from charlm.runs.run import Run
from charlm.training.trainer import Trainer

TEXT = "to be or not to be, that is\n" * 40
SETTINGS = {"hidden": 8, "steps": 6, "seq_len": 12, "batch_size": 4, "sample_every": 0}


def test_the_public_names_are_there_and_no_module_is_called_like_one():
    assert len(charlm.__all__) <= 10
    for name in charlm.__all__:
        assert not isinstance(getattr(charlm, name), types.ModuleType)
    with pytest.raises(AttributeError, match="no attribute 'parrot'"):
        charlm.parrot  # noqa: B018


def test_a_kept_run_loads_as_the_model_that_training_gave(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = charlm.train(TEXT, out=tmp_path / "runs" / "hamlet", cell="gru", **SETTINGS)
    for run in (tmp_path / "runs" / "hamlet", str(tmp_path / "runs" / "hamlet"), "hamlet", None):
        loaded = charlm.load(run)
        assert np.array_equal(loaded.network.params.flat, model.network.params.flat)
        assert loaded.vocabulary == model.vocabulary
        assert loaded.training_characters == model.training_characters == len(TEXT) * 9 // 10
        assert loaded.sample(20, seed=1) == model.sample(20, seed=1)
        assert loaded.perplexity(TEXT) == model.perplexity(TEXT)


def test_without_out_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    charlm.train(TEXT, **SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_trains_the_same_model():
    models = [charlm.train(TEXT, seed=seed, dropout=0.3, **SETTINGS) for seed in (3, 3, 4)]
    first, again, other = (model.network.params.flat for model in models)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="is not empty"):
        charlm.train(TEXT, out=tmp_path, **SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("text", "settings", "error", "message"),
    [
        (TEXT, {"hiden": 8}, UsageError, "no setting is called hiden"),
        (TEXT, {"hidden": 0}, UsageError, "--hidden is 0: it must be at least 1"),
        (TEXT, {"steps": 5, "minutes": 1.0}, UsageError, "--steps and --minutes are given"),
        (TEXT, {"cell": "gru", "nonlinearity": "relu"}, UsageError, "--nonlinearity belongs to --cell rnn"),
        ("too short", {}, CorpusError, "--seq-len 64 needs 65"),
        ("", {}, CorpusError, "empty"),
        ("a\udc80" * 99, {}, CorpusError, "position 1"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, text, settings, error, message):
    with pytest.raises(error, match=message):
        charlm.train(text, out=tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_there_is_no_run_to_load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="there is no run under runs/"):
        charlm.load()
    with pytest.raises(RunError, match="there is no run 'hamlet'"):
        charlm.load("hamlet")


@pytest.fixture
def ctrl_c(monkeypatch):
    """Ctrl-C in the middle of the fourth step."""
    step = Trainer.step

    def interrupted(trainer, progress):
        if trainer.state.step == 3:
            signal.raise_signal(signal.SIGINT)
        return step(trainer, progress)

    monkeypatch.setattr(Trainer, "step", interrupted)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("is_file", [False, True])
def test_ctrl_c_saves_and_then_interrupts(tmp_path, is_file):
    (tmp_path / "hamlet.txt").write_text(TEXT)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as raised:
        charlm.train(tmp_path / "hamlet.txt" if is_file else TEXT, out=tmp_path / "run", **SETTINGS)
    assert signal.getsignal(signal.SIGINT) is before
    run = Run.open(tmp_path / "run")
    saved = load_checkpoint(run.last_path, run.network)
    assert saved.scalars["step"] == 4
    notes = [f'saved at step 4: charlm.load({str(run.folder)!r}, weights="last")']
    assert raised.value.__notes__ == notes + [f"continue with: charlm train --resume {run.folder}"] * is_file
    assert np.array_equal(charlm.load(run.folder, weights="last").network.params.flat, saved.params.flat)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_without_a_folder_only_interrupts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt) as raised:
        charlm.train(TEXT, **SETTINGS)
    assert not hasattr(raised.value, "__notes__") and not list(tmp_path.iterdir())


def test_a_handler_of_the_program_s_own_hears_the_signal_once_the_run_is_saved(tmp_path, monkeypatch, request):
    heard = []
    step = Trainer.step

    def terminated(trainer, progress):
        signal.raise_signal(signal.SIGTERM)
        assert heard == []
        return step(trainer, progress)

    monkeypatch.setattr(Trainer, "step", terminated)
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    request.addfinalizer(lambda: signal.signal(signal.SIGTERM, before))
    charlm.train(TEXT, out=tmp_path / "run", **SETTINGS)
    assert heard == [signal.SIGTERM]


def test_another_thread_than_the_first_trains_too():
    models = []
    thread = threading.Thread(target=lambda: models.append(charlm.train(TEXT, **SETTINGS)))
    thread.start()
    thread.join()
    assert len(models) == 1


def test_a_path_is_read_and_a_string_is_the_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hamlet.txt").write_bytes(TEXT.encode())
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "hamlet.txt").write_bytes(TEXT.encode())
    model = charlm.train(TEXT, **SETTINGS)
    for path in (tmp_path / "hamlet.txt", tmp_path / "texts", type(tmp_path)("hamlet.txt")):
        assert np.array_equal(charlm.train(path, **SETTINGS).network.params.flat, model.network.params.flat)
        assert model.perplexity(path) == model.perplexity(TEXT)
    for named in ("hamlet.txt", str(tmp_path / "hamlet.txt"), "texts"):
        with pytest.raises(UsageError, match=r"is taken for the text itself.*wrap the name in pathlib\.Path"):
            charlm.train(named, **SETTINGS)
    with pytest.raises(CorpusError, match=r"there is no file .*none\.txt"):
        charlm.train(tmp_path / "none.txt", **SETTINGS)
    (tmp_path / ("a" * 90)).write_text(TEXT)
    charlm.train("a" * 90 + "\n", **SETTINGS)
    charlm.train("a" * 900, **SETTINGS)
