"""The page of ``charlm eval surprisal --html``: texts colored by surprisal."""

from __future__ import annotations

from collections.abc import Sequence

from charlm.evaluate.base import ColoredText
from charlm.report.colored import average_bits, from_line_start, pack
from charlm.report.page import make_page, show
from charlm.report.sections import passage, section


def make_surprisal_page(texts: Sequence[ColoredText]) -> str:
    """Make the HTML page."""
    body, colored = ["<header><h1>Surprisal</h1></header>"], []
    for number, text in enumerate(map(from_line_start, texts)):
        place = f"colored-{number}"
        colored.append(pack(text, place))
        body.append(section(show(text.title), passage(place, average_bits(text))))
    scripts = ["js/text_view.js", "js/colored.js", "js/page.js"]
    return make_page("Surprisal", "\n".join(body), {"colored": colored}, scripts)
