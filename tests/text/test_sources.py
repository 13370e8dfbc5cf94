"""Reading a corpus: every origin gives the exact text, and everything that is no text has its one line."""

import hashlib
import io
import os
import sys

import pytest

from charlm.errors import CorpusError, UsageError
from charlm.text import sources
from charlm.text.sources import find_again, read_source, source_of_text


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny_built_ins(monkeypatch):
    """Built-in corpora that do not depend on the interpreter."""
    monkeypatch.setattr(sources, "read_named", lambda name: f"the text of {name}")


def complaint(corpus, error=CorpusError):
    """The one line that reading a corpus is refused with."""
    with pytest.raises(error) as raised:
        read_source(corpus)
    message = str(raised.value)
    assert len(message.splitlines()) == 1
    return message


def test_a_file_is_read_to_the_letter(folder):
    raw = "\ufeffα\r\nβ\rγ\n😀\u2028".encode()
    (folder / "greek.letters.txt").write_bytes(raw)
    source = read_source("greek.letters.txt")
    assert source.text.encode() == raw
    assert source.sha256 == hashlib.sha256(raw).hexdigest()
    assert (source.name, source.kind) == ("greek.letters", "file")
    assert source.path == str((folder / "greek.letters.txt").resolve())


def test_standard_input_is_read_as_bytes(monkeypatch):
    raw = "é\r\n".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="latin-1"))
    source = read_source("-")
    assert source.text == "é\r\n"
    assert (source.name, source.kind, source.path) == ("stdin", "stdin", None)
    assert source.sha256 == hashlib.sha256(raw).hexdigest()


def test_empty_standard_input_is_named(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert complaint("-").startswith("standard input is empty")


def test_a_built_in_is_read_by_its_name(folder, tiny_built_ins):
    source = read_source("python-docs")
    assert (source.name, source.kind, source.path) == ("python-docs", "built-in", None)
    assert source.text == "the text of python-docs"
    assert source.sha256 == hashlib.sha256(b"the text of python-docs").hexdigest()


def test_a_file_named_like_a_built_in_needs_its_path(folder, tiny_built_ins):
    (folder / "python-docs").write_text("mine")
    assert "./python-docs" in complaint("python-docs", UsageError)
    assert read_source("./python-docs").text == "mine"


def test_a_folder_named_like_a_built_in_is_in_nobody_s_way(folder, tiny_built_ins):
    (folder / "python-docs").mkdir()
    assert read_source("python-docs").kind == "built-in"


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

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(sources.Path, "read_bytes", refuse)
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
    source = source_of_text("é\r\n")
    assert (source.name, source.kind, source.path, source.text) == ("text", "text", None, "é\r\n")
    assert source.sha256 == hashlib.sha256("é\r\n".encode()).hexdigest()
    assert "é" not in repr(source)


@pytest.mark.parametrize(("text", "words"), [("", "empty"), ("ab\ud800", r"'\\ud800' at position 2")])
def test_a_text_from_python_must_be_text(text, words):
    with pytest.raises(CorpusError, match=words):
        source_of_text(text)


def again(source):
    """What the source of a run gives when the run looks for it later."""
    return find_again(source.kind, source.path, source.name, source.sha256)


def test_a_file_is_found_again_from_another_folder(folder, monkeypatch):
    (folder / "a.txt").write_text("abc")
    source = read_source("a.txt")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert again(source) == source


def test_a_built_in_is_found_again_whatever_the_folder_holds(folder, tiny_built_ins):
    source = read_source("python-docs")
    (folder / "python-docs").write_text("mine")
    assert again(source) == source


def test_a_file_that_is_gone_is_an_error_with_a_remedy(folder):
    (folder / "a.txt").write_text("abc")
    source = read_source("a.txt")
    (folder / "a.txt").unlink()
    with pytest.raises(CorpusError, match=r"there is no file '.*a\.txt'.*put it back.*TARGET"):
        again(source)


def test_a_file_that_changed_is_an_error_with_both_sums(folder):
    (folder / "a.txt").write_text("abc")
    source = read_source("a.txt")
    (folder / "a.txt").write_text("abd")
    then, now = source.sha256[:12], hashlib.sha256(b"abd").hexdigest()[:12]
    with pytest.raises(CorpusError, match=rf"a\.txt' has changed.*{then} then, {now} now.*TARGET"):
        again(source)


def test_another_interpreter_s_built_in_is_an_error(tiny_built_ins):
    with pytest.raises(CorpusError, match=r"built-in corpus python-docs has changed.*TARGET"):
        find_again("built-in", None, "python-docs", "0" * 64)


@pytest.mark.parametrize(
    ("kind", "words"), [("stdin", "standard input"), ("text", "from Python"), ("file", "from Python")]
)
def test_what_was_never_kept_cannot_be_found(kind, words):
    with pytest.raises(CorpusError, match=f"{words}, which is not kept.*TARGET"):
        find_again(kind, None, "x", "0" * 64)


def test_a_stored_name_that_is_no_built_in_is_refused():
    with pytest.raises(CorpusError, match=r"no built-in corpus is called '\.\./x'"):
        find_again("built-in", None, "../x", "0" * 64)
