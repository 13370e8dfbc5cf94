"""Train a model on your text.

A preset that fits --minutes chooses the network and the optimizer; a setting that you give wins. There is no
preset with --steps or --epochs. Ctrl-C saves and stops.
"""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from charlm.base.errors import CharlmWarning, UsageError
from charlm.base.torchrun import is_ranked, own_rank
from charlm.cli.app import INTERRUPTED
from charlm.cli.complete import complete_corpora, complete_runs
from charlm.cli.options import AllowExpansion, OwnCorpus, WhichWeights, with_settings
from charlm.config import (
    Config,
    CorpusConfig,
    DataConfig,
    EngineConfig,
    ModelConfig,
    OptimizerConfig,
    RunConfig,
    TaskConfig,
    cell_config_types,
    task_config_types,
)
from charlm.config.settings_file import CORPUS, ORIGIN, OTHERS, WEIGHTS, override, read_settings
from charlm.data.catalog.builtin import DEFAULT_CORPUS
from charlm.training.presets import PRESET_SETTINGS

PLACE = ("Start", 1)
EXAMPLES = """
charlm train novel.txt --minutes 10
charlm train lyrics/ --cell gru --hidden 256 --epochs 10
charlm train names.txt --lines --out runs/names
charlm train --resume novel-1 --minutes 20
"""
BASIC = (
    "minutes", "epochs", "steps", "preset", "cell", "hidden", "layers", "lr", "lines", "seed", "out",
    "resume_run", "init_from", "quiet",
)  # fmt: skip

PANELS: dict[str, list[type[Config]]] = {
    "Task": [TaskConfig, *task_config_types()],
    "Model": [ModelConfig, *cell_config_types()],
    "Corpus": [CorpusConfig],
    "Batches": [DataConfig, EngineConfig],
    "Optimization": [OptimizerConfig],
    "Length, logging and checkpoints": [RunConfig],
}


@with_settings(PANELS, BASIC, PRESET_SETTINGS)
def command(
    settings: dict[str, Any],
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CORPUS",
            autocompletion=complete_corpora,
            help="Text files, folders or patterns; - for standard input; or a name of charlm corpus list.",
            show_default=DEFAULT_CORPUS,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="FOLDER", help="Folder of the new run.", show_default="runs/CORPUS-NUMBER"
        ),
    ] = None,
    resume_run: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            autocompletion=complete_runs,
            help="Continue a run from its last checkpoint.",
        ),
    ] = None,
    or_resume: Annotated[
        bool,
        typer.Option("--or-resume", help="Resume the run in --out if there is one, else begin it."),
    ] = False,
    own_corpus: OwnCorpus = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read settings from a TOML file; flags win.")
    ] = None,
    init_from: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            autocompletion=complete_runs,
            help="Fine-tune the weights of another run on this corpus.",
        ),
    ] = None,
    allow_expansion: AllowExpansion = False,
    weights: WhichWeights = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per event.")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard files, in the run's folder.")
    ] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Profile training steps.")] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="No progress output; prints the run's folder.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print all settings.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show splits, size, memory and epochs; train nothing.")
    ] = False,
) -> None:
    if config is not None:
        stored = read_settings(config)
        others = {name: stored.pop(name, None) for name in OTHERS}
        corpus, settings = corpus or others[CORPUS], override(stored, settings)
        if init_from is None:
            init_from, weights = others[ORIGIN], weights or others[WEIGHTS]
    if resume_run is not None and (corpus or out or init_from):
        raise UsageError("--resume uses a run's own corpus and folder: leave out CORPUS, --out, --init-from")
    if resume_run is not None and dry_run:
        raise UsageError(f"--dry-run is about a new run: leave out --resume, or see charlm info {resume_run}")
    if own_corpus and resume_run is None:
        raise UsageError("--corpus is the corpus of a resumed run: give --resume, or CORPUS alone")
    if or_resume and out is None:
        raise UsageError("--or-resume resumes the run in --out: give --out too")
    if is_ranked() and out is None and resume_run is None:
        raise UsageError("torchrun starts several processes of one run: name its folder by --out")
    if weights is not None and init_from is None:
        raise UsageError("--weights needs --init-from: give it, or leave out --weights")
    if own_rank() > 0:  # only rank 0 speaks
        quiet, json, tensorboard, profile = True, False, False, False
    if quiet:
        warnings.simplefilter("ignore", CharlmWarning)
    # Imported last, so that help does not wait for it.
    from charlm.cli import training

    how = training.Output(json, tensorboard, profile, quiet, verbose)
    find_start = partial(
        training.find_start, corpus or [DEFAULT_CORPUS], settings, init_from, weights, allow_expansion
    )
    if dry_run:
        training.show_plan(find_start(), out, how)
        return
    text = own_corpus or corpus or ()
    if training.begin_and_train(find_start, resume_run, out, or_resume, text, settings, how):
        raise typer.Exit(INTERRUPTED)
