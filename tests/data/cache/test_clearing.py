"""Clearing the cache takes charlm's own, by name and by content, and never what is somebody else's."""

import hashlib
import io
import os
import shutil
import stat
import sys
from types import SimpleNamespace

import numpy as np
import platformdirs
import pytest

from charlm.base.errors import CharlmWarning, CorpusError
from charlm.base.files.cache_dir import MARK, is_marked_cache, make_cache_folder
from charlm.base.files.lock import hold
from charlm.config import CorpusConfig
from charlm.data.cache import clearing
from charlm.data.cache.clearing import Cleared, clean
from charlm.data.cache.maintenance import entries
from charlm.data.catalog.catalog import CatalogCorpus, RemoteFile
from charlm.data.catalog.class_folder import RemoteFolder
from charlm.data.corpus import prepare
from charlm.data.reading.documents import shuffled
from charlm.data.reading.sources import find_source

links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
modes = pytest.mark.skipif(sys.platform == "win32", reason="there are no modes")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("one\ntwo\nthree\n")
    os.utime(path, (1, 1))
    return path


@pytest.fixture
def entry(cache, text):
    """The folder of an entry in the cache, with all that can be laid out beside it."""
    prepared = prepare(find_source([str(text)], ""), CorpusConfig(lines=True))
    shuffled(prepared.ids, prepared.alphabet, 3, prepared.folder)
    for name in ("bigrams-0-12", "bigrams-0-12-3"):
        (prepared.folder / name).touch(0o600)
    return prepared.folder


@pytest.fixture
def catalogue(monkeypatch, cache):
    """One corpus that can be downloaded, of two files."""
    content = b"a\nb"
    files = [RemoteFile("http://a", f"sha256:{hashlib.sha256(each).hexdigest()}") for each in (b"a", b"b")]
    corpus = CatalogCorpus(
        "sample", "t", "l", "l", "90/10", "http://a", bytes=3, files=files,
        hash=f"sha256:{hashlib.sha256(content).hexdigest()}",
    )  # fmt: skip
    monkeypatch.setattr(clearing, "read_catalog", lambda: {"sample": corpus})
    make_cache_folder("corpora")
    corpus.path.write_bytes(content)
    return corpus


def files_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_an_entry_goes_with_its_key_its_lock_and_all_that_is_laid_out(cache, entry):
    assert {"ends", "shuffled-3"} < files_in(entry) and len(list((cache / "keys").iterdir())) == 1
    size = sum((cache / name).stat().st_size for name in files_in(cache) - {MARK})
    assert clean() == Cleared(size, (), ())
    assert files_in(cache) == {MARK} and not entry.exists() and entries() == []
    assert clean() == Cleared(0, (), ())


def test_what_is_somebody_elses_stays_and_is_named(cache, entry):
    strange = [
        cache / "notes", cache / "keys" / "id_rsa", cache / "keys" / ("0" * 32), cache / "locks" / ("1" * 32),
        cache / "locks" / "mine", cache / "prepared" / "mydata", cache / "unfinished" / "mine", entry / "a.csv",
    ]  # fmt: skip
    for path in strange:
        if path.name in ("mydata", "mine") and path.parent.name != "locks":
            path.mkdir()
            path = path / "a.csv"
        path.write_text("precious")
    altered = shutil.copytree(entry, cache / "prepared" / ("2" * 32))
    before = files_in(altered)
    assert set(clean().left) == {*strange, altered}
    for path in strange:
        assert (path / "a.csv" if path.is_dir() else path).read_text() == "precious"
    assert files_in(entry) == {"a.csv"} and files_in(altered) == before


@pytest.mark.parametrize("file", ["header.json", "alphabet", "record"])
def test_an_entry_that_is_not_whole_is_left_where_nothing_shows_whose_it_is(cache, entry, file):
    path = next(entry.glob("files-*")) if file == "record" else entry / file
    path.write_bytes(b"{}")
    assert clean().left == (() if file == "alphabet" else (entry,))
    assert entry.exists() == (file != "alphabet")


@links
@pytest.mark.parametrize("room", ["prepared", "keys", "locks", "unfinished", "corpora"])
def test_a_link_in_the_place_of_a_folder_is_not_followed(cache, entry, catalogue, tmp_path, room):
    (cache / "unfinished" / ("3" * 32)).mkdir()
    (cache / room).rename(tmp_path / "elsewhere")
    (cache / room).symlink_to(tmp_path / "elsewhere")
    before = files_in(tmp_path / "elsewhere")
    assert cache / room in clean(downloads=True).left
    assert files_in(tmp_path / "elsewhere") == before and (cache / room).is_symlink()


@links
def test_a_link_in_the_place_of_a_thing_is_not_followed(cache, entry, tmp_path):
    elsewhere = entry.rename(tmp_path / entry.name)
    entry.symlink_to(elsewhere)
    before = files_in(elsewhere)
    assert clean().left == (entry,)
    assert files_in(elsewhere) == before


