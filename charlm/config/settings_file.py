"""Settings of a run in a TOML file: flat keys, named like flags, and ``corpus``, ``init-from``, ``weights``.

>>> key("batch_size")
'batch-size'
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charlm.base.errors import UsageError
from charlm.config.base import SHOWN, flag
from charlm.config.training import check_known, setting_groups, setting_names

CORPUS, ORIGIN, WEIGHTS = "corpus", "init_from", "weights"
OTHERS = (CORPUS, ORIGIN, WEIGHTS)
"""What a file may say that is no setting."""
MOST_BYTES = 1 << 16
EXCLUSIVE = (
    {"minutes", "epochs", "steps"},
    {"split", "val_fraction", "val_file"},
    {"lines", "delimiter"},
)
"""Settings that exclude each other."""


def key(name: str) -> str:
    """The key of a setting: its flag without the dashes before it."""
    return flag(name).removeprefix("--")


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of a file by name, and ``OTHERS``; ``corpus`` is a list of texts.

    Raises:
        UsageError: the file cannot be read, or a key or a value is invalid.
    """
    given: dict[str, Any] = {}
    for written, value in _parse(path).items():
        name = written.replace("-", "_")
        if name in OTHERS:
            texts = _check_texts(path, written, value)
            given[name] = texts if name == CORPUS else texts[0]
            continue
        check_known([setting_names().get(name, name)], f"{path}: ")
        name = setting_names()[name]
        if name in given:
            raise UsageError(f"{path}: {key(name)} is given twice: leave out one")
        group = setting_groups()[name]
        given[name] = group.checked(group.settings()[name], value, f"{path}: {written}")
    return given


def override(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Stored settings, and those given, which win, also over what they exclude.

    >>> override({"minutes": 5.0, "hidden": 8}, {"steps": 3})
    {'hidden': 8, 'steps': 3}
    """
    chosen = {name for name, value in given.items() if value is not False}
    excluded = {name for group in EXCLUSIVE if group & chosen for name in group}
    return {name: value for name, value in stored.items() if name not in excluded} | dict(given)


def _parse(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be read: {getattr(error, 'strerror', error)}: give a TOML file"
        ) from None
    if len(content) > MOST_BYTES:
        raise UsageError(f"{path} has more than {MOST_BYTES:,} bytes: give a file of settings")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not in UTF-8: see its byte {error.start} (counted from 0)") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def _check_texts(path: Path, written: str, value: Any) -> list[str]:
    """A text, or where it is the corpus a list of them, as a list."""
    texts = value if isinstance(value, list) and written == CORPUS else [value]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        wanted = "text, or a list of texts" if written == CORPUS else "text"
        raise UsageError(f"{path}: {written} is {value!r:.{SHOWN}}: it must be {wanted}")
    return texts
