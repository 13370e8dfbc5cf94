"""Folders with links: each file is read once, whatever leads to it, and what is left out is said."""

import glob
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import UsageError
from charlm.data.reading.patterns import Walk
from charlm.data.reading.sources import find_source

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links need rights that this platform may not give")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder whose folder ``d`` has two texts."""
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "x.txt").write_text("x")
    (tmp_path / "d" / "sub" / "y.txt").write_text("y")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def labels(source):
    return [member.label for member in source.files]


BOTH = ["'d/sub/y.txt'", "'d/x.txt'"]


@pytest.mark.parametrize("target", [".", "..", "sub", "../d/sub", "../../{name}", "loop"])
def test_a_link_to_a_folder_on_the_way_is_not_entered(folder, target):
    (folder / "d" / "loop").symlink_to(target.format(name=folder.name))
    (folder / "d" / "sub" / "back").symlink_to("..")
    (folder / "beside.txt").write_text("no part of d")
    source = find_source(["d"], "**/*.txt")
    assert labels(source) == BOTH
    assert len(source.left_out) == (1 if target == "loop" else 2)
    assert source.left_out[-1].startswith("'d/sub/back' (")


def test_links_among_many_folders_are_followed_once(folder):
    """Thirty folders that each link twice to the next have a billion ways through them."""
    (folder / "out").mkdir()
    for number in range(30):
        (folder / "out" / str(number)).mkdir()
        for name in ("a", "b"):
            (folder / "out" / str(number) / name).symlink_to(f"../{number + 1}")
    (folder / "out" / "30").mkdir()
    (folder / "out" / "30" / "z.txt").write_text("z")
    (folder / "d" / "in").symlink_to("../out/0")
    source = find_source(["d"], "**/*.txt")
    assert len(source.files) == 3 and len(source.left_out) == 30


def test_a_file_with_two_names_is_read_once_and_said(folder):
    (folder / "d" / "copy.txt").symlink_to("x.txt")
    os.link(folder / "d" / "sub" / "y.txt", folder / "d" / "sub" / "z.txt")
    for named in ("d", "d/**/*.txt"):
        source = find_source([named], "**/*.txt")
        assert labels(source) == ["'d/copy.txt'", "'d/sub/y.txt'"]
        assert source.left_out == (
            "'d/sub/z.txt' (the same file as 'd/sub/y.txt')",
            "'d/x.txt' (the same file as 'd/copy.txt')",
        )


def test_one_file_named_twice_by_links_is_a_slip(folder):
    (folder / "copy.txt").symlink_to("d/x.txt")
    os.link(folder / "d" / "x.txt", folder / "hard.txt")
    for other in ("copy.txt", "hard.txt", "d"):
        with pytest.raises(UsageError, match="is named twice: leave out one"):
            find_source(["d/x.txt", other], "**/*.txt")


def test_a_link_to_a_folder_elsewhere_is_entered(folder):
    (folder / "other").mkdir()
    (folder / "other" / "z.txt").write_text("z")
    (folder / "d" / "link").symlink_to("../other")
    source = find_source(["d"], "**/*.txt")
    assert labels(source) == ["'d/link/z.txt'", *BOTH] and source.left_out == ()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_that_may_not_be_read_is_said(folder):
    (folder / "d" / "sub").chmod(0)
    try:
        assert find_source(["d"], "**/*.txt").left_out == ("'d/sub' (it may not be read)",)
    finally:
        (folder / "d" / "sub").chmod(0o700)


PART = st.sampled_from(["**", "*", "?", "sub", "s*", ".*", "[a-x]*", "*.txt", "x.txt", "..", "a**"])


@given(st.lists(PART, min_size=1, max_size=4))
def test_patterns_mean_what_glob_makes_of_them(tmp_path_factory, parts):
    # As deep as the longest pattern of "..": above it are other tests' folders, and their loops of links.
    base = tmp_path_factory.getbasetemp() / "patterns" / "1" / "2" / "3"
    for name in ("x.txt", "sub/y.txt", "sub/deep/z.txt", "sub/.h.txt", ".hid/w.txt", "a/x.txt"):
        (base / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (base / "t" / name).write_text(name)
    pattern = "/".join(["t", *parts])
    found = glob.iglob(str(base / pattern), recursive=True)  # noqa: PTH207
    # Of "x.txt/**" glob makes "x.txt/", which is no file.
    expected = {os.path.realpath(path) for path in found if not path.endswith(os.sep) and Path(path).is_file()}
    assert set(map(os.path.realpath, Walk(str(base / pattern), None).files())) == expected
