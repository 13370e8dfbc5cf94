"""Progress bars on terminals, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from charlm.base.escape import escape_unprintable
from charlm.base.plural import counted, format_size
from charlm.base.progress import Progress
from charlm.base.timing import format_seconds
from charlm.cli.display.describe import TEXT_UNITS, describe_loss, find_unit, format_speed, name_run
from charlm.cli.output import escape_for, wrap_for
from charlm.config import TaskKind
from charlm.training import events

DELAY = 0.5  # seconds before a bar appears
SMOOTHING = 0.05  # weight of the newest step in the bar's loss
BAR = "{percentage:3.0f}% {bar:20} {desc} · {left}"
HEADINGS = {"step": 7, "epoch": 6, "time": 10, "train loss": 10, "val loss": 8}
"""The widths of the columns that every task has."""
READS_WELL = {"sample": " --temperature 0.7"}
"""Options of a command that is suggested; below 1, samples read well."""


class _Bar(tqdm):  # type: ignore[type-arg]
    """A bar that says how much time is left."""

    @property
    def format_dict(self) -> Any:
        """What the bar's format may name."""
        known: dict[str, Any] = dict(super().format_dict)
        rate, rest = known["rate"], (known["total"] or 0) - known["n"]
        return known | {"left": f"{format_seconds(rest / rate)} left" if rate else "?"}


