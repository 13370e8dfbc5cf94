"""Curves as pictures: the only module that imports matplotlib.

``make_figure`` gives a matplotlib Figure, ``picture`` its bytes, ``save_curves`` a file. The figure belongs to no
pyplot window, so nothing has to be closed.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.base.errors import UsageError
from charlm.base.escape import escape_unprintable
from charlm.base.files.atomic import write_atomically
from charlm.base.tables import Curve, Matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
INCHES = (8, 4.5)  # of one curve
PIXELS_PER_INCH = 150
UPRIGHT = 3  # letters of the names of columns that stand side by side
MOST_DOTS = 60  # of a line whose points are drawn as dots
# Letters of an SVG stay text, its ids are not random, and $ starts no formula.
OPTIONS: Any = {"svg.hashsalt": "charlm", "svg.fonttype": "none", "text.parse_math": False}


def check_matplotlib(purpose: str) -> None:
    """Check that matplotlib is installed.

    Args:
        purpose: what needs it, which starts the message.

    Raises:
        UsageError: it is not.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError(f"{purpose} needs matplotlib: pip install 'charlm-rnn[plot]'")


def check_plot_file(path: Path) -> None:
    """Check early that ``save_curves`` can write this file.

    Raises:
        UsageError: an unknown ending, or no matplotlib.
    """
    if _format_of(path) not in FORMATS:
        endings = " or ".join(f".{name}" for name in FORMATS)
        raise UsageError(f"{str(path)!r} is not a picture: its name must end in {endings}")
    check_matplotlib(str(path))


def make_figure(curves: Sequence[Curve | Matrix]) -> Figure:
    """Draw curves below each other.

    Raises:
        UsageError: no matplotlib.
    """
    check_matplotlib("a figure")
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(INCHES[0], INCHES[1] * len(curves)), layout="constrained")
    with matplotlib.rc_context(OPTIONS):
        for axes, curve in zip(figure.subplots(len(curves), squeeze=False)[:, 0], curves, strict=True):
            _draw(axes, curve)
    # A notebook shows an object that has this method; a figure of its own it shows only once pyplot is imported.
    figure._repr_png_ = partial(_png, figure)  # type: ignore[attr-defined]
    return figure


def _png(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def picture(curves: Sequence[Curve | Matrix], format: str) -> bytes:
    """Draw curves as the bytes of a PNG or SVG file; the same curves give the same bytes.

    Args:
        curves: what is drawn.
        format: "png" or "svg".

    Raises:
        UsageError: no matplotlib.
    """
    figure = make_figure(curves)
    import matplotlib

    data = io.BytesIO()
    with matplotlib.rc_context(OPTIONS):
        metadata: Any = {"Date": None} if format == "svg" else {}
        figure.savefig(data, format=format, metadata=metadata, dpi=PIXELS_PER_INCH)
    return data.getvalue()


def save_curves(curves: Sequence[Curve | Matrix], path: Path) -> None:
    """Draw curves into a PNG or SVG file.

    Raises:
        UsageError: an unknown ending, or no matplotlib.
        RunError: a system error.
    """
    check_plot_file(path)
    write_atomically(path, picture(curves, _format_of(path)))


def _format_of(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")


def _draw(axes: Axes, drawn: Curve | Matrix) -> None:
    if isinstance(drawn, Matrix):
        _draw_matrix(axes, drawn)
    else:
        _draw_curve(axes, drawn)


def _draw_matrix(axes: Axes, matrix: Matrix) -> None:
    """Shares as colors, with the counts written in; squares, since an SVG would hold an image as data."""
    edges = ([each - 0.5 for each in range(1 + len(names))] for names in (matrix.columns, matrix.rows))
    axes.pcolormesh(*edges, matrix.shares, cmap="Blues", vmin=0, vmax=1)
    axes.invert_yaxis()
    for row, (counts, shares) in enumerate(zip(matrix.counts, matrix.shares, strict=True)):
        for column, (count, share) in enumerate(zip(counts, shares, strict=True)):
            if count:
                color = "white" if share > 0.5 else "black"
                axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=6, color=color)
    columns = [escape_unprintable(each) for each in matrix.columns]
    axes.set_xticks(range(len(columns)), columns, rotation=90 if max(map(len, columns)) > UPRIGHT else 0)
    axes.set_yticks(range(len(matrix.rows)), [escape_unprintable(each) for each in matrix.rows])
    axes.set(title=escape_unprintable(matrix.title), xlabel=matrix.column_label, ylabel=matrix.row_label)


def _draw_curve(axes: Axes, curve: Curve) -> None:
    from matplotlib.ticker import LogFormatter, MaxNLocator

    for name in curve.series:
        points = curve.points(name)
        dot = "." if len(points) <= MOST_DOTS or name in curve.scattered else ""
        style: Any = {"alpha": 0.5, "linewidth": 1} if name in curve.faint else {"marker": dot}
        style |= {"linestyle": "none"} if name in curve.scattered else {}
        x, y = [place for place, _ in points], [value for _, value in points]
        label = "_nolegend_" if name in curve.unnamed else escape_unprintable(name)
        axes.plot(x, y, label=label, color=f"C{curve.color(name)}", **style)
    for name, (place, value, label) in curve.marks.items():
        style = {"color": f"C{curve.color(name)}", "marker": "*", "markersize": 12, "linestyle": "none"}
        axes.plot([place], [value], label=escape_unprintable(label), **style)
    axes.set(title=escape_unprintable(curve.title), xlabel=curve.x_label, ylabel=curve.y_label)
    if curve.is_log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter())  # the usual one writes formulas, which OPTIONS turns off
        axes.yaxis.set_minor_formatter(LogFormatter())
    if curve.y_limits is not None:
        axes.set_ylim(*curve.y_limits)
    if curve.is_whole:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
