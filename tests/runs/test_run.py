import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import CheckpointError, CorpusError, RunError
from charlm.config import TrainingConfig
from charlm.data.vocabulary import Vocabulary
from charlm.models.char_rnn import Model
from charlm.runs import run as run_module
from charlm.runs.checkpoint import Checkpoint, save_checkpoint
from charlm.runs.corpus_record import CorpusIdentity
from charlm.runs.folder import check_unused, only_writer, tidy
from charlm.runs.format_version import FORMAT
from charlm.runs.origin import Origin
from charlm.runs.run import Run


def save_weights(run, path, seed):
    """A model with random weights, saved; returned to compare with."""
    model = Model(run.config.model, len(run.vocabulary))
    model.initialize(np.random.default_rng(seed))
    save_checkpoint(path, Checkpoint(model.params), run.config.model)
    return model


def test_what_is_created_can_be_opened(tmp_path, make_run):
    made = make_run(tmp_path / "deep" / "first", lr=0.1, steps=10)
    opened = Run.open(tmp_path / "deep" / "first")
    assert opened == made and opened.name == "first"
    assert {path.name for path in made.folder.iterdir()} == {"config.json", "vocab.json"}


@given(text=st.text(min_size=1), name=st.text(), characters=st.integers(0, 2**62))
def test_any_vocabulary_and_corpus_survive(tmp_path_factory, text, name, characters):
    # A file's name may hold undecodable bytes, which Python shows as lone surrogates.
    identity = CorpusIdentity(name, "file", (f"/{name}\udcff",), "f" * 64, characters, characters)
    folder = tmp_path_factory.mktemp("run")
    made = Run.create(folder, TrainingConfig(), Vocabulary.of(text), identity)
    assert Run.open(folder) == made


def test_config_json_is_laid_out_as_documented(tmp_path, make_run, identity):
    run = make_run(tmp_path)
    stored = json.loads((tmp_path / "config.json").read_text())
    assert list(stored) == ["format", "charlm", "corpus", "origin", "training"]
    assert stored["format"] == FORMAT
    assert (
        stored["corpus"] == json.loads(json.dumps(identity.to_json()))
        and stored["training"] == run.config.to_json()
    )


def test_the_name_is_the_folders_even_from_inside(tmp_path, make_run, monkeypatch):
    make_run(tmp_path / "first")
    monkeypatch.chdir(tmp_path / "first")
    assert Run.open(Path()).name == "first"


def test_a_run_is_never_replaced(tmp_path, make_run):
    run = make_run(tmp_path, hidden=3)
    save_weights(run, run.last_path, 0)
    run.append_metrics({"step": 1})
    with pytest.raises(RunError, match="holds a run: give another folder, or continue that run with --resume"):
        make_run(tmp_path, hidden=4)
    assert Run.open(tmp_path) == run and run.last_path.exists()


@pytest.mark.parametrize("name", ["thesis.txt", "model.safetensors", "config.json.bak"])
def test_a_folder_of_something_else_is_never_touched(tmp_path, make_run, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(RunError, match="is not empty and holds no run: give another folder"):
        make_run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path, make_run):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="file cannot be used: File exists; give another folder"):
        make_run(tmp_path / "file")


def test_a_creation_that_was_cut_short_makes_no_run_and_can_be_repeated(tmp_path, make_run, monkeypatch):
    real_write = run_module.write_atomically

    def write_vocabulary_only(path, data):
        if path.name == "config.json":
            (tmp_path / ".config.json.12.tmp").touch()
            raise KeyboardInterrupt
        real_write(path, data)

    with monkeypatch.context() as patch, only_writer(tmp_path):
        patch.setattr(run_module, "write_atomically", write_vocabulary_only)
        with pytest.raises(KeyboardInterrupt):
            make_run(tmp_path)
    with pytest.raises(RunError, match="holds no run"):
        Run.open(tmp_path)
    make_run(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "config.json", "vocab.json"}


