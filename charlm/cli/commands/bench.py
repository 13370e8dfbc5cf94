"""Measure training and sampling speed on this computer.

Speeds are in chars/s, next to the peak matrix-multiply throughput. Without --cell, the presets are measured.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from charlm.base.errors import UsageError
from charlm.base.tables import WIDE, Column, Table
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
CLASSIFIER_COLUMNS = (
    Column("text length"),
    Column("plain", ",.1f"),
    Column("pyramid", ",.1f"),
    Column("times faster", ".2f"),
)
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
    hidden: Annotated[
        int | None, typer.Option(min=1, help="Hidden units.", show_default="256, of a classifier 128")
    ] = None,
    layers: Annotated[int, typer.Option(min=1, help="Layers.")] = 1,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Batch size.", show_default="64, of a classifier 32")
    ] = None,
    seq_len: Annotated[
        int | None,
        typer.Option(min=1, help="BPTT length in characters.", show_default="64, of a classifier 64 and 256"),
    ] = None,
    task: Annotated[
        Literal["predict", "classify"], typer.Option(help="Measure a language model, or a classifier's steps.")
    ] = "predict",
    pyramid: Annotated[
        bool, typer.Option("--pyramid", help="Measure a classifier's pyramid too (--task classify).")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes.", show_default="by cores, units and batch")
    ] = None,
    split_by: Annotated[
        Literal["columns", "rows"] | None,
        typer.Option(help="How workers split a batch.", show_default="by cores, units and batch"),
    ] = None,
) -> None:
    from charlm.cli.display.progress import progress_bar
    from charlm.cli.display.tables import print_tables
    from charlm.engines.threads import ThreadPool
    from charlm.training.benchmark import SIZES, Size, peak_gflops

    device = take_device(settings)
    engine = EngineConfig(**device.to_json(), workers=workers, split_by=split_by)
    if task == "classify":
        lengths = None if seq_len is None else (seq_len,)
        _time_classifier((cell or "lstm", hidden or 128, layers, batch_size or 32), lengths, pyramid, engine, how)
        return
    if pyramid:
        raise UsageError("--pyramid belongs to --task classify: give both, or leave it out")
    sizes = SIZES if cell is None else (Size(cell, hidden or 256, layers, batch_size or 64, seq_len or 64),)
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


def _time_classifier(
    network: tuple[str, int, int, int],
    lengths: tuple[int, ...] | None,
    pyramid: bool,
    engine: EngineConfig,
    how: TableOptions,
) -> None:
    from charlm.cli.display.tables import print_tables
    from charlm.training.classifier_benchmark import LENGTHS, ClassifierSize, time_steps

    cell, hidden, layers, batch_size = network
    sizes = [ClassifierSize(*network, seq_len) for seq_len in lengths or LENGTHS]
    found = [time_steps(size, pyramid, engine) for size in sizes]
    if how.json:
        for size, each in zip(sizes, found, strict=True):
            print_json({**asdict(size), **asdict(each)})
        return
    rows = [[each.seq_len, each.plain_ms, each.pyramid_ms, each.ratio] for each in found]
    title = f"A training step of a classifier, {cell} H{hidden} L{layers} B{batch_size}, in ms"
    print_tables([Table(title, CLASSIFIER_COLUMNS, rows)], how)


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
