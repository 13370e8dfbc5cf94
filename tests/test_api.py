"""The Python interface: what is public, what training hands back, and that a kept run loads as it was."""

import types

import numpy as np
import pytest

import charlm
from charlm.errors import CorpusError, RunError, UsageError

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
