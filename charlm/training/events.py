"""Events that a training loop yields."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class StepReport:
    """A step was taken; ``chars_per_second`` counts training steps only."""

    step: int
    progress: float
    loss_nats: float
    targets: int
    seconds: float
    chars_per_second: float


@dataclass(frozen=True)
class ValidationReport:
    """The validation split was scored; a loss is None where there is none."""

    step: int
    epoch: float
    train_nats_per_char: float | None
    val_nats_per_char: float | None
    is_best: bool
    lr: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True)
class SampleReport:
    """A sample was drawn."""

    step: int
    text: str


@dataclass(frozen=True)
class FaultReport:
    """A write failed, or works again (``is_over``)."""

    step: int
    message: str
    is_over: bool

    def to_json(self) -> dict[str, Any]:
        """The fields by name, and the event's."""
        return {"event": "fault", **asdict(self)}


@dataclass(frozen=True)
class RollbackReport:
    """Training diverged at ``step`` and went back; ``lr_factor`` of the learning rate is left."""

    step: int
    back_to: int
    reason: str
    lr_factor: float
    rollbacks: int

    def to_json(self) -> dict[str, Any]:
        """The fields by name, and the event's."""
        return {"event": "rollback", **asdict(self)}


@dataclass(frozen=True)
class SummaryReport:
    """The run ended or was stopped; the names are those of ``--json``."""

    run: str
    steps: int
    seconds: float
    chars_per_second: float
    validation_share: float
    saving_share: float
    train_nats_per_char: float | None
    val_nats_per_char: float | None
    best_val_nats_per_char: float | None
    parameters: int
    stopped: bool
    stopped_early: bool

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


Report: TypeAlias = StepReport | ValidationReport | SampleReport | FaultReport | RollbackReport | SummaryReport
