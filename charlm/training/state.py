"""The counters that a resumed run needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from charlm.base.errors import CheckpointError


def _later(default: Any, since: int = 2) -> Any:
    """A counter that older formats lack."""
    return field(default=default, metadata={"since": since})


@dataclass(frozen=True)
class TrainerState:
    """Counters of a run; None before the first value."""

    step: int = 0
    epoch: int = 0
    index: int = 0
    targets: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    loss_targets: int = 0
    train_nats_per_char: float | None = None
    best_val: float | None = None
    validated_at: float = 0.0
    validated_step: int | None = _later(None)
    val_nats_per_char: float | None = _later(None)
    lr: float = _later(0.0)
    mean_nats: float | None = _later(None)
    spread_nats: float = _later(0.0)
    recent_nats: float = _later(0.0)
    lr_factor: float = _later(1.0)
    rollbacks: int = _later(0)
    rollbacks_in_a_row: int = _later(0)
    without_best: int = _later(0)
    spike_steps: int = _later(0, since=4)
    spike_nats: float = _later(0.0, since=4)
    training_seconds: float = _later(0.0, since=4)
    validation_seconds: float = _later(0.0, since=4)
    saving_seconds: float = _later(0.0, since=4)
    slowest_validation: float = _later(0.0, since=4)
    slowest_save: float = _later(0.0, since=4)
    best_errors: float = _later(0.0, since=5)
    unlogged_sum: float = _later(0.0, since=6)
    unlogged_targets: int = _later(0, since=6)

    @property
    def chars_per_second(self) -> float:
        """The speed in training steps."""
        return self.targets / max(self.training_seconds, 1e-9)

    def is_best(self, errors: float, loss: float) -> bool:
        """Whether a validation is better than the best."""
        return self.best_val is None or (errors, loss) < (self.best_errors, self.best_val)

    def to_json(self) -> dict[str, Any]:
        """The counters by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str, version: int) -> Self:
        """Read counters from a file; later ones get their defaults.

        Raises:
            CheckpointError: a counter is missing or impossible.
        """
        found: dict[str, Any] = {}
        for counter in fields(cls):
            if counter.metadata.get("since", 1) <= version:
                name, value = counter.name, values.get(counter.name)
                if not _is_possible(value, str(counter.type)):
                    raise CheckpointError(f"{where}: the counter {name} is {value!r:.80}: the file is damaged")
                found[name] = value
        if version == 1:
            found["validated_step"] = found["step"]  # these were saved at validations alone
        if version < 4:
            found["training_seconds"] = found["seconds"]  # which were not told apart
        return cls(**found)


def _is_possible(value: Any, type_name: str) -> bool:
    """Whether a counter of this type can have this value."""
    if value is None:
        return type_name.endswith("None")
    kinds = (int,) if type_name.startswith("int") else (int, float)
    return type(value) in kinds and 0 <= value < 2**63
