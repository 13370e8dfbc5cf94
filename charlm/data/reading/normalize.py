"""Lower case and Unicode normalization in pieces, cut only where nothing reaches across."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Literal

from charlm.base.errors import CorpusError

LONGEST_WAIT = 4096
"""Characters that may wait for a place to cut; real text has one every few characters."""

Form = Literal["NFC", "NFKC"]


def lowercase(pieces: Iterable[str], label: str) -> Iterator[str]:
    """The pieces of a text in lower case.

    Raises:
        CorpusError: no place to cut in thousands of characters.

    >>> "".join(lowercase(["ΟΔΟ", "Σ ΟΔΟΣ"], "the text"))
    'οδος οδος'
    """
    return _rewrite(pieces, str.lower, _sigma_sees_no_further, label)


def normalize_unicode(pieces: Iterable[str], form: Form, label: str) -> Iterator[str]:
    r"""The pieces of a text in a Unicode normal form (UAX #15).

    Raises:
        CorpusError: no place to cut in thousands of characters.

    >>> "".join(normalize_unicode(["e", "\N{COMBINING ACUTE ACCENT}"], "NFC", "the text")) == "é"
    True
    """
    return _rewrite(pieces, partial(unicodedata.normalize, form), partial(_composes_no_further, form), label)


def _rewrite(
    pieces: Iterable[str], rewrite: Callable[[str], str], is_cut: Callable[[str, str], bool], label: str
) -> Iterator[str]:
    """The pieces rewritten; ``is_cut`` gets the characters around a place."""
    done, rest = 0, ""
    for piece in pieces:
        text = rest + piece
        cut = len(text) - 1
        while cut > 0 and not is_cut(text[cut - 1], text[cut]):
            cut -= 1
            if len(text) - cut > LONGEST_WAIT:
                raise CorpusError(
                    f"{label}: after character {done + cut} come {LONGEST_WAIT:,} accents or the like in a row, "
                    "too many for --lowercase and --normalize",
                    hint="leave these out, or mend the text",
                )
        if cut > 0:
            yield rewrite(text[:cut])
            done, text = done + cut, text[cut:]
        rest = text
    if rest:
        yield rewrite(rest)


def _sigma_sees_no_further(before: str, after: str) -> bool:
    """Whether a capital sigma on one side ignores the other side."""
    return _stops_sigma(before) and _stops_sigma(after)


@cache
def _stops_sigma(character: str) -> bool:
    """Whether a character is neither a sigma nor "case-ignorable" (Unicode, Table 3-17)."""
    is_ignored = "AΣ".lower() == ("AΣ" + character).lower()[:2] != ("AΣ" + character + "A").lower()[:2]
    return character != "Σ" and not is_ignored


def _composes_no_further(form: Form, before: str, after: str) -> bool:
    """Whether normalization changes nothing across this place."""
    return _starts_anew(form, after)


@cache
def _starts_anew(form: Form, character: str) -> bool:
    """Whether normalization ignores the characters before this one."""
    first = unicodedata.normalize("NFKD" if form == "NFKC" else "NFD", character)[0]
    return unicodedata.combining(first) == 0 and first not in _seconds()


@cache
def _seconds() -> frozenset[str]:
    """The characters that compose with one before them."""
    composed = (unicodedata.decomposition(chr(point)).split() for point in range(0x110000))
    letters = {chr(int(parts[1], 16)) for parts in composed if len(parts) == 2 and not parts[0].startswith("<")}
    # Hangul composes by rule: these are the vowels and final consonants.
    return frozenset(letters | set(map(chr, range(0x1161, 0x1176))) | set(map(chr, range(0x11A8, 0x11C3))))
