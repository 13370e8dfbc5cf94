"""The Python interface: what is public, what training hands back, and that a kept run loads as it was."""

import io
import signal
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

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
    again = (
        f"charlm train --resume {run.folder}" if is_file else f"charlm.train(text, resume={str(run.folder)!r})"
    )
    assert raised.value.__notes__ == [*notes, f"continue with: {again}"]
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


def test_a_run_is_resumed_to_the_same_weights_as_an_uninterrupted_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hamlet.txt").write_text(TEXT)
    settings = SETTINGS | {"schedule": "constant"}
    for text in (tmp_path / "hamlet.txt", TEXT):
        name = "file" if text != TEXT else "string"
        whole = charlm.train(text, out=f"runs/{name}-whole", **settings | {"steps": 12})
        charlm.train(text, out=f"runs/{name}", **settings)
        again = {} if text != TEXT else {"text": TEXT}
        model = charlm.train(resume=name, steps=12, **again)
        assert np.array_equal(model.network.params.flat, whole.network.params.flat)
        assert [record["step"] for record in model.history][-1] == 12
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(CorpusError, match="handed in from Python"):
        charlm.train(resume="string", steps=15)
    with pytest.raises(CorpusError, match="is not what the run read"):
        charlm.train(TEXT + "more", resume="string", steps=15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"resume": "a", "out": "b"}, "leave out out and init_from"), ({}, "needs a text, or a run to resume")],
)
def test_a_training_without_a_text_or_with_two_folders_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        charlm.train(**arguments)


def test_a_saved_model_samples_scores_starts_a_run_and_is_not_resumed(tmp_path):
    model = charlm.train(TEXT, **SETTINGS)
    model.save(tmp_path / "saved")
    assert {path.name for path in (tmp_path / "saved").iterdir()} == {
        "config.json", "vocab.json", "model.safetensors", ".lock"
    }  # fmt: skip
    loaded = charlm.load(tmp_path / "saved")
    assert loaded.sample(20) == model.sample(20) and loaded.perplexity(TEXT) == model.perplexity(TEXT)
    assert loaded.history == []
    for origin in (tmp_path / "saved", loaded):
        started = charlm.train(TEXT, init_from=origin, **SETTINGS | {"hidden": None, "steps": 1, "lr": 1e-9})
        assert started.perplexity(TEXT).nats_per_char == pytest.approx(model.perplexity(TEXT).nats_per_char, 1e-4)
    with pytest.raises(RunError, match=r"saved holds a model without its training state.*--init-from"):
        charlm.train(TEXT, resume=tmp_path / "saved")
    for folder in (tmp_path / "saved", tmp_path):
        with pytest.raises(RunError, match="give another folder"):
            model.save(folder)


def test_history_next_and_surprisal():
    model = charlm.train(TEXT, **SETTINGS | {"steps": 200, "hidden": 16, "lr": 0.03})
    assert model.history[0]["step"] == 0
    assert model.history[-1]["val_nats_per_char"] < model.history[0]["val_nats_per_char"]
    (first, likely), *_ = model.next("to be or not to b", k=3)
    assert first == "e" and 0.2 < likely <= 1
    every = model.next("to be", k=99)
    assert len(every) == len(model.vocabulary) and sum(p for _, p in every) == pytest.approx(1)
    assert [p for _, p in every] == sorted((p for _, p in every), reverse=True)
    bits = model.surprisal(TEXT)
    assert len(bits) == len(TEXT) - 1
    assert bits.mean() == pytest.approx(model.perplexity(TEXT).bits_per_char)
    with pytest.raises(UsageError, match="k is 0"):
        model.next("to", k=0)


def test_next_agrees_with_the_surprisal_of_the_character_that_comes():
    model = charlm.train("emma\nava\nbo\n" * 60, lines=True, **SETTINGS)
    bits = model.surprisal("emma")  # e, m, m, a and the line's end
    context = ""
    for character, own in zip("emma\n", bits, strict=True):
        assert -np.log2(dict(model.next(context, k=99))[character]) == pytest.approx(own, abs=1e-4)
        context += character


