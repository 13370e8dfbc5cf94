"""A web page of texts colored by surprisal."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from charlm.base.escape import escape_unprintable
from charlm.cli.display.colors import LEVELS, choose_colors, choose_level, escape_lines, format_level
from charlm.evaluate.base import Candidate, ColoredText

STYLE = """
body { font: 16px/1.6 ui-monospace, monospace; max-width: 60em; margin: 2em auto; padding: 0 1em; }
body { color: #000000; background: #ffffff; }
h1 { font-size: 1.2em; }
h2 { font-size: 1em; margin-top: 2em; }
pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
b { font-weight: normal; }
b:hover { outline: 2px solid #000000; }
"""


def make_page(texts: Sequence[ColoredText]) -> str:
    """Make the HTML page.

    >>> page = make_page([ColoredText("a run", "<&", [None, 1.0], [[], [Candidate("&", 0.5)]], 0)])
    >>> '<pre>&lt;<b class="l1" title="1.00 bits&#10;50.0% &amp;">&amp;</b></pre>' in page
    True
    """
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8"><title>Surprisal</title>',
            f"<style>{STYLE}{_make_styles()}</style></head><body>",
            f"<h1>Surprisal</h1><p>Bits/char: {_make_legend()}</p>",
            *(
                f"<h2>{escape(escape_unprintable(text.title))}</h2>\n<pre>{_mark_letters(text)}</pre>"
                for text in texts
            ),
            "</body></html>\n",
        ]
    )


def _make_styles() -> str:
    pairs = map(choose_colors, range(LEVELS))
    return "\n".join(
        f".l{level} {{ color: {letters}; background: {ground}; }}"
        for level, (letters, ground) in enumerate(pairs)
    )


def _make_legend() -> str:
    return " ".join(f'<b class="l{level}">&nbsp;{format_level(level)}&nbsp;</b>' for level in range(LEVELS))


def _mark_letters(text: ColoredText) -> str:
    return "".join(map(_mark_letter, text.text, text.bits, text.guesses))


def _mark_letter(character: str, bits: float | None, guesses: Sequence[Candidate]) -> str:
    letter = escape(escape_lines(character))
    if bits is None:
        return letter
    expected = (f"{guess.probability:.1%} {escape_unprintable(guess.character)}" for guess in guesses)
    lines = [f"{bits:.2f} bits", *(expected if guesses else ["unknown to the model"])]
    hover = "&#10;".join(escape(line) for line in lines)
    return f'<b class="l{choose_level(bits)}" title="{hover}">{letter}</b>'
