"""Progress on standard error: a bar on a terminal, plain lines elsewhere, nothing when asked to be quiet."""

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
from charlm.cli.output import for_stream
from charlm.training.events import (
    FaultReport,
    RollbackReport,
    SampleReport,
    StepReport,
    SummaryReport,
    ValidationReport,
)

DELAY = 0.5  # seconds that a work must take to have a bar
SMOOTHING = 0.05  # weight of the newest step in the bar's loss
BAR = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"


class TrainingDisplay:
    """Shows the reports of a training loop as they come."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._smooth_nats: float | None = None
        self._bar = tqdm(
            total=1.0, file=sys.stderr, bar_format=BAR, leave=False,
            disable=quiet or not sys.stderr.isatty(), dynamic_ncols=True,
        )  # fmt: skip

    def step(self, report: StepReport) -> None:
        """Move the bar."""
        if self._bar.disable:
            return
        if self._smooth_nats is None:
            self._smooth_nats = report.loss_nats
            # A resumed run starts where it was; the time left is reckoned from what is done from here on.
            self._bar.initial = self._bar.n = self._bar.last_print_n = report.progress
        self._smooth_nats += SMOOTHING * (report.loss_nats - self._smooth_nats)
        bits = self._smooth_nats / math.log(2)
        self._bar.set_postfix_str(
            f"loss {self._smooth_nats:.3f}, {bits:.3f} bits/char, {report.chars_per_second:,.0f} chars/s",
            refresh=False,
        )
        self._bar.update(report.progress - self._bar.n)

    def validation(self, report: ValidationReport) -> None:
        """Write a line with the figures."""
        train, val = _figure(report.train_nats_per_char), _figure(report.val_nats_per_char)
        mark = "  best" if report.is_best else ""
        self.say(
            f"step {report.step:6d}  epoch {report.epoch:6.2f}  {report.seconds:6.1f} s  "
            f"train {train}  val {val} nats/char{mark}"
        )

    def sample(self, report: SampleReport) -> None:
        """Write a sample, set off by its step."""
        indented = report.text.replace("\n", "\n  | ")
        self.say(f"sample at step {report.step}:\n  | {indented}")

    def fault(self, report: FaultReport) -> None:
        """Write what the system refuses to save, or that it does so no more."""
        self.say(f"step {report.step:6d}  {report.message}")

    def rollback(self, report: RollbackReport) -> None:
        """Write where training went back to, and why."""
        self.say(
            f"step {report.step:6d}  {report.reason}: back to step {report.back_to}, "
            f"with {report.lr_factor:g} of the learning rate"
        )

    def summary(self, report: SummaryReport) -> None:
        """Write how it ended, and what to do next."""
        self.close()
        rate = (
            f"{counted(report.steps, 'steps')} in {report.seconds:.1f} s, {report.chars_per_second:,.0f} chars/s"
        )
        best = _figure(report.best_val_nats_per_char)
        self.say(f"{rate}; best validation {best} nats/char; {counted(report.parameters, 'parameters')}")
        if report.stopped_early:
            again = f"charlm train --resume {shlex.quote(report.run)} --patience 0"
            self.say(f"ended early, with no new best for as long as --patience; go on with: {again}")
        if report.stopped:
            self.say(f"stopped and saved; go on with: charlm train --resume {shlex.quote(report.run)}")
        else:
            self.say(f"saved in {report.run}; try: charlm sample {shlex.quote(report.run)}")

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        if not self._quiet:
            self._bar.write(for_stream(line, sys.stderr), file=sys.stderr)


def _figure(nats: float | None) -> str:
    return "     -" if nats is None else f"{nats:.4f}"


@contextmanager
def progress_bar(label: str, quiet: bool) -> Iterator[Progress]:
    """A bar for work whose progress is called back; it appears when it takes a while, and only on a terminal."""
    disable = quiet or not sys.stderr.isatty()
    with tqdm(
        desc=escape_unprintable(label),
        file=sys.stderr,
        leave=False,
        delay=DELAY,
        disable=disable,
        bar_format="{l_bar}{bar}|",
    ) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress
