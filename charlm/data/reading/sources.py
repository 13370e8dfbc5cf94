"""Sources of a corpus; pipes are copied, to be read twice."""

from __future__ import annotations

import math
import os
import stat
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path, PurePath
from typing import BinaryIO, Literal, TypeAlias

from charlm.base.errors import CorpusError, MissingCorpusError, UsageError, hinting
from charlm.base.files.cache_dir import VARIABLE, cache_folder, make_cache_folder
from charlm.config.corpus import Units
from charlm.data.catalog.builtin import BUILTIN_NAMES, read_builtin
from charlm.data.catalog.catalog import TEST, TRAIN, VAL, find_downloaded, read_catalog
from charlm.data.reading.decode import decode
from charlm.data.reading.file_formats import plain_name
from charlm.data.reading.files import BLOCK, SpooledPipe, TextFile
from charlm.data.reading.patterns import Identity, identify, match_files, read_mode

Kind: TypeAlias = Literal["file", "files", "built-in", "stdin", "text"]

MOST_NAMED = 1000
"""Paths that a run can store."""

LONGEST_NAME = 1000  # characters of a string that may be a name by mistake

_STDIN = "standard input"


@dataclass(frozen=True)
class Source:
    """A text that can be read.

    ``files`` are in reading order; ``left_out`` are matching files left out, with reasons. ``own_split`` has
    ``val_file`` and ``test_file`` of a corpus that is published in splits.
    """

    name: str
    kind: Kind
    paths: tuple[str, ...]
    files: tuple[TextFile, ...] = field(repr=False)
    left_out: tuple[str, ...] = field(default=(), repr=False)
    own_split: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def label(self) -> str:
        """Its name in messages."""
        return self.files[0].label if len(self.files) == 1 else f"the corpus {self.name}"

    @property
    def stored(self) -> str:
        """What a run stores to find a text again, or ``-``."""
        return self.paths[0] if self.paths else self.name if self.kind == "built-in" else "-"

    @property
    def may_expand(self) -> bool:
        """Whether decompression has no limit."""
        return all(member.may_expand for member in self.files)

    def allow_expansion(self) -> Source:
        """The source without the limit on expansion."""
        files = tuple(replace(member, may_expand=True) for member in self.files)
        return replace(self, files=files)

    def read(self, units: Units = "characters") -> str:
        """The whole text; for bytes, with invalid UTF-8 as surrogate escapes.

        Raises:
            CorpusError: it is unreadable, empty or not UTF-8.
        """
        if units == "bytes":
            raw = b"".join(block for member in self.files for block in member.blocks())
            text = raw.decode("utf-8", "surrogateescape")
        else:
            text = "".join(piece for member in self.files for piece in decode(member.blocks(), member.label))
        if not text:
            raise empty(self.label)
        return text


def find_source(named: Sequence[str], pattern: str) -> Source:
    """The source of command-line arguments.

    Raises:
        UsageError: ambiguous name, or arguments that cannot be combined.
        CorpusError: unknown name, or not downloaded.
    """
    alone = [name for name in named if name in ("-", *BUILTIN_NAMES) or name in read_catalog()]
    if len(named) == 1 and stat.S_ISFIFO(read_mode(named[0])):
        with Path(named[0]).open("rb") as pipe:
            return Source("stdin", "stdin", (), (TextFile(repr(named[0]), _spool(pipe, repr(named[0]))),))
    if not alone:
        return find_files(named, pattern)
    if len(named) > 1:
        raise UsageError(f"{alone[0]} cannot be read together with other texts: give it alone, or files alone")
    (name,) = named
    if name == "-":
        return Source("stdin", "stdin", (), (TextFile(_STDIN, _spool(sys.stdin.buffer, _STDIN)),))
    kind = "built-in" if name in BUILTIN_NAMES else "named"
    if Path(name).exists() and not Path(name).is_dir():
        raise UsageError(
            f"{name} is a {kind} corpus, and a file here has the same name: write ./{name} for "
            f"the file; for the {kind} one, rename the file or work in another folder"
        )
    if kind == "built-in":
        return make_builtin_source(name)
    with hinting(f"get it by charlm corpus get {name}"):
        corpus = find_downloaded(name)
        parts = {part: str(path) for part, path in corpus.parts.items()}
        found = find_files([parts.get(TRAIN, str(corpus.path))], pattern)
    own = {"val_file": parts[VAL], "test_file": parts[TEST]} if parts else {}
    return replace(found, name=name, own_split=own)


