"""The version of a run's files: an older one is read for ever, a newer one is refused with what can read it.

Every file says which format it has. What a later format added is marked where it is declared (``since``), so that
an older file is read with that thing's default, and nothing else may be missing from it.
"""

from __future__ import annotations

from typing import Any

from charlm.base.errors import CheckpointError
from charlm.base.files.strict_json import excerpt
from charlm.base.version import __version__

FORMAT = 4


def stamp() -> dict[str, Any]:
    """What every file of a run says of itself: its format, and the charlm that wrote it."""
    return {"format": FORMAT, "charlm": __version__}


def take_stamp(values: Any, where: str, *, unstamped: int | None = None) -> tuple[int, dict[str, Any]]:
    """The format of a file's values, and the values without the stamp that tells it.

    Args:
        values: what the file holds, of any kind.
        where: the file, for messages.
        unstamped: the last format in which this kind of file had no stamp; None where it always had one.

    Raises:
        CheckpointError: the values are no mapping, or the stamp is missing, malformed, or newer than this charlm.

    >>> take_stamp({"step": 3, **stamp()}, "last.safetensors") == (FORMAT, {"step": 3})
    True
    >>> take_stamp({"format": 7, "charlm": "9.0"}, "config.json")
    Traceback (most recent call last):
        ...
    charlm.base.errors.CheckpointError: config.json has format 7, which charlm '9.0' reads; this one reads up to 4
    """
    if not isinstance(values, dict):
        raise CheckpointError(f"{where} is damaged: it is not a JSON object")
    if unstamped is not None and not stamp().keys() & values.keys():
        return unstamped, values
    version, writer = values.get("format"), values.get("charlm")
    if type(version) is not int or version < 1 or not isinstance(writer, str):
        raise CheckpointError(f"{where} is damaged: it does not say which format it has")
    if version > FORMAT:
        raise CheckpointError(
            f"{where} has format {version}, which charlm {excerpt(writer)} reads; this one reads up to {FORMAT}"
        )
    return version, {name: value for name, value in values.items() if name not in stamp()}
