"""What a text's characters stand in: quotes, brackets, an upper-case word, a number, a line."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Marks = npt.NDArray[np.bool_]
Columns = npt.NDArray[np.int64]

CLOSING = {"(": ")", "[": "]", "{": "}"}
QUOTES = re.compile(r'"[^"]*"|“[^“”]*”|«[^«»]*»', re.DOTALL)
PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
FIRST = 10  # characters of a line that count as its first


def inside_quotes(text: str) -> Marks:
    """From an opening quotation mark to before the closing one, within a paragraph.

    >>> "".join("x" if mark else "." for mark in inside_quotes('a "b" c" d'))
    '..xx......'
    """
    marks_N, start = np.zeros(len(text), np.bool_), 0
    for end in [*(gap.end() for gap in PARAGRAPH.finditer(text)), len(text)]:
        for quote in QUOTES.finditer(text, start, end):
            marks_N[quote.start() : quote.end() - 1] = True
        start = end
    return marks_N


def inside_brackets(text: str) -> Marks:
    """From an opening bracket to before its closing one; a bracket without a partner marks nothing.

    >>> "".join("x" if mark else "." for mark in inside_brackets("a(b[c]d)e)f(g"))
    '.xxxxxx......'
    """
    marks_N = np.zeros(len(text), np.bool_)
    open_brackets: list[tuple[str, int]] = []
    for found in re.finditer(r"[()\[\]{}]", text):
        bracket, place = found[0], found.start()
        if bracket in CLOSING:
            open_brackets.append((CLOSING[bracket], place))
        elif any(closing == bracket for closing, _ in open_brackets):
            while (top := open_brackets.pop())[0] != bracket:
                pass
            marks_N[top[1] : place] = True
    return marks_N


def in_upper_word(text: str) -> Marks:
    """In a word of two letters or more, all upper-case.

    >>> "".join("x" if mark else "." for mark in in_upper_word("A KING, OKd"))
    '..xxxx.....'
    """
    marks_N = np.zeros(len(text), np.bool_)
    for word in re.finditer(r"[^\W\d_]{2,}", text):
        marks_N[word.start() : word.end()] = word[0].isupper()
    return marks_N


def in_number(text: str) -> Marks:
    """A digit."""
    return np.array([character.isdigit() for character in text], np.bool_)


def line_columns(text: str) -> Columns:
    r"""How many characters of its line stand before each character; a newline starts the next line.

    >>> line_columns("ab\nc").tolist()
    [0, 1, 0, 1]
    """
    places_N = np.arange(len(text))
    starts_N = np.where(np.array([character == "\n" for character in text], np.bool_), places_N, 0)
    return places_N - np.maximum.accumulate(starts_N)


MARKS: dict[str, Callable[[str], Marks]] = {
    "inside quotes": inside_quotes,
    "inside brackets": inside_brackets,
    "upper-case word": in_upper_word,
    "number": in_number,
    f"first {FIRST} of a line": lambda text: line_columns(text) < FIRST,
}
"""What a character is or is not, by name."""
