"""Progress bars on terminals, plain lines elsewhere."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from charlm.base.escape import escape_unprintable
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.cli.output import escape_for
from charlm.training import events

DELAY = 0.5  # seconds before a bar appears
SMOOTHING = 0.05  # weight of the newest step in the bar's loss
BAR = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"


class TrainingDisplay:
    """Shows training reports."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._smooth_nats: float | None = None
        self._bar = tqdm(
            total=1.0, file=sys.stderr, bar_format=BAR, leave=False,
            disable=quiet or not sys.stderr.isatty(), dynamic_ncols=True,
        )  # fmt: skip

    def show(self, report: events.Report) -> None:
        """Move the bar, or write a report."""
        match report:
            case events.StepReport():
                self._step(report)
            case events.ValidationReport():
                train, val = _format_loss(report.train_nats_per_char), _format_loss(report.val_nats_per_char)
                mark = "  best" if report.is_best else ""
                self._say(
                    f"step {report.step:6d}  epoch {report.epoch:6.2f}  {report.seconds:6.1f} s  "
                    f"train {train}  val {val} nats/char{mark}"
                )
            case events.SampleReport():
                indented = report.text.replace("\n", "\n  | ")
                self._say(f"sample at step {report.step}:\n  | {indented}")
            case events.FaultReport():
                self._say(f"step {report.step:6d}  {report.message}")
            case events.RollbackReport():
                self._say(
                    f"step {report.step:6d}  {report.reason}: back to step {report.back_to}, "
                    f"with {report.lr_factor:g} of the learning rate"
                )
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
        bits = self._smooth_nats / math.log(2)
        self._bar.set_postfix_str(
            f"loss {self._smooth_nats:.3f}, {bits:.3f} bits/char, {report.chars_per_second:,.0f} chars/s",
            refresh=False,
        )
        self._bar.update(report.progress - self._bar.n)

    def _summarize(self, report: events.SummaryReport) -> None:
        """Write how training ended."""
        self.close()
        run = shlex.quote(report.run)
        speed = f"{report.seconds:.1f} s, {report.chars_per_second:,.0f} chars/s"
        best = _format_loss(report.best_val_nats_per_char)
        self._say(
            f"{counted(report.steps, 'steps')} in {speed}; best validation {best} nats/char; "
            f"{counted(report.parameters, 'parameters')}"
        )
        if report.stopped_early:
            again = f"charlm train --resume {run} --patience 0"
            self._say(f"stopped early: no new best within --patience; continue with: {again}")
        if report.stopped:
            self._say(f"stopped and saved; continue with: charlm train --resume {run}")
        else:
            self._say(f"saved in {report.run}; try: charlm sample {run}")

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()

    def _say(self, line: str) -> None:
        if not self._quiet:
            self._bar.write(escape_for(sys.stderr, line), file=sys.stderr)


def _format_loss(nats: float | None) -> str:
    return "     -" if nats is None else f"{nats:.4f}"


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
