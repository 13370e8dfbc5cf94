"""Curves as pictures."""

import importlib.util
from pathlib import Path

import pytest

from charlm.base.errors import UsageError
from charlm.base.tables import Curve
from charlm.report import figures

CURVE = Curve("A title", "time", "height", {"up": ([0, 1, 2], [0, 1, 4]), "down": ([0, 1, 2], [4, 1, 0])})


def test_the_same_curves_give_the_same_picture(tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("a.svg", "b.svg"):
        figures.save_curves([CURVE, CURVE], tmp_path / name)
    svg = (tmp_path / "a.svg").read_bytes()
    assert svg == (tmp_path / "b.svg").read_bytes() == figures.picture([CURVE, CURVE], "svg")
    assert svg.count(b">A title</text>") == 2


def test_a_figure_has_axes_for_each_curve():
    pytest.importorskip("matplotlib")
    figure = figures.make_figure([CURVE, CURVE])
    assert [axes.get_title() for axes in figure.axes] == ["A title"] * 2
    up = figure.axes[0].get_lines()[0]
    assert (list(up.get_xdata()), list(up.get_ydata())) == ([0, 1, 2], [0, 1, 4])


def test_lines_of_a_group_share_a_color_and_the_marked_point_is_a_star():
    pytest.importorskip("matplotlib")
    series = {name: ([0, 1, 2], [9, 2, 1]) for name in ("a train", "a val", "b val")}
    curve = Curve(
        "",
        "steps",
        "loss",
        series,
        {"a train": "a", "a val": "a"},
        ["a train"],
        {"a val": (2, 1, "best")},
        (0, 3),
    )
    (axes,) = figures.make_figure([curve]).axes
    train, val, other, best = axes.get_lines()
    assert train.get_color() == val.get_color() == best.get_color() != other.get_color()
    assert train.get_linewidth() < val.get_linewidth()
    assert (best.get_marker(), list(best.get_xdata()), list(best.get_ydata())) == ("*", [2], [1])
    assert axes.get_ylim() == (0, 3)
    assert all(float(tick).is_integer() for tick in axes.get_xticks())


def test_a_logarithmic_axis_has_plain_numbers():
    pytest.importorskip("matplotlib")
    curve = Curve("", "distance", "size", {"a": ([0, 1, 2], [1, 1e-4, 1e-8])}, is_log=True)
    svg = figures.picture([curve], "svg")
    assert b"mathdefault" not in svg and b">1e" in svg


def test_the_format_of_bytes_is_named():
    pytest.importorskip("matplotlib")
    assert figures.picture([CURVE], "png").startswith(b"\x89PNG\r\n")
    assert b"<svg" in figures.picture([CURVE], "svg")


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for draw in (
        lambda: figures.check_plot_file(Path("curve.svg")),
        lambda: figures.make_figure([CURVE]),
        lambda: figures.picture([CURVE], "png"),
    ):
        with pytest.raises(UsageError, match=r"pip install 'charlm-rnn\[plot\]'"):
            draw()
