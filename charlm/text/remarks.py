"""What to say of a corpus before it is trained on: what was left out of it, and what may be an accident."""

from __future__ import annotations

from charlm.text.prepare import Corpus
from charlm.text.sources import Source

MOST_SHOWN = 3


def remarks(corpus: Corpus) -> list[str]:
    """A line for each thing that who trains on a corpus should know, if there is any."""
    found = (_left_out(corpus.source),)
    return [each for each in found if each is not None]


def _left_out(source: Source) -> str | None:
    """What was not read though its name fits."""
    if not source.left_out:
        return None
    more = len(source.left_out) - MOST_SHOWN
    return f"left out: {', '.join(source.left_out[:MOST_SHOWN])}" + (f" and {more:,} more" if more > 0 else "")
