"""The built-in corpora: plausible text from any interpreter, and a clear error from one that lacks it."""

import sys
import sysconfig

import pytest

from charlm.base.errors import CorpusError
from charlm.data.catalog.builtin import BUILTIN_NAMES, DEFAULT_CORPUS, read_builtin


@pytest.fixture
def library(tmp_path, monkeypatch):
    """An empty folder in the place of the standard library."""
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    return tmp_path


def test_the_default_is_a_text_of_plausible_size():
    assert DEFAULT_CORPUS in BUILTIN_NAMES
    text = read_builtin(DEFAULT_CORPUS)
    assert 100_000 < len(text) < 5_000_000
    assert read_builtin(DEFAULT_CORPUS) == text


def test_the_real_library_is_large_and_stable():
    text = read_builtin("python-source")
    assert 2_000_000 < len(text) < 100_000_000
    assert "def " in text


def test_source_files_are_joined_in_order_without_tests_and_packages(library):
    files = {
        "b.py": b"second\r\n",
        "a/z.py": b"first\n",
        "empty.py": b"",
        "latin.py": b"caf\xe9\n",
        "note.txt": b"no Python\n",
        "test/x.py": b"a test\n",
        "a/tests/x.py": b"a test\n",
        "idlelib/idle_test/x.py": b"a test\n",
        "site-packages/x.py": b"a package\n",
        "dist-packages/x.py": b"a package\n",
        "testing.py": "drittens ß\n".encode(),
    }
    for name, raw in files.items():
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).write_bytes(raw)
    assert read_builtin("python-source") == "first\n\nsecond\r\n\ndrittens ß\n"


def test_an_interpreter_without_its_source_is_an_error_with_a_remedy(library):
    with pytest.raises(CorpusError, match=r"python-source is not there.*install the full standard library"):
        read_builtin("python-source")


def test_an_interpreter_without_its_topics_is_an_error_with_a_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(CorpusError, match=r"python-docs is not there.*give a text file"):
        read_builtin("python-docs")


def test_an_unknown_name_comes_with_those_that_there_are():
    with pytest.raises(CorpusError, match=r"'shakespeare': there are python-docs, python-source"):
        read_builtin("shakespeare")
