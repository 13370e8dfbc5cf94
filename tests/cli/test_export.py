"""charlm export and charlm import, as they are typed."""

import shutil

import pytest


@pytest.fixture
def own(inside, tmp_path, monkeypatch):
    """A working folder of the test's own with the run fox-1."""
    shutil.copytree(inside / "runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_goes_to_a_friend_and_is_used_there(own, call, monkeypatch):
    sample = call("sample", "fox-1", "--len", "30").out
    exported = call("export", "fox-1", "--to", "zip")
    assert exported.code == 0 and exported.out == ""
    assert exported.err.startswith("wrote fox-1.zip, ") and "memorized" in exported.err
    friend = own / "friend"
    friend.mkdir()
    monkeypatch.chdir(friend)
    imported = call("import", "../fox-1.zip")
    assert imported.code == 0 and imported.err.startswith("imported runs/fox-1: lstm, 1 layer x 16, ")
    assert call("sample", "fox-1", "--len", "30").out == sample
    assert "runs/fox-1 is there" in call("import", "../fox-1.zip").complaint
    assert call("import", "../fox-1.zip", "--out", "other").code == 0
    assert call("info", "other").code == 0 and call("runs").code == 0


def test_the_newest_run_and_a_name_of_ones_own(own, call):
    exported = call("export", "mine.zip")
    assert (
        exported.newest == "fox-1" and exported.err.startswith("wrote mine.zip") and (own / "mine.zip").exists()
    )
    assert call("export").err.startswith("wrote fox-1.zip")
    assert call("export", "--to", "numpy").err.endswith("wrote fox-1.py and fox-1.safetensors\n")


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_a_script_and_its_weights_lie_beside_each_other(own, call, library):
    assert call("export", "fox-1", "--to", library, "model.py").err == "wrote model.py and model.safetensors\n"
    assert call("export", "fox-1", "--to", library, "model.py").code == 0  # its own are replaced
    compile((own / "model.py").read_text(), "model.py", "exec")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["fox-1", "--to", "onnx"], 2, "onnx"),
        (["fox-1", "--to", "torch", "model.txt"], 2, "its name must end in .py"),
        (["fox-1", "--to", "zip", "model.py"], 2, "its name must end in .zip"),
        (["a", "b", "c"], 2, "3 names are given"),
        (["nope"], 1, "there is no run 'nope'"),
        (["fox-1", "notes.zip"], 1, "notes.zip is there, and no export"),
        (["fox-1", "--to", "numpy", "runs/fox-1/model.py"], 1, "model.safetensors is there, and no export"),
        (["fox-1", "nowhere/fox.zip"], 1, "nowhere/fox.zip cannot be written"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_nothing_is_lost(own, call, arguments, code, message):
    (own / "notes.zip").write_bytes(b"my notes")
    before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    refused = call("export", *arguments)
    assert refused.code == code and message in refused.complaint
    assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello"])
def test_what_is_no_packed_run_is_refused(own, call, content):
    (own / "x.zip").write_bytes(content)
    refused = call("import", "x.zip")
    assert refused.code == 1 and "is no zip file" in refused.complaint
    assert call("import", "none.zip").code == 1