def test_a_folder_that_charlm_did_not_begin_is_not_cleared(cache, text):
    cache.mkdir(0o700)
    (cache / "a.csv").touch()
    prepared = prepare(find_source([str(text)], ""), CorpusConfig())
    before = files_in(cache)
    with pytest.raises(
        CorpusError, match=r"^nothing is removed from .*cache: it has no CACHEDIR.TAG of charlm's"
    ):
        clean()
    assert files_in(cache) == before and prepared.folder.exists() and not is_marked_cache(cache)
    (cache / MARK).write_text("Signature: 8a477f597d28d172789f06886806bc55\n# cargo's\n")
    with pytest.raises(CorpusError):
        clean()


def test_a_folder_of_an_earlier_version_is_taken_over_at_the_usual_place_alone(
    cache, entry, catalogue, monkeypatch
):
    (cache / MARK).unlink()
    with pytest.raises(CorpusError, match="others may use it: remove by hand"):
        clean()
    monkeypatch.delenv("CHARLM_CACHE_DIR")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *name, appauthor: cache)
    (cache / "keys" / "id_rsa").touch()
    with pytest.raises(CorpusError, match=r"others may use it; .*id_rsa, for one, is not charlm's"):
        clean()
    (cache / "keys" / "id_rsa").unlink()
    assert clean().bytes > 0 and is_marked_cache(cache) and not entry.exists() and catalogue.path.exists()


def test_what_is_being_prepared_is_left_alone(cache, entry):
    for name in ("a" * 32, "b" * 32):
        (cache / "unfinished" / f"{name}-{'0' * 16}").mkdir()
        (cache / "unfinished" / f"{name}-{'0' * 16}" / "codes").touch()
        (cache / "locks" / name).touch()
    with hold(cache / "locks" / ("a" * 32)):
        assert clean().left == ()
    assert [path.name[0] for path in (cache / "unfinished").iterdir()] == ["a"]
    assert [path.name for path in (cache / "locks").iterdir()] == ["a" * 32]


def test_a_text_from_standard_input_is_kept_as_nothing_can_make_it_again(cache, text, monkeypatch):
    def piped():
        stream = io.BytesIO(text.read_bytes())
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
        return prepare(find_source(["-"], ""), CorpusConfig()).folder

    folder = piped()
    prepare(find_source([str(text)], ""), CorpusConfig())
    cleared = clean()
    assert cleared.kept == (folder,) and cleared.left == () and len(list(folder.glob("files-*.json"))) == 2
    prepare(find_source([str(text)], ""), CorpusConfig())
    assert clean(piped=True).kept == () and not folder.exists()


def test_downloads_go_when_they_are_whole_and_asked_for(cache, catalogue):
    folder = catalogue.path.parent
    lock, parts = folder / "sample.lock", folder / "sample.parts"
    lock.touch()
    parts.mkdir()
    for name in ("tmpab_d1234", catalogue.files[0].hash[7:], "mine"):
        (parts / name).write_bytes(b"a")
    for name in (".sample.txt.0123456789abcdef.tmp", "thesis.txt"):
        (folder / name).write_bytes(b"a")
    assert clean() == Cleared(0, (), ())
    with hold(lock):
        assert clean(downloads=True).bytes == 0
    assert clean(downloads=True) == Cleared(6, (), (parts / "mine", folder / "thesis.txt"))
    assert files_in(folder) == {"sample.lock", "sample.parts/mine", "thesis.txt"}
    catalogue.path.write_bytes(b"abc")
    assert catalogue.path in clean(downloads=True).left and catalogue.path.read_bytes() == b"abc"


@modes
def test_what_is_made_is_for_its_owner_alone(cache, entry, monkeypatch):
    for path in [cache, *cache.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@modes
def test_a_folder_that_others_may_read_keeps_its_mode_and_is_told_of(cache, text):
    cache.mkdir(0o755)
    cache.chmod(0o755)
    with pytest.warns(CharlmWarning, match=r"other users may list the cache .* \(mode 755\)"):
        folder = prepare(find_source([str(text)], ""), CorpusConfig()).folder
    prepare(find_source([str(text)], ""), CorpusConfig())
    assert stat.S_IMODE(cache.stat().st_mode) == 0o755 and stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert is_marked_cache(cache)


@links
def test_nothing_is_written_through_a_planted_link(cache, text, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    source = find_source([str(text)], "")
    prepare(source, CorpusConfig())
    (key,) = (cache / "keys").iterdir()
    clean()
    (cache / "keys" / f".{key.name}.{os.getpid()}.tmp").symlink_to(victim)
    key.symlink_to(victim)
    assert np.array_equal(prepare(source, CorpusConfig()).ids, prepare(source, CorpusConfig()).ids)
    assert victim.read_text() == "precious" and not key.is_symlink()


def test_a_downloaded_folder_goes_when_it_is_whole(cache, monkeypatch):
    archive = RemoteFolder("http://127.0.0.1/", 9, "names", {"Basque.txt": hashlib.sha256(b"abc").hexdigest()})
    corpus = CatalogCorpus("sample", "", "", "", "", "", bytes=3, archive=archive)
    monkeypatch.setattr(clearing, "read_catalog", lambda: {"sample": corpus})
    make_cache_folder()
    corpus.path.mkdir(parents=True)
    (corpus.path / "Basque.txt").write_bytes(b"abd")
    assert clean(downloads=True).left == (corpus.path,)
    (corpus.path / "Basque.txt").write_bytes(b"abc")
    assert clean(downloads=True).bytes == 3 and not corpus.path.exists()
