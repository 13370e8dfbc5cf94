"""The cache: found by a key, rebuilt where anything was altered, made once by two, whole or absent."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from charlm.base.errors import CorpusError
from charlm.config import CorpusConfig
from charlm.data import corpus as prepare_module
from charlm.data.cache import entry, store
from charlm.data.corpus import prepare
from charlm.data.reading.sources import find_source

TEXT = "to be or not to be, ä\n" * 50
PLAIN = CorpusConfig()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def text(tmp_path):
    """A file that was written a while ago."""
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


@pytest.fixture
def passes(monkeypatch):
    """The passes that are made over corpora from now on."""
    made = []
    reals = {name: getattr(prepare_module.CorpusEncoder, name) for name in ("count", "ids")}
    for name, real in reals.items():

        def note(self, *args, name=name, real=real):
            made.append(name)
            return real(self, *args)

        monkeypatch.setattr(prepare_module.CorpusEncoder, name, note)
    return made


def prepared(path, config=PLAIN):
    found = prepare(find_source([str(path)], ""), config)
    assert found.alphabet.decode(found.ids) == Path(path).read_text()
    return found


def test_a_second_run_reads_nothing(text, passes):
    first, second = prepared(text), prepared(text)
    assert passes == ["count", "ids"]
    assert (second.sha256, second.folder) == (first.sha256, first.folder)
    assert second.alphabet.counts_A.tolist() == first.alphabet.counts_A.tolist()


def test_a_file_that_is_young_is_read_again_but_not_encoded_again(text, passes):
    text.touch()
    prepared(text)
    prepared(text)
    assert passes == ["count", "ids", "count"]


def test_the_same_content_elsewhere_is_recognised(text, tmp_path, passes):
    folder = prepared(text).folder
    text.rename(tmp_path / "other.txt")
    os.utime(tmp_path / "other.txt", (1, 1))
    other = prepared(tmp_path / "other.txt")
    assert other.folder == folder and other.source.name == "other"
    prepared(tmp_path / "other.txt")
    assert passes == ["count", "ids", "count"]


@pytest.mark.parametrize("change", ["content", "size", "time", "file"])
def test_a_file_that_changed_is_read_again(text, passes, change):
    prepared(text)
    status = text.stat()
    if change == "file":
        text.rename(text.with_name("old"))
    if change in ("content", "file"):
        text.write_text(TEXT.upper() if change == "content" else TEXT)
        os.utime(text, ns=(status.st_atime_ns, status.st_mtime_ns + (change == "content")))
    elif change == "size":
        text.write_text(TEXT + "!")
        os.utime(text, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        os.utime(text, (2, 2))
    prepared(text)
    assert passes[2:] == (["count", "ids"] if change in ("content", "size") else ["count"])


def test_settings_have_entries_of_their_own(text):
    settings = [{}, {"bytes": True}, {"lowercase": True}, {"normalize": "nfc"}, {"normalize": "nfkc"}]
    settings += [{"lines": True}, {"delimiter": "\n"}, {"delimiter": "be"}, {"lines": True, "bytes": True}]
    source = find_source([str(text)], "")
    assert len({prepare(source, CorpusConfig(**each)).folder for each in settings}) == len(settings)
    # How rare a character may be is the vocabulary's to say, and the pattern has chosen its files already.
    assert prepared(text, CorpusConfig(min_count=5, glob="*")).folder == prepared(text).folder


def names_in(folder):
    """The names of an entry's files, those of records without their sums."""
    return sorted("files" if path.match("files-*.json") else path.name for path in folder.iterdir())


def rewrite(path, change):
    path.write_bytes(change(path.read_bytes()))


