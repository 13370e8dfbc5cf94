"""Strict JSON: limited depth, unique keys, finite numbers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from charlm.base.errors import CheckpointError, DivergenceError

# A list or mapping takes dozens of bytes of memory for two of text, so a small file could fill the memory.
MAX_CONTAINERS = 20_000
# charlm's own files nest four deep; how deep the parser can recurse differs between interpreters.
MAX_DEPTH = 32
# The largest integer of a setting is 2**63 - 1: 19 digits and a sign.
MAX_DIGITS = 20
# Keys are names, and error messages show them.
MAX_KEY = 200

# An unterminated string matches to the end, so that the search never restarts (quadratic time).
_STRING = re.compile(rb'"(?:[^"\\]|\\.?)*+"?', re.DOTALL)


def json_line(values: Mapping[str, Any], consequence: str) -> str:
    """A line of JSON; DivergenceError for a number that is not finite.

    >>> json_line({"loss": float("nan")}, "so it was not kept")
    Traceback (most recent call last):
        ...
    charlm.base.errors.DivergenceError: loss is not a finite number, so it was not kept
    """
    try:
        return json.dumps(values, allow_nan=False)
    except ValueError:
        odd = [name for name, value in values.items() if isinstance(value, float) and not math.isfinite(value)]
        raise DivergenceError(f"{', '.join(odd) or 'a value'} is not a finite number, {consequence}") from None


def parse_json(data: bytes, where: str) -> Any:
    """Parse a JSON text.

    Raises:
        CheckpointError: not strict JSON in UTF-8, or too much nesting.

    >>> parse_json(b'{"step": 3}', "x.json")
    {'step': 3}
    >>> parse_json(b'{"step": 3, "step": 4}', "x.json")
    Traceback (most recent call last):
        ...
    charlm.base.errors.CheckpointError: x.json is damaged: the key 'step' stands twice
    """
    if max(data.count(b"[") + data.count(b"{"), data.count(b"]") + data.count(b"}")) > MAX_CONTAINERS:
        raise CheckpointError(f"{where} is damaged: it has more lists and mappings than charlm ever writes")
    if _depth(data) > MAX_DEPTH:
        raise CheckpointError(f"{where} is damaged: its JSON is nested too deeply")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_mapping,
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=_refuse_constant,
        )
    except ValueError as error:
        raise CheckpointError(f"{where} is damaged: {error}") from None


def excerpt(value: object) -> str:
    """A value, short and escaped for a message."""
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."


def _depth(data: bytes) -> int:
    """The nesting depth of lists and mappings."""
    depth = deepest = 0
    for bracket in re.findall(rb"[][{}]", _STRING.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {excerpt(key)} stands twice")
        if not key.isprintable() or len(key) > MAX_KEY:
            raise ValueError(f"the key {excerpt(key)} is no name")
        result[key] = value
    return result


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {excerpt(digits)} is too large")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
