"""A run as a zip file: packed without paths, and unpacked as an untrusted file."""

from __future__ import annotations

import dataclasses
import os
import secrets
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from charlm.base.arrays import FlatVector
from charlm.base.errors import CharlmError, CheckpointError, RunError, as_run_error
from charlm.base.files.atomic import atomic_file, check_disk_space, new_file
from charlm.base.files.plain import open_plain
from charlm.base.files.strict_json import excerpt
from charlm.config import TrainingConfig
from charlm.data.catalog.builtin import BUILTIN_NAMES
from charlm.runs.find import slug
from charlm.runs.folder import BEST, CONFIG, MAX_VOCAB, METRICS, NGRAM, VOCAB
from charlm.runs.metrics import MAX_BYTES, append_record
from charlm.runs.ngram_file import load_ngram, save_ngram
from charlm.runs.run import MAX_CONFIG, Run

COMMENT = b"charlm run"
LIMITS: Mapping[str, int] = {
    CONFIG: MAX_CONFIG,
    VOCAB: MAX_VOCAB,
    METRICS: MAX_BYTES,
    BEST: 1 << 40,
    NGRAM: 1 << 28,
}
"""The files that may be in it, and their largest sizes in bytes."""
EXPANSION = 20  # times that weights or n-grams may be longer unpacked; real ones are at most 8 times as long
BLOCK = 1 << 20  # bytes
MAX_DIRECTORY = 10_000  # bytes of the list of files
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
_END_SIZE, _MAX_COMMENT = 22, 65_535


