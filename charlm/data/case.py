"""The case of a text as tags: U for a character in upper case, L for any other."""

from __future__ import annotations

from charlm.data.labels import SPACE

UPPER, LOWER = "U", "L"


def clean_line(line: str) -> str:
    """A line without white space at its ends and without tabs."""
    return line.replace("\t", " ").strip(SPACE)


def lowered(text: str) -> str:
    """A text in lower case, but for characters that would become several.

    >>> lowered("The CAT"), len(lowered(chr(0x130)))
    ('the cat', 1)
    """
    return "".join(lower if len(lower := each.lower()) == 1 else each for each in text)


def case_tags(text: str) -> str:
    """The tag of each character.

    >>> case_tags("The CAT")
    'ULLLUUU'
    """
    return "".join(UPPER if each != lower else LOWER for each, lower in zip(text, lowered(text), strict=True))


def apply_case(text: str, tags: str) -> str:
    """A text in lower case with the case of tags; of a character that would become several there is none.

    >>> apply_case("the cat", "ULLLUUU")
    'The CAT'
    """
    upper = [each.upper() for each in text]
    return "".join(
        big if tag == UPPER and len(big) == 1 else each for each, big, tag in zip(text, upper, tags, strict=True)
    )
