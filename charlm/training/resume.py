"""Resume a run: the settings that may change, and its trainer from the last checkpoint."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from charlm.base.errors import FinishedError, RunError, UsageError, alternative
from charlm.base.progress import Progress
from charlm.config import DeviceConfig, EngineConfig, TrainingConfig, flag
from charlm.data.reading.sources import Source, find_text
from charlm.data.reload import CorpusSearch
from charlm.engines.ranks import ALONE, Ranks, together
from charlm.runs.checkpoint import check_checkpoint, load_checkpoint
from charlm.runs.folder import tidy
from charlm.runs.run import Run
from charlm.tasks.task import Examples, make_task
from charlm.training.presets import LENGTHS
from charlm.training.run_length import Budget
from charlm.training.start import check_engine, make_trainer, shared_facts
from charlm.training.trainer import Trainer

# What may change when a run is resumed; everything else is what the run is.
CHANGEABLE = (
    "epochs",
    "steps",
    "minutes",
    "eval_every",
    "patience",
    "sample_every",
    "save_every",
    "keep",
    "ngram",
    "engine",
    "device",
    "precision",
    "workers",
    "split_by",
    "rank_timeout",
)


def change_settings(config: TrainingConfig, settings: Mapping[str, Any]) -> TrainingConfig:
    """A resumed run's settings, with permitted changes.

    Raises:
        UsageError: another setting is to change.
    """
    fixed = [flag(name) for name in settings if name not in CHANGEABLE]
    if fixed:
        allowed = ", ".join(flag(name) for name in CHANGEABLE)
        raise UsageError(
            f"{', '.join(sorted(fixed))} cannot change when a run is resumed; these can: {allowed}. "
            "A new run can start from its weights with other settings: see --init-from"
        )
    changes: dict[str, Any] = (dict.fromkeys(LENGTHS) if LENGTHS & settings.keys() else {}) | dict(settings)
    engine = {name: changes.pop(name) for name in EngineConfig.settings() if name in changes}
    if engine.get("engine") == "numpy":  # which has no other device than the default
        usual = DeviceConfig()
        engine = {"device": usual.device, "precision": usual.precision} | engine
    return dataclasses.replace(
        config,
        budget=dataclasses.replace(config.budget, **changes),
        engine=dataclasses.replace(config.engine, **engine),
    )


def find_changes(config: TrainingConfig, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A command's settings that differ from a stored run's, or that may change when it is resumed.

    >>> find_changes(TrainingConfig.from_settings(hidden=9, steps=5), {"hidden": 9, "steps": 5, "lr": 0.1})
    {'steps': 5, 'lr': 0.1}
    """
    stored = {name: value for group in config.to_json().values() for name, value in group.items()}
    given = dict(settings)
    for name in ("val_file", "test_file"):
        if given.get(name) is not None:
            given[name] = find_text(given[name]).stored
    return {
        name: settings[name] for name, value in given.items() if name in CHANGEABLE or stored.get(name) != value
    }


def resume(
    run: Run,
    settings: Mapping[str, Any],
    progress: Progress | None = None,
    corpus: Sequence[str] | Source = (),
    ranks: Ranks = ALONE,
) -> tuple[Trainer, Run]:
    """A saved run, ready to go on; the caller holds its lock.

    Raises:
        UsageError: another setting is to change.
        RunError: the run has ended.
        CorpusError: the corpus has moved or changed.
        CheckpointError: the checkpoint is damaged.
    """
    config = change_settings(run.config, settings)
    examples = together(
        ranks, lambda: _reload(run, config, progress, corpus, ranks), partial(shared_facts, config)
    )
    trainer = make_trainer(config, examples, ranks)
    with ExitStack() as on_failure:
        on_failure.callback(trainer.close)
        shapes = trainer.extra_shapes()
        checkpoint = load_checkpoint(run.last_path, run.network, shapes)
        trainer.state = trainer.restore(checkpoint, str(run.last_path))
        _check_unfinished(trainer, run)
        resumed = dataclasses.replace(run.with_corpus(trainer.corpus.prepared.source), config=config)
        if ranks.rank == 0:
            tidy(run.folder)
            # What was measured after the last save will be measured again.
            run.forget_metrics(trainer.state.step, trainer.state.validated_step)
            resumed = resumed.with_config(config)
        on_failure.pop_all()
        return trainer, resumed


def _reload(
    run: Run, config: TrainingConfig, progress: Progress | None, corpus: Sequence[str] | Source, ranks: Ranks
) -> Examples:
    """The examples of a run that is to be resumed."""
    check_engine(config, stored=True, ranks=ranks)
    if not os.path.lexists(run.last_path):
        again = f"--init-from {shlex.quote(str(run.folder))}"
        raise RunError(
            f"{run.folder} holds a model without its training state, so it cannot be resumed: start a new run "
            f"from its weights with {again}"
        )
    # Settings may be a stranger's: before a trainer takes memory for them, the weights must bear them out.
    check_checkpoint(run.last_path, run.network)
    with alternative("begin a new run, by charlm train"):
        search = CorpusSearch(run.folder, corpus)
        return make_task(config).reload(run.corpus, run.vocabulary, search, progress)


def _check_unfinished(trainer: Trainer, run: Run) -> None:
    """Check that something is left to do.

    Raises:
        FinishedError: nothing is.
    """
    state, budget, config = trainer.state, Budget.of(trainer), trainer.config.budget
    before = run.config.budget
    is_as_before = (config.length, config.patience) == (before.length, before.patience)
    # A run that was killed before its last validation still has that to do.
    is_cut_short = is_as_before and state.validated_step != state.step
    lacks_ngram = config.ngram is not None and (config.ngram != before.ngram or not run.ngram_path.exists())
    if is_cut_short or lacks_ngram or not budget.is_over(state):
        return
    if budget.is_out_of_patience(state):
        what, longer = f"has run out of --patience {config.patience}", "--patience 0"
    else:
        what = f"has finished ({budget.length})" if is_as_before else f"is past that ({budget.place(state)})"
        longer = budget.longer(state)
    again = f"charlm train --resume {shlex.quote(str(run.folder))} {longer}"
    raise FinishedError(f"{run.folder} {what}. To train longer: {again}")