ALTERATIONS = {
    "codes shorter": lambda folder: rewrite(folder / "codes", lambda raw: raw[:-1]),
    "codes longer": lambda folder: rewrite(folder / "codes", lambda raw: raw + b"\0"),
    "codes of another time": lambda folder: os.utime(folder / "codes", (1, 1)),
    "codes gone": lambda folder: (folder / "codes").unlink(),
    "header cut": lambda folder: rewrite(folder / "header.json", lambda raw: raw[:-9]),
    "header empty": lambda folder: (folder / "header.json").write_bytes(b""),
    "header a list": lambda folder: (folder / "header.json").write_bytes(b"[]"),
    "header of another format": lambda folder: rewrite(
        folder / "header.json", lambda raw: raw.replace(b'"format": 1', b'"format": 2')
    ),
    "header of another sum": lambda folder: rewrite(
        folder / "header.json", lambda raw: raw.replace(b'"sha256": "', b'"sha256": "0')
    ),
    "header not UTF-8": lambda folder: rewrite(
        folder / "header.json", lambda raw: raw.replace(b"units", b"un\xeets")
    ),
    "header without a name": lambda folder: rewrite(
        folder / "header.json", lambda raw: json.dumps({**json.loads(raw), "name": 7}).encode()
    ),
    "alphabet altered": lambda folder: rewrite(folder / "alphabet", lambda raw: b"\1" + raw[1:]),
    "alphabet gone": lambda folder: (folder / "alphabet").unlink(),
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_an_entry_that_was_altered_is_made_anew(text, passes, alteration):
    folder = prepared(text).folder
    ALTERATIONS[alteration](folder)
    assert prepared(text).folder == folder
    assert passes == ["count", "ids"] * 2
    prepared(text)
    assert passes == ["count", "ids"] * 2
    assert names_in(folder) == ["alphabet", "codes", "files", "header.json"]


@pytest.mark.parametrize("raw", [b"[]", b"{}", None])
def test_a_record_of_files_that_was_altered_is_made_anew(text, passes, raw):
    folder = prepared(text).folder
    (record,) = folder.glob("files-*.json")
    was = record.read_bytes()
    record.unlink() if raw is None else record.write_bytes(raw)
    assert prepared(text).folder == folder and record.read_bytes() == was
    assert passes == ["count", "ids", "count"]


def test_a_file_that_is_named_by_its_folder_too_is_read_once_for_each_naming(text, passes):
    folder = prepared(text).folder
    for _ in range(2):
        assert prepare(find_source([str(text.parent)], "*.txt"), CorpusConfig(glob="*.txt")).folder == folder
        prepared(text)
    assert passes == ["count", "ids", "count"]
    assert names_in(folder) == ["alphabet", "codes", "files", "files", "header.json"]


@pytest.mark.parametrize("key", [b"", b"\xff", b"../../etc", b"0" * 32])
def test_a_key_that_was_altered_is_replaced(text, folder, key):
    prepared(text)
    (path,) = (folder / "keys").iterdir()
    name = path.read_bytes()
    path.write_bytes(key)
    prepared(text)
    assert path.read_bytes() == name


def test_an_error_in_the_second_pass_leaves_nothing_half_written(text, folder, monkeypatch):
    real = prepare_module.CorpusEncoder.ids

    def broken(self, alphabet):
        yield next(real(self, alphabet))
        raise CorpusError("it went away")

    monkeypatch.setattr(prepare_module.CorpusEncoder, "ids", broken)
    with pytest.raises(CorpusError, match="it went away"):
        prepared(text)
    assert [
        path for path in folder.rglob("*") if path.is_file() and path.parent.name not in ("locks", "cache")
    ] == []


def test_a_full_disk_is_one_line_and_leaves_nothing(text, folder, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(CorpusError, match=r"^the cache .* cannot be written: No space left on device: make room"):
        prepared(text)
    assert [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "locks"] == []


def test_a_disk_with_too_little_room_is_told_before_anything_is_written(text, folder, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(total=10**6, free=1099))
    with pytest.raises(
        CorpusError, match=r"cannot be written: 1,100 bytes are needed there, and 1,099 are free: make"
    ):
        prepared(text)
    assert list((folder / "unfinished").iterdir()) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(total=0, free=0))  # nothing is known
    prepared(text)


def test_a_cache_that_cannot_be_made_is_one_line(text, folder):
    folder.write_text("a file in its place")
    with pytest.raises(CorpusError, match=r"cannot be written: .*name another folder by CHARLM_CACHE_DIR"):
        prepared(text)


def test_what_a_killed_process_left_is_cleared_away(text, folder):
    key = entry.hash_key(*keyed(text), PLAIN)
    for name in (key, f"{key}-0123456789abcdef"):
        (store.make_cache_folder("unfinished") / name).mkdir()
        (folder / "unfinished" / name / "codes").write_bytes(b"half")
    prepared(text)
    assert list((folder / "unfinished").iterdir()) == []


def keyed(path):
    source = find_source([str(path)], "")
    return source, [member.stamp() for member in source.files]


PREPARE = """
import sys, time
from charlm.config import CorpusConfig
from charlm.data import corpus
from charlm.data.reading.sources import find_source
real = corpus.CorpusEncoder.ids
def ids(self, alphabet):
    print("encodes", flush=True)
    time.sleep(1)
    yield from real(self, alphabet)
corpus.CorpusEncoder.ids = ids
prepared = corpus.prepare(find_source([sys.argv[1]], ""), CorpusConfig())
print(len(prepared.ids))
"""


def test_two_processes_at_once_prepare_once(text):
    command = [sys.executable, "-c", PREPARE, str(text)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0].split() for process in both]
    assert sorted(outputs) == [["1100"], ["encodes", "1100"]]


@contextmanager
def nobody_waits(key):
    yield


def test_two_that_do_not_see_each_other_s_lock_make_one_whole_entry(text, tmp_path, monkeypatch):
    """As on a network file system that knows no locks: the one that is later takes the other's place."""
    monkeypatch.setattr(prepare_module, "entry_lock", nobody_waits)
    real = prepare_module.CorpusEncoder.ids

    def ids(self, alphabet):
        monkeypatch.setattr(prepare_module.CorpusEncoder, "ids", real)
        copy = tmp_path / "copy.txt"
        copy.write_text(TEXT)
        prepared(copy)
        yield from real(self, alphabet)

    monkeypatch.setattr(prepare_module.CorpusEncoder, "ids", ids)
    assert names_in(prepared(text).folder) == ["alphabet", "codes", "files", "header.json"]
