"""Drawing curves: in the terminal by plotext, in PNG and SVG files by matplotlib, which is an extra."""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from charlm.base.errors import RunError, UsageError
from charlm.base.escape import escape_unprintable
from charlm.base.tables import Curve
from charlm.cli.output import for_stream

FORMATS = (".png", ".svg")
WIDTH = 100  # columns where standard output is no terminal
HEIGHT = 20
MARKERS = "•×o+*#@%&="  # what tells series apart where there is no colour
INCHES = (8, 4.5)  # of one curve in a file


def print_curves(curves: Sequence[Curve]) -> None:
    """Draw curves on standard output, in colour where that is a terminal and ``NO_COLOR`` is not set."""
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else WIDTH
    in_colour = is_terminal and not os.environ.get("NO_COLOR")
    for curve in curves:
        sys.stdout.write(drawn(curve, width, in_colour) + "\n")


def drawn(curve: Curve, width: int, in_colour: bool) -> str:
    """A curve as lines of text, at most ``width`` columns wide."""
    import plotext  # it takes a tenth of a second, which only those wait for who see a curve

    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plot_size(width, HEIGHT)
    plotext.theme("default" if in_colour else "clear")
    for part in (plotext.canvas_color, plotext.axes_color, plotext.ticks_color):
        part("default")
    for number, (name, (x, y)) in enumerate(curve.series.items()):
        marker = "hd" if in_colour else MARKERS[number % len(MARKERS)]
        points = [(place, value) for place, value in zip(x, y, strict=True) if math.isfinite(value)]
        if points:
            plotext.plot(*map(list, zip(*points, strict=True)), label=escape_unprintable(name), marker=marker)
    plotext.title(escape_unprintable(curve.title))
    plotext.xlabel(curve.x_label)
    plotext.ylabel(curve.y_label)
    text: str = plotext.build()
    text = text if in_colour else plotext.uncolorize(text)
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def check_plot_file(path: Path) -> None:
    """Refuse what ``save_curves`` could not write, before long work rather than after it.

    Raises:
        UsageError: the name ends in neither of the formats, or matplotlib is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{str(path)!r} names no picture: let it end in {' or '.join(FORMATS)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError(f"{path} needs matplotlib to be drawn: pip install 'charlm-rnn[plot]'")


def save_curves(curves: Sequence[Curve], path: Path) -> None:
    """Draw curves one below the other into a picture, named on standard error; its ending gives the format.

    Raises:
        UsageError: see ``check_plot_file``.
        RunError: the system refuses to write it.
    """
    check_plot_file(path)
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(INCHES[0], INCHES[1] * len(curves)), layout="constrained")
    # Neither a date nor random names: the same curves give the same file. Letters of an SVG stay text, and
    # dollars in a name make no formula.
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else {}
    try:
        with matplotlib.rc_context({"svg.hashsalt": "charlm", "svg.fonttype": "none", "text.parse_math": False}):
            for axes, curve in zip(figure.subplots(len(curves), squeeze=False)[:, 0], curves, strict=True):
                _draw(axes, curve)
            figure.savefig(path, metadata=metadata, dpi=150)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}; give another file") from error
    sys.stderr.write(for_stream(f"wrote {path}\n", sys.stderr))


def _draw(axes: Any, curve: Curve) -> None:
    for name, (x, y) in curve.series.items():
        axes.plot(x, y, label=escape_unprintable(name), marker=".")
    axes.set(title=escape_unprintable(curve.title), xlabel=curve.x_label, ylabel=curve.y_label)
    axes.grid(alpha=0.3)
    axes.legend()
