"""Reading the pages: their code blocks, links and headings."""

import re

from tests.docs.section import ROOT

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def files(ending):
    """The files of the rooms with an ending, as paths."""
    return sorted(path for room in ("charlm", "corpora", "tests") for path in (ROOT / room).rglob(f"*{ending}"))


def blocks(text, language):
    """The code blocks in a language."""
    return [code for found, code in _FENCE.findall(text) if found == language]


def links(text):
    """What the links and pictures of a page lead to; code is left out."""
    prose = re.sub(r"`[^`\n]*`", lambda code: "x" * len(code[0]), _FENCE.sub("", text))
    return _LINK.findall(prose)


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    found = []
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return found


def commands(text):
    """The command lines of a page's shell blocks, in their order."""
    return [line for block in blocks(text, "sh") for line in block.splitlines() if line.strip()]
