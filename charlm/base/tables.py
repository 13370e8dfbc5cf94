"""Tables and curves as plain values; who prints them decides how much of a table there is room for."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Format: TypeAlias = str | Callable[[Any], str]

WIDE = 9
"""The rank of a column that only ``--wide`` shows."""

PROGRAMS = 10
"""The rank of a column that only programs get: the title says what it would."""

LARGE = 1e12  # from here on numbers are in scientific notation


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: what stands above it.
        format: of a value: a format specification or a function.
        rank: 0 is always shown, ``WIDE`` when it is asked for; of the others the lowest gets room first.
        name: the heading for programs, where another is clearer.
        adds: what leaving the column out is called, such as ``unknown characters``.
        is_interval: values are pairs (low, high).
        lowest_is_best: the lowest value gets a star.
        remark: a word on the values, where the rows are drawn as columns.
    """

    heading: str
    format: Format = ""
    rank: int = 0
    name: str = ""
    adds: str = ""
    is_interval: bool = False
    lowest_is_best: bool = False
    remark: str = ""

    def show(self, value: Any) -> str:
        """A value for people.

        >>> Column("loss", ".3f").show(1.5), Column("size", ",d").show(None), Column("n", ",.1f").show(1.5e75)
        ('1.500', '-', '1.5000e+75')
        >>> Column("95% CI", ".2f", is_interval=True).show((2.122, 2.227))
        '2.12 - 2.23'
        """
        if value is None:
            return "-"
        if self.is_interval:
            return " - ".join(self._show_one(bound) for bound in value)
        return self._show_one(value)

    def _show_one(self, value: Any) -> str:
        if callable(self.format):
            return self.format(value)
        is_large = isinstance(value, float) and abs(value) >= LARGE
        return format(value, ".4e" if is_large else self.format)


@dataclass(frozen=True)
class Table:
    """Rows of values, or None, under headings.

    Attributes:
        title: what the table is of.
        columns: one for each value of a row.
        rows: the values.
        keys: what all rows share and the title says; programs get columns of it.
        adds: what leaving it out is called; only ``--wide`` shows a table that has such a name.
        rows_as_columns: a few rows are drawn as columns.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    keys: Mapping[str, str] = field(default_factory=dict)
    adds: str = ""
    rows_as_columns: bool = False


@dataclass(frozen=True)
class Curve:
    """Lines: x and y values by name.

    Attributes:
        title: what the picture is of.
        x_label: below the x axis.
        y_label: beside the y axis.
        series: the lines' x and y values.
        groups: of a line, if it shares its color with the others of its group.
        faint: lines that are drawn thinner.
        unnamed: lines that the key leaves out.
        marks: points to mark, by the name of their line, with a label each.
        y_limits: the ends of the y axis, if what lies beyond is cut off.
        is_log: whether the y axis is logarithmic; only positive values are drawn.
        scattered: lines that are drawn as points alone.
    """

    title: str
    x_label: str
    y_label: str
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    groups: Mapping[str, str] = field(default_factory=dict)
    faint: Collection[str] = ()
    marks: Mapping[str, tuple[float, float, str]] = field(default_factory=dict)
    y_limits: tuple[float, float] | None = None
    is_log: bool = False
    scattered: Collection[str] = ()
    unnamed: Collection[str] = ()

    def color(self, name: str) -> int:
        """The number of a line's color, from 0.

        >>> points = ([0.0], [1.0])
        >>> curve = Curve("", "", "", {"a": points, "b": points, "c": points}, {"a": "x", "b": "x"})
        >>> [curve.color(name) for name in "abc"]
        [0, 0, 1]
        """
        groups = list(dict.fromkeys(self.groups.get(each, each) for each in self.series))
        return groups.index(self.groups.get(name, name))

    @property
    def is_whole(self) -> bool:
        """Whether every x is a whole number, so that the ticks are, too."""
        return all(float(x).is_integer() for places, _ in self.series.values() for x in places)

    def points(self, name: str) -> list[tuple[float, float]]:
        """A line's points that can be drawn."""
        pairs = zip(*self.series[name], strict=True)
        return [(x, y) for x, y in pairs if math.isfinite(y) and (y > 0 or not self.is_log)]


@dataclass(frozen=True)
class Matrix:
    """Counts by row and column, such as true and predicted labels; the rows' shares give the colors."""

    title: str
    row_label: str
    column_label: str
    rows: Sequence[str]
    columns: Sequence[str]
    counts: Sequence[Sequence[int]]

    @property
    def shares(self) -> list[list[float]]:
        """Each count as a share of its row.

        >>> Matrix("", "true", "given", ["a"], ["a", "b"], [[3, 1]]).shares
        [[0.75, 0.25]]
        """
        return [[count / max(sum(row), 1) for count in row] for row in self.counts]
