"""Print and save what a measurement found."""

from __future__ import annotations

import sys
from pathlib import Path

from charlm.base.files.atomic import write_atomically
from charlm.cli.display.colors import print_colored
from charlm.cli.display.curves import print_curves
from charlm.cli.display.matrix import print_matrix
from charlm.cli.display.tables import print_tables
from charlm.cli.output import print_json, write_note
from charlm.cli.table_options import TableOptions
from charlm.evaluate.base import EvalResult
from charlm.report.surprisal_page import make_surprisal_page


def print_findings(findings: EvalResult, how: TableOptions) -> None:
    """Print the results of a measurement."""
    if how.json:  # every object has the notes: lines are sorted, filtered and read one by one
        for record in findings.records:
            print_json(record | {"notes": [*findings.explanation, *findings.notes]})
        return
    if how.is_drawn and how.table is None:
        for text in findings.colored:
            print_colored(text)
        if findings.curves and (how.wide or findings.draws_curves):
            print_curves(findings.curves)
            sys.stdout.write("\n")
        for matrix in findings.matrices:
            print_matrix(matrix)
            sys.stdout.write("\n")
    print_tables(
        findings.tables,
        how,
        legend=findings.legend,
        see_also=findings.see_also,
        explanation=findings.explanation,
        notes=findings.notes,
        further="charts" if findings.curves and not findings.draws_curves else "",
    )


def save_findings(findings: EvalResult) -> None:
    """Write the files of a measurement.

    Raises:
        RunError: a system error.
    """
    pages = {path: make_surprisal_page(texts) for path, texts in findings.pages.items()}
    for path, text in (pages | dict(findings.files)).items():
        write_atomically(Path(path), text.encode())
        write_note(f"wrote {path}")
