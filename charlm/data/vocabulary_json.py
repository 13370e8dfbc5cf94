"""Checking untrusted values of a vocabulary."""

from __future__ import annotations

from itertools import pairwise
from math import inf, isfinite
from typing import Any

FORMAT_1 = frozenset({"symbols", "start"})
FORMAT_2 = FORMAT_1 | {"units", "has_end", "rare"}
OPTIONAL = frozenset({"labels", "label_counts", "scale", "target", "by_frequency"})


def find_vocabulary_error(values: Any) -> str | None:
    """What is wrong with stored values, or None.

    >>> find_vocabulary_error({"symbols": ["b", "a"], "start": 0})
    "the symbols 'b' and 'a' are not in code-point order"
    """
    if not isinstance(values, dict) or set(values) - OPTIONAL not in (FORMAT_1, FORMAT_2):
        return "it is not an object of symbols, start, units, has_end and rare"
    symbols, rare, has_end = values["symbols"], values.get("rare", []), values.get("has_end", False)
    if not isinstance(symbols, list) or not symbols:
        return "symbols is not a list with characters in it"
    if not isinstance(rare, list):
        return "rare is not a list"
    if type(has_end) is not bool:
        return f"has_end is {has_end!r:.40}"
    by_frequency = values.get("by_frequency", False)
    if type(by_frequency) is not bool:
        return f"by_frequency is {by_frequency!r:.40}"
    for error in (_find_list_error(symbols, by_frequency), _find_list_error(rare)):
        if error is not None:
            return error
    if not set(symbols).isdisjoint(rare):
        return "a symbol is among the rare characters"
    return _find_units_error(values, has_end) or _find_target_error(values)


def _find_target_error(values: dict[str, Any]) -> str | None:
    """What is wrong with labels, symbols of a target or a scale."""
    for name in ("labels", "target"):
        texts = values.get(name, ["-"])
        if not isinstance(texts, list) or not texts or not all(map(_is_text, texts)):
            return f"{name} is not a list of texts"
        for before, after in pairwise(texts):
            if before >= after:
                return f"{before!r:.40} and {after!r:.40} of {name} are not in order"
    if "label_counts" in values:
        counts = values["label_counts"]
        if not isinstance(counts, list) or len(counts) != len(values.get("labels", ())):
            return "label_counts is not a list with a number for each label"
        if not all(type(count) is int and 0 < count < 2**53 for count in counts):
            return "label_counts has what is no count"
    if "scale" in values:
        scale = values["scale"]
        if not isinstance(scale, list) or len(scale) != 2 or not all(type(each) is float for each in scale):
            return "scale is not a mean and a deviation"
        if not (isfinite(scale[0]) and 0 < scale[1] < inf):
            return f"scale is {scale!r:.40}, not a mean and a deviation"
    return None


def _is_text(text: Any) -> bool:
    return isinstance(text, str) and bool(text) and not any("\ud800" <= each <= "\udfff" for each in text)


def _find_list_error(symbols: list[Any], by_frequency: bool = False) -> str | None:
    for symbol in symbols:
        if not isinstance(symbol, str) or len(symbol) != 1 or "\ud800" <= symbol <= "\udfff":
            return f"the symbol {symbol!r:.40} is not one character"
    for before, after in pairwise(sorted(symbols) if by_frequency else symbols):
        if before == after:
            return f"the symbol {before!r} occurs twice"
        if before > after:
            return f"the symbols {before!r} and {after!r} are not in code-point order"
    return None


def _find_units_error(values: dict[str, Any], has_end: bool) -> str | None:
    units, start = values.get("units", "characters"), values["start"]
    if units not in ("characters", "bytes"):
        return f"units is {units!r:.40}"
    if units == "bytes" and (values["symbols"] != list(map(chr, range(256))) or values["rare"]):
        return "its symbols are not the 256 bytes"
    last = len(values["symbols"]) - 1 + has_end
    if type(start) is not int or not 0 <= start <= last:
        return f"start is {start!r:.40}, not an id from 0 to {last}"
    return None
