"""The cache looked after: listed and verified."""

import os

import pytest

from charlm.config import CorpusConfig
from charlm.data.cache.maintenance import entries, verify
from charlm.data.corpus import prepare
from charlm.data.reading.sources import find_source


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A folder with two texts, both prepared."""
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path / "cache"))
    for number, name in enumerate(("one", "two"), start=1):
        path = tmp_path / f"{name}.txt"
        path.write_text(f"this is {name}")
        os.utime(path, (number, number))
        prepared = prepare(find_source([str(path)], ""), CorpusConfig(lowercase=name == "two"))
        os.utime(prepared.folder / "header.json", (number, number))
    return tmp_path


def test_entries_come_with_what_they_are_the_last_used_first(cached):
    two, one = entries()
    assert (one.name, one.paths, one.used) == ("one", (str(cached / "one.txt"),), 1)
    assert two.settings["lowercase"] and not one.settings["lowercase"]
    assert one.bytes_on_disk == sum(path.stat().st_size for path in one.folder.iterdir())
    prepare(find_source([str(cached / "one.txt")], ""), CorpusConfig())
    assert [entry.name for entry in entries()] == ["one", "two"]


def test_what_is_as_it_was_is_verified_with_progress(cached):
    seen = []
    assert [verify(entry, lambda *progress: seen.append(progress)) for entry in entries()] == [[], []]
    assert seen == [(11, 11), (11, 11)]


def test_what_changed_in_a_file_is_found_though_its_key_did_not(cached):
    (cached / "one.txt").write_text("this is two")
    os.utime(cached / "one.txt", (1, 1))
    _, one = entries()
    (complaint,) = verify(one)
    assert "one.txt' has changed: sha256 " in complaint
    (cached / "one.txt").unlink()
    (complaint,) = verify(one)
    assert complaint.endswith("one.txt' is gone: put it back, or charlm corpus clean forgets it")


def test_a_corpus_with_the_content_of_another_is_looked_after_too(cached):
    (cached / "copy.txt").write_text("this is one")
    prepare(find_source([str(cached / "copy.txt")], ""), CorpusConfig())
    (cached / "copy.txt").write_text("other words")
    complaints = {entry.name: verify(entry) for entry in entries()}
    assert complaints["one"] == complaints["two"] == [] and len(complaints["copy"]) == 1
    shared = [entry for entry in entries() if entry.name != "two"]
    assert len(shared) == 2 and len({entry.folder for entry in shared}) == 1


def test_codes_that_changed_though_their_time_did_not_are_found(cached):
    _, one = entries()
    path = one.folder / "codes"
    status = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    (complaint,) = verify(one)
    assert "codes was altered" in complaint
    (one.folder / "header.json").write_bytes(b"{}")
    (complaint,) = verify(entries()[0] if entries()[0].name is None else entries()[1])
    assert "was altered: it will be prepared again" in complaint


def test_a_cache_that_is_not_there_is_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path / "nowhere"))
    assert entries() == [] and not (tmp_path / "nowhere").exists()
