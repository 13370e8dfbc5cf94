"""Reading a corpus: every origin gives the exact text, and everything that is no text has its one line."""

import gzip
import io
import os
import sys
from pathlib import Path
from threading import Thread

import pytest

from charlm.base.errors import CorpusError, UsageError
from charlm.data.catalog.catalog import find_corpus
from charlm.data.reading import files, sources
from charlm.data.reading.files import TextFile
from charlm.data.reading.sources import find_source, find_text, make_text_source


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny_built_ins(monkeypatch):
    """Built-in corpora that do not depend on the interpreter."""
    monkeypatch.setattr(sources, "read_builtin", lambda name: f"the text of {name}")


def test_finding_a_source_reads_no_file(folder, monkeypatch):
    (folder / "a.txt").write_bytes(b"\xff")
    monkeypatch.setattr(TextFile, "blocks", None)
    assert find_source(["a.txt"], "").files[0].path == str(folder / "a.txt")


def complaint(corpus, error=CorpusError):
    """The one line that reading a corpus is refused with."""
    with pytest.raises(error) as raised:
        find_text(corpus).read()
    message = str(raised.value)
    assert len(message.splitlines()) == 1
    return message


def test_a_file_is_read_to_the_letter(folder):
    raw = "\ufeffα\r\nβ\rγ\n😀\u2028".encode()
    (folder / "greek.letters.txt").write_bytes(raw)
    source = find_text("greek.letters.txt")
    assert source.read().encode() == raw
    assert (source.name, source.kind) == ("greek.letters", "file")
    assert source.paths == (str(folder / "greek.letters.txt"),)


def test_standard_input_is_read_as_bytes_and_as_often_as_need_be(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("é\r\n".encode()), encoding="latin-1"))
    source = find_text("-")
    assert source.read() == source.read() == "é\r\n"
    assert (source.name, source.kind, source.paths) == ("stdin", "stdin", ())


def test_standard_input_leaves_nothing_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"abc")))
    source = find_text("-")
    assert source.read() == "abc" and list((tmp_path / "cache").glob("[!C]*")) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no pipes with names")
def test_a_pipe_with_a_name_is_read_like_standard_input(folder):
    os.mkfifo("pipe")
    writer = Thread(target=lambda: Path("pipe").write_bytes(b"through a pipe"))
    writer.start()
    source = find_text("pipe")
    writer.join()
    assert source.kind == "stdin" and source.read() == source.read() == "through a pipe"


def test_empty_standard_input_is_named(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert complaint("-").startswith("standard input is empty")


def test_a_built_in_is_read_by_its_name(folder, tiny_built_ins):
    source = find_text("python-docs")
    assert (source.name, source.kind, source.paths) == ("python-docs", "built-in", ())
    assert source.read() == "the text of python-docs"


def test_a_file_named_like_a_built_in_needs_its_path(folder, tiny_built_ins):
    (folder / "python-docs").write_text("mine")
    assert "./python-docs" in complaint("python-docs", UsageError)
    assert find_text("./python-docs").read() == "mine"


def test_a_folder_named_like_a_built_in_is_in_nobody_s_way(folder, tiny_built_ins):
    (folder / "python-docs").mkdir()
    assert find_text("python-docs").kind == "built-in"


@pytest.mark.parametrize("name", ["nowhere.txt", "some.txt/nowhere.txt"])
def test_a_missing_file_comes_with_the_built_ins_names(folder, name):
    (folder / "some.txt").write_text("a file, not a folder")
    message = complaint(name)
    assert f"no file '{name}'" in message
    assert "python-docs, python-source" in message


def test_a_folder_is_no_corpus(folder):
    (folder / "texts").mkdir()
    assert "'texts' is a folder" in complaint("texts")


def test_a_path_that_no_system_has_is_no_traceback(folder):
    assert "cannot be read" in complaint("a\0b")
    assert "cannot be read" in complaint("n" * 5000)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_file_without_permission_is_named(folder):
    (folder / "secret.txt").write_text("secret")
    (folder / "secret.txt").chmod(0)
    assert "'secret.txt' may not be read" in complaint("secret.txt")


def test_a_refused_permission_is_named(folder, monkeypatch):
    (folder / "secret.txt").write_text("secret")

    def refuse(path, flags):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(files.os, "open", refuse)
    assert "'secret.txt' may not be read" in complaint("secret.txt")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is empty"),
        (b"ab\0cd", "byte 2 (counted from 0) is zero"),
        (b"ab\xe9cd", "byte 2 (counted from 0) is 0xE9"),
        ("é".encode() + b"\xff", "byte 2 (counted from 0) is 0xFF"),
        (b"abc\xf0\x9f", "byte 3 (counted from 0) is 0xF0"),
        (b"\xed\xa0\x80", "byte 0 (counted from 0) is 0xED"),
        ("hi".encode("utf-16"), "iconv -f UTF-16 -t UTF-8"),
        (b"\xfe\xff\0h", "iconv -f UTF-16 -t UTF-8"),
        ("hi".encode("utf-32"), "iconv -f UTF-32 -t UTF-8"),
        (b"\0\0\xfe\xff\0\0\0h", "iconv -f UTF-32 -t UTF-8"),
    ],
)
def test_what_is_no_utf_8_text_is_refused_with_its_place(folder, raw, words):
    (folder / "odd.txt").write_bytes(raw)
    message = complaint("odd.txt")
    assert words in message
    assert message.startswith("'odd.txt' is ")


