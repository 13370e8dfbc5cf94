"""The catalog of named corpora: published texts with address, size and sha256.

Each is a file ``NAME.toml`` in the folder ``corpora``: at the top of a clone, or inside an installed package. A
text without a published sum, or that may not be redistributed, lists no files, but says what the user can do.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from charlm.base.errors import CorpusError
from charlm.base.files.cache_dir import cache_folder

DOWNLOADS = "corpora"

_PACKAGE = Path(__file__).parents[2]
_PROJECT = "charlm-rnn"


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Attributes:
        address: its URL.
        hash: algorithm and sum, such as ``sha256:86c4...``.
        member: the text's name in a zip archive; empty if the file is the text.
    """

    address: str
    hash: str
    member: str = ""


@dataclass(frozen=True)
class CatalogCorpus:
    """A corpus of the catalog.

    Attributes:
        name: its name for ``charlm corpus get`` and ``charlm train``.
        title: a short description.
        language: the text's language.
        licence: the license.
        split: how it is usually split: a value for ``--split``, or words.
        options: suitable options of ``charlm train``.
        address: the URL of a page about it.
        bytes: its size; None if unknown.
        hash: algorithm and sum of the text; None if unknown.
        evidence: how the sums are known.
        bring: why charlm does not download it, and what the user can do; empty if it does.
        files: the files to download, joined by newlines.
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

    @property
    def path(self) -> Path:
        """Where its text is after the download."""
        return downloads_folder() / f"{self.name}.txt"

    @property
    def is_downloaded(self) -> bool:
        """Whether its text is here; only verified texts are stored."""
        return self.path.is_file() and self.path.stat().st_size == self.bytes


def downloads_folder() -> Path:
    """The folder of downloaded texts."""
    return cache_folder() / DOWNLOADS


@cache
def read_catalog() -> Mapping[str, CatalogCorpus]:
    """All named corpora by name, sorted; CorpusError if this installation lacks them."""
    files = sorted(_catalog_folder(_PACKAGE).glob("*.toml"))
    return {path.stem: _read(path.stem, path.read_text("utf-8")) for path in files}


def _catalog_folder(package: Path) -> Path:
    """The folder of the corpora's files: in the package, or in the clone that contains it."""
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
        raise CorpusError(f"no corpus is called {name!r}", hint=f"there are {', '.join(read_catalog())}")
    return read_catalog()[name]


def find_downloaded(name: str) -> Path:
    """The path of a downloaded text; CorpusError if the name is unknown, or the text is not downloaded."""
    corpus = find_corpus(name)
    if corpus.bring:
        raise manual_download_error(corpus)
    if not corpus.is_downloaded:
        raise CorpusError(f"{name} is not downloaded yet", hint=f"charlm corpus get {name}")
    return corpus.path


def manual_download_error(corpus: CatalogCorpus) -> CorpusError:
    """The error for a corpus that charlm does not download."""
    return CorpusError(
        f"{corpus.name} is not downloaded by charlm: {corpus.bring}",
        hint=f"see {corpus.address}, then charlm train FILE",
    )


def _read(name: str, text: str) -> CatalogCorpus:
    values: dict[str, Any] = tomllib.loads(text)
    files = tuple(RemoteFile(**each) for each in values.pop("files", ()))
    return CatalogCorpus(name=name, files=files, **values)
