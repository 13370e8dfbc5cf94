"""A run's corpus: how to find and check it."""

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

    ``sha256`` is of the content, or of several files' sums; ``characters`` counts bytes with ``--bytes``.
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
        """The only path, if there is one."""
        return self.paths[0] if len(self.paths) == 1 else None

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Any, where: str, version: int) -> Self:
        """Read stored values; format 1 had ``path`` for ``paths``.

        Raises:
            CheckpointError: a field is missing, unknown or impossible.
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
