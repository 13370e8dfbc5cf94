"""The corpus that a run was trained on: how to find it, and how to notice that it has changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self, get_args

from charlm.base.errors import CheckpointError
from charlm.data.reading.sources import Kind


@dataclass(frozen=True)
class CorpusIdentity:
    """The description of a run's corpus.

    Attributes:
        name: a short name for tables.
        kind: its origin.
        paths: the files, folders and patterns given, as absolute paths; empty for other kinds.
        sha256: of the content, in hexadecimal; of several files, of their sums in the order of reading.
        characters: number of characters, or of bytes with ``--bytes``.
        training_characters: those in the training split.
        files: number of files.
        val_sha256: of a separate validation file.
    """

    name: str
    kind: Kind
    paths: tuple[str, ...]
    sha256: str
    characters: int
    training_characters: int
    files: int = 1
    val_sha256: str | None = None

    @property
    def path(self) -> str | None:
        """The path, if there is exactly one."""
        return self.paths[0] if len(self.paths) == 1 else None

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Any, where: str, version: int) -> Self:
        """Make one from stored values; format 1 had ``path`` in place of ``paths``.

        Raises:
            CheckpointError: a field is missing, unknown or impossible; ``where`` names the file.
        """
        names = {field.name: None for field in fields(cls)}
        values = dict(values) if isinstance(values, Mapping) else {}
        if version == 1 and names.keys() ^ values.keys() == {"path", "paths", "files", "val_sha256"}:
            path = values.pop("path")
            values |= {"paths": [] if path is None else [path], "files": 1, "val_sha256": None}
        if values.keys() != names.keys():
            raise CheckpointError(f"{where} is damaged: its corpus is not described by {', '.join(names)}")
        total, training, sha256 = values["characters"], values["training_characters"], values["sha256"]
        paths, files = values["paths"], values["files"]
        possible = {
            "name": isinstance(values["name"], str),
            "kind": values["kind"] in get_args(Kind),
            "paths": isinstance(paths, list) and all(isinstance(path, str) for path in paths),
            "sha256": _is_sum(sha256),
            "characters": type(total) is int and total >= 0,
            "training_characters": type(training) is int and type(total) is int and 0 <= training <= total,
            "files": type(files) is int and files >= 0,
            "val_sha256": values["val_sha256"] is None or _is_sum(values["val_sha256"]),
        }
        odd = [name for name, holds in possible.items() if not holds]
        if odd:
            raise CheckpointError(f"{where} is damaged: its corpus has an impossible {', '.join(odd)}")
        return cls(**{**values, "paths": tuple(paths)})


def _is_sum(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None
