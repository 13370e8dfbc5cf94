"""What a training loop tells its caller: one small value for each thing that happened."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class StepReport:
    """A step was taken.

    Attributes:
        step: its number, from 1.
        progress: how much of the run is done, from 0 to 1.
        loss_nats: the mean cost of the step's targets.
        targets: how many there were.
        seconds: the run's time so far.
        chars_per_second: the run's targets so far, of the time that its steps took.
    """

    step: int
    progress: float
    loss_nats: float
    targets: int
    seconds: float
    chars_per_second: float


@dataclass(frozen=True)
class ValidationReport:
    """The validation part was scored.

    Attributes:
        step: steps taken so far.
        epoch: passes over the training part so far, with fractions.
        train_nats_per_char: mean training cost since the report before; None before the first step.
        val_nats_per_char: the validation part's cost; None where nothing is held out.
        is_best: the lowest validation cost so far.
        lr: the learning rate of the last step.
        seconds: the run's time so far.
    """

    step: int
    epoch: float
    train_nats_per_char: float | None
    val_nats_per_char: float | None
    is_best: bool
    lr: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, by name."""
        return asdict(self)


@dataclass(frozen=True)
class SampleReport:
    """A sample was drawn."""

    step: int
    text: str


@dataclass(frozen=True)
class FaultReport:
    """The system refused to save something, or does so no more.

    Attributes:
        step: steps taken so far.
        message: what is the matter, and what becomes of it.
        is_over: whether it is over.
    """

    step: int
    message: str
    is_over: bool

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, by name."""
        return {"event": "fault", **asdict(self)}


@dataclass(frozen=True)
class RollbackReport:
    """Training diverged and went back to where it went well.

    Attributes:
        step: where it noticed.
        back_to: the step that it went back to.
        reason: what it noticed.
        lr_factor: the share of the learning rate that is left.
        rollbacks: how many there have been in the run.
    """

    step: int
    back_to: int
    reason: str
    lr_factor: float
    rollbacks: int

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, by name."""
        return {"event": "rollback", **asdict(self)}


@dataclass(frozen=True)
class SummaryReport:
    """The run ended, or was stopped: its result, under the names that ``--json`` gives it.

    Attributes:
        chars_per_second: of the time that the steps took.
        validation_share: of the run's time.
        saving_share: of the run's time.
        stopped: whether it was asked to stop before its end.
        stopped_early: whether it ended because validation found no new best for as long as its patience.
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
        """The report as JSON values, by name."""
        return asdict(self)


Report: TypeAlias = StepReport | ValidationReport | SampleReport | FaultReport | RollbackReport | SummaryReport
