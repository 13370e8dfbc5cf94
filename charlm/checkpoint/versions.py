"""The version of a run's files: an older one is read for ever, a newer one is refused with what can read it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from charlm.checkpoint.strict_json import excerpt
from charlm.errors import CheckpointError

FORMAT = 1


def stamp() -> dict[str, Any]:
    """What every file of a run says of itself: its format, and the charlm that wrote it."""
    # Looked up by name: the package's root imports the layers above this one.
    return {"format": FORMAT, "charlm": str(importlib.import_module("charlm").__version__)}


def check_stamp(values: Mapping[str, Any], where: str) -> None:
    """Refuse a file that this charlm cannot read.

    Raises:
        CheckpointError: the stamp is missing, malformed, or newer than this charlm.

    >>> check_stamp(stamp(), "config.json")
    >>> check_stamp({"format": 2, "charlm": "9.0"}, "config.json")
    Traceback (most recent call last):
        ...
    charlm.errors.CheckpointError: config.json has format 2, which charlm '9.0' reads; this one reads up to 1
    """
    version, writer = values.get("format"), values.get("charlm")
    if type(version) is not int or version < 1 or not isinstance(writer, str):
        raise CheckpointError(f"{where} is damaged: it does not say which format it has")
    if version > FORMAT:
        raise CheckpointError(
            f"{where} has format {version}, which charlm {excerpt(writer)} reads; this one reads up to {FORMAT}"
        )
