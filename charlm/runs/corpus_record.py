"""Which corpus a run was trained on: enough to find it again, and to notice when it has changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self, get_args

from charlm.base.errors import CheckpointError
from charlm.data.reading.sources import Kind


@dataclass(frozen=True)
class CorpusIdentity:
    """What a run remembers of its corpus.

    Attributes:
        name: a short name for tables.
        kind: which origin it has.
        paths: what was named, files and folders and patterns, as absolute paths; empty for the other kinds.
        sha256: of the corpus's content, in hexadecimal; of several files, of their sums in the order of reading.
        characters: how many symbols there are in all: characters, or with ``--bytes`` bytes.
        training_characters: how many of those were trained on.
        files: how many files it was read from.
        val_sha256: of the file that is validated on, where that is another.
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
        """The path, where it is one."""
        return self.paths[0] if len(self.paths) == 1 else None

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values, by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Any, where: str, version: int) -> Self:
        """The identity of a stored mapping; in format 1 it had one path, or none.

        Raises:
            CheckpointError: a field is missing, unknown or impossible; ``where`` names the file.
        """
        names = [field.name for field in fields(cls)]
        if (
            version == 1
            and isinstance(values, Mapping)
            and set(names) ^ set(values) == {"path", "paths", "files", "val_sha256"}
        ):
            path = values["path"]
            values = {key: value for key, value in values.items() if key != "path"}
            values |= {"paths": [] if path is None else [path], "files": 1, "val_sha256": None}
        if not isinstance(values, Mapping) or set(values) != set(names):
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
