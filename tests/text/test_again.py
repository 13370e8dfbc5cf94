"""A run's corpus found again, or refused with what has changed and what to do."""

import hashlib
import io
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from charlm.config import CorpusConfig
from charlm.errors import CorpusError
from charlm.storage.places import cache_folder
from charlm.text import sources
from charlm.text.again import prepare_again
from charlm.text.prepare import prepare
from charlm.text.sources import find_source

REMEDY = "begin a new run"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with some texts, and a cache beside it."""
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / "work" / name).write_text(f"this is {name}")
    return tmp_path / "work"


def known(*named, config=None):
    """What a run remembers of its corpus."""
    config = config or CorpusConfig()
    source = find_source(named, config.glob)
    prepared = prepare(source, config)
    return SimpleNamespace(name=source.name, kind=source.kind, paths=source.paths, sha256=prepared.sha256)


def again(remembered, config=None):
    return prepare_again(remembered, config or CorpusConfig(), REMEDY)


def complaint(remembered):
    with pytest.raises(CorpusError) as raised:
        again(remembered)
    assert len(str(raised.value).splitlines()) == 1
    return str(raised.value)


@pytest.mark.parametrize("named", [["a.txt"], ["b.txt", "a.txt"], ["."], ["[ab].txt", "c.txt"]])
def test_what_was_named_is_found_again_from_another_folder(folder, monkeypatch, named):
    remembered = known(*named)
    monkeypatch.chdir("/")
    found = again(remembered)
    assert found.sha256 == remembered.sha256
    assert (found.source.name, found.source.kind) == (remembered.name, remembered.kind)


def test_the_sum_of_one_file_is_its_content_s(folder):
    assert known("a.txt").sha256 == hashlib.sha256(b"this is a.txt").hexdigest()
    assert known("a.txt", "b.txt").sha256 != known("b.txt", "a.txt").sha256


def test_a_built_in_is_found_again_whatever_the_folder_holds(folder, monkeypatch):
    monkeypatch.setattr(sources, "read_named", lambda name: f"the text of {name}")
    remembered = known("python-docs")
    (folder / "python-docs").write_text("mine")
    assert again(remembered).sha256 == remembered.sha256
    monkeypatch.setattr(sources, "read_named", lambda name: "another Python's")
    message = complaint(remembered)
    assert message.startswith(
        "the built-in corpus python-docs has changed since the run was trained on it (sha256"
    )
    assert message.endswith("put it back as it was, or begin a new run")


def test_a_file_that_is_gone_is_an_error_with_a_remedy(folder):
    remembered = known("a.txt")
    (folder / "a.txt").unlink()
    message = complaint(remembered)
    assert message.startswith(
        f"there is no file '{folder}/a.txt': the run was trained on it, so put it back, or begin"
    )


def test_a_file_that_changed_is_an_error_with_both_sums(folder):
    remembered = known("a.txt")
    (folder / "a.txt").write_text("this is b.txt")
    then, now = remembered.sha256[:12], hashlib.sha256(b"this is b.txt").hexdigest()[:12]
    assert f"a.txt' has changed since the run was trained on it (sha256 {then} then, {now} now)" in complaint(
        remembered
    )


def test_of_many_files_those_are_named_that_differ(folder):
    remembered = known(".")
    (folder / "a.txt").write_text("other")
    (folder / "b.txt").unlink()
    (folder / "d.txt").write_text("new")
    differences = [f"changed: '{folder}/a.txt'", f"new: '{folder}/d.txt'", f"gone: '{folder}/b.txt'"]
    words = f"the corpus work has changed since the run was trained on it ({'; '.join(differences)}): put"
    assert words in complaint(remembered)
    shutil.rmtree(cache_folder())
    assert f"(sha256 {remembered.sha256[:12]} then, " in complaint(remembered)


def test_a_copied_folder_has_files_of_its_own(folder):
    known(".")
    shutil.copytree(folder, folder.parent / "copy")
    remembered = known("../copy")
    (folder.parent / "copy" / "d.txt").write_text("new")
    new = Path(folder, "../copy/d.txt").resolve()
    assert f"(new: {str(new)!r}): put it back" in complaint(remembered)


def test_standard_input_is_found_again_while_the_cache_has_it(folder, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"through a pipe")))
    remembered = known("-")
    found = again(remembered)
    assert found.alphabet.decode(found.codes) == "through a pipe"
    shutil.rmtree(cache_folder())
    assert complaint(remembered) == "the run was trained on standard input, which is not kept: begin a new run"


def test_a_text_from_python_was_never_kept(folder):
    remembered = SimpleNamespace(name="text", kind="text", paths=(), sha256="0" * 64)
    assert complaint(remembered) == (
        "the run was trained on a text that was handed in from Python, which is not kept: begin a new run"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no pipes with names")
def test_a_stored_path_from_a_stranger_is_neither_a_pipe_nor_a_device(folder):
    os.mkfifo("pipe")
    for path in (str(folder / "pipe"), "/dev/zero"):
        remembered = SimpleNamespace(name="x", kind="file", paths=(path,), sha256="0" * 64)
        assert complaint(remembered) == f"{path!r} is not a plain file: give a text file"


def test_a_stored_name_that_is_no_built_in_is_refused():
    remembered = SimpleNamespace(name="../x", kind="built-in", paths=(), sha256="0" * 64)
    assert "no built-in corpus is called '../x'" in complaint(remembered)
