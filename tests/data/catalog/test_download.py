"""Named corpora come whole or not at all, from a server on the loopback address that does all that servers do."""

import contextlib
import dataclasses
import hashlib
import io
import shutil
import socket
import threading
import types
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pooch
import pytest

from charlm.base.errors import CorpusError
from charlm.data.catalog import download
from charlm.data.catalog.catalog import CatalogCorpus, RemoteFile
from charlm.data.catalog.class_folder import RemoteFolder
from charlm.data.catalog.download import download_corpus, is_intact

TEXT = "".join(f"line {number} of a text, with ü and 字\n" for number in range(9000)).encode()


def sha256(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def zipped(name, data):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(name, data)
    return archive.getvalue()


class Server(ThreadingHTTPServer):
    """Serves ``bodies`` by path, in the manner that the path's first word says."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies, self.asked, self.over = {"good": TEXT}, [], threading.Event()

    def corpus(self, *paths, text=TEXT, **settings):
        """A corpus of the files at these paths, whose sums are those of the good ones."""
        files = [
            RemoteFile(
                f"http://127.0.0.1:{self.server_port}/{path}", sha256(self.bodies[path.rpartition("/")[2]])
            )
            for path in paths
        ]
        return CatalogCorpus(
            **{
                "name": "sample", "title": "a sample", "language": "none", "licence": "none", "split": "90/10",
                "address": "http://127.0.0.1/about", "bytes": len(text), "hash": sha256(text), "files": files,
            }
            | settings
        )  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        manner, _, name = self.path[1:].rpartition("/")
        body = self.server.bodies.get(name)
        if manner == "flaky":
            manner = "truncated" if self.server.asked.count(self.path) == 1 else ""
        if body is None or manner == "missing":
            self.send_error(404)
        elif manner == "moved":
            self.send_response(302)
            self.send_header("Location", f"/{name}")
            self.end_headers()
        elif manner == "overlong":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                for _ in range(50):
                    self.wfile.write(body)
        else:
            self.answer(manner, body)

    def answer(self, manner, body):
        self.send_response(200)
        if manner != "unmeasured":
            self.send_header("Content-Length", len(body))
        self.end_headers()
        half = len(body) // 2
        if manner == "corrupt":
            body = body[:half] + bytes([body[half] ^ 1]) + body[half + 1 :]
        self.wfile.write(body[:half] if manner in ("truncated", "stalled", "unmeasured") else body)
        if manner == "stalled":
            self.wfile.flush()
            self.server.over.wait(20)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("CHARLM_OFFLINE", raising=False)
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    # Between two attempts pooch waits for some seconds.
    monkeypatch.setattr(pooch.core, "time", types.SimpleNamespace(sleep=lambda seconds: None))
    with Server() as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.over.set()
        serving.shutdown()
        thread.join()


def kept(folder):
    """What is in the folder of downloads, without the locks."""
    folder /= "corpora"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix != ".lock")


@pytest.mark.parametrize("path", ["good", "moved/good", "flaky/good"])
def test_a_text_comes_whole(server, tmp_path, path):
    corpus, reports = server.corpus(path), []
    assert not is_intact(corpus)
    assert download_corpus(corpus, lambda done, total: reports.append((done, total))) == corpus.path
    assert corpus.path.read_bytes() == TEXT
    assert kept(tmp_path) == ["sample.txt"]
    assert reports[-1] == (len(TEXT), len(TEXT)) and all(done <= total for done, total in reports)


def test_what_is_here_is_not_fetched_again(server):
    corpus = server.corpus("good")
    download_corpus(corpus)
    asked = len(server.asked)
    assert download_corpus(corpus) == corpus.path and len(server.asked) == asked


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        (
            "truncated/good",
            r"cannot be downloaded from http://127\.0\.0\.1:\d+/truncated/good \(the transfer breaks off\): try",
        ),
        ("stalled/good", r"cannot be downloaded from .* \(it timed out\): try again later"),
        (
            "unmeasured/good",
            r"the download from .*/unmeasured/good does not have the hash sha256:.*, and is not kept",
        ),
        (
            "corrupt/good",
            r"the download from .*/corrupt/good does not have the hash sha256:.*try again later, or see",
        ),
        ("missing/good", r"cannot be downloaded from .*\(the server answers 404\): try again later"),
    ],
)
def test_what_does_not_come_whole_is_not_kept(server, tmp_path, path, complaint):
    corpus = server.corpus(path)
    with pytest.raises(CorpusError, match=f"^sample:? {complaint}") as refused:
        download_corpus(corpus)
    assert "\n" not in str(refused.value)
    assert len(server.asked) == 1 + download.RETRIES
    assert not corpus.path.exists() and kept(tmp_path) in ([], ["sample.parts"])


@pytest.mark.parametrize("member", ["", "inside"])
def test_a_server_that_does_not_end_is_left_at_the_known_size(server, tmp_path, member):
    corpus = server.corpus("overlong/good")
    corpus = dataclasses.replace(corpus, files=[dataclasses.replace(corpus.files[0], member=member)])
    with pytest.raises(
        CorpusError, match=r"^sample: the download from .* is longer than the expected [0-9,]+ bytes"
    ):
        download_corpus(corpus)
    assert len(server.asked) == 1 and kept(tmp_path) == ["sample.parts"]


def test_an_archive_that_expands_to_more_than_its_text_is_left_at_the_known_size(server, tmp_path, monkeypatch):
    server.bodies["archive"] = zipped("inside", bytes(100 * len(TEXT)))
    address, known = f"http://127.0.0.1:{server.server_port}/archive", sha256(server.bodies["archive"])
    sizes = []
    real = download._has_hash
    monkeypatch.setattr(
        download, "_has_hash", lambda path, hash: sizes.append(path.stat().st_size) or real(path, hash)
    )
    with pytest.raises(CorpusError, match="its text does not have the hash"):
        download_corpus(server.corpus(files=[RemoteFile(address, known, "inside")]))
    assert sizes == [pytest.approx(len(TEXT), abs=download.BLOCK)]


def test_a_disk_with_too_little_room_is_told_before_anything_is_asked_for(server, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: types.SimpleNamespace(total=10**6, free=999))
    with pytest.raises(
        CorpusError, match=r"cannot be written: [0-9,]+ bytes are needed there, and 999 are free: see"
    ):
        download_corpus(server.corpus("good"))
    assert server.asked == []


def test_an_address_where_nobody_answers_is_told(server):
    corpus = server.corpus("good")
    server.shutdown()
    server.server_close()
    with pytest.raises(
        CorpusError, match=r"^sample cannot be downloaded from http.* \(the connection is refused\): try"
    ):
        download_corpus(corpus)


def test_a_name_that_is_not_resolved_is_told(server, monkeypatch):
    def nobody_knows(*arguments, **settings):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody_knows)
    with pytest.raises(CorpusError, match=r" \(the server's name is not resolved: is there a network\?\): try"):
        download_corpus(server.corpus("good"))


def test_a_later_attempt_goes_on_with_what_came(server, tmp_path):
    server.bodies |= {"one": b"one", "two": b"two"}
    with pytest.raises(CorpusError):
        download_corpus(server.corpus("one", "missing/two", text=b"one\ntwo"))
    server.asked.clear()
    assert download_corpus(server.corpus("one", "two", text=b"one\ntwo")).read_bytes() == b"one\ntwo"
    assert server.asked == ["/two"] and kept(tmp_path) == ["sample.txt"]


def test_an_archive_is_unpacked(server, tmp_path):
    server.bodies["archive"] = zipped("inside", TEXT)
    address, known = f"http://127.0.0.1:{server.server_port}/archive", sha256(server.bodies["archive"])
    md5 = f"md5:{hashlib.md5(TEXT).hexdigest()}"
    corpus = server.corpus(files=[RemoteFile(address, known, "inside")], hash=md5)
    assert download_corpus(corpus).read_bytes() == TEXT and is_intact(corpus) and kept(tmp_path) == ["sample.txt"]


def test_a_text_whose_files_are_right_and_itself_is_not_is_not_kept(server):
    corpus = server.corpus("good", hash=sha256(b"another"))
    with pytest.raises(
        CorpusError, match=r"^sample: its text does not have the hash sha256:.*, and is not kept$"
    ):
        download_corpus(corpus)
    assert not corpus.path.exists()


def test_a_text_that_was_altered_here_is_fetched_again(server):
    corpus = server.corpus("good")
    download_corpus(corpus).write_bytes(bytes(len(TEXT)))
    assert corpus.is_downloaded and not is_intact(corpus)
    assert download_corpus(corpus).read_bytes() == TEXT and is_intact(corpus)


def test_what_is_somebody_elses_in_its_place_or_beside_it_stays(server, tmp_path):
    corpus = server.corpus("good")
    (corpus.path.with_suffix(".parts")).mkdir(parents=True)
    (corpus.path.with_suffix(".parts") / "mine").write_text("precious")
    corpus.path.write_text("precious")
    with pytest.raises(CorpusError, match=r"sample\.txt exists, and is not sample: move it to another folder"):
        download_corpus(corpus)
    assert server.asked == [] and corpus.path.read_text() == "precious"
    corpus.path.unlink()
    download_corpus(corpus)
    assert kept(tmp_path) == ["sample.parts", "sample.parts/mine", "sample.txt"]


def test_nothing_is_asked_for_offline(server, monkeypatch):
    corpus = server.corpus("good")
    monkeypatch.setenv("CHARLM_OFFLINE", "1")
    with pytest.raises(
        CorpusError, match=r"^sample is not downloaded, and CHARLM_OFFLINE forbids downloads: unset"
    ):
        download_corpus(corpus)
    assert server.asked == []
    monkeypatch.setenv("CHARLM_OFFLINE", "0")
    download_corpus(corpus)
    monkeypatch.setenv("CHARLM_OFFLINE", "1")
    assert download_corpus(corpus) == corpus.path


def test_what_the_user_brings_is_not_downloaded(server):
    corpus = server.corpus(bring="its licence forbids it", files=(), bytes=None, hash=None)
    with pytest.raises(
        CorpusError, match=r"^sample is not downloaded by charlm: its licence forbids it: see http"
    ):
        download_corpus(corpus)


def test_a_folder_that_cannot_be_made_is_told(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(CorpusError, match=r"sample\.txt cannot be written: .*: see to the disk$"):
        download_corpus(server.corpus("good"))


def test_two_at_once_both_have_it(server):
    corpus, found = server.corpus("good"), []
    threads = [
        threading.Thread(target=lambda: found.append(download_corpus(corpus).read_bytes())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [TEXT] * 4 and len(server.asked) == 1


def test_a_folder_of_classes_comes_whole_is_mended_and_goes(server, tmp_path):
    texts = {"Basque.txt": b"Agirre\n", "Frisian.txt": b"Hoekstra\n"}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for name, data in texts.items():
            out.writestr(f"data/names/{name}", data)
    server.bodies["archive"] = made.getvalue()
    sums = {name: sha256(data)[7:] for name, data in texts.items()}
    address = f"http://127.0.0.1:{server.server_port}/archive"
    archive = RemoteFolder(address, len(made.getvalue()), "data/names", sums)
    corpus = server.corpus(files=(), archive=archive, hash=None, bytes=16)
    for _ in range(2):
        assert download_corpus(corpus) == tmp_path / "corpora" / "sample"
        assert {path.name: path.read_bytes() for path in corpus.path.iterdir()} == texts
    assert server.asked == ["/archive"] and kept(tmp_path)[0] == "sample" and corpus.is_downloaded
    (corpus.path / "Basque.txt").write_bytes(b"altered")
    download_corpus(corpus)
    assert is_intact(corpus)
    (corpus.path / "Basque.txt").unlink()
    (corpus.path / "mine").write_bytes(b"precious")
    with pytest.raises(CorpusError, match="has other files: move them to another folder"):
        download_corpus(corpus)
    assert (corpus.path / "mine").read_bytes() == b"precious"
    with pytest.raises(CorpusError, match="is longer than the expected"):
        download_corpus(dataclasses.replace(corpus, archive=dataclasses.replace(archive, most=9)))


def test_a_corpus_in_splits_comes_whole_goes_on_with_what_came_and_is_mended(server, tmp_path):
    server.bodies |= {"train": b"a\tb\n", "val": b"c\td\n", "test": b"e\tf\n"}

    def in_parts(*paths):
        corpus = server.corpus(*paths, hash=None, bytes=12)
        files = [
            dataclasses.replace(file, part=path.rpartition("/")[2])
            for file, path in zip(corpus.files, paths, strict=True)
        ]
        return dataclasses.replace(corpus, files=files)

    with pytest.raises(CorpusError, match=r"test \(the server answers 404\)"):
        download_corpus(in_parts("train", "val", "missing/test"))
    assert not (tmp_path / "corpora" / "sample").exists()
    server.asked.clear()
    (tmp_path / "corpora" / "sample.parts" / "tmp12345678").write_bytes(b"of a process that was killed")
    corpus = in_parts("train", "val", "test")
    assert download_corpus(corpus) == tmp_path / "corpora" / "sample" and server.asked == ["/test"]
    assert {part: path.read_bytes() for part, path in corpus.parts.items()} == {
        name: server.bodies[name] for name in ("train", "val", "test")
    }
    assert is_intact(corpus) and corpus.is_downloaded and "sample.parts" not in kept(tmp_path)
    corpus.parts["val"].write_bytes(b"altered")
    assert not is_intact(corpus)
    download_corpus(corpus)
    assert is_intact(corpus) and kept(tmp_path) == ["sample", "sample/test", "sample/train", "sample/val"]
