"""A run's corpus found again, or refused with what has changed and what to do."""

import hashlib
import io
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from charlm.base.errors import CorpusError
from charlm.base.files.cache_dir import cache_folder
from charlm.config import CorpusConfig, TrainingConfig
from charlm.data import reload
from charlm.data.corpus import prepare
from charlm.data.reading import sources
from charlm.data.reading.files import TextFile
from charlm.data.reading.patterns import Walk
from charlm.data.reading.sources import find_source
from charlm.data.reload import CorpusSearch, reload_corpus, reload_prepared
from charlm.data.vocabulary import Vocabulary


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with some texts, and a cache beside it."""
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "lyrics").mkdir()
    monkeypatch.chdir(tmp_path / "lyrics")
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / "lyrics" / name).write_text(f"this is {name}")
    return tmp_path / "lyrics"


def known(*named, config=None):
    """What a run remembers of its corpus."""
    config = config or CorpusConfig()
    source = find_source(named, config.glob)
    prepared = prepare(source, config)
    return remembering(source.name, source.kind, source.paths, prepared.sha256, len(source.files))


def remembering(name, kind, paths, sha256="0" * 64, files=1):
    return SimpleNamespace(name=name, kind=kind, paths=paths, sha256=sha256, files=files)


def again(remembered, config=None, run="run", given=None):
    return reload_prepared(remembered, config or CorpusConfig(), CorpusSearch(Path(run), given))


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
    monkeypatch.setattr(sources, "read_builtin", lambda name: f"the text of {name}")
    remembered = known("python-docs")
    (folder / "python-docs").write_text("mine")
    assert again(remembered).sha256 == remembered.sha256
    monkeypatch.setattr(sources, "read_builtin", lambda name: "another Python's")
    message = complaint(remembered)
    assert message.startswith("the built-in corpus python-docs is not what the run read (sha256")
    assert message.endswith(": put back what the run was trained on")


def test_a_file_that_is_gone_is_an_error_with_a_remedy(folder):
    remembered = known("a.txt")
    (folder / "a.txt").unlink()
    message = complaint(remembered)
    assert message == f"there is no file '{folder}/a.txt': put back what the run was trained on"


def test_a_file_that_changed_is_an_error_with_both_sums(folder):
    remembered = known("a.txt")
    (folder / "a.txt").write_text("this is b.txt")
    then, now = remembered.sha256[:12], hashlib.sha256(b"this is b.txt").hexdigest()[:12]
    assert f"a.txt' is not what the run read (sha256 {then} then, {now} now)" in complaint(remembered)


def test_of_many_files_those_are_named_that_differ(folder):
    remembered = known(".")
    (folder / "a.txt").write_text("other")
    (folder / "b.txt").unlink()
    (folder / "d.txt").write_text("new")
    differences = [f"changed: '{folder}/a.txt'", f"new: '{folder}/d.txt'", f"gone: '{folder}/b.txt'"]
    words = f"the corpus lyrics is not what the run read ({'; '.join(differences)}): put"
    assert words in complaint(remembered)
    shutil.rmtree(cache_folder())
    assert f"(sha256 {remembered.sha256[:12]} then, " in complaint(remembered)


def test_a_copied_folder_has_files_of_its_own(folder):
    known(".")
    shutil.copytree(folder, folder.parent / "copy")
    remembered = known("../copy")
    (folder.parent / "copy" / "d.txt").write_text("new")
    new = Path(folder, "../copy/d.txt").resolve()
    assert f"(new: {str(new)!r}): put back" in complaint(remembered)


def test_standard_input_is_found_again_while_the_cache_has_it(folder, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"through a pipe")))
    remembered = known("-")
    found = again(remembered)
    assert found.alphabet.decode(found.ids) == "through a pipe"
    shutil.rmtree(cache_folder())
    assert complaint(remembered) == "the run was trained on standard input, which is not kept"


def test_a_text_from_python_was_never_kept(folder):
    remembered = remembering("text", "text", ())
    assert complaint(remembered) == (
        "the run was trained on a text that was handed in from Python, which is not kept"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no pipes with names")
def test_a_stored_path_from_a_stranger_is_neither_a_pipe_nor_a_device(folder):
    os.mkfifo("pipe")
    for path in (str(folder / "pipe"), "/dev/zero"):
        remembered = remembering("x", "file", (path,))
        assert complaint(remembered) == f"{path!r} is not a plain file: give a text file"


def test_a_stored_name_that_is_no_built_in_is_refused():
    remembered = remembering("../x", "built-in", ())
    assert "no built-in corpus is called '../x'" in complaint(remembered)


def listing(folder):
    return sorted(str(path) for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


@pytest.mark.parametrize("content", [b"a secret", b"no text \x92"])
def test_of_another_text_nothing_is_kept(folder, content):
    (folder / "private.txt").write_bytes(content)
    message = complaint(remembering("x", "file", (str(folder / "private.txt"),)))
    assert "is not what the run read (sha256 000000000000 then" in message
    assert listing(cache_folder()) == []


def test_of_another_number_of_files_none_is_read(folder, monkeypatch):
    remembered = remembering("x", "files", (str(folder),), files=41)
    monkeypatch.setattr(TextFile, "blocks", None)
    assert "is not what the run read (41 files then, 3 now)" in complaint(remembered)


def test_the_file_that_is_validated_on_is_compared_before_it_is_kept(folder):
    (folder / "private.txt").write_text("a secret")
    remembered = known("a.txt")
    before = listing(cache_folder())
    remembered.val_sha256 = "0" * 64
    config = TrainingConfig.from_settings(val_file=str(folder / "private.txt"), seq_len=4)
    with pytest.raises(CorpusError, match=r"private\.txt' is not what the run read \(sha256 0"):
        reload_corpus(remembered, config, Vocabulary.of("this is a.txt"), CorpusSearch(folder))
    assert listing(cache_folder()) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no pipes with names")
@pytest.mark.parametrize("path", ["pipe", "/dev/zero"])
def test_a_file_to_validate_on_is_neither_a_pipe_nor_a_device(folder, path):
    os.mkfifo("pipe")
    remembered = known("a.txt")
    remembered.val_sha256 = "0" * 64
    config = TrainingConfig.from_settings(val_file=str(folder / path), seq_len=4)
    with pytest.raises(CorpusError, match="is not a plain file"):
        reload_corpus(remembered, config, Vocabulary.of("this is a.txt"), CorpusSearch(folder))


@pytest.mark.parametrize(
    ("named", "run"),
    [
        (["data/a.txt"], "runs/x"),
        (["data/b.txt", "data/a.txt"], "runs/x"),
        (["data/deep/d.txt", "a.txt"], "x"),
        (["data"], "data/x"),
        (["data/*.txt", "b.txt"], "some/where/else/x"),
    ],
)
def test_what_moved_together_with_its_run_is_found(folder, named, run):
    for name in ("data/a.txt", "data/b.txt", "data/deep/d.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"the text {name}")
    remembered = known(*named)
    folder.rename(folder.parent / "elsewhere")
    found = again(remembered, run=folder.parent / "elsewhere" / run)
    assert found.sha256 == remembered.sha256
    moved = [Path(path).relative_to(folder.parent / "elsewhere").as_posix() for path in found.source.paths]
    assert moved == named


def test_what_moved_is_accepted_by_its_sum_alone(folder):
    remembered = known("a.txt")
    (folder / "runs" / "x").mkdir(parents=True)
    (folder / "runs" / "a.txt").write_text("another text of that name")
    (folder / "a.txt").unlink()
    with pytest.raises(
        CorpusError, match=r"there is no file .*lyrics/a\.txt': put back what the run was trained on"
    ):
        again(remembered, run="runs/x")
    (folder / "runs" / "x" / "a.txt").write_text("this is a.txt")
    assert again(remembered, run="runs/x").source.paths == (str(folder / "runs" / "x" / "a.txt"),)
    # What stands where it was, but has changed, is no reason not to look further.
    (folder / "a.txt").write_text("another text")
    assert again(remembered, run="runs/x").sha256 == remembered.sha256


def test_a_moved_file_to_validate_on_is_found_beside_the_corpus(folder):
    remembered = known("a.txt")
    remembered.val_sha256 = known("b.txt").sha256
    config = TrainingConfig.from_settings(val_file=str(folder / "b.txt"), seq_len=4)
    folder.rename(folder.parent / "elsewhere")
    search = CorpusSearch(folder.parent / "run", ["../elsewhere/a.txt"])
    corpus = reload_corpus(remembered, config, Vocabulary.of("this is a.txt"), search)
    assert corpus.validation.text == "this is b.txt"


def test_what_is_named_is_accepted_by_its_sum_alone(folder, monkeypatch):
    remembered = known("a.txt")
    (folder / "a.txt").rename("moved.txt")
    assert again(remembered, given=["moved.txt"]).source.paths == (str(folder / "moved.txt"),)
    before = listing(cache_folder())
    with pytest.raises(CorpusError, match=r"'b\.txt' is not what the run read \(sha256"):
        again(remembered, given=["b.txt"])
    assert listing(cache_folder()) == before
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"this is a.txt")))
    assert again(remembered, given=["-"]).sha256 == remembered.sha256


def test_the_corpus_is_what_can_be_named(folder):
    remembered = known("a.txt")
    remembered.val_sha256 = known("b.txt").sha256
    config = TrainingConfig.from_settings(val_file=str(folder / "b.txt"), seq_len=4)
    (folder / "b.txt").unlink()
    search = CorpusSearch(folder / "run", [])
    with pytest.raises(CorpusError, match=r"put back what the run validates on, or put it beside the corpus$"):
        reload_corpus(remembered, config, Vocabulary.of("this is a.txt"), search)
    (folder / "a.txt").unlink()
    with pytest.raises(CorpusError, match=r"put back what the run was trained on, or name it by --corpus PATH$"):
        reload_corpus(remembered, config, Vocabulary.of("this is a.txt"), search)


def test_a_large_folder_of_the_same_name_is_not_searched_to_its_end(folder, monkeypatch):
    """The corpus was .../lyrics; now an ancestor of the run is called so, and holds much else."""
    monkeypatch.setattr(reload, "MOST_FOLDERS", 5)
    remembered = known(".")
    moved = folder.parent / "elsewhere"
    folder.rename(moved)
    for number in range(9):
        (moved / "lyrics" / f"other-{number}" / "run").mkdir(parents=True)
    entered = []
    names = Walk._names
    monkeypatch.setattr(Walk, "_names", lambda self, *place: entered.append(place) or names(self, *place))
    monkeypatch.chdir(moved)
    with pytest.raises(CorpusError):
        again(remembered, run=moved / "lyrics" / "other-0" / "run")
    assert 0 < len({folder for folder, _ in entered}) <= 5
