"""The named corpora: texts that others publish, known by their address, their size and their sum.

Each is a file ``NAME.toml`` of the folder ``corpora``, which a clone has at its top and an installed package
inside. One whose sum nobody publishes, or that may not be passed on, lists no files: it says what to do instead.
Nothing here needs a network; ``download`` fetches.
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
        address: where it is.
        hash: algorithm and sum, such as ``sha256:86c4...``.
        member: the text's name where the file is a zip archive; empty where it is the text.
    """

    address: str
    hash: str
    member: str = ""


@dataclass(frozen=True)
class CatalogCorpus:
    """What is known of a corpus.

    Attributes:
        name: what ``charlm corpus get`` and ``charlm train`` call it.
        title: what it is, in a line.
        language: of the text.
        licence: under which it may be used.
        split: how the field divides it: what follows ``--split``, or words.
        options: of ``charlm train``, that suit it.
        address: of a page about it.
        bytes: its size; None where it is not known.
        hash: algorithm and sum of the text; None where it is not known.
        evidence: how the sums are known.
        bring: why charlm does not download it, and what to bring; empty where it does.
        files: that are downloaded, and joined by newlines where they are several.
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
        """Where its text is once it has been downloaded."""
        return downloads_folder() / f"{self.name}.txt"

    @property
    def is_downloaded(self) -> bool:
        """Whether its text is there, whole: only one that was verified ever is."""
        return self.path.is_file() and self.path.stat().st_size == self.bytes


def downloads_folder() -> Path:
    """Where downloaded texts are kept."""
    return cache_folder() / DOWNLOADS


@cache
def read_catalog() -> Mapping[str, CatalogCorpus]:
    """Every named corpus, by name, in the order of the names.

    Raises:
        CorpusError: this installation came without them.
    """
    files = sorted(_catalog_folder(_PACKAGE).glob("*.toml"))
    return {path.stem: _read(path.stem, path.read_text("utf-8")) for path in files}


def _catalog_folder(package: Path) -> Path:
    """The folder of the corpora's files: the package's own, or its clone's, but nobody else's beside it."""
    inside, beside = package / "corpora", package.parent / "corpora"
    if inside.is_dir():
        return inside
    try:
        project = tomllib.loads((package.parent / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    except (OSError, ValueError, LookupError, TypeError):
        project = None
    if project != _PROJECT or not beside.is_dir():
        raise CorpusError(f"the named corpora are not there ({inside})", hint="install charlm again")
    return beside


def find_corpus(name: str) -> CatalogCorpus:
    """The corpus of a name.

    Raises:
        CorpusError: there is none.
    """
    if name not in read_catalog():
        raise CorpusError(f"no corpus is called {name!r}", hint=f"there are {', '.join(read_catalog())}")
    return read_catalog()[name]


def find_downloaded(name: str) -> Path:
    """The text of a named corpus that has been downloaded.

    Raises:
        CorpusError: there is no such corpus, or its text is not there.
    """
    corpus = find_corpus(name)
    if corpus.bring:
        raise manual_download_error(corpus)
    if not corpus.is_downloaded:
        raise CorpusError(f"{name} is not here yet", hint=f"charlm corpus get {name}")
    return corpus.path


def manual_download_error(corpus: CatalogCorpus) -> CorpusError:
    """What to say of a corpus that its user brings."""
    return CorpusError(
        f"{corpus.name} is not downloaded by charlm: {corpus.bring}",
        hint=f"see {corpus.address}, then charlm train FILE",
    )


def _read(name: str, text: str) -> CatalogCorpus:
    values: dict[str, Any] = tomllib.loads(text)
    files = tuple(RemoteFile(**each) for each in values.pop("files", ()))
    return CatalogCorpus(name=name, files=files, **values)