@pytest.mark.parametrize(
    "files",
    [
        {"vocab.json": '{"the": 0, "cat": 1}'},
        {"vocab.json": '{"the": 0, "cat": 1}', ".lock": "12\n"},
        {"vocab.json": '{"the": 0}', "last.safetensors": "precious"},
        {"vocab.json": '{"format": 3, "charlm": "1.0", "symbols": ["a"]}', "last.safetensors": "precious"},
        {".vocab.json.12.tmp": "precious"},
        {".lock": "precious"},
    ],
)
def test_files_of_a_users_own_with_the_names_of_a_runs_are_left(tmp_path, make_run, files):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    for begin in (make_run, check_unused):
        with pytest.raises(RunError, match="is not empty and holds no run: give another folder"):
            begin(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files


def test_a_vocabulary_that_could_not_be_read_again_is_refused(tmp_path, identity):
    symbols = tuple(chr(point) for point in range(0x20000, 0x20000 + 600_000))
    with pytest.raises(CorpusError, match="letters has 600,000 distinct characters"):
        Run.create(tmp_path / "run", TrainingConfig(), Vocabulary(symbols, 0), identity)
    assert not (tmp_path / "run").exists()


def test_a_full_disk_is_told(tmp_path, make_run, monkeypatch):
    def refuse(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(RunError, match=r"vocab\.json cannot be written: No space left on device"):
        make_run(tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_a_folder_without_a_run_is_told(tmp_path):
    with pytest.raises(RunError, match=r"holds no run: a run is a folder with a config\.json"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match="holds no run"):
        Run.open(tmp_path / "nowhere")


def with_corpus(**changes):
    return lambda stored: {**stored, "corpus": {**stored["corpus"], **changes}}


def with_origin(**changes):
    return lambda stored: {**stored, "origin": {**Origin().to_json(), **changes}}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda stored: [], "it is not a JSON object"),
        (lambda stored: {}, "it does not say which format it has"),
        (lambda stored: {**stored, "format": 99, "charlm": "3.1"}, r"has format 99, which charlm '3\.1' reads"),
        (lambda stored: {**stored, "training": None}, "the settings are not grouped"),
        (lambda stored: {**stored, "training": {**stored["training"], "model": 3}}, "is not a mapping"),
        (
            lambda stored: {name: stored[name] for name in stored if name != "origin"},
            "its origin is not described",
        ),
        (lambda stored: {**stored, "origin": dict.fromkeys(["name", "path", "weights"])}, "its origin is not"),
        (with_origin(path=3), "its origin has a field that is no text"),
        (lambda stored: {**stored, "corpus": None}, "its corpus is not described by name, kind"),
        (with_corpus(more=1), "its corpus is not described by"),
        (with_corpus(name=3), "an impossible name"),
        (with_corpus(kind="url"), "an impossible kind"),
        (with_corpus(kind=[]), "an impossible kind"),
        (with_corpus(paths="/a"), "an impossible paths"),
        (with_corpus(paths=[3]), "an impossible paths"),
        (with_corpus(sha256="abc"), "an impossible sha256"),
        (with_corpus(sha256="0" * 64 + "\n"), "an impossible sha256"),
        (with_corpus(characters=True), "an impossible characters"),
        (with_corpus(characters=None), "an impossible characters"),
        (with_corpus(training_characters="18"), "an impossible training_characters"),
        (with_corpus(training_characters=21), "an impossible training_characters"),
        (with_corpus(characters=-1, training_characters=-1), "characters, training_characters"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, make_run, change, fault):
    make_run(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(CheckpointError, match=rf"config\.json.*{fault}"):
        Run.open(tmp_path)


def test_files_that_are_too_long_are_not_read(tmp_path, make_run):
    for name, limit in [("vocab.json", "2,000,000"), ("config.json", "1,000,000")]:
        folder = make_run(tmp_path / name[:5]).folder
        with (folder / name).open("r+b") as file:
            file.truncate(10**12)
        with pytest.raises(CheckpointError, match=rf"{name} is longer than the {limit} bytes"):
            Run.open(folder)


def test_a_wrong_vocabulary_is_refused(tmp_path, make_run):
    make_run(tmp_path)
    (tmp_path / "vocab.json").write_text('{"symbols": ["b", "a"], "start": 0}')
    with pytest.raises(CheckpointError, match=r"vocab\.json"):
        Run.open(tmp_path)
    (tmp_path / "vocab.json").unlink()
    with pytest.raises(RunError, match=r"vocab\.json cannot be read: No such file"):
        Run.open(tmp_path)


def test_the_best_weights_are_loaded_or_the_last_until_there_are_any(tmp_path, make_run):
    run = make_run(tmp_path)
    with pytest.raises(RunError, match="has no weights yet"):
        run.load_model()
    last = save_weights(run, run.last_path, 1)
    assert run.load_model().params.flat.tobytes() == last.params.flat.tobytes()
    best = save_weights(run, run.best_path, 2)
    assert run.load_model().params.flat.tobytes() == best.params.flat.tobytes()
    assert run.load_model("best").params.flat.tobytes() == best.params.flat.tobytes()
    assert run.load_model("last").params.flat.tobytes() == last.params.flat.tobytes()


def test_a_loaded_model_gives_the_logits_of_the_saved_one(tmp_path, make_run):
    run = make_run(tmp_path, layers=2)
    saved = save_weights(run, run.last_path, 1)
    loaded = run.load_model()
    ids = np.array([0, 3], "uint8")
    np.testing.assert_array_equal(
        loaded.step(ids, loaded.zero_state(2))[0], saved.step(ids, saved.zero_state(2))[0]
    )


def test_the_weights_of_another_run_are_refused(tmp_path, make_run):
    other = make_run(tmp_path / "other", hidden=5)
    run = make_run(tmp_path / "run", hidden=3)
    save_weights(other, run.last_path, 1)
    with pytest.raises(CheckpointError, match=r"last\.safetensors: .* and config\.json makes it"):
        run.load_model()


def test_metrics_are_kept_with_the_run(tmp_path, make_run):
    run = make_run(tmp_path)
    run.append_metrics({"step": 1, "loss": 2.5})
    assert Run.open(tmp_path).read_metrics() == [{"step": 1, "loss": 2.5}]
    assert run.metrics_path == tmp_path / "metrics.jsonl"


@pytest.fixture
def first(make_model):
    """A state before the first step."""
    return Checkpoint(make_model(vocab_size=4, cell="gru", hidden=3, dtype="float32").params)


def test_a_run_that_begins_with_a_state_has_it_before_it_is_a_run(tmp_path, make_run, first, monkeypatch):
    def interrupt(self):
        assert self.last_path.exists()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, only_writer(tmp_path):
        patch.setattr(Run, "_write_settings", interrupt)
        with pytest.raises(KeyboardInterrupt):
            make_run(tmp_path, first=first)
    assert make_run(tmp_path, first=first).load_model().params.flat.tobytes() == first.params.flat.tobytes()


def test_a_state_without_a_vocabulary_is_somebodys(tmp_path, make_run):
    (tmp_path / "last.safetensors").write_bytes(b"precious")
    with pytest.raises(RunError, match="is not empty and holds no run"):
        make_run(tmp_path)


def test_what_was_deleted_is_put_back_around_what_is_written(tmp_path, make_run):
    run = make_run(tmp_path / "a")
    shutil.rmtree(run.folder)
    run.put_back()
    assert {path.name for path in run.folder.iterdir()} == {"vocab.json"}
    run.complete()
    assert Run.open(run.folder) == run


def test_the_folder_of_another_run_is_not_written_into(tmp_path, make_run):
    run = make_run(tmp_path / "a")
    shutil.rmtree(run.folder)
    make_run(tmp_path / "a", hidden=5)
    for look in (run.put_back, run.check_folder):
        with pytest.raises(RunError, match="a now holds another run"):
            look()


def test_tidying_deletes_what_killed_writers_left_and_nothing_else(tmp_path, make_run):
    make_run(tmp_path)
    kept = {"config.json", "vocab.json", ".notes.txt.7.tmp", "notes.tmp", ".lock"}
    for name in kept - {"config.json", "vocab.json"}:
        (tmp_path / name).touch()
    for name in ("last.safetensors", "step-000500.safetensors", "metrics.jsonl"):
        (tmp_path / f".{name}.77.tmp").touch()
    tidy(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
