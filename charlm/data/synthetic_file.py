"""A source's text in a file, of any length in bounded memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from charlm.base.errors import CorpusError, UsageError
from charlm.base.files.atomic import whole_file
from charlm.base.files.disk_space import check_room
from charlm.data.synthetic_source import Source

BLOCK = 1 << 16  # characters that are drawn at once


@dataclass(frozen=True)
class Made:
    """What a file holds.

    Attributes:
        characters: how many; every source's are of one byte.
        bits_per_char: what they cost the source, on average.
        sha256: of the file.
    """

    characters: int
    bits_per_char: float
    sha256: str


def write_text(
    source: Source, length: int, rng: np.random.Generator, path: Path, progress: Callable[[int, int], None]
) -> Made:
    """Draw a text into a new file, which is there whole or not at all.

    Args:
        source: where it comes from.
        length: how many characters, at least one.
        rng: what all that is random comes from.
        path: the file.
        progress: called with how many characters are drawn, and how many there will be.

    Raises:
        UsageError: the file exists.
        CorpusError: the system refuses to write it.
    """
    digest, bits, done = hashlib.sha256(), 0.0, 0
    draws = source.draws(rng)
    try:
        if path.exists():
            raise UsageError(f"{path} exists: name another file by --out, or remove it")
        check_room(path.parent, length)
        with whole_file(path) as file:
            while block := list(islice(draws, min(BLOCK, length - done))):
                characters, probabilities = zip(*block, strict=True)
                raw = "".join(characters).encode()
                file.write(raw)
                digest.update(raw)
                bits -= float(np.log2(probabilities).sum())
                done += len(block)
                progress(done, length)
    except OSError as error:
        raise CorpusError(f"{path} cannot be written: {error.strerror or error}; give another file") from None
    return Made(done, bits / done, digest.hexdigest())
