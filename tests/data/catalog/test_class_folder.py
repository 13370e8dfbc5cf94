"""A folder from an archive: the listed files, and nothing of what a hostile archive has besides."""

import hashlib
import io
import stat
import warnings
import zipfile

import pytest

from charlm.base.errors import CorpusError
from charlm.data.catalog import class_folder
from charlm.data.catalog.class_folder import RemoteFolder

FILES = {"Basque.txt": b"Etxeberria\nAgirre\n", "Frisian.txt": "Hoekstra\nDykstra\nGülker\n".encode()}
SIZE = sum(map(len, FILES.values()))
GOOD = [(f"data/names/{name}", data) for name, data in FILES.items()]


def remote(**files):
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in (files or FILES).items()}
    return RemoteFolder("http://127.0.0.1/data.zip", 10**6, "data/names", sums)


def link(name):
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


@pytest.fixture
def unpack(tmp_path):
    """Unpacks an archive of these members; gives what lies where."""

    def run(members, flags=0):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a name that is there twice
            for name, data in members:
                out.writestr(name, data)
        raw = bytearray(made.getvalue())
        for place in range(len(raw)) if flags else ():
            if raw[place : place + 4] in (b"PK\1\2", b"PK\3\4"):
                raw[place + (8 if raw[place + 2] == 1 else 6)] |= flags
        (tmp_path / "archive.zip").write_bytes(raw)
        (tmp_path / "inside" / "into").mkdir(parents=True)
        remote().unpack(tmp_path / "archive.zip", SIZE, tmp_path / "inside" / "into")
        return {
            str(path.relative_to(tmp_path)): path.read_bytes()
            for path in (tmp_path / "inside").rglob("*")
            if path.is_file()
        }

    return run


@pytest.mark.parametrize(
    "others",
    [
        [],
        [("data/eng-fra.txt", b"Go.\tVa !"), ("data/names/Other.txt", b"x"), ("data/names/", b"")],
        [("../Basque.txt", b"x"), ("data/names/../../escaped", b"x"), ("/tmp/charlm-escaped", b"x")],
        [("data\\names\\Basque.txt", b"x"), ("C:/escaped", b"x")],
        [(link("data/names/link.txt"), b"/etc/passwd"), ("data/bomb.txt", bytes(10**7))],
    ],
)
def test_only_what_is_listed_is_unpacked(unpack, others):
    assert unpack([*others, *GOOD]) == {f"inside/into/{name}": data for name, data in FILES.items()}


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        (GOOD[1:], r"data/names/Basque\.txt .*is not there, or not a plain file: nothing is kept"),
        ([*GOOD, GOOD[0]], "is not there, or not a plain file"),
        ([(link(GOOD[0][0]), b"/etc/passwd"), GOOD[1]], "is not there, or not a plain file"),
        ([(GOOD[0][0], b"altered"), GOOD[1]], "does not have the hash"),
        ([GOOD[0], (GOOD[1][0], GOOD[1][1] + bytes(10**8))], "does not have the hash"),
        ([*GOOD, *((f"{number}", b"") for number in range(9))], "has more than 9 files"),
    ],
)
def test_another_archive_is_refused_and_nothing_is_written(unpack, tmp_path, monkeypatch, members, complaint):
    monkeypatch.setattr(class_folder, "MOST_MEMBERS", 9)
    with pytest.raises(CorpusError, match=complaint) as refused:
        unpack(members)
    assert "\n" not in str(refused.value) and not list((tmp_path / "inside" / "into").iterdir())


def test_a_file_that_states_a_small_size_is_read_no_further_than_the_known_one(unpack, monkeypatch):
    sizes = []
    real = zipfile.ZipExtFile.read
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda file, most: sizes.append(most) or real(file, most))
    with pytest.raises(CorpusError):
        unpack([(GOOD[0][0], bytes(10**8)), GOOD[1]])
    assert sizes == [SIZE + 1]


def test_what_is_encrypted_or_no_archive_is_refused(unpack, tmp_path):
    with pytest.raises(CorpusError, match=r"cannot be unpacked \(.*encrypted"):
        unpack(GOOD, flags=1)
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(CorpusError, match="cannot be unpacked"):
        remote().unpack(tmp_path / "text", SIZE, tmp_path)


@pytest.mark.parametrize("name", ["../up.txt", "/etc/x", "a/b.txt", "..", ".hidden", "a\\b"])
def test_a_listed_name_is_plain(name):
    with pytest.raises(ValueError, match="is not the plain name"):
        remote(**{name: b""})