def test_a_text_from_python_is_its_own_source():
    source = make_text_source("é\r\n")
    assert (source.name, source.kind, source.paths, source.read()) == ("text", "text", (), "é\r\n")
    assert "é" not in repr(source)


@pytest.mark.parametrize(("text", "words"), [("", "empty"), ("ab\ud800", r"'\\ud800' at position 2")])
def test_a_text_from_python_must_be_text(text, words):
    with pytest.raises(CorpusError, match=words):
        make_text_source(text)


def make_files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def read_paths(source, folder):
    return [str(Path(member.path).relative_to(folder)) for member in source.files]


def test_files_are_read_in_the_order_in_which_they_are_named(folder):
    make_files(folder, "b.txt", "a.txt")
    source = find_source(["b.txt", "a.txt"], "")
    assert read_paths(source, folder) == ["b.txt", "a.txt"]
    assert (source.name, source.kind, len(source.paths)) == ("b", "files", 2)


def test_a_folder_s_files_come_in_the_order_of_their_paths_and_hidden_ones_do_not(folder):
    make_files(
        folder,
        "t/b.txt",
        "t/a/z.txt",
        "t/a.txt",
        "t/Z.txt",
        "t/.hidden.txt",
        "t/.git/x.txt",
        "t/é.txt",
        "t/no.md",
    )
    source = find_source(["t"], "**/*.txt")
    assert read_paths(source, folder) == ["t/Z.txt", "t/a/z.txt", "t/a.txt", "t/b.txt", "t/é.txt"]
    assert (source.name, source.kind, source.paths) == ("t", "files", (str(folder / "t"),))
    assert read_paths(find_source(["t"], "*.md"), folder) == ["t/no.md"]


def test_a_folder_with_one_file_is_a_folder_still(folder):
    make_files(folder, "t/a.txt")
    assert find_source(["t"], "**/*.txt").kind == "files"


def test_a_pattern_stands_for_its_files_unless_it_is_one_s_name(folder):
    make_files(folder, "b1.txt", "a1.txt", "a[1].txt", "c2.md")
    assert read_paths(find_source(["*1.txt"], ""), folder) == ["a1.txt", "b1.txt"]
    assert read_paths(find_source(["a[1].txt"], ""), folder) == ["a[1].txt"]
    assert "the pattern 'x*.txt' fits no file: give a text file" in complaint("x*.txt")


def test_a_folder_without_texts_says_what_it_has(folder):
    make_files(folder, "t/a.py", "t/b.py", "t/c.md")
    (folder / "none").mkdir()
    with pytest.raises(
        CorpusError, match=r"'t' has no file that --glob '\*\.txt' fits: it has \.py \(2\), \.md \(1\)"
    ):
        find_source(["t"], "*.txt")
    with pytest.raises(CorpusError, match=r"'none' has no file .*: name its files, or give another folder"):
        find_source(["none"], "*.txt")


def test_a_file_is_not_read_twice_by_accident(folder):
    make_files(folder, "t/a.txt")
    with pytest.raises(UsageError, match=r"'t/a\.txt' is named twice"):
        find_source(["t", "t/a.txt"], "**/*.txt")


@pytest.mark.parametrize("name", ["-", "python-docs", "tiny-shakespeare"])
def test_what_is_no_file_stands_alone(folder, name):
    with pytest.raises(UsageError, match="cannot be read together with other texts"):
        find_source(["a.txt", name], "")


def test_a_downloaded_corpus_is_found_by_its_name(folder, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(folder / "cache"))
    make_files(folder, "cache/corpora/tiny-shakespeare.txt")
    monkeypatch.setattr(sources, "find_downloaded", find_corpus)
    source = find_source(["tiny-shakespeare"], "")
    assert (source.name, source.kind) == ("tiny-shakespeare", "file")
    make_files(folder, "tiny-shakespeare")
    assert "tiny-shakespeare is a named corpus, and a file here" in complaint("tiny-shakespeare", UsageError)


def test_very_many_names_are_better_one_folder():
    with pytest.raises(
        UsageError, match=r"1,001 files are named: name their folder, and choose from it by --glob"
    ):
        find_source([f"{number}.txt" for number in range(1001)], "")


@pytest.mark.skipif(os.name != "posix", reason="links need rights that this platform may not give")
def test_a_link_is_decompressed_by_the_name_that_it_has_or_leads_to(folder):
    (folder / "blob0123").write_bytes(gzip.compress(b"a novel"))
    (folder / "blob.gz").write_bytes(gzip.compress(b"another"))
    (folder / "novel.txt.gz").symlink_to("blob0123")
    (folder / "other.txt").symlink_to("blob.gz")
    source = find_text("novel.txt.gz")
    assert (source.name, source.read()) == ("novel", "a novel")
    assert find_source(["*.txt.gz"], "").read() == find_source(["."], "*.txt.gz").read() == "a novel"
    assert find_text("other.txt").read() == "another"
    assert "is compressed with gzip, not text" in complaint("blob0123")


def test_a_name_that_lies_about_compression_is_told(folder):
    (folder / "a.xz").write_bytes(gzip.compress(b"a novel"))
    (folder / "b.gz").write_bytes(b"a novel")
    assert complaint("a.xz").endswith("though its name ends in .xz: give it a name that ends in .gz")
    assert complaint("b.gz").startswith("'b.gz' is not compressed, as its first bytes say")
