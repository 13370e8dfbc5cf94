"""Draw curves in the terminal, with plotext."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from charlm.base.escape import escape_unprintable
from charlm.base.tables import Curve

WIDTH = 100  # columns if standard output is not a terminal
HEIGHT = 20
MARKERS = "•×o+*#@%&="  # they distinguish series without color
UNNAMED = "·"  # of lines that the key leaves out
MARK = "X"  # of the best point
COLORS = (12, 208, 10, 9, 13, 14, 11, 202, 165, 8)  # of a terminal's 256, the same for lines of one group
LINE, FAINT = "hd", "braille"  # plotext's markers with colors
KEY = {LINE: "▄", FAINT: "⠤"}
TICKS = 5  # of an axis, about


def print_curves(curves: Sequence[Curve]) -> None:
    """Print curves, colored on terminals without ``NO_COLOR``."""
    for curve in curves:
        sys.stdout.write(format_curve(curve) + "\n")


def format_curve(curve: Curve) -> str:
    """Draw a curve as standard output can show it."""
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else WIDTH
    return draw_curve(curve, width, in_color=is_terminal and not os.environ.get("NO_COLOR"))


def draw_curve(curve: Curve, width: int, in_color: bool) -> str:
    """Draw a curve as text, with a key to its lines below."""
    import plotext  # takes 0.1 s, so only when needed

    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plot_size(width, HEIGHT)
    plotext.theme("default" if in_color else "clear")
    for part in (plotext.canvas_color, plotext.axes_color, plotext.ticks_color):
        part("default")
    key: list[tuple[str, str]] = []
    named = [name for name in curve.series if name not in curve.unnamed]
    for name in curve.series:
        if in_color:
            marker = FAINT if name in curve.faint else LINE
        else:
            marker = MARKERS[named.index(name) % len(MARKERS)] if name in named else UNNAMED
        points = _scaled(curve, curve.points(name))
        if points:
            color = _color(curve, name)
            draw = plotext.scatter if name in curve.scattered else plotext.plot
            draw(*map(list, zip(*points, strict=True)), marker=marker, color=color)
            symbol, label = KEY.get(marker, marker), escape_unprintable(name)
            if name in named:
                key.append((f"{symbol} {label}", f"{_colored(symbol, color, in_color)} {label}"))
    for x, y, label in curve.marks.values():
        ((place, value),) = _scaled(curve, [(x, y)])
        plotext.scatter([place], [value], marker=MARK, color="default")
        key.append((f"{MARK} {escape_unprintable(label)}",) * 2)
    _set_axes(curve, plotext)
    text: str = plotext.build()
    text = text if in_color else plotext.uncolorize(text)
    lines = [line.rstrip() for line in text.rstrip().split("\n")]
    return "\n".join([*lines, *_wrap(key, width)])


def _scaled(curve: Curve, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points as they are drawn: powers of ten on a logarithmic axis."""
    return [(x, math.log10(y)) for x, y in points] if curve.is_log else points


def _set_axes(curve: Curve, plotext: Any) -> None:
    """Set title, labels, ticks and limits."""
    points = [point for name in curve.series for point in _scaled(curve, curve.points(name))]
    plotext.title(escape_unprintable(curve.title))
    plotext.xlabel(curve.x_label)
    plotext.ylabel(curve.y_label)
    if not points:
        return
    xs, ys = zip(*points, strict=True)
    low, high = curve.y_limits or (min(ys), max(ys))
    if low < high:
        plotext.ylim(low, high)
    places = nice_ticks(min(xs), max(xs))
    plotext.xticks(places, [f"{place:,.10g}" for place in places])
    values = nice_ticks(low, high)
    if curve.is_log and high - low >= 2:
        values = [value for value in values if value.is_integer()]
    plotext.yticks(values, [f"{10**value:.2g}" if curve.is_log else f"{value:,.10g}" for value in values])


def nice_ticks(low: float, high: float) -> list[float]:
    """About five round numbers from low to high.

    >>> nice_ticks(0, 545), nice_ticks(1.31, 2.42), nice_ticks(3, 3)
    ([0.0, 100.0, 200.0, 300.0, 400.0, 500.0], [1.4, 1.6, 1.8, 2.0, 2.2, 2.4], [3])
    """
    if not low < high:
        return [low]
    rough = (high - low) / TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = power * min((1, 2, 5, 10), key=lambda factor: abs(factor * power - rough))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def _color(curve: Curve, name: str) -> int:
    return COLORS[curve.color(name) % len(COLORS)]


def _colored(text: str, color: int, in_color: bool) -> str:
    return f"\x1b[38;5;{color}m{text}\x1b[0m" if in_color else text


def _wrap(entries: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Lines of a key from its entries, plain and as they are shown, of which none is cut."""
    lines: list[tuple[str, str]] = []
    for plain, shown in entries:
        if lines and len(lines[-1][0]) + len(plain) + 3 <= width:
            lines[-1] = (f"{lines[-1][0]}   {plain}", f"{lines[-1][1]}   {shown}")
        else:
            lines.append((f" {plain}", f" {shown}"))
    return [shown for _, shown in lines]
