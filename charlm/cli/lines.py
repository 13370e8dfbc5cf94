"""Lines of standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from charlm.base.errors import CorpusError


def read_lines(errors: str) -> Iterator[str]:
    r"""Read lines, which only \n separates.

    Raises:
        CorpusError: a line is not UTF-8.
    """
    for number, raw in enumerate(sys.stdin.buffer, start=1):
        try:
            yield raw.removesuffix(b"\n").decode("utf-8", errors)
        except UnicodeDecodeError as error:
            raise CorpusError(
                f"line {number} of standard input is not in UTF-8: its byte {error.start} (counted from 0) is "
                f"0x{error.object[error.start]:02X}: convert it, such as with iconv -f WINDOWS-1252 -t UTF-8"
            ) from None
