"""Events that a training loop yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeAlias

from charlm.config import TaskKind


@dataclass(frozen=True)
class StepReport:
    """A step was taken; ``chars_per_second`` counts training steps only."""

    step: int
    progress: float
    loss_nats: float
    targets: int
    seconds: float
    chars_per_second: float
    task: type[TaskKind] = TaskKind


@dataclass(frozen=True)
class LossReport:
    """The mean training loss since the report before; about 200 in a run."""

    step: int
    epoch: float
    train_nats_per_char: float
    lr: float
    seconds: float
    task: type[TaskKind] = TaskKind

    def to_json(self) -> dict[str, Any]:
        """The fields by name, the loss in the task's unit."""
        return _name_units(self)


@dataclass(frozen=True)
class ValidationReport:
    """The validation split was scored; a loss is None where there is none.

    Losses are per character, or in the unit of the ``task``; ``figures`` are further results by name.
    """

    step: int
    epoch: float
    train_nats_per_char: float | None
    val_nats_per_char: float | None
    is_best: bool
    lr: float
    seconds: float
    task: type[TaskKind] = TaskKind
    figures: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The fields by name, losses in the task's unit."""
        return _name_units(self) | dict(self.figures)


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
class CountingReport:
    """N-grams of so many characters are about to be counted, which takes seconds."""

    characters: int

    def to_json(self) -> dict[str, Any]:
        """The field by name, and the event's."""
        return {"event": "counting", **asdict(self)}


@dataclass(frozen=True)
class NgramReport:
    """An n-gram model was counted and its mixture with the network fitted; losses are of the validation text.

    ``characters`` of ``training_characters`` were counted, the last of the training split.
    """

    path: str
    context: int
    ngrams: int
    bytes: int
    characters: int
    training_characters: int
    pruned: bool
    val_nats_per_char: float
    mixed_val_nats_per_char: float

    def to_json(self) -> dict[str, Any]:
        """The fields by name, and the event's."""
        return {"event": "ngram", **asdict(self)}


@dataclass(frozen=True)
class OverfittingReport:
    """The validation loss has risen for a third of the run.

    ``best_step`` is None if the best was before the run was resumed.
    """

    step: int
    best_step: int | None
    best_val_nats_per_char: float
    val_nats_per_char: float

    def to_json(self) -> dict[str, Any]:
        """The fields by name, and the event's."""
        return {"event": "overfitting", **asdict(self)}


@dataclass(frozen=True)
class SummaryReport:
    """The run ended or was stopped; the names are those of ``--json``, with the unit of the ``task``.

    ``ngram`` is the context of its n-gram model; ``can_mix`` says that it has none, and could have one.
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
    ngram: int | None = None
    can_mix: bool = False
    task: type[TaskKind] = TaskKind

    def to_json(self) -> dict[str, Any]:
        """The fields by name, losses in the task's unit."""
        return _name_units(self)


def _name_units(report: LossReport | ValidationReport | SummaryReport) -> dict[str, Any]:
    """A report's plain fields, in the task's unit in place of characters."""
    kind = report.task
    units = {"nats_per_char": kind.loss, "chars_per_second": f"{kind.unit}s_per_second"}
    values = {}
    for name in (each.name for each in fields(report) if each.name not in ("task", "figures", "can_mix")):
        ending = next((unit for unit in units if name.endswith(unit)), "")
        values[name.removesuffix(ending) + units.get(ending, "")] = getattr(report, name)
    return values


Report: TypeAlias = (
    StepReport
    | LossReport
    | ValidationReport
    | SampleReport
    | FaultReport
    | RollbackReport
    | CountingReport
    | NgramReport
    | OverfittingReport
    | SummaryReport
)
