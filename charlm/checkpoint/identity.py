"""Which corpus a run was trained on: enough to find it again, and to notice when it has changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self, get_args

from charlm.errors import CheckpointError
from charlm.text.sources import Kind


@dataclass(frozen=True)
class CorpusIdentity:
    """What a run remembers of its corpus.

    Attributes:
        name: a short name for tables.
        kind: which origin it has.
        path: the file's absolute path; None for the other kinds.
        sha256: of the corpus's bytes, in hexadecimal.
        characters: how many there are in all.
        training_characters: how many of those were trained on.
    """

    name: str
    kind: Kind
    path: str | None
    sha256: str
    characters: int
    training_characters: int

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values, by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Any, where: str) -> Self:
        """The identity of a stored mapping.

        Raises:
            CheckpointError: a field is missing, unknown or impossible; ``where`` names the file.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(values, Mapping) or set(values) != set(names):
            raise CheckpointError(f"{where} is damaged: its corpus is not described by {', '.join(names)}")
        total, training, sha256 = values["characters"], values["training_characters"], values["sha256"]
        possible = {
            "name": isinstance(values["name"], str),
            "kind": values["kind"] in get_args(Kind),
            "path": isinstance(values["path"], str | None),
            "sha256": isinstance(sha256, str) and re.fullmatch("[0-9a-f]{64}", sha256),
            "characters": type(total) is int and total >= 0,
            "training_characters": type(training) is int and type(total) is int and 0 <= training <= total,
        }
        odd = [name for name, holds in possible.items() if not holds]
        if odd:
            raise CheckpointError(f"{where} is damaged: its corpus has an impossible {', '.join(odd)}")
        return cls(**values)
