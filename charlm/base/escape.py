"""Escaping text for a terminal."""

from __future__ import annotations

import re

# Control characters except newline and tab, line and paragraph separators, bidirectional controls, and surrogates
# (a terminal cannot take these).
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escape_controls(text: str) -> str:
    r"""Replace characters that could control a terminal by Python escapes.

    >>> print(escape_controls("é\\n\x1b[31m\u202e"))
    é\n\x1b[31m\u202e
    """
    return _CONTROLS.sub(lambda match: _escape(match[0]), text)


def escape_unprintable(text: str) -> str:
    r"""Escape backslashes and unprintable characters as in Python.

    >>> print(escape_unprintable("a\tb\\ \x1b[31m é\u202e"))
    a\tb\\ \x1b[31m é\u202e
    """
    return "".join(
        character if character.isprintable() and character != "\\" else _escape(character) for character in text
    )


def escape_json(text: str) -> str:
    r"""Replace terminal controls in a JSON text by JSON escapes.

    >>> print(escape_json('"\x9b2J"'))
    "\u009b2J"
    """
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
