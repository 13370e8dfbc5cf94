"""A run packed for somebody else, whom charlm import lets use it."""

from __future__ import annotations

from pathlib import Path

from charlm.base.plural import counted
from charlm.inference.exporter import Exporter, check_replaceable
from charlm.runs.archive import is_packed_run, pack
from charlm.runs.run import Run


class Zip(Exporter):
    """A zip file of a run."""

    ending = ".zip"

    def export(self, run: Run, path: Path) -> str:
        """Write the file."""
        check_replaceable(path, is_packed_run(path))
        size = pack(run, run.load_model().params, path)
        symbols = counted(len(run.vocabulary), "symbols")
        return (
            f"wrote {path}, {size / 1e6:.1f} MB: settings, {symbols}, weights and training log of {run.name}. It "
            "holds no paths and not the text, but the weights may have memorized passages. The recipient runs: "
            f"charlm import {path.name}"
        )
