"""The weights that a run started from: those of ``--init-from``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from charlm.base.arrays import FlatVector
from charlm.base.errors import CheckpointError
from charlm.runs.folder import holds_run

SINCE = 8
"""The first format that stores it."""


@dataclass(frozen=True)
class Origin:
    """Another run's weights; without a name it is not known whether there are any, as in older formats.

    Attributes:
        name: of the other run.
        path: its absolute folder, if it had one.
        weights: as in ``--weights``; None is the best.
        sha256: of the parameters.
    """

    name: str | None = None
    path: str | None = None
    weights: str | None = None
    sha256: str | None = None

    @classmethod
    def of(cls, folder: Path, weights: str | None, params: FlatVector) -> Self:
        """The origin of what starts from parameters that were loaded from a folder."""
        path = str(folder.absolute()) if holds_run(folder) else None  # a model may be in memory alone
        return cls(folder.resolve().name, path, weights, digest(params))

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], where: str, version: int) -> Self | None:
        """Read the origin among a run's stored values; None where a run started from no other.

        Raises:
            CheckpointError: it is missing, or a field is missing, unknown or no text.
        """
        if version < SINCE:
            return cls()
        values = stored.get("origin", "")
        if values is None:
            return None
        names = {field.name for field in fields(cls)}
        if not isinstance(values, Mapping) or values.keys() != names:
            raise CheckpointError(
                f"{where} is damaged: its origin is not described by {', '.join(sorted(names))}"
            )
        if not all(value is None or isinstance(value, str) for value in values.values()):
            raise CheckpointError(f"{where} is damaged: its origin has a field that is no text")
        return cls(**values)


def digest(params: FlatVector) -> str:
    """The sha256 of parameters."""
    return hashlib.sha256(params.flat.tobytes()).hexdigest()
