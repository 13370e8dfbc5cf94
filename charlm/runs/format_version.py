"""The format of a run's files; older ones are read, newer ones refused."""

from __future__ import annotations

from typing import Any

from charlm.base.errors import CheckpointError
from charlm.base.files.strict_json import excerpt
from charlm.base.version import __version__

FORMAT = 16


def stamp() -> dict[str, Any]:
    """The stamp of every file: its format and charlm's version."""
    return {"format": FORMAT, "charlm": __version__}


def take_stamp(values: Any, where: str, *, unstamped: int | None = None) -> tuple[int, dict[str, Any]]:
    """Split a file's values into its format and the rest.

    Raises:
        CheckpointError: the stamp is missing, malformed or too new.

    >>> take_stamp({"step": 3, **stamp()}, "last.safetensors") == (FORMAT, {"step": 3})
    True
    >>> take_stamp({"format": 99, "charlm": "9.0"}, "a.json")
    Traceback (most recent call last):
        ...
    charlm.base.errors.CheckpointError: a.json has format 99, which charlm '9.0' reads; this one reads up to 16
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
