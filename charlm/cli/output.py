"""Standard output and standard error: JSON lines for programs, text for people, and neither drives a terminal."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from charlm.base.escape import escape_controls, escape_json


def print_json(record: Mapping[str, Any]) -> None:
    """Write one JSON object as a line on standard output; null for numbers that are not finite."""
    sys.stdout.write(escape_json(json.dumps(_finite(record), ensure_ascii=False, allow_nan=False)) + "\n")
    sys.stdout.flush()


def _finite(value: Any) -> Any:
    """A JSON value with null in the place of numbers that are not finite."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {name: _finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
    return value


class LastingLines:
    """JSON lines of work that goes on when they cannot be written."""

    def __init__(self) -> None:
        self._fault: OSError | None = None

    def print(self, record: Mapping[str, Any]) -> None:
        """Write one JSON object as a line on standard output, unless one before could not be written."""
        if self._fault is None:
            try:
                print_json(record)
            except OSError as error:
                self._fault = error

    def check(self) -> None:
        """See that all were written, at the work's end.

        Raises:
            OSError: why they were not.
        """
        if self._fault is not None:
            raise self._fault


def write_text(text: str, raw: bool = False) -> None:
    """Write somebody's text on standard output: as it is, but on a terminal only with ``raw``."""
    sys.stdout.write(text if raw else for_stream(text, sys.stdout))


def for_stream(text: str, stream: TextIO) -> str:
    """A text as a stream is to show it: as it is, or escaped where the stream is a terminal."""
    return escape_controls(text) if stream.isatty() else text
