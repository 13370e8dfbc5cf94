"""The settings that repeat a run: those that a new run would not resolve to by itself."""

from __future__ import annotations

import shlex
from typing import Any

from charlm.config import TrainingConfig, flag
from charlm.config.settings_file import CORPUS, key
from charlm.engines.threads import usable_cores
from charlm.models.architecture import default_lr
from charlm.runs.run import Run
from charlm.training.presets import resolve_settings

DECISIVE = ("preset", "task", "cell", "optimizer", "gflops")
"""Settings that others follow from."""


def repeat_settings(run: Run) -> dict[str, Any]:
    """The settings to give for a run of equal settings, by name."""
    wanted = _flatten(run.config)
    unit, amount = run.config.budget.length
    given: dict[str, Any] = {unit: amount}
    while missing := _find_missing(wanted, given, run):
        if missing.items() <= given.items():  # what no flag can say
            break
        # A preset or a cell first: other settings follow from it.
        first = next((name for name in DECISIVE if name in missing.keys() - given.keys()), None)
        given |= missing if first is None else {first: missing[first]}
    return {name: value for name, value in given.items() if value is not None}


def name_corpus(run: Run) -> list[str]:
    """What the command line names the text of a run; ``-`` where it was no file."""
    if run.corpus.kind == "built-in":
        return [run.corpus.name]
    return list(run.corpus.paths) or ["-"]


def make_command(run: Run) -> str:
    """The command that repeats a run, quoted for a shell."""
    flags = [_write_flag(name, value) for name, value in repeat_settings(run).items()]
    return shlex.join(["charlm", "train", *name_corpus(run), *(word for words in flags for word in words)])


def _write_flag(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [flag(name if value else f"no_{name}")]
    return [f"{flag(name)}={value}"] if str(value).startswith("-") else [flag(name), str(value)]


def make_toml(run: Run) -> str:
    """The same as a file for ``charlm train --config``."""
    texts = name_corpus(run)
    values = {CORPUS: texts[0] if len(texts) == 1 else texts} if texts != ["-"] else {}
    return "".join(f"{key(name)} = {_quote(value)}\n" for name, value in (values | repeat_settings(run)).items())


def _resolve(given: dict[str, Any], run: Run) -> dict[str, Any]:
    """What a new run would have with these settings."""
    resolved = resolve_settings(given)
    config = resolved.for_corpus(run.corpus.training_characters, len(run.vocabulary))
    values = _flatten(config)
    values["lr"] = values["lr"] or default_lr(config.model.cell, config.optimisation.optimizer)
    values["workers"] = values["workers"] or usable_cores()
    # What follows from a speed that would be measured is not known.
    return values | dict.fromkeys(resolved.chosen_by_corpus if resolved.needs_speed else ())


def _find_missing(wanted: dict[str, Any], given: dict[str, Any], run: Run) -> dict[str, Any]:
    resolved = _resolve(given, run)
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
