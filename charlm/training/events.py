"""Events of a training loop, as small values that it yields to its caller."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class StepReport:
    """A step was taken.

    Attributes:
        step: its number, from 1.
        progress: the share of the run that is done.
        loss_nats: mean loss of the step's targets.
        seconds: of the run so far.
        chars_per_second: of the time in training steps.
    """

    step: int
    progress: float
    loss_nats: float
    targets: int
    seconds: float
    chars_per_second: float


@dataclass(frozen=True)
class ValidationReport:
    """The validation split was scored.

    Attributes:
        epoch: epochs so far, with fractions.
        train_nats_per_char: mean training loss since the last validation; None before the first step.
        val_nats_per_char: validation loss; None where nothing is held out.
        lr: of the last step.
        seconds: of the run so far.
    """

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
    """A write to the run's folder failed, or works again (``is_over``)."""

    step: int
    message: str
    is_over: bool

    def to_json(self) -> dict[str, Any]:
        """The fields by name, and the event's."""
        return {"event": "fault", **asdict(self)}


@dataclass(frozen=True)
class RollbackReport:
    """Training diverged at ``step`` and went back to an earlier step.

    Attributes:
        lr_factor: the share of the learning rate that is left.
        rollbacks: of the run so far.
    """

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
    """The run ended or was stopped: its result, under the names that ``--json`` prints.

    Attributes:
        chars_per_second: of the time in training steps.
        validation_share: of the run's time.
        saving_share: of the run's time.
        stopped: whether it was stopped before its end.
        stopped_early: whether ``--patience`` ended it.
    """

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