def test_a_model_shows_itself_in_one_line_and_escaped(tmp_path):
    folder = tmp_path / "<b>x\x1b[31m"
    model = charlm.train(TEXT, out=folder, **SETTINGS)
    assert repr(model).startswith("<charlm.Model <b>x\\x1b[31m: lstm, 1 layer x 8, ")
    assert repr(model).count("\n") == 0 and "nats/char" in repr(model)
    assert "&lt;b&gt;x" in model._repr_html_() and "<b>" not in model._repr_html_()
    assert repr(charlm.train(TEXT, **SETTINGS)).startswith("<charlm.Model not kept: ")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False), (None, False)])
def test_a_progress_bar_is_shown_on_a_terminal_where_it_is_wanted(progress, shown):
    terminal, pipe = Terminal(), io.StringIO()
    with mock.patch.object(sys, "stderr", terminal):
        charlm.train(TEXT, progress=progress, **SETTINGS)
    assert ("100%" in terminal.getvalue() and "val loss" in terminal.getvalue()) is shown
    with mock.patch.object(sys, "stderr", pipe):
        charlm.train(TEXT, progress=progress, **SETTINGS)
    assert pipe.getvalue() == ""


def test_two_threads_use_one_model_at_the_same_time():
    model = charlm.train(TEXT, **SETTINGS)
    texts = [TEXT * 9, "that is the question, " * 300]
    alone = [(model.perplexity(text), model.sample(300, seed=seed)) for seed, text in enumerate(texts)]
    together = [None, None]
    start = threading.Barrier(2)

    def use(number):
        start.wait()
        for _ in range(5):
            together[number] = model.perplexity(texts[number]), model.sample(300, seed=number)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_a_plot_is_a_figure_of_the_training_log(tmp_path):
    model = charlm.train(TEXT, out=tmp_path / "hamlet", **SETTINGS)
    (axes,) = model.plot(x="epochs", unit="bits").axes
    (val,) = (line for line in axes.lines if "val" in line.get_label())
    assert val.get_ydata()[-1] == pytest.approx(model.history[-1]["val_nats_per_char"] / np.log(2))
    for wrong in ({"x": "days"}, {"unit": "bytes"}):
        with pytest.raises(UsageError, match="it must be one of"):
            model.plot(**wrong)
    model.save(tmp_path / "saved")
    with pytest.raises(RunError, match="saved has no learning curve"):
        charlm.load(tmp_path / "saved").plot()


def test_without_pytorch_to_torch_says_what_to_install(monkeypatch):
    model = charlm.train(TEXT, **SETTINGS)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="to_torch needs PyTorch: pip install torch"):
        model.to_torch()


def test_a_notebook_sees_a_progress_bar_and_a_picture(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    output = io.StringIO()
    with mock.patch.object(sys, "stderr", output):
        model = charlm.train(TEXT, **SETTINGS)
    assert "100%" in output.getvalue()
    assert model.plot()._repr_png_().startswith(b"\x89PNG")


def test_a_model_with_a_damaged_training_log_can_be_looked_at(tmp_path):
    charlm.train(TEXT, out=tmp_path / "hamlet", **SETTINGS)
    (tmp_path / "hamlet" / "metrics.jsonl").write_text("{}}\n")
    model = charlm.load(tmp_path / "hamlet")
    assert "no loss" in repr(model) and "no loss" in model._repr_html_()
    with pytest.raises(RunError, match="damaged"):
        model.history  # noqa: B018


def test_a_saved_mixture_predicts_as_before_and_is_used_by_two_threads(tmp_path):
    model = charlm.train(TEXT * 3, ngram=3, **SETTINGS)
    assert model.is_mixed
    model.save(tmp_path / "saved")
    loaded = charlm.load(tmp_path / "saved")
    expected = model.perplexity(TEXT), model.sample(50)
    assert (loaded.perplexity(TEXT), loaded.sample(50)) == expected
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda _: (loaded.perplexity(TEXT), loaded.sample(50)), range(6)))
    assert found == [expected] * 6
