"""The catalog of named corpora: files ``corpora/NAME.toml``, in a clone or an installed package."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from charlm.base.errors import CorpusError
from charlm.base.files.cache_dir import user_cache_folder
from charlm.base.suggest import did_you_mean
from charlm.data.catalog.class_folder import RemoteFolder

DOWNLOADS = "corpora"

TRAIN, VAL, TEST = "train", "val", "test"
"""The parts of a corpus that is published in splits."""

_PACKAGE = Path(__file__).parents[2]
_PROJECT = "charlm-rnn"


@dataclass(frozen=True)
class RemoteFile:
    """A file to download, with a hash such as ``sha256:86c4...``; ``member`` is in a zip archive.

    The files of a corpus that is published in splits have a ``part``: train, val or test.
    """

    address: str
    hash: str
    member: str = ""
    part: str = ""

    @property
    def name(self) -> str:
        """The name of the file of a part."""
        return f"{self.part}{PurePosixPath(self.address).suffix}"


@dataclass(frozen=True)
class CatalogCorpus:
    """A corpus of the catalog.

    ``evidence`` says how the sums are known, ``bring`` how to get it without charlm, ``use`` what it is good for;
    newlines join ``files``, unless they are parts. Parts and the files of an ``archive`` stay apart, in a folder.
    """

    name: str
    title: str
    language: str
    licence: str
    split: str
    address: str
    options: str = ""
    bytes: int | None = None
    hash: str | None = None
    evidence: str = ""
    bring: str = ""
    files: Sequence[RemoteFile] = ()
    use: str = ""
    archive: RemoteFolder | None = None

    @property
    def path(self) -> Path:
        """Where its text or its folder is, once downloaded."""
        return downloads_folder() / (self.name if self.sums else f"{self.name}.txt")

    @property
    def sums(self) -> Mapping[str, str]:
        """The sha256 of each file in its folder; empty if it is one text."""
        if self.archive is not None:
            return self.archive.files
        return {file.name: file.hash.removeprefix("sha256:") for file in self.files if file.part}

    @property
    def parts(self) -> Mapping[str, Path]:
        """The files of its splits, if it is published in splits."""
        return {file.part: self.path / file.name for file in self.files if file.part}

    @property
    def bytes_here(self) -> int | None:
        """The size of what is here, or None."""
        sizes = [place.stat().st_size for name in self.sums or [""] if (place := self.path / name).is_file()]
        return sum(sizes) if sizes else None

    @property
    def is_downloaded(self) -> bool:
        """Whether its text is here, as far as the size tells."""
        return self.bytes is not None and self.bytes_here == self.bytes


def downloads_folder() -> Path:
    """The folder of downloaded texts."""
    return user_cache_folder() / DOWNLOADS


@cache
def read_catalog() -> Mapping[str, CatalogCorpus]:
    """All corpora by name, sorted; CorpusError if missing."""
    files = sorted(_catalog_folder(_PACKAGE).glob("*.toml"))
    return {path.stem: _read(path.stem, path.read_text("utf-8")) for path in files}


def _catalog_folder(package: Path) -> Path:
    """The folder of the corpora's files."""
    inside, in_clone = package / "corpora", package.parent / "corpora"
    if inside.is_dir():
        return inside
    try:
        project = tomllib.loads((package.parent / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    except (OSError, ValueError, LookupError, TypeError):
        project = None
    if project != _PROJECT or not in_clone.is_dir():
        raise CorpusError(f"the named corpora are not there ({inside})", hint="install charlm again")
    return in_clone


def find_corpus(name: str) -> CatalogCorpus:
    """A corpus by name; CorpusError if there is none."""
    if name not in read_catalog():
        listed = f"there are {', '.join(read_catalog())}"
        raise CorpusError(f"no corpus is called {name!r}", hint=listed + did_you_mean(name, read_catalog()))
    return read_catalog()[name]


def find_downloaded(name: str) -> CatalogCorpus:
    """A downloaded corpus; CorpusError if there is none."""
    corpus = find_corpus(name)
    if corpus.bring:
        raise manual_download_error(corpus)
    if not corpus.is_downloaded:
        raise CorpusError(f"{name} is not downloaded yet", hint=f"charlm corpus get {name}")
    return corpus


def manual_download_error(corpus: CatalogCorpus) -> CorpusError:
    """The error for a corpus without download."""
    return CorpusError(
        f"{corpus.name} is not downloaded by charlm: {corpus.bring}",
        hint=f"see {corpus.address}, then charlm train FILE",
    )


def _read(name: str, text: str) -> CatalogCorpus:
    values: dict[str, Any] = tomllib.loads(text)
    files = tuple(RemoteFile(**each) for each in values.pop("files", ()))
    archive = RemoteFolder(**values.pop("archive")) if "archive" in values else None
    return CatalogCorpus(name=name, files=files, archive=archive, **values)
