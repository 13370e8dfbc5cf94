"""Draw curves in the terminal, with plotext."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Sequence

from charlm.base.escape import escape_unprintable
from charlm.base.tables import Curve

WIDTH = 100  # columns if standard output is not a terminal
HEIGHT = 20
MARKERS = "•×o+*#@%&="  # they distinguish series without color


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
