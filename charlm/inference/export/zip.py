"""A run packed for somebody else, whom charlm import lets use it."""

from __future__ import annotations

from pathlib import Path

from charlm.base.plural import counted, format_size
from charlm.inference.exporter import Exporter, check_replaceable
from charlm.runs.archive import is_packed_run, pack
from charlm.runs.run import Run


class Zip(Exporter):
    """A zip file of a run."""

    ending = ".zip"
    packs_ngram = True

    def export(self, run: Run, path: Path) -> str:
        """Write the file."""
        check_replaceable(path, is_packed_run(path))
        size = pack(run, run.load_model().params, path, self.with_ngram)
        symbols = counted(len(run.vocabulary), "symbols")
        if self.with_ngram:
            held = "It holds no paths, but an n-gram model, which contains long passages of the text."
        else:
            held = "It holds no paths and not the text, but the weights may have memorized passages."
            held += " The n-gram model is left out (--ngram packs it)." * run.ngram_path.exists()
        return (
            f"wrote {path}, {format_size(size)}: settings, {symbols}, weights and training log of {run.name}. "
            f"{held} The recipient runs: charlm import {path.name}"
        )
