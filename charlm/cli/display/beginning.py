"""What is said where a training begins: the text, its splits, the network and the preset."""

from __future__ import annotations

import shlex

from charlm.base.plural import counted
from charlm.cli.display.describe import describe_network, settings_flags
from charlm.config import CorpusConfig, TrainingConfig, flag
from charlm.runs.checkpoint import load_checkpoint
from charlm.runs.run import Run
from charlm.training.fine_tune import READING, Transfer
from charlm.training.presets import PRESETS, preset_changes
from charlm.training.remarks import list_remarks
from charlm.training.trainer import Trainer

RARE_SHOWN = 40  # of the characters that are mapped to <unk>


def describe_beginning(trainer: Trainer, verbose: bool) -> list[str]:
    """What is trained: text, splits, network and preset."""
    config, corpus = trainer.config, trainer.corpus
    rare, source = corpus.vocabulary.rare, corpus.prepared.source
    size = f"{counted(len(corpus.prepared.ids), config.corpus.units)}, {len(corpus.vocabulary):,} different"
    name = source.label.strip("'") if len(source.files) == 1 else f"{source.name}, {len(source.files):,} files"
    lines = [f"Read {name}: {size}", f"  {corpus.describe()}"]
    if rare:
        shown = repr("".join(rare[:RARE_SHOWN])) + (" ..." if len(rare) > RARE_SHOWN else "")
        lines.append(f"  {counted(len(rare), 'rare characters')} mapped to <unk>: {shown}")
    lines.append(_describe_recipe(config, trainer.parameters, verbose))
    if config.model.adaptive_softmax:
        tied = f"embedding of {config.model.embedding_size}, tied, " if config.model.tied else ""
        lines.append(f"  many characters: {tied}adaptive softmax")
    if changes := preset_changes(config):
        lines.append(f"  changed from the preset: {', '.join(changes)}")
    if verbose:
        lines.append(f"  all settings: {' '.join(settings_flags(config))}")
    return lines + list_remarks(corpus, trainer.parameters)


def _describe_recipe(config: TrainingConfig, parameters: int, verbose: bool) -> str:
    network = f"{describe_network(config.model)}, {counted(parameters, 'parameters')}"
    if (preset := config.budget.preset) is not None:
        network = f"Preset {preset} (~{PRESETS[preset].minutes:g} min): {network}"
    return network if verbose else f"{network}   (--verbose: all)"


def describe_transfer(trainer: Trainer, moved: Transfer) -> str:
    """The vocabulary of a fine-tuned model, and unusual settings of reading."""
    values, plain = trainer.config.corpus.to_json(), CorpusConfig().to_json()
    flags = [
        flag(name) if values[name] is True else f"{flag(name)} {values[name]}"
        for name in READING
        if values[name] != plain[name]
    ]
    new, unused = (f"{len(characters)} {''.join(characters)!r}" for characters in (moved.new, moved.dropped))
    text = f"Vocabulary: {moved.kept} shared, new {new}, unused {unused}"
    return f"{text}; read with {' '.join(flags)}" if flags else text


def describe_last(run: Run) -> str:
    """The last checkpoint of a training that was stopped at once."""
    step = load_checkpoint(run.last_path, run.network).scalars["step"]
    again = f"charlm train --resume {shlex.quote(str(run.folder))}"
    return f"Stopped at once; last checkpoint at step {step}. Continue with: {again}"
