"""Documents: where each ends, and a shuffled order of them on disk.

A corpus of documents (names, tunes, tweets) is stored with ``END`` before, between and after them, so that it is
each document's first input and its last target. Empty documents say nothing and are left out. Under ``--lines``
a document ends at a newline, and a carriage return before it belongs to the line end; what is after the last
newline is a document as well. Under ``--delimiter`` it ends at that string, and one line end at the very end of
a file is the editor's, not the last document's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.base.errors import CorpusError
from charlm.base.files.atomic import PRIVATE, atomic_file, check_disk_space
from charlm.base.random import make_generator
from charlm.data.alphabet import END, Alphabet
from charlm.data.permutation import Permutation

Offsets = npt.NDArray[np.int64]

BLOCK = 1 << 20  # codes that are looked at, or laid out, at once
DOCUMENTS_AT_ONCE = 1 << 16
UNTOUCHED_NS = 10**18
"""The time that is put on a map once it is written: with another, somebody has written to it since."""

_ENDS = re.compile(f"{END}+")


def mark_documents(pieces: Iterable[str], delimiter: str, lines: bool) -> Iterator[str]:
    r"""A file's text with ``END`` before each document and after the last; nothing where there is none.

    Args:
        pieces: the text, cut anywhere.
        delimiter: what ends a document, where it is not the line.
        lines: whether it is the line.

    Yields:
        Pieces of the marked text.

    >>> "".join(mark_documents(["emma\r", "\n\nava"], "\n", lines=True)).replace(END, "|")
    '|emma|ava|'
    """
    found = is_end_owed = False
    for piece in _ends_at_lines(pieces) if lines else _ends_at(pieces, delimiter):
        documents = (_ENDS.sub(END, piece) if END + END in piece else piece).strip(END)
        if documents:
            yield END + documents if is_end_owed or not found or piece.startswith(END) else documents
            found, is_end_owed = True, piece.endswith(END)
        elif piece:
            is_end_owed = True
    if found:
        yield END


def _ends_at_lines(pieces: Iterable[str]) -> Iterator[str]:
    held = ""  # a carriage return whose newline may be in the next piece
    for piece in pieces:
        text = held + piece
        held = "\r" if text.endswith("\r") else ""
        yield ended_lines(text[: len(text) - len(held)])
    yield held


def ended_lines(text: str) -> str:
    r"""A text of lines with ``END`` in the place of every line end.

    >>> ended_lines("emma\r\nava\n") == f"emma{END}ava{END}"
    True
    """
    return text.replace("\r\n", END).replace("\n", END)


def _ends_at(pieces: Iterable[str], delimiter: str) -> Iterator[str]:
    held = ""  # what the next piece may complete to a delimiter, or leave as the file's last line end
    for piece in pieces:
        text = (held + piece).replace(delimiter, END)
        held_length = min(max(len(delimiter) - 1, 2), len(text) - 1 - text.rfind(END))
        cut = len(text) - held_length
        held = text[cut:]
        yield text[:cut]
    yield re.sub(r"\r?\n\Z", "", held)


def shuffled(ids: TokenIds, alphabet: Alphabet, seed: int, folder: Path | None) -> tuple[TokenIds, Offsets]:
    """Documents in an order drawn by the seed, and where each begins.

    No memory grows with the corpus where there is a folder: what is laid out there is found again.

    Args:
        ids: the documents (N,), the end symbol before, between and after them.
        alphabet: of the codes.
        seed: of the order.
        folder: where the corpus is cached; None keeps everything in memory.

    Returns:
        The documents' codes (N,), and the places of all D + 1 end symbols in them.

    Raises:
        CorpusError: the folder cannot be written to.
    """
    assert alphabet.end is not None
    ends, place = int(alphabet.counts_A[alphabet.end]), np.dtype(np.int64)
    offsets = _stored(_places_of(ids, alphabet.end), place, ends, folder, "ends")
    order = Permutation(ends - 1, make_generator(seed, "documents"))
    laid = _stored(_laid_out(ids, offsets, order), ids.dtype, len(ids), folder, f"shuffled-{seed}")
    return laid, _stored(_places_of(laid, alphabet.end), place, ends, folder, f"shuffled-{seed}-ends")


def _places_of(ids: TokenIds, symbol: int) -> Iterator[Offsets]:
    for start in range(0, len(ids), BLOCK):
        yield np.flatnonzero(ids[start : start + BLOCK] == symbol) + start


def _laid_out(ids: TokenIds, offsets: Offsets, order: Permutation) -> Iterator[TokenIds]:
    """The documents in order, each after its end symbol, in pieces of any size; one more end symbol closes."""
    for first in range(0, order.count, DOCUMENTS_AT_ONCE):
        numbers = order(np.arange(first, min(first + DOCUMENTS_AT_ONCE, order.count)))
        starts, lengths = offsets[numbers], offsets[numbers + 1] - offsets[numbers]
        is_long = lengths >= BLOCK  # one that is laid out by itself
        is_cut = np.diff(np.cumsum(lengths) // BLOCK) > 0
        cuts = np.flatnonzero(is_cut | is_long[1:] | is_long[:-1]) + 1
        for own_starts, own_lengths in zip(np.split(starts, cuts), np.split(lengths, cuts), strict=True):
            if len(own_starts) == 1:
                yield from _in_pieces(ids[own_starts[0] : own_starts[0] + own_lengths[0]])
            else:
                before = np.cumsum(own_lengths) - own_lengths
                yield ids[np.repeat(own_starts - before, own_lengths) + np.arange(own_lengths.sum())]
    yield ids[-1:]


def _in_pieces(ids: TokenIds) -> Iterator[TokenIds]:
    return (ids[start : start + BLOCK] for start in range(0, len(ids), BLOCK))


def _stored(
    pieces: Iterable[npt.NDArray[Any]], dtype: np.dtype[Any], length: int, folder: Path | None, name: str
) -> npt.NDArray[Any]:
    """An array's pieces as one: in memory, or as a map of a file, which is written unless it is there."""
    if folder is None:
        return np.concatenate(list(pieces))
    path = folder / name
    try:
        if not _is_whole(path, length * dtype.itemsize):
            check_disk_space(folder, length * dtype.itemsize)
            _write(pieces, path)
        return np.memmap(path, dtype, "r").view(np.ndarray)
    except OSError as error:
        raise CorpusError(
            f"the documents cannot be shuffled into {folder} ({error.strerror})",
            hint="free some space there, or set CHARLM_CACHE_DIR to another folder",
        ) from None


def _is_whole(path: Path, size: int) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    return (status.st_size, status.st_mtime_ns) == (size, UNTOUCHED_NS)


def _write(pieces: Iterable[npt.NDArray[Any]], path: Path) -> None:
    """Write a file that is there whole or not at all; two processes write the same one."""
    with atomic_file(path, PRIVATE) as file:
        for piece in pieces:
            file.write(np.ascontiguousarray(piece).data)
        file.flush()
        os.utime(file.name, ns=(UNTOUCHED_NS, UNTOUCHED_NS))
