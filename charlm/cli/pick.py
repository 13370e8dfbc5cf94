"""Find the runs of a command; the newest, where it was picked, is named on standard error."""

from __future__ import annotations

from collections.abc import Sequence

from charlm.cli.output import write_note
from charlm.runs.find import find_run
from charlm.runs.run import Run


def pick_run(target: str | None, weights: str | None = None, command: str | None = None) -> Run:
    """Find the run of a TARGET, or the newest that the command can use."""
    run = find_run(target, weights, command)
    if target is None:
        write_note(f"newest run: {run.name}")
    return run


def pick_runs(targets: Sequence[str], weights: str | None = None, command: str | None = None) -> list[Run]:
    """Find the runs of TARGETs; without any, the newest that the command can use."""
    if not targets:
        return [pick_run(None, weights, command)]
    return [pick_run(target, weights, command) for target in targets]
