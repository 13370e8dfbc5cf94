"""The files that pages are made of: HTML, CSS and JavaScript beside this module."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def has_asset(path: str) -> bool:
    """Whether there is a file, by its path in this folder."""
    return files(__package__).joinpath(path).is_file()


@cache
def read_asset(path: str) -> str:
    """A file's text."""
    return files(__package__).joinpath(path).read_text(encoding="utf-8")
