"""Which weights: the best, the last and kept ones can be sampled, scored with, evaluated and started from."""

import shutil

import numpy as np
import pytest

import charlm
from charlm.runs.run import Run

TEXT = "the quick brown fox jumps over the lazy dog.\n" * 60
STEP = "runs/fox-1/step-000006.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, call, tiny):
    """A folder with a run that keeps its saves of steps 6 and 9; the others are gone."""
    folder = tmp_path_factory.mktemp("weights")
    (folder / "fox.txt").write_text(TEXT)
    flags = [*tiny, "--steps", "9", "--save-every", "3", "--keep", "2", "--lr", "0.05", "--quiet"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        trained = call("train", "fox.txt", *flags)
        assert trained.code == 0, trained.err
    return folder


@pytest.fixture
def inside(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def as_model(inside, tmp_path):
    """A function that makes a run whose best weights are some file of the trained run's."""

    def make(file):
        shutil.copytree(inside / "runs" / "fox-1", tmp_path / "copy")
        shutil.copy(inside / "runs" / "fox-1" / file, tmp_path / "copy" / "model.safetensors")
        return str(tmp_path / "copy")

    return make


WAYS = pytest.mark.parametrize(
    ("file", "way"),
    [
        ("step-000006.safetensors", [STEP]),
        ("step-000006.safetensors", ["fox-1", "--weights", "6"]),
        ("step-000006.safetensors", ["--weights", "000006"]),
        ("last.safetensors", ["--weights", "last"]),
        ("last.safetensors", ["./runs/fox-1/last.safetensors"]),
        ("model.safetensors", ["--weights", "best"]),
        ("model.safetensors", ["runs/fox-1/model.safetensors"]),
    ],
)


@WAYS
def test_any_weights_are_sampled_and_measured(call, as_model, file, way):
    copy = as_model(file)
    sampled = call("sample", *way, "--len", "40")
    assert (sampled.code, sampled.err) == (0, "")
    assert sampled.out == call("sample", copy, "--len", "40").out
    measured, wanted = (call("eval", "perplexity", *which, "--json").records[0] for which in (way, [copy]))
    assert measured["nats_per_char"] == wanted["nats_per_char"]
    assert measured["run"] == "fox-1" + (f"/{file.removesuffix('.safetensors')}" if "model" not in file else "")


def test_runs_of_one_folder_are_told_apart_by_their_weights(call, inside, as_model):
    ended = call("score", "--run", STEP, "--run", "fox-1", "--json", stdin=b"the quick\n")
    (record,) = ended.records
    assert list(record["runs"]) == ["fox-1/step-000006", "fox-1"]
    (alone,) = call("score", "--weights", "6", "--json", stdin=b"the quick\n").records
    assert alone["nats"] == record["runs"]["fox-1/step-000006"]["nats"]
    (wanted,) = call(
        "score", "--run", as_model("step-000006.safetensors"), "--json", stdin=b"the quick\n"
    ).records
    assert alone["nats"] == wanted["nats"]


@pytest.mark.parametrize("way", [["--init-from", STEP], ["--init-from", "fox-1", "--weights", "6"]])
def test_a_run_starts_from_any_weights(call, inside, tmp_path, way):
    out = tmp_path / "new"
    flags = ["--steps", "1", "--lr", "1e-30", "--seq-len", "16", "--batch-size", "8", "--workers", "1"]
    ended = call("train", "fox.txt", *way, "--out", str(out), *flags, "--quiet")
    assert ended.code == 0, ended.err
    started, kept = Run.open(out).load_model("last"), Run.open(inside / "runs" / "fox-1").load_model("6")
    assert np.allclose(started.params.flat, kept.params.flat)


def test_python_loads_any_weights(inside):
    kept = Run.open(inside / "runs" / "fox-1").load_model("6").params.flat
    for loaded in (charlm.load(STEP), charlm.load("fox-1", weights=6), charlm.load(inside / STEP)):
        assert np.array_equal(loaded.network.params.flat, kept)


@pytest.mark.parametrize(
    ("line", "code", "complaint"),
    [
        (["sample", "--weights", "3"], 1, "runs/fox-1 keeps no checkpoint of step 3: it keeps those of 6, 9"),
        (
            ["sample", STEP.replace("6", "7")],
            1,
            "runs/fox-1 keeps no checkpoint of step 7: it keeps those of 6, 9",
        ),
        (["sample", "--weights", "newest"], 2, "--weights is 'newest': it must be best, last, or the step"),
        (["sample", "--weights", "-1"], 2, "--weights is '-1'"),
        (["sample", STEP, "--weights", "9"], 2, f"{STEP} names weights itself: leave out --weights 9"),
        (
            ["train", "fox.txt", "--weights", "9"],
            2,
            "--weights needs --init-from",
        ),
        (["train", "--resume", STEP], 2, "--resume needs the last checkpoint: name the folder, or --init-from"),
    ],
)
def test_weights_that_are_not_there_are_told(call, inside, line, code, complaint):
    refused = call(*line)
    assert refused.code == code and refused.complaint.startswith(complaint)
    assert [path.name for path in (inside / "runs").iterdir()] == ["fox-1"]


def test_a_run_that_keeps_nothing_says_so(call, elsewhere, tiny):
    assert call("train", "fox.txt", "--quiet", *tiny).code == 0
    refused = call("sample", "--weights", "6")
    assert refused.complaint.endswith("keeps no checkpoint of step 6: it keeps none, train with --keep")
    (elsewhere / "runs" / "fox-1" / "model.safetensors").unlink()
    assert call("sample", "--weights", "best").complaint.endswith(
        "has no model.safetensors: leave out --weights best"
    )
    assert call("sample", "--len", "1").code == 0
