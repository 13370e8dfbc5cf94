"""Runs as zip files: nothing of this machine in them, and nothing of a stranger's gets out of them."""

import getpass
import json
import shutil
import stat
import zipfile
from contextlib import chdir, suppress

import numpy as np
import pytest

import charlm
from charlm.base.errors import CheckpointError, RunError
from charlm.runs import archive
from charlm.runs.archive import is_packed_run, pack, unpack

TEXT = "to be or not to be, that is\n" * 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a run, and the run packed as good.zip."""
    folder = tmp_path_factory.mktemp("owner")
    (folder / "hamlet.txt").write_text(TEXT)
    (folder / "val.txt").write_text(TEXT)
    settings = {"hidden": 8, "steps": 6, "seq_len": 12, "batch_size": 4, "val_file": str(folder / "val.txt")}
    model = charlm.train(folder / "hamlet.txt", out=folder / "hamlet-1", **settings)
    assert pack(model.run, model.network.params, folder / "good.zip") == (folder / "good.zip").stat().st_size
    return folder


def members(folder):
    with zipfile.ZipFile(folder / "good.zip") as good:
        return {name.rpartition("/")[2]: good.read(name) for name in good.namelist()}


@pytest.fixture
def repack(folder, tmp_path):
    """A function that writes a zip file with some members changed; None leaves one out."""

    def write(extra=(), prefix="hamlet-1/", comment=archive.COMMENT, **changed):
        path = tmp_path / "changed.zip"
        names = {
            "config": "config.json",
            "vocab": "vocab.json",
            "weights": "model.safetensors",
            "metrics": "metrics.jsonl",
        }
        content = members(folder) | {names[key]: value for key, value in changed.items()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            made.comment = comment
            for name, data in content.items():
                if data is not None:
                    made.writestr(prefix + name, data)
            for info, data in extra:
                made.writestr(info, data)
        return path

    return write


def test_a_packed_run_is_the_run_where_it_is_unpacked(folder, tmp_path):
    with chdir(tmp_path):
        run = unpack(folder / "good.zip", None)
        ours, theirs = charlm.load("hamlet-1"), charlm.load(folder / "hamlet-1")
        assert run.folder.as_posix() == "runs/hamlet-1"
        assert ours.sample(30) == theirs.sample(30) and ours.history == theirs.history
        assert ours.perplexity(TEXT) == theirs.perplexity(TEXT)
        with pytest.raises(RunError, match="without its training state"):
            charlm.train(resume="hamlet-1")
        with pytest.raises(RunError, match="hamlet-1 is there: give another folder"):
            unpack(folder / "good.zip", None)
        assert unpack(folder / "good.zip", tmp_path / "other").folder == tmp_path / "other"


def test_nothing_of_this_machine_is_in_it(folder):
    everything = b"".join(members(folder).values())
    for private in (str(folder), folder.name, getpass.getuser(), "val.txt"):
        assert private.encode() not in everything
    config = json.loads(members(folder)["config.json"])
    assert config["corpus"]["paths"] == [] and config["corpus"]["name"] == "hamlet"
    with zipfile.ZipFile(folder / "good.zip") as good:
        assert {info.date_time for info in good.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_packing_twice_gives_the_same_bytes_and_is_told_from_other_files(folder, tmp_path):
    model = charlm.load(folder / "hamlet-1")
    pack(model.run, model.network.params, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (folder / "good.zip").read_bytes()
    assert is_packed_run(folder / "good.zip")
    for other in (folder / "hamlet.txt", folder, folder / "none"):
        assert not is_packed_run(other)


def entry(name, mode=stat.S_IFREG | 0o644):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def refused(path, tmp_path, message):
    """Check that a file is refused and leaves nothing anywhere."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    with chdir(home), pytest.raises(CheckpointError, match=message) as error:
        unpack(path, None)
    assert "\n" not in str(error.value)
    left = [each for each in home.rglob("*") if each.name != "runs"]
    assert left == [] and not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../../evil",
        "/tmp/evil",
        "hamlet-1/../../config.json",
        "hamlet-1/evil.py",
        "..\\..\\evil",
        "config.json/",
        "\x1b[2J",
    ],
)
def test_other_names_are_refused(repack, tmp_path, name):
    refused(
        repack(extra=[(entry(name), b"x")], metrics=None),
        tmp_path,
        "no file of a packed run|there twice|files of several folders",
    )


