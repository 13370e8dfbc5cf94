"""Tables and curves as values: who draws them is the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Column:
    """A table's column: its heading, and the format of its numbers."""

    heading: str
    format: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of values under headings; a missing value is None."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Curve:
    """Lines over one pair of axes: for each name its x and its y values."""

    title: str
    x_label: str
    y_label: str
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]]
