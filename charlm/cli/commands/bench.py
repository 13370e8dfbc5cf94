"""Measure training and sampling speed on this computer.

Speeds are in chars/s, next to the peak matrix-multiply throughput. Without --cell, the presets are measured.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from charlm.base.tables import WIDE, Column, Table
from charlm.cli.display.tables import print_tables
from charlm.cli.options import take_device, with_settings
from charlm.cli.output import print_json
from charlm.cli.table_options import TableOptions, prints_tables
from charlm.config import DeviceConfig, EngineConfig
from charlm.nn.cells import CELLS

if TYPE_CHECKING:
    from charlm.training.benchmark import Size

PLACE = ("Machine", 1)
COLUMNS = {
    "preset": Column("preset", rank=1),
    "size": Column("network"),
    "training": Column("train", ",.0f"),
    "share_of_ceiling": Column("of peak", ".0%", rank=2),
    "gflops": Column("GFLOP/s", ".1f", WIDE),
    "sampling": Column("sample", ",.0f"),
    "sampling_64": Column("sample 64", ",.0f", rank=3),
    "resident_megabytes": Column("memory (MB)", ",.0f", WIDE),
}
RULE = (
    "train: a training step, from the batch to the updated weights; sample, sample 64: one sample, and 64 at "
    "once; of peak: the share of the peak matrix-multiply throughput"
)


@with_settings({"Engine": [DeviceConfig]})
@prints_tables(json="Print one JSON object per size.")
def command(
    settings: dict[str, Any],
    how: TableOptions,
    cell: Annotated[Literal[CELLS.names()] | None, typer.Option(help="Measure one size, with this cell.")] = None,  # type: ignore[valid-type]
    hidden: Annotated[int, typer.Option(min=1, help="Hidden units.")] = 256,
    layers: Annotated[int, typer.Option(min=1, help="Layers.")] = 1,
    batch_size: Annotated[int, typer.Option(min=1, help="Batch size.")] = 64,
    seq_len: Annotated[int, typer.Option(min=1, help="BPTT length in characters.")] = 64,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.", show_default="CPU cores")] = None,
) -> None:
    from charlm.cli.display.progress import progress_bar
    from charlm.engines.threads import ThreadPool
    from charlm.training.benchmark import SIZES, Size, peak_gflops

    device = take_device(settings)
    engine = EngineConfig(**device.to_json(), workers=workers)
    sizes = SIZES if cell is None else (Size(cell, hidden, layers, batch_size, seq_len),)
    with ThreadPool(workers) as pool:
        ceiling = peak_gflops(pool)
    records = []
    with progress_bar("bench", quiet=how.json) as progress:
        for done, size in enumerate(sizes):
            progress(done, len(sizes))
            records.append(_measure(size, engine, ceiling))
            if how.json:
                print_json(records[-1])
    if not how.json:
        rows = [[record[name] for name in COLUMNS] for record in records]
        table = Table(f"Speed in chars/s; peak {ceiling:.0f} GFLOP/s", list(COLUMNS.values()), rows)
        print_tables([table], how, explanation=[RULE])


def _measure(size: Size, engine: EngineConfig, ceiling: float) -> dict[str, Any]:
    from charlm.training.benchmark import measure_apart

    speed = measure_apart(size, engine)  # in its own process, for its own peak of memory
    return {
        "preset": size.preset,
        "size": size.name,
        **asdict(speed),
        "ceiling_gflops": ceiling,
        "share_of_ceiling": speed.gflops / ceiling,
        "resident_megabytes": None if speed.resident_bytes is None else speed.resident_bytes / 1e6,
    }