@pytest.mark.parametrize("prefix", ["../", "/etc/", "../../evil/", "a/b/c/", "", "~/", "..\\/"])
def test_a_folder_of_any_name_lies_in_runs(repack, tmp_path, prefix):
    with chdir(tmp_path):
        run = unpack(repack(prefix=prefix), None)
    assert (
        run.folder.parent.as_posix() == "runs"
        and run.folder.name.strip("abcdefghijklmnopqrstuvwxyz0123456789-") == ""
    )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["changed.zip", "runs"]


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFDIR | 0o755, stat.S_IFCHR])
def test_links_and_devices_are_refused(folder, repack, tmp_path, mode):
    link = (entry("hamlet-1/vocab.json", mode), b"/etc/passwd")
    refused(repack(vocab=None, extra=[link]), tmp_path, "which is no plain file")


def test_a_name_twice_and_a_missing_file_are_refused(folder, repack, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = repack(extra=[(entry("hamlet-1/config.json"), b"{}")])
    refused(twice, tmp_path, "there twice|more than")
    for missing in ("config", "vocab", "weights"):
        refused(repack(**{missing: None}), tmp_path, "has no ")
    refused(repack(config=None, extra=[(entry("other/config.json"), b"{}")]), tmp_path, "several folders")


def test_bombs_are_refused_before_they_are_unpacked(repack, tmp_path):
    refused(repack(weights=b"\0" * 10_000_000), tmp_path, "of 10,000,000 bytes, more than such a file may have")
    refused(repack(config=b" " * 1_000_001), tmp_path, "config.json' of 1,000,001 bytes")
    refused(repack(extra=[(entry(f"f{number}"), b"") for number in range(50)]), tmp_path, "holds more than the")


def test_a_list_of_files_that_lies_about_its_length_is_refused(folder, tmp_path):
    data = (folder / "good.zip").read_bytes()
    end = data.rindex(b"PK\x05\x06")
    for place, value in ((10, b"\xff\xff"), (12, b"\xff\xff\xff\xff"), (16, b"\xff\xff\xff\x7f")):
        (tmp_path / "lie.zip").write_bytes(data[: end + place] + value + data[end + place + len(value) :])
        refused(tmp_path / "lie.zip", tmp_path, "holds more than|is damaged")
    (tmp_path / "lie.zip").write_bytes(data[:end] + b"PK\x06\x07" + bytes(16) + data[end:])
    refused(tmp_path / "lie.zip", tmp_path, "holds more than")


def test_damage_is_told_in_one_line(folder, repack, tmp_path):
    data = (folder / "good.zip").read_bytes()
    rng = np.random.default_rng(0)
    (tmp_path / "bad.zip").write_bytes(b"PK")
    refused(tmp_path / "bad.zip", tmp_path, "is no zip file")
    (tmp_path / "bad.zip").write_bytes(b"")
    refused(tmp_path / "bad.zip", tmp_path, "is no zip file")
    for place in rng.integers(0, len(data), 150):
        changed = bytearray(data)
        changed[place] ^= int(rng.integers(1, 256))
        (tmp_path / "bad.zip").write_bytes(changed)
        with chdir(tmp_path), suppress(CheckpointError):
            unpack(tmp_path / "bad.zip", tmp_path / "maybe")
            shutil.rmtree(tmp_path / "maybe")
        assert sorted(each.name for each in tmp_path.iterdir() if each.name != "home") == ["bad.zip"]


def test_what_is_in_it_is_checked_like_every_run(folder, repack, tmp_path):
    good = members(folder)
    config = json.loads(good["config.json"])
    huge = config | {"training": config["training"] | {"model": config["training"]["model"] | {"hidden": 65536}}}
    refused(
        repack(config=json.dumps(huge).encode()), tmp_path, r"changed\.zip/model\.safetensors: .*has the shape"
    )
    nan = bytearray(good["model.safetensors"])
    nan[-4:] = np.float32("nan").tobytes()
    refused(repack(weights=bytes(nan)), tmp_path, "not finite")
    refused(repack(config=b"{}"), tmp_path, "does not say which format")
    later = json.dumps(config | {"format": 99}).encode()
    refused(repack(config=later), tmp_path, "has format 99")
    refused(repack(vocab=b'{"symbols": ["b", "a"], "start": 0}'), tmp_path, "no valid vocabulary")


def test_other_weights_are_packed_without_the_log_of_the_best(folder, tmp_path):
    model = charlm.load(folder / "hamlet-1", weights="last")
    pack(model.run, model.network.params, tmp_path / "last.zip")
    unpack(tmp_path / "last.zip", tmp_path / "last")
    loaded = charlm.load(tmp_path / "last")
    assert loaded.history == [] and np.array_equal(loaded.network.params.flat, model.network.params.flat)
