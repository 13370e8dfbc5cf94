"""Measure how fast this machine trains and samples, beside its matrix-product ceiling.

Every size runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer

from charlm.base.tables import Column, Table
from charlm.cli.display.progress import progress_bar
from charlm.cli.display.tables import print_table
from charlm.cli.output import print_json
from charlm.engines.threads import ThreadPool
from charlm.nn.cells import CELLS
from charlm.training.benchmark import SIZES, Size, measure_apart, peak_gflops

app = typer.Typer(add_completion=False)

COLUMNS = {
    "preset": "",
    "size": "",
    "training": ",.0f",
    "gflops": ".1f",
    "share_of_ceiling": ".0%",
    "sampling": ",.0f",
    "sampling_64": ",.0f",
    "resident_megabytes": ",.0f",
}


@app.command()
def command(
    cell: Annotated[Literal[CELLS.names()] | None, typer.Option(help="Measure one size, with this cell.")] = None,  # type: ignore[valid-type]
    hidden: Annotated[int, typer.Option(min=1, help="Hidden units of that size.")] = 256,
    layers: Annotated[int, typer.Option(min=1, help="Layers of that size.")] = 1,
    batch_size: Annotated[int, typer.Option(min=1, help="Streams of that size.")] = 64,
    seq_len: Annotated[int, typer.Option(min=1, help="Time steps of that size.")] = 64,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.", show_default="the cores")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a size.")] = False,
) -> None:
    """Measure how fast this machine trains and samples, beside its matrix-product ceiling.

    Speeds are characters a second; a training step is whole, from a batch to the changed weights. Presets come
    first.
    """
    sizes = SIZES if cell is None else (Size(cell, hidden, layers, batch_size, seq_len),)
    with ThreadPool(workers) as pool:
        ceiling = peak_gflops(pool)
    records = []
    with progress_bar("bench", quiet=json) as progress:
        for done, size in enumerate(sizes):
            progress(done, len(sizes))
            records.append(_record(size, workers, ceiling))
            if json:
                print_json(records[-1])
    if not json:
        rows = [[record[name] for name in COLUMNS] for record in records]
        columns = [Column(name.replace("_", " "), form) for name, form in COLUMNS.items()]
        print_table(Table(f"Speed; the ceiling is {ceiling:.0f} GFLOP/s", columns, rows))


def _record(size: Size, workers: int | None, ceiling: float) -> dict[str, Any]:
    speed = measure_apart(size, workers)
    return {
        "preset": size.preset,
        "size": size.name,
        **asdict(speed),
        "ceiling_gflops": ceiling,
        "share_of_ceiling": speed.gflops / ceiling,
        "resident_megabytes": None if speed.resident_bytes is None else speed.resident_bytes / 1e6,
    }
