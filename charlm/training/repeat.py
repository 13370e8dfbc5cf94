"""What repeats a run: its text, the weights that it started from, and the settings that would not follow."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from charlm.base.errors import CharlmError
from charlm.config import TrainingConfig, flag
from charlm.config.settings_file import CORPUS, ORIGIN, WEIGHTS, key
from charlm.engines.split import settle_split
from charlm.models.architecture import default_lr
from charlm.runs.origin import digest
from charlm.runs.run import Run
from charlm.training.fine_tune import inherited
from charlm.training.presets import resolve_settings

DECISIVE = ("preset", "task", "cell", "optimizer")
"""Settings that others follow from."""
NO_RESULT = ("gflops",)
"""Settings that only choose others, which are given themselves."""
FILES = ("val_file", "test_file")


def repeat_settings(run: Run) -> dict[str, Any]:
    """The settings to give for a run of equal settings, by name."""
    origin = _find_origin(run)
    wanted = {name: value for name, value in _flatten(run.config).items() if name not in NO_RESULT}
    if run.config.engine.engine == "numpy":
        wanted["split_by"] = run.config.engine.shared
    unit, amount = run.config.budget.length
    given: dict[str, Any] = {unit: amount}
    while missing := _find_missing(wanted, given, run, origin):
        if missing.items() <= given.items():  # what no flag can say
            break
        # A preset or a cell first: other settings follow from it.
        first = next((name for name in DECISIVE if name in missing.keys() - given.keys()), None)
        given |= missing if first is None else {first: missing[first]}
    shown = {name: _shorten(value) if name in FILES and value else value for name, value in given.items()}
    return {name: value for name, value in shown.items() if value is not None}


def name_corpus(run: Run) -> list[str]:
    """What the command line names the text of a run; ``-`` where it was no file."""
    if run.corpus.kind == "built-in":
        return [run.corpus.name]
    return list(map(_shorten, run.corpus.paths)) or ["-"]


def name_origin(run: Run) -> dict[str, Any]:
    """The run that a fine-tuned run started from, and which of its weights, as the command line names them."""
    origin = run.origin
    if origin is None or origin.name is None:
        return {}
    named = {ORIGIN: origin.name if origin.path is None else _shorten(origin.path), WEIGHTS: origin.weights}
    return {name: value for name, value in named.items() if value is not None}


def list_doubts(run: Run) -> list[str]:
    """Why the command may not repeat the run as it is: its text or the weights that it started from."""
    doubts = []
    if name_corpus(run) == ["-"]:
        doubts.append("the run does not say where its text is: give its path in place of -")
    if (doubt := _doubt_origin(run)) is not None:
        doubts.append(doubt)
    return doubts


def _doubt_origin(run: Run) -> str | None:
    origin = run.origin
    if origin is None:
        return None
    if origin.name is None:
        return (
            "an earlier version of charlm trained this run, and did not store whether it started from another "
            "run's weights: if so, add --init-from"
        )
    found = _find_origin(run)
    if found is None:
        where = origin.name if origin.path is None else origin.path
        return f"the run started from the weights of {where}, which is gone: give that run in --init-from"
    try:
        is_same = digest(found.load_model().params) == origin.sha256
    except CharlmError:
        is_same = False
    named = name_origin(run)[ORIGIN]
    return None if is_same else f"{named} has other weights now than those that this run started from"


def make_command(run: Run) -> str:
    """The command that repeats a run, quoted for a shell."""
    flags = [_write_flag(name, value) for name, value in (name_origin(run) | repeat_settings(run)).items()]
    return shlex.join(["charlm", "train", *name_corpus(run), *(word for words in flags for word in words)])


def _write_flag(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [flag(name if value else f"no_{name}")]
    return [f"{flag(name)}={value}"] if str(value).startswith("-") else [flag(name), str(value)]


def make_toml(run: Run) -> str:
    """The same as a file for ``charlm train --config``."""
    texts = name_corpus(run)
    values = {CORPUS: texts[0] if len(texts) == 1 else texts} if texts != ["-"] else {}
    values |= name_origin(run) | repeat_settings(run)
    return "".join(f"{key(name)} = {_quote(value)}\n" for name, value in values.items())


def _find_origin(run: Run) -> Run | None:
    """The run that a fine-tuned run started from, with those weights, if it is there."""
    if run.origin is None or run.origin.path is None:
        return None
    try:
        found = Run.open(Path(run.origin.path))
    except CharlmError:
        return None
    return replace(found, weights=run.origin.weights)


def _shorten(path: str) -> str:
    """A path as people write it: relative where it is below the working folder.

    >>> _shorten(str(Path("runs", "a-1").absolute())), _shorten("shakespeare")
    ('runs/a-1', 'shakespeare')
    """
    return os.path.relpath(path) if Path(path).is_relative_to(Path.cwd()) else path


def _resolve(given: dict[str, Any], run: Run, origin: Run | None) -> dict[str, Any]:
    """What a new run would have with these settings."""
    if origin is not None:
        given = inherited(origin.config, given)
    picks_preset = run.origin is None or run.origin.name is None
    resolved = resolve_settings(given, picks_preset)
    config = resolved.for_corpus(run.corpus.training_characters, len(run.vocabulary))
    values = _flatten(config)
    values["lr"] = values["lr"] or default_lr(config.model.cell, config.optimisation.optimizer)
    engine = settle_split(config)
    values |= {"workers": engine.workers, "split_by": engine.split_by}
    # What follows from a speed that would be measured is not known.
    return values | dict.fromkeys(resolved.chosen_by_corpus if resolved.needs_speed else ())


def _find_missing(wanted: dict[str, Any], given: dict[str, Any], run: Run, origin: Run | None) -> dict[str, Any]:
    resolved = _resolve(given, run, origin)
    return {name: value for name, value in wanted.items() if name not in resolved or resolved[name] != value}


def _flatten(config: TrainingConfig) -> dict[str, Any]:
    return {name: value for group in config.to_json().values() for name, value in group.items()}


def _quote(value: Any) -> str:
    """A value in TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{', '.join(map(_quote, value))}]"
        case str():
            # The escapes of JSON are those of TOML, but for halves of surrogate pairs.
            return '"' + "".join(map(_escape, value)) + '"'
    return repr(value)


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"