class TrainingDisplay:
    """Shows training reports: a table of validations, and a bar on a terminal.

    Args:
        quiet: show nothing.
        is_bytes: the text's units are bytes.
        best_step: of a resumed run's lowest validation loss.
    """

    def __init__(self, quiet: bool, is_bytes: bool = False, best_step: int | None = None) -> None:
        self._quiet, self._is_bytes, self._best_step = quiet, is_bytes, best_step
        self._smooth_nats: float | None = None
        self._best_figures: Mapping[str, float] = {}
        self._has_heading, self._unit = False, "byte" if is_bytes else "char"
        self._bar = _Bar(
            total=1.0, file=sys.stderr, bar_format=BAR, leave=False, ascii="░█",
            disable=quiet or not sys.stderr.isatty(), dynamic_ncols=True,
        )  # fmt: skip

    def show(self, report: events.Report) -> None:
        """Move the bar, or write a report."""
        match report:
            case events.StepReport():
                self._step(report)
            case events.ValidationReport():
                self._validation(report)
            case events.SampleReport():
                indented = report.text.replace("\n", "\n  | ")
                self._say(f"sample at step {report.step}:\n  | {indented}")
            case events.FaultReport():
                self._say(f"step {report.step}: {report.message}")
            case events.RollbackReport():
                self._say(
                    f"step {report.step}: {report.reason}: back to step {report.back_to}, "
                    f"with {report.lr_factor:g} of the learning rate"
                )
            case events.OverfittingReport():
                self._overfitting(report)
            case events.CountingReport():
                self._say(f"Counting n-grams of {report.characters:,} characters ...")
            case events.NgramReport():
                self._describe_ngram(report)
            case events.SummaryReport():
                self._summarize(report)

    def _step(self, report: events.StepReport) -> None:
        if self._bar.disable:
            return
        if self._smooth_nats is None:
            self._smooth_nats = report.loss_nats
            # The time left of a resumed run is estimated from the steps since it was resumed.
            self._bar.initial = self._bar.n = self._bar.last_print_n = report.progress
        self._smooth_nats += SMOOTHING * (report.loss_nats - self._smooth_nats)
        speed = f"{format_speed(report.chars_per_second)} {self._unit}s/s"
        self._bar.set_description_str(
            f"step {report.step:,} · loss {self._smooth_nats:.3f} · {speed}", refresh=False
        )
        self._bar.update(report.progress - self._bar.n)

    def _validation(self, report: events.ValidationReport) -> None:
        """Write a line of the table, after its heading if it is the first."""
        self._unit, val = find_unit(report.task, self._is_bytes), report.val_nats_per_char
        shown = {name: name.replace("_", " ") for name in report.figures}
        figures = {shown[name]: f"{value:.4f}" for name, value in report.figures.items()}
        if self._unit in TEXT_UNITS:
            figures = {f"val bits/{self._unit}": "-" if val is None else f"{val / math.log(2):.2f}"} | figures
        losses = ["-" if loss is None else f"{loss:.3f}" for loss in (report.train_nats_per_char, val)]
        time = format_seconds(report.seconds)
        values = [*map(str, (report.step, f"{report.epoch:.1f}", time)), *losses, *figures.values()]
        if not self._has_heading:
            self._has_heading = True
            self._write("\n" + _align([*HEADINGS, *figures], figures))
        if report.is_best:
            self._best_step, self._best_figures = report.step, report.figures
        self._write(_align(values, figures) + ("  *" if report.is_best else ""))

    def _overfitting(self, report: events.OverfittingReport) -> None:
        best = report.best_val_nats_per_char
        kept = "the best" if report.best_step is None else f"step {report.best_step}"
        self._say(
            f"The validation loss has risen for a third of the run, from {best:.3f} to "
            f"{report.val_nats_per_char:.3f}: the network overfits. The weights of {kept} are kept as the model; "
            "a shorter run, a smaller --hidden or more --dropout may do better."
        )

    def _summarize(self, report: events.SummaryReport) -> None:
        """Write how training ended."""
        self.close()
        run, took = name_run(Path(report.run)), format_seconds(report.seconds)
        best, unit = "", find_unit(report.task, self._is_bytes)
        if report.best_val_nats_per_char is not None:
            where = "" if self._best_step is None else f" at step {self._best_step}"
            others = "".join(
                f", {name.replace('_', ' ')} {value:.4f}" for name, value in self._best_figures.items()
            )
            best = f" Best val loss {describe_loss(report.best_val_nats_per_char, unit)}{others}{where}."
        ended = "Stopped" if report.stopped else "Done"
        self._say(f"\n{ended}: {counted(report.steps, 'steps')} in {took}.{best}")
        if report.stopped_early:
            self._say("Stopped early: no new best within --patience. Continue with:")
            self._write(f"  charlm train --resume {run} --patience 0")
        self._say(f"Saved to {report.run}. {'Continue with' if report.stopped else 'Next'}:")
        if report.stopped:
            self._write(f"  charlm train --resume {run}")
        else:
            command = next(iter(report.task.commands), "sample")
            self._write(f"  charlm {command} {run}{READS_WELL.get(command, '')}\n  charlm plot {run}")
            if report.can_mix:
                self._write(f"  charlm train --resume {run} --ngram 8    (a lower loss, with an n-gram model)")

    def _describe_ngram(self, report: events.NgramReport) -> None:
        """Write what was counted, and what the mixture gains."""
        where = f" of the last {report.characters:,} characters of the training split"
        counted_in = where if report.characters < report.training_characters else ""
        pruned = ", without the rarest" if report.pruned else ""
        unit = find_unit(TaskKind, self._is_bytes)
        self._say(
            f"N-gram model: context {report.context}, {report.ngrams:,} n-grams{counted_in}{pruned}. "
            f"Val loss with it {describe_loss(report.mixed_val_nats_per_char, unit)}, "
            f"without {describe_loss(report.val_nats_per_char, unit)}."
        )
        self._say(
            f"{report.path} ({format_size(report.bytes)}) contains long passages of the training text: "
            "share it only if you may share the text."
        )

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()

    def _say(self, text: str) -> None:
        self._write(wrap_for(sys.stderr, text))

    def _write(self, lines: str) -> None:
        if not self._quiet:
            self._bar.write(escape_for(sys.stderr, lines), file=sys.stderr)


def _align(cells: Sequence[str], figures: Collection[str]) -> str:
    widths = [*HEADINGS.values(), *map(len, figures)]
    return "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


@contextmanager
def progress_bar(label: str, quiet: bool) -> Iterator[Progress]:
    """A progress bar; yields the function that moves it."""
    with tqdm(
        desc=escape_unprintable(label), file=sys.stderr, leave=False, delay=DELAY,
        disable=quiet or not sys.stderr.isatty(), bar_format="{l_bar}{bar}|",
    ) as bar:  # fmt: skip

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress
