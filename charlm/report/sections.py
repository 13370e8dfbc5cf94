"""The sections of a page: what each says, as HTML."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from charlm.base.errors import UsageError
from charlm.base.plural import counted
from charlm.base.tables import Curve
from charlm.report.figures import picture
from charlm.report.page import WHAT_A_BIT_IS, legend, show
from charlm.runs.run import Run

CELL_NAMES = {
    "rnn": "vanilla recurrent network",
    "gru": "GRU (gated recurrent unit)",
    "lstm": "LSTM (long short-term memory)",
}


def section(title: str, *parts: str, name: str = "", run: str = "") -> str:
    """A section under a heading; ``run`` says which run's it is, where there are two."""
    of = f" <small>{show(run)}</small>" if run else ""
    start = f'<section id="{name}">' if name else "<section>"
    return "\n".join([start, f"<h2>{title}{of}</h2>", *parts, "</section>"])


def paragraph(text: str, css: str = "") -> str:
    """A paragraph of text, which is escaped."""
    return f"<p{f' class={css}' if css else ''}>{show(text)}</p>"


def header(run: Run, parameters: int, is_language_model: bool, heading: str = "h1") -> str:
    """What the model is, in a sentence or two."""
    model, course = run.config.model, run.summarize()
    cell = CELL_NAMES.get(model.cell, f"{model.cell} network")
    seconds = course.seconds or 0
    lasted = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    units = run.config.corpus.units
    if is_language_model:
        kind = "A character-level language model"
        does = f"It predicts the next {units.removesuffix('s')} of a text from all that came before."
    else:
        kind, does = "A network", f"Its task is {run.config.task.task}."
    return (
        f"<header><{heading}>{show(run.name)}</{heading}>"
        + paragraph(
            f"{kind}: {cell}, {counted(model.layers, 'layers')} of {model.hidden:,} units, {parameters:,} "
            f"parameters. {does}",
            "lead",
        )
        + paragraph(
            f"Trained on {run.corpus.name}: {counted(run.corpus.training_characters, units)}, "
            f"{len(run.vocabulary):,} different, for {lasted} ({counted(course.steps or 0, 'steps')})."
        )
        + "</header>\n"
    )


def together(title: str, overviews: Sequence[str]) -> str:
    """The beginning of a page of several runs."""
    return "\n".join([f"<header><h1>{show(title)}</h1>", *overviews, "</header>"])


def tiles(figures: Sequence[tuple[str, str, str]]) -> str:
    """Figures with what they mean: (value, unit, explanation)."""
    made = "".join(
        f"<div><dt><b>{show(value)}</b> {show(unit)}</dt><dd>{show(words)}</dd></div>"
        for value, unit, words in figures
    )
    return f'<dl class="tiles">{made}</dl>'


def loss_tiles(record: dict[str, Any], baseline: float | None) -> str:
    """The loss on held-out text, in three units."""
    bits, perplexity = record["bits_per_char"], record["perplexity"]
    found = [
        (
            f"{bits:.2f}",
            "bits/char on held-out text",
            "How much each character of text that it did not learn from surprises it: the lower, the better.",
        ),
        (f"{perplexity:.2f}", "perplexity", f"As unsure as between {perplexity:.1f} equally likely characters."),
    ]
    if baseline is not None:
        found.append(
            (
                f"{baseline / math.log(2):.2f}",
                "bits/char of a bigram model",
                "To compare with: it sees the last character only.",
            )
        )
    return tiles(found)


def figure(curve: Curve, words: str) -> str:
    """A curve as an inline picture, or the reason why there is none."""
    try:
        svg = picture([curve], "svg").decode()
    except UsageError as error:
        return paragraph(f"A picture is missing here: {error}.", "missing")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'<svg ([^>]*?)height="[^"]*" ([^>]*?)width="[^"]*"', r"<svg \1\2", svg, count=1)
    drawn = f'<div role="img" aria-label="{show(curve.title)}">{svg}</div>'
    return f"<figure>{drawn}<figcaption>{words}</figcaption></figure>"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 1) -> str:
    """A table of texts; columns from ``numbers`` on are numbers."""
    head = "".join(
        f"<th scope=col{' class=n' if place >= numbers else ''}>{show(heading)}</th>"
        for place, heading in enumerate(headings)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=n' if place >= numbers else ''}>{show(cell)}</td>" for place, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def ranking(run: str, record: dict[str, Any]) -> str:
    """The model among n-gram models and compressors, as bars."""
    own = {"model": run, "bits_per_char": record["bits_per_char"], "own": True}
    kept = [each for each in record["baselines"] if each["model"] != "Witten-Bell"]
    ranked = sorted([own, *kept], key=lambda each: each["bits_per_char"])
    most = max(each["bits_per_char"] for each in ranked)
    rows = []
    for each in ranked:
        order = (
            f", {counted(each['order'], 'characters')}"
            if each.get("order") and each["model"] == "Kneser-Ney"
            else ""
        )
        share = each["bits_per_char"] / most
        rows.append(
            f"<tr{' class=own' if each.get('own') else ''}><th scope=row>{show(each['model'] + order)}</th>"
            f'<td><span class="bar" style="--share:{share:.3f}"></span></td>'
            f"<td class=n>{each['bits_per_char']:.2f}</td></tr>"
        )
    return (
        '<div class="wide"><table class="ranks"><thead><tr><th scope=col>model</th><td></td>'
        f"<th scope=col class=n>bits/char</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def samples(texts: Sequence[tuple[float, str]]) -> str:
    """Samples at several temperatures."""
    cards = "".join(
        f"<div><h3>Temperature {temperature:g}</h3><pre>{show_text(text)}</pre></div>"
        for temperature, text in texts
    )
    return f'<div class="cards">{cards}</div>'


def show_text(text: str) -> str:
    """A text of lines as HTML."""
    return "\n".join(show(line) for line in text.split("\n"))


def passage(place: str, average: float | None, css: str = "") -> str:
    """A colored text's frame; a script fills it. The class ``passage`` makes it scroll."""
    mean = "" if average is None else f" Here it is {average:.2f}."
    return (
        paragraph(WHAT_A_BIT_IS + mean) + legend() + f'<div id="{place}" class="{css}" role="group" '
        'aria-label="Text colored by surprisal; arrow keys move"></div>'
        + paragraph(
            "Point at a character, tap it, or use the arrow keys: its bits, and the five likeliest.", "hint"
        )
        + "<noscript><p>The colored text needs JavaScript.</p></noscript>"
    )


def unit_rows(record: dict[str, Any]) -> list[list[str]]:
    """The best unit of each property, next to an untrained network's."""

    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    return [
        [each["property"], each["unit"] or "-", shown(each["score"]), shown(each["untrained_score"])]
        for each in record["properties"]
    ]


def copy_rows(record: dict[str, Any]) -> list[list[str]]:
    """Shares of copied n-grams."""

    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.1%}"

    return [[str(each["n"]), shown(each["samples"]), shown(each["held_out"])] for each in record["ngrams"]]
