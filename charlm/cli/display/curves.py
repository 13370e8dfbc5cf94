"""Draw curves with plotext or matplotlib."""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from charlm.base.errors import UsageError, as_run_error
from charlm.base.escape import escape_unprintable
from charlm.base.tables import Curve
from charlm.cli.output import write_note

FORMATS = (".png", ".svg")
WIDTH = 100  # columns if standard output is not a terminal
HEIGHT = 20
MARKERS = "•×o+*#@%&="  # they distinguish series without color
INCHES = (8, 4.5)  # of one curve in a file


def print_curves(curves: Sequence[Curve]) -> None:
    """Print curves, colored on terminals without ``NO_COLOR``."""
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else WIDTH
    in_color = is_terminal and not os.environ.get("NO_COLOR")
    for curve in curves:
        sys.stdout.write(draw_curve(curve, width, in_color) + "\n")


def draw_curve(curve: Curve, width: int, in_color: bool) -> str:
    """Draw a curve as text."""
    import plotext  # takes 0.1 s, so only when needed

    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plot_size(width, HEIGHT)
    plotext.theme("default" if in_color else "clear")
    for part in (plotext.canvas_color, plotext.axes_color, plotext.ticks_color):
        part("default")
    for number, (name, (x, y)) in enumerate(curve.series.items()):
        marker = "hd" if in_color else MARKERS[number % len(MARKERS)]
        points = [(place, value) for place, value in zip(x, y, strict=True) if math.isfinite(value)]
        if points:
            plotext.plot(*map(list, zip(*points, strict=True)), label=escape_unprintable(name), marker=marker)
    plotext.title(escape_unprintable(curve.title))
    plotext.xlabel(curve.x_label)
    plotext.ylabel(curve.y_label)
    text: str = plotext.build()
    text = text if in_color else plotext.uncolorize(text)
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def check_plot_file(path: Path) -> None:
    """Check early that ``save_curves`` can write.

    Raises:
        UsageError: an unknown ending, or no matplotlib.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{str(path)!r} is not a picture: its name must end in {' or '.join(FORMATS)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError(f"{path} needs matplotlib: pip install 'charlm-rnn[plot]'")


def save_curves(curves: Sequence[Curve], path: Path) -> None:
    """Draw curves into a PNG or SVG file.

    Raises:
        UsageError: an unknown ending, or no matplotlib.
        RunError: a system error.
    """
    check_plot_file(path)
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(INCHES[0], INCHES[1] * len(curves)), layout="constrained")
    # No date or random names: the same curves give the same file. Letters of an SVG stay text; $ is no formula.
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else {}
    options: Any = {"svg.hashsalt": "charlm", "svg.fonttype": "none", "text.parse_math": False}
    with as_run_error(f"{path} cannot be written", "give another file"), matplotlib.rc_context(options):
        for axes, curve in zip(figure.subplots(len(curves), squeeze=False)[:, 0], curves, strict=True):
            _draw(axes, curve)
        figure.savefig(path, metadata=metadata, dpi=150)
    write_note(f"wrote {path}")


def _draw(axes: Any, curve: Curve) -> None:
    for name, (x, y) in curve.series.items():
        axes.plot(x, y, label=escape_unprintable(name), marker=".")
    axes.set(title=escape_unprintable(curve.title), xlabel=curve.x_label, ylabel=curve.y_label)
    axes.grid(alpha=0.3)
    axes.legend()
