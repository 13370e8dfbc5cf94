"""What Python hands in as a corpus: a string is the text itself, and a path names a file or a folder."""

from __future__ import annotations

import os
from os import PathLike

from charlm.base.errors import UsageError
from charlm.data.reading.sources import Source, find_files, source_of_text
from charlm.data.reading.walk import mode_of

LONGEST_NAME = 1000  # characters of a string that may be a name by mistake


def source_of(corpus: str | PathLike[str], pattern: str) -> Source:
    """The source of what Python hands in: a string is the text itself, and a path names what to read.

    Args:
        corpus: the text, or the path of a file or a folder.
        pattern: which files of a folder to read.

    Raises:
        UsageError: a string is short, and the name of what is there to be read.
        CorpusError: there is nothing of the path, or the text is none.
    """
    if not isinstance(corpus, str):
        return find_files([os.fspath(corpus)], pattern, "give the path of a text file or a folder")
    if 0 < len(corpus) <= LONGEST_NAME and "\n" not in corpus and mode_of(corpus):
        raise UsageError(
            f"{corpus!r} is taken for the text itself, and is the name of a file or a folder: to read that, "
            "wrap the name in pathlib.Path"
        )
    return source_of_text(corpus)