def find_text(named: str) -> Source:
    """The source of a file, ``-`` or a corpus's name."""
    if named not in BUILTIN_NAMES and named not in read_catalog() and stat.S_ISDIR(read_mode(named)):
        raise CorpusError(f"{named!r} is a folder", hint="give a text file")
    return find_source([named], pattern="")


def find_files(named: Sequence[str], pattern: str, most_folders: float = math.inf) -> Source:
    """The source of files and folders.

    Raises:
        UsageError: a file named twice, or too many names.
        CorpusError: a name does not exist, or more than ``most_folders`` folders would be read.
    """
    if len(named) > MOST_NAMED:
        raise UsageError(f"{len(named):,} files are named: name their folder, and choose from it by --glob")
    found = [match_files(name, pattern, most_folders) for name in named]
    files = tuple(member for files, _ in found for member in files)
    seen: set[Identity | str] = set()
    for member in files if len(named) > 1 else ():
        same = identify(member.path or "") or member.label
        if same in seen:
            raise UsageError(f"{member.label} is named twice: leave out one")
        seen.add(same)
    is_file = files[0].label == repr(named[0])
    name = PurePath(plain_name(named[0])).stem if is_file else Path(named[0]).resolve().name
    kind: Kind = "file" if is_file and len(files) == 1 else "files"
    paths = tuple(str(Path(name).absolute()) for name in named)
    return Source(name, kind, paths, files, tuple(each for _, left_out in found for each in left_out))


def find_stored(stored: str) -> Source:
    """The source for a ``Source.stored``; CorpusError if it is missing."""
    if stored == "-":
        raise MissingCorpusError(f"{_STDIN} is read once, and is gone", hint="give a file")
    return make_builtin_source(stored) if stored in BUILTIN_NAMES else find_files([stored], "")


def make_builtin_source(name: str) -> Source:
    """The source of a built-in corpus."""
    return Source(name, "built-in", (), (TextFile(f"the built-in corpus {name}", read_builtin(name).encode()),))


def make_source(corpus: str | PathLike[str], pattern: str) -> Source:
    """The source of a text (a string) or a path.

    Raises:
        UsageError: a string names a file.
        CorpusError: missing path or invalid text.
    """
    if not isinstance(corpus, str):
        with hinting("give the path of a text file or a folder"):
            return find_files([os.fspath(corpus)], pattern)
    if 0 < len(corpus) <= LONGEST_NAME and "\n" not in corpus and read_mode(corpus):
        raise UsageError(
            f"{corpus!r} is taken for the text itself, and is the name of a file or a folder: to read that, "
            "wrap the name in pathlib.Path"
        )
    return make_text_source(corpus)


def make_text_source(text: str) -> Source:
    """The source of a string; CorpusError if it is empty or has a surrogate.

    >>> make_text_source("abc").read()
    'abc'
    """
    if not text:
        raise empty("the text")
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"the text is not valid Unicode: {text[error.start]!r} at position {error.start} "
            "(counted from 0) is half of a surrogate pair",
            hint="replace it",
        ) from None
    return Source("text", "text", (), (TextFile("the text", raw),))


def empty(label: str) -> CorpusError:
    """The error for an empty text."""
    return CorpusError(f"{label} is empty", hint="give a text that has characters")


def _spool(stream: BinaryIO, label: str) -> SpooledPipe:
    """Copy a stream to a nameless file."""
    try:
        file = tempfile.TemporaryFile(dir=make_cache_folder())  # noqa: SIM115 (the spool closes it)
        spool = SpooledPipe(file)
        while block := stream.read(BLOCK):
            file.write(block)
        file.flush()
    except OSError as error:
        raise CorpusError(
            f"{label} cannot be put into the cache {cache_folder()}: {error.strerror or error}",
            hint=f"make room there, or name another folder by {VARIABLE}",
        ) from None
    return spool
