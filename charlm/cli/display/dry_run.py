"""Show a dry run."""

from __future__ import annotations

import sys
from pathlib import Path

from charlm.base.escape import escape_unprintable
from charlm.base.plural import counted
from charlm.cli.display.describe import describe_task
from charlm.cli.help_text import write_list
from charlm.training.dry_run import DryRun
from charlm.training.presets import preset_changes, preset_flags

MOST_FILES = 5


def print_dry_run(plan: DryRun) -> None:
    """Print facts in two columns, separated by a tab in a pipe."""
    rows = _list_facts(plan)
    if sys.stdout.isatty():
        sys.stdout.write(f"{write_list('', rows)}\n")
    else:
        sys.stdout.write("".join(f"{name}\t{value}\n" for name, value in rows))


def _list_facts(plan: DryRun) -> list[tuple[str, str]]:
    config = plan.config
    files = [escape_unprintable(file) for file in plan.files[:MOST_FILES]]
    more = len(plan.files) - len(files)
    workers = counted(config.engine.workers or 1, "processes")
    if (config.engine.workers or 1) > 1 and config.engine.split_by is not None:
        workers += f" by {config.engine.split_by}"
    unit, amount = config.budget.length
    length = f"{plan.epochs:,.3g} epochs, {counted(plan.steps, 'steps')}"
    if unit == "minutes":
        length = f"{amount:g} min: about {length} on this machine when idle"
    facts = [
        ("Files", ", ".join(files) + (f" and {more:,} more" if more else "")),
        *([("Task", task)] if (task := describe_task(config.task)) else []),
        ("Splits", _describe_splits(plan)),
        ("Symbols", f"{plan.symbols:,}"),
        ("Model", f"{config.model.cell}, {counted(config.model.layers, 'layers')} x {config.model.hidden}"),
        ("Parameters", f"{plan.parameters:,}"),
        ("Memory", f"about {plan.memory_bytes / 1e6:,.0f} MB in {workers}, without the text"),
        ("Length", length),
    ]
    if config.budget.preset is not None:
        facts.append(("Preset", config.budget.preset))
        facts += [("Changed", ", ".join(changes))] if (changes := preset_changes(config)) else []
        facts.append(("Settings", " ".join(preset_flags(config))))
    return facts


def _describe_splits(plan: DryRun) -> str:
    sizes, units = plan.examples or plan.splits, plan.config.corpus.units
    splits = ", ".join(f"{name} {size:,}" for name, size in sizes.items() if size)
    test_file = plan.config.batching.test_file  # read by eval
    given = {"test": f"; test from {escape_unprintable(Path(test_file).name)}"} if test_file else {}
    absent = "".join(given.get(name, f"; no {name} split") for name, size in sizes.items() if not size)
    if plan.examples:
        return f"{splits} examples{absent}; {plan.splits['train']:,} {units} to train on"
    return f"{splits} {units}{absent}"
