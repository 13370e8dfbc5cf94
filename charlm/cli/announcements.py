"""What is said of a training beside its progress: what it trains on, where it starts, what a hard stop left."""

from __future__ import annotations

import shlex

from charlm.base.plural import counted
from charlm.config import CorpusConfig, flag
from charlm.runs.checkpoint import load_checkpoint
from charlm.runs.run import Run
from charlm.training.fine_tune import READING, Transfer
from charlm.training.presets import preset_flags
from charlm.training.trainer import Trainer

RARE_SHOWN = 40  # of the characters that share a symbol


def described(trainer: Trainer) -> str:
    """What is trained on what, by which preset."""
    config, corpus = trainer.config, trainer.corpus
    sizes = (
        f"{counted(len(corpus.train), config.corpus.units)} to train on, {len(corpus.validation):,} to validate"
    )
    rare = corpus.vocabulary.rare
    shared = (
        f", one of them for {counted(len(rare), 'rare characters')}: {''.join(rare[:RARE_SHOWN])!r}"
        if rare
        else ""
    )
    network = f"{config.model.cell}, {counted(trainer.parameters, 'parameters')}"
    described = f"{corpus.source.name}: {sizes}, {counted(len(corpus.vocabulary), 'symbols')}{shared}; {network}"
    if trainer.validation is None and len(corpus.validation):
        reason = "most of it is not in the training part" if len(corpus.validation) > 1 else "it is too short"
        described += f"\nwhat is held out says nothing: {reason}; the last weights are kept as the model"
    if config.budget.preset is None:
        return described
    return f"{described}\npreset {config.budget.preset}: {' '.join(preset_flags(config))}"


def started(trainer: Trainer, moved: Transfer) -> str:
    """What was taken over from another run's weights, and how the text is read where that is not plainly."""
    own, plain = trainer.config.corpus.to_json(), CorpusConfig().to_json()
    flags = [flag(name) if own[name] is True else f"{flag(name)} {own[name]}" for name in READING]
    changed = [said for said, name in zip(flags, READING, strict=True) if own[name] != plain[name]]
    return (
        f"characters kept {moved.kept}, new {len(moved.new)} {''.join(moved.new)!r}, "
        f"dropped {len(moved.dropped)} {''.join(moved.dropped)!r}"
        + (f"; read with {' '.join(changed)}" if changed else "")
    )


def cut_short(run: Run) -> str:
    """What is left of a run that was stopped at once."""
    saved = load_checkpoint(run.last_path, run.config.model, len(run.vocabulary))
    again = f"charlm train --resume {shlex.quote(str(run.folder))}"
    return f"stopped at once, saved last at step {saved.scalars['step']}; go on from there with: {again}"
