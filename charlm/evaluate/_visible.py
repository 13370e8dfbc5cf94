"""Characters that can be shown: a control character in somebody's text must not reach a terminal."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""A text with every character that does not print, or is a backslash, as a Python escape.

    >>> print(visible("a\tb\\ \x1b[31m é\u202e"))
    a\tb\\ \x1b[31m é\u202e
    """
    return "".join(
        character if character.isprintable() and character != "\\" else _escape(character) for character in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
