"""Sweeps: every combination of the values of some settings, trained one after the other.

Each combination and seed is a run of its own, with a name that follows from its values. So the same sweep finds
the runs that it has, and goes on with what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from charlm.base.errors import FinishedError, RunError, UsageError
from charlm.base.progress import Progress
from charlm.config import TrainingConfig, flag
from charlm.data.reading.sources import Source
from charlm.engines.split import settle_split
from charlm.runs.find import RUNS, slug
from charlm.runs.folder import holds_run, only_writer
from charlm.runs.run import Run
from charlm.training.machine_speed import machine_gflops
from charlm.training.presets import ResolvedSettings, resolve_settings
from charlm.training.resume import resume
from charlm.training.start import check_engine, new_run, new_trainer
from charlm.training.trainer import Trainer

DECIDED_LATER = {"workers", "split_by", "gflops", "val_file", "test_file", "labels"}


@dataclass(frozen=True)
class Member:
    """One training of a sweep.

    Attributes:
        folder: of its run.
        varied: its values of the settings that vary, but for the seed.
        settings: all that are given.
    """

    folder: Path
    varied: dict[str, Any]
    settings: dict[str, Any]

    @property
    def label(self) -> str:
        """What tells it from others but for the seed, such as ``gru hidden 128``."""
        return " ".join(_label(name, value, " ") for name, value in self.varied.items()) or "all"


def plan_sweep(values: Mapping[str, Sequence[Any]], stem: str) -> list[Member]:
    """Every combination, the seeds of one after each other.

    >>> [member.folder.name for member in plan_sweep({"seed": [1, 2], "cell": ["rnn", "gru"]}, "Ulysses")]
    ['ulysses-rnn-seed1', 'ulysses-rnn-seed2', 'ulysses-gru-seed1', 'ulysses-gru-seed2']
    """
    names = [name for name in values if name != "seed"] + ["seed"]
    members = []
    for combination in product(*(values[name] for name in names)):
        settings = dict(zip(names, combination, strict=True))
        varied = {name: value for name, value in settings.items() if len(values[name]) > 1 and name != "seed"}
        labels = [_label(name, value, "") for name, value in varied.items()]
        name = "-".join([slug(stem), *labels, f"seed{settings['seed']}"])
        members.append(Member(RUNS / re.sub(r"[^A-Za-z0-9.]+", "-", name), varied, settings))
    return members


def _label(name: str, value: Any, gap: str) -> str:
    return str(value) if isinstance(value, str) else f"{name.replace('_', gap)}{gap}{value}"


def shared_engine(members: Sequence[Member]) -> dict[str, Any]:
    """The number of workers and the speed of the machine that all trainings of a sweep have.

    They are those of its first run, so that a busy machine does not give one training another dropout.
    """
    there = [member for member in members if holds_run(member.folder)]
    if there:
        engine = Run.open(there[0].folder).config.engine
        return {"workers": engine.workers, "gflops": engine.gflops}
    resolved = [resolve_settings(member.settings) for member in members]
    config = resolved[0].config
    workers = settle_split(config).workers
    if not any(each.needs_speed for each in resolved):
        return {"workers": workers}
    check_engine(config)
    return {"workers": workers, "gflops": machine_gflops(config)}


@contextmanager
def member_training(
    member: Member, engine: Mapping[str, Any], source: Source, progress: Progress
) -> Iterator[tuple[Trainer, Run] | None]:
    """A member's training, new or resumed; None if it has finished.

    Raises:
        RunError: its folder holds the run of another sweep, or is in use.
        UsageError: its settings cannot work together, or there is no validation loss to compare.
    """
    settings = {**{name: value for name, value in engine.items() if value is not None}, **member.settings}
    resolved = resolve_settings(settings)
    if not holds_run(member.folder):
        trainer = new_trainer(source, resolved, progress)
        try:
            if not trainer.corpus.validation_targets:
                raise UsageError(f"a sweep compares validation losses: {trainer.corpus.why_unvalidated}")
            with new_run(trainer, member.folder) as run:
                yield trainer, run
        finally:
            trainer.close()
        return
    with only_writer(member.folder):
        run = Run.open(member.folder)
        _check_same(run, resolved, source)
        try:
            trainer, run = resume(run, {}, progress)
        except FinishedError:
            yield None
            return
        try:
            yield trainer, run
        finally:
            trainer.close()


def _check_same(run: Run, resolved: ResolvedSettings, source: Source) -> None:
    """Check that a run is the one that a sweep would train.

    Raises:
        RunError: its text or a setting is another.
    """
    stored, wanted = _flat(run.config), _flat(resolved.config)
    skipped = (
        DECIDED_LATER | resolved.chosen_by_corpus | {name for name, value in wanted.items() if value is None}
    )
    other = [name for name in wanted if name not in skipped and stored.get(name) != wanted[name]]
    if (run.corpus.name, run.corpus.paths) != (source.name, source.paths):
        raise RunError(f"{run.folder} was trained on another text: give this sweep another --name")
    if other:
        has = ", ".join(f"{flag(name)} {stored.get(name)}" for name in other)
        raise RunError(f"{run.folder} is of another sweep, with {has}: give this one another --name")


def _flat(config: TrainingConfig) -> dict[str, Any]:
    return {name: value for group in config.to_json().values() for name, value in group.items()}