def pack(run: Run, params: FlatVector, path: Path, with_ngram: bool = False) -> int:
    """Write a run with these weights into a zip file, without paths of this machine; its size in bytes.

    Its n-gram model contains the text, so it is only packed where it is asked for.

    Raises:
        RunError: a system error.
    """
    folder = run.folder.resolve().name
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "run"
        origin = None if run.origin is None else dataclasses.replace(run.origin, path=None)
        corpus = dataclasses.replace(run.corpus, paths=())
        plain = dataclasses.replace(run, config=_without_paths(run), corpus=corpus, origin=origin)
        plain.save_model(copy, params)
        if run.weights in (None, "best"):
            for record in run.read_log():  # only what a training log may hold
                append_record(copy / METRICS, record)
        if with_ngram:
            save_ngram(copy / NGRAM, *load_ngram(run.ngram_path, len(run.vocabulary)))
        with (
            as_run_error(f"{path} cannot be written", "see to the disk and its permissions"),
            atomic_file(path) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            archive.comment = COMMENT
            for name in LIMITS:
                if (copy / name).exists():
                    # No date and no owner: only the content.
                    info = zipfile.ZipInfo(f"{folder}/{name}")
                    info.external_attr = (stat.S_IFREG | 0o644) << 16
                    archive.writestr(info, (copy / name).read_bytes(), zipfile.ZIP_DEFLATED)
    return path.stat().st_size


def _without_paths(run: Run) -> TrainingConfig:
    """The settings, with validation and test texts as if they had come from a pipe."""
    batching = run.config.batching
    texts = {name: getattr(batching, name) for name in ("val_file", "test_file")}
    gone: dict[str, Any] = {
        name: "-" for name, text in texts.items() if text is not None and text not in BUILTIN_NAMES
    }
    return dataclasses.replace(run.config, batching=dataclasses.replace(batching, **gone))


def is_packed_run(path: Path) -> bool:
    """Whether a file ends like one that ``pack`` wrote."""
    try:
        with open_plain(path) as file:
            file.seek(-min(len(COMMENT), os.fstat(file.fileno()).st_size), os.SEEK_END)
            return file.read() == COMMENT
    except RunError:
        return False


def unpack(path: Path, folder: Path | None) -> Run:
    """Unpack a zip file into a new folder, by default ``runs/NAME``; it is checked like every run.

    Raises:
        RunError: the folder is there, or a system error.
        CheckpointError: the file is no packed run, or its files are damaged or too large.
    """
    with _open_archive(path) as archive:
        found, members = _check_members(archive, str(path))
        folder = Path("runs") / slug(found) if folder is None else folder
        if os.path.lexists(folder):
            raise RunError(f"{folder} is there: give another folder with --out")
        with as_run_error(f"{folder.parent} cannot be used", "give another folder with --out"):
            folder.parent.mkdir(parents=True, exist_ok=True)
            check_disk_space(folder.parent, sum(info.file_size for info in members.values()))
            temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.tmp")
            temporary.mkdir()
        try:
            for name, info in members.items():
                _extract(archive, info, temporary / name, str(path))
            _check_run(temporary, path)
            with as_run_error(f"{folder} cannot be made", "give another folder with --out"):
                temporary.rename(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return Run.open(folder)


@contextmanager
def _open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file whose list of files is short.

    Raises:
        RunError: it cannot be read.
        CheckpointError: it is no zip file, or holds too many files.
    """
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(-min(size, _END_SIZE + _MAX_COMMENT), os.SEEK_END)
        tail = file.read()
        # zipfile reads the whole list into memory, however long the file says that it is.
        end = tail[tail.rfind(_END) :] if _END in tail else b""
        if len(end) < _END_SIZE:
            raise CheckpointError(f"{path} is no zip file: give one that charlm export --to zip wrote")
        count, length = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
        if count > len(LIMITS) or length > MAX_DIRECTORY or _END_64 in tail:
            raise CheckpointError(f"{path} holds more than the {len(LIMITS)} files of a packed run")
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise CheckpointError(f"{path} is damaged: {excerpt(str(error))}") from None
        with archive:
            yield archive


def _check_members(archive: zipfile.ZipFile, where: str) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    """The run's name and its files by name.

    Raises:
        CheckpointError: another name, a link, a name twice, a missing file, or one too large.
    """
    members: dict[str, zipfile.ZipInfo] = {}
    folders = set()
    for info in archive.infolist():
        folder, _, name = info.filename.rpartition("/")
        at = f"{where} holds {excerpt(info.filename)}"
        if name not in LIMITS or name in members:
            raise CheckpointError(f"{at}, which is no file of a packed run, or is there twice")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG) or info.flag_bits & 1:
            raise CheckpointError(f"{at}, which is no plain file")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CheckpointError(f"{at}, which is compressed in an unknown way")
        is_bomb = name in (BEST, NGRAM) and info.file_size > EXPANSION * max(info.compress_size, 1)
        if info.file_size > LIMITS[name] or is_bomb:
            raise CheckpointError(f"{at} of {info.file_size:,} bytes, more than such a file may have")
        members[name] = info
        folders.add(folder)
    if missing := {CONFIG, VOCAB, BEST} - members.keys():
        raise CheckpointError(f"{where} has no {min(missing)}: give one that charlm export --to zip wrote")
    if len(folders) > 1:
        raise CheckpointError(f"{where} holds files of several folders, and a packed run is one")
    return folders.pop(), members


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, where: str) -> None:
    """Write one file.

    Raises:
        CheckpointError: it is damaged.
        RunError: a system error.
    """
    with (
        as_run_error(f"{path} cannot be written", "see to the disk and its permissions"),
        new_file(path, 0o666) as file,
    ):
        for block in _blocks(archive, info, where):
            file.write(block)


def _blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> Iterator[bytes]:
    """The content of a file; zipfile stops at its size and compares its checksum."""
    try:
        with archive.open(info) as member:
            while block := member.read(BLOCK):
                yield block
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise CheckpointError(f"{where} is damaged: {excerpt(info.filename)}: {excerpt(str(error))}") from None


def _check_run(folder: Path, where: Path) -> None:
    """Read everything once, before the folder becomes a run.

    Raises:
        CheckpointError: a file is damaged or too new.
    """
    try:
        run = Run.open(folder)
        run.load_model()
        run.load_mixture()
        run.read_metrics()
    except CharlmError as error:
        raise CheckpointError(str(error).replace(str(folder), str(where))) from None
