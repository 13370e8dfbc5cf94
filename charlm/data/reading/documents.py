"""Documents: marking and shuffling. ``END`` stands before, between and after them."""

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

BLOCK = 1 << 20  # ids
DOCUMENTS_AT_ONCE = 1 << 16
UNTOUCHED_NS = 10**18
"""The modification time of a finished map; with any other time, it was changed later."""

_ENDS = re.compile(f"{END}+")


def mark_documents(pieces: Iterable[str], delimiter: str, lines: bool) -> Iterator[str]:
    r"""A file's text with ``END`` around all documents that are not empty.

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
    r"""Replace every line end by ``END``.

    >>> ended_lines("emma\r\nava\n") == f"emma{END}ava{END}"
    True
    """
    return text.replace("\r\n", END).replace("\n", END)


def _ends_at(pieces: Iterable[str], delimiter: str) -> Iterator[str]:
    held = ""  # may become a delimiter with the next piece, or be the file's last line end
    for piece in pieces:
        text = (held + piece).replace(delimiter, END)
        held_length = min(max(len(delimiter) - 1, 2), len(text) - 1 - text.rfind(END))
        cut = len(text) - held_length
        held = text[cut:]
        yield text[:cut]
    yield re.sub(r"\r?\n\Z", "", held)


def shuffled(ids: TokenIds, alphabet: Alphabet, seed: int, folder: Path | None) -> tuple[TokenIds, Offsets]:
    """Shuffle documents (N,) on disk, or in memory if the folder is None.

    Returns:
        The shuffled ids (N,), and the places of all D + 1 end symbols.

    Raises:
        CorpusError: the folder is not writable.
    """
    assert alphabet.end is not None
    ends, place = int(alphabet.counts_A[alphabet.end]), np.dtype(np.int64)
    offsets = _store(_find_symbol(ids, alphabet.end), place, ends, folder, "ends")
    order = Permutation(ends - 1, make_generator(seed, "documents"))
    laid = _store(_lay_out(ids, offsets, order), ids.dtype, len(ids), folder, f"shuffled-{seed}")
    return laid, _store(_find_symbol(laid, alphabet.end), place, ends, folder, f"shuffled-{seed}-ends")


def _find_symbol(ids: TokenIds, symbol: int) -> Iterator[Offsets]:
    for start in range(0, len(ids), BLOCK):
        yield np.flatnonzero(ids[start : start + BLOCK] == symbol) + start


def _lay_out(ids: TokenIds, offsets: Offsets, order: Permutation) -> Iterator[TokenIds]:
    """The documents in order, in pieces, with end symbols."""
    for first in range(0, order.count, DOCUMENTS_AT_ONCE):
        numbers = order(np.arange(first, min(first + DOCUMENTS_AT_ONCE, order.count)))
        starts, lengths = offsets[numbers], offsets[numbers + 1] - offsets[numbers]
        is_long = lengths >= BLOCK  # one that gets a piece of its own
        is_cut = np.diff(np.cumsum(lengths) // BLOCK) > 0
        cuts = np.flatnonzero(is_cut | is_long[1:] | is_long[:-1]) + 1
        for own_starts, own_lengths in zip(np.split(starts, cuts), np.split(lengths, cuts), strict=True):
            if len(own_starts) == 1:
                yield from _split_ids(ids[own_starts[0] : own_starts[0] + own_lengths[0]])
            else:
                before = np.cumsum(own_lengths) - own_lengths
                yield ids[np.repeat(own_starts - before, own_lengths) + np.arange(own_lengths.sum())]
    yield ids[-1:]


def _split_ids(ids: TokenIds) -> Iterator[TokenIds]:
    return (ids[start : start + BLOCK] for start in range(0, len(ids), BLOCK))


def _store(
    pieces: Iterable[npt.NDArray[Any]], dtype: np.dtype[Any], length: int, folder: Path | None, name: str
) -> npt.NDArray[Any]:
    """An array from pieces, in memory or memory-mapped."""
    if folder is None:
        return np.concatenate(list(pieces))
    path = folder / name
    try:
        if not is_whole(path, length * dtype.itemsize):
            check_disk_space(folder, length * dtype.itemsize)
            _write(pieces, path)
        return np.memmap(path, dtype, "r").view(np.ndarray)
    except OSError as error:
        raise CorpusError(
            f"the documents cannot be shuffled into {folder} ({error.strerror})",
            hint="free some space there, or set CHARLM_CACHE_DIR to another folder",
        ) from None


def is_whole(path: Path, size: int) -> bool:
    """Whether a file has this size, and was not changed since it was written."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    return (status.st_size, status.st_mtime_ns) == (size, UNTOUCHED_NS)


def _write(pieces: Iterable[npt.NDArray[Any]], path: Path) -> None:
    """Write a file atomically."""
    with atomic_file(path, PRIVATE) as file:
        for piece in pieces:
            file.write(np.ascontiguousarray(piece).data)
        file.flush()
        os.utime(file.name, ns=(UNTOUCHED_NS, UNTOUCHED_NS))
