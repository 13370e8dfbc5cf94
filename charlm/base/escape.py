"""Text that can be shown: what is in somebody's text, or name, must not drive the terminal that shows it."""

from __future__ import annotations

import re

# Control characters but the newline and the tab, line and paragraph separators, what turns the direction of
# writing around, and halves of surrogate pairs, which no terminal can be sent.
_DRIVING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escape_controls(text: str) -> str:
    r"""A text that reads as before, but with every character that could drive a terminal as a Python escape.

    Newlines, tabs and backslashes stay, so that what was an escape already cannot be told from what became one.

    >>> print(escape_controls("é\\n\x1b[31m\u202e"))
    é\n\x1b[31m\u202e
    """
    return _DRIVING.sub(lambda match: _escape(match[0]), text)


def escape_unprintable(text: str) -> str:
    r"""A text on one line, with every character that does not print, or is a backslash, as a Python escape.

    >>> print(escape_unprintable("a\tb\\ \x1b[31m é\u202e"))
    a\tb\\ \x1b[31m é\u202e
    """
    return "".join(
        character if character.isprintable() and character != "\\" else _escape(character) for character in text
    )


def escape_json(text: str) -> str:
    r"""A JSON text that means the same, with every character that could drive a terminal as a JSON escape.

    >>> print(escape_json('"\x9b2J"'))
    "\u009b2J"
    """
    return _DRIVING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
