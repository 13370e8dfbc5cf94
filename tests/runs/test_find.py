import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import RunError, UsageError
from charlm.runs.find import find_newest_run, find_run, list_runs, make_run_folder, resolve, slug

LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Every test works in a folder of its own, two levels below an outside that it may reach."""
    folder = tmp_path / "outside" / "here"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def add_run(make_run):
    """A function that makes a run whose files say that it was written at a time."""

    def add(folder, time=1_000_000):
        run = make_run(Path(folder))
        os.utime(run.folder / "config.json", (time, time))
        return run

    return add


def test_new_folders_are_numbered_and_made():
    assert [str(make_run_folder("Tiny Shakespeare")) for _ in range(2)] == [
        str(Path("runs/tiny-shakespeare-1")),
        str(Path("runs/tiny-shakespeare-2")),
    ]
    assert Path("runs/tiny-shakespeare-2").is_dir()


def test_a_number_is_not_used_again_while_a_later_run_stands():
    first, _ = make_run_folder("a"), make_run_folder("a")
    shutil.rmtree(first)
    assert make_run_folder("a").name == "a-3"
    for odd in ("a-b-7", "a-007", "a-x", "aa-9"):
        Path("runs", odd).mkdir()
    assert make_run_folder("a").name == "a-4"


def test_two_trainings_that_start_together_get_two_folders(monkeypatch):
    real_mkdir, raced = Path.mkdir, []

    def mkdir(self, *args, **kwargs):
        if self.name == "a-1" and not raced:
            raced.append(self)
            real_mkdir(self)
        real_mkdir(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert make_run_folder("a").name == "a-2"


def test_a_new_folder_can_become_a_run(make_run):
    folder = make_run_folder("a")
    make_run(folder)
    assert find_run("a-1").folder == folder


def test_no_room_for_runs_is_told():
    Path("runs").touch()
    with pytest.raises(RunError, match=r"runs/ cannot be used: .*; give a folder with --out"):
        make_run_folder("a")
    assert list_runs() == []


@given(st.text())
def test_a_slug_suits_every_file_system(name):
    made = slug(name)
    assert 1 <= len(made) <= 40 and set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not made.startswith("-") and not made.endswith("-")
    assert slug(made) == made


def test_runs_are_ordered_by_when_they_were_last_written(add_run):
    for name, time in [("runs/b", 100), ("runs/a", 200), ("runs/c", 300), ("runs/d", 300)]:
        add_run(name, time)
    assert [folder.name for folder in list_runs()] == ["b", "a", "c", "d"]
    Path("runs/b/last.safetensors").touch()
    os.utime("runs/b/last.safetensors", (400, 400))
    assert find_newest_run() == Path("runs/b")
    assert find_run(None).name == "b"


def test_what_is_no_run_is_not_listed(add_run):
    add_run("runs/a")
    Path("runs/empty").mkdir()
    Path("runs/file").touch()
    assert list_runs() == [Path("runs/a")]


def test_no_runs_at_all_is_told_with_the_remedy():
    for look in (find_newest_run, lambda: find_run(None), lambda: find_run("x")):
        with pytest.raises(RunError, match=r"runs/.*: make one with charlm train"):
            look()


def test_a_target_is_a_runs_folder_or_name_or_else_a_text_file(add_run):
    add_run("runs/named")
    add_run("elsewhere/mine")
    Path("text.txt").touch()
    assert resolve("named") == Path("runs/named")
    assert resolve("runs/named") == Path("runs/named")
    assert resolve("elsewhere/mine") == Path("elsewhere/mine")
    assert resolve("elsewhere/mine/") == Path("elsewhere/mine")
    assert resolve(str(Path("runs/named").resolve())) == Path("runs/named").resolve()
    for text in ("text.txt", "nowhere", "runs", "runs/nothing", "-", "", "x" * 5000, "a\0b", "\udcff"):
        assert resolve(text) == text


def test_standard_input_is_never_a_run(add_run):
    add_run("runs/-")
    assert resolve("-") == "-"


def test_a_folder_that_is_no_run_does_not_hide_a_name(add_run):
    add_run("runs/x")
    Path("x").mkdir()
    assert resolve("x") == Path("runs/x")


@pytest.mark.parametrize("other", ["run", "file"])
def test_a_target_that_is_both_is_refused_with_both_ways_to_write_it(add_run, other):
    add_run("runs/x")
    if other == "run":
        add_run("x")
    else:
        Path("x").write_text("text")
    with pytest.raises(UsageError, match=r"x may be \./x or runs/x: give one of these"):
        resolve("x")
    assert resolve("./x") == (Path("x") if other == "run" else "./x")
    assert resolve("runs/x") == Path("runs/x")


@pytest.mark.parametrize("name", ["..", "../x", "../../x", "x/../../../x", "", ".", "./x", "/", "nested/x"])
def test_a_name_with_path_tricks_reaches_no_run_by_the_name_rule(add_run, name):
    for folder in ("../x", "../../x", "runs/nested/x"):
        add_run(folder)
    Path("runs/config.json").touch()
    Path("config.json").touch()
    found = resolve(name)
    # An explicit path is its user's own; what must not happen is that runs/ is put in front of it.
    assert not isinstance(found, Path) or found == Path(name)


@LINKS
def test_a_link_out_of_runs_is_no_name(add_run, tmp_path):
    add_run("runs/inside")
    add_run(tmp_path / "secret")
    Path("runs/leak").symlink_to(tmp_path / "secret")
    Path("runs/alias").symlink_to("inside")
    Path("runs/loop").symlink_to("loop")
    assert resolve("leak") == "leak" and resolve("loop") == "loop"
    assert resolve("alias") == Path("runs/alias")
    assert Path("runs/leak") not in list_runs()
    with pytest.raises(RunError, match="there is no run 'leak'"):
        find_run("leak")
    assert find_run("runs/leak").name == "secret"


@LINKS
def test_runs_itself_may_be_a_link(add_run, tmp_path):
    add_run(tmp_path / "disk" / "a")
    Path("runs").symlink_to(tmp_path / "disk")
    assert resolve("a") == Path("runs/a") and find_newest_run() == Path("runs/a")


def test_a_missing_run_is_named_beside_those_there_are(add_run):
    for number in range(12):
        add_run(f"runs/r{number}", time=number)
    with pytest.raises(RunError, match=r"^there is no run 'x'; under runs/ there are: r11, r10, .*, r2, \.\.\.$"):
        find_run("x")
