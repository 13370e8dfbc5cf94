"""The section in which a model runs: its controls, and what its script reads."""

from __future__ import annotations

from typing import Any

from charlm.report.page import legend
from charlm.report.sections import paragraph, section

BEST_UNITS = 3  # of each property
CONTROLS = """
<label for="prompt">Prompt</label>
<textarea id="prompt" rows="3" placeholder="Type here, or press Write"
spellcheck="false" autocomplete="off" autocapitalize="off"></textarea>
<div class="controls">
<button type="button" id="write" class="main">Write</button>
<button type="button" id="again">Write another</button>
EXAMPLE
<label>characters <input id="length" type="number" min="1" max="4000" value="300"></label>
<label>seed <input id="seed" type="number" min="0" max="4294967295" value="1"></label>
</div>
<details class="controls"><summary>Temperature and filters</summary>
<p class="hint">A low temperature plays safe, a high one dares more. The filters leave out the unlikely.</p>
<label for="temperature">temperature <output id="temperature_shown">0.80</output>
<input id="temperature" type="range" min="0" max="2" step="0.05" value="0.8"></label>
<label>top-k (0: all) <input id="top_k" type="number" min="0" value="0"></label>
<label for="top_p">top-p <output id="top_p_shown">1.00</output>
<input id="top_p" type="range" min="0.05" max="1" step="0.01" value="1"></label>
<label for="min_p">min-p <output id="min_p_shown">0.00</output>
<input id="min_p" type="range" min="0" max="0.5" step="0.01" value="0"></label>
</details>
"""


def live_section(has_example: bool, notes: list[str]) -> str:
    """The section's frame."""
    example = '<button type="button" id="example">Read held-out text</button>' if has_example else ""
    return section(
        "Try it",
        paragraph(
            "The model runs in this page. Type a beginning, and Write lets the model go on; what you typed is "
            "bold. The redder a character, the less the model expected it. Click one to see what else could have "
            "come, and to go on from there."
        ),
        *(paragraph(note, "hint") for note in notes),
        CONTROLS.replace("EXAMPLE", example),
        legend(),
        '<div id="columns"></div>',
        "<noscript><p>The model needs JavaScript; the rest of the page does not.</p></noscript>",
        name="live",
    )


def best_units(record: dict[str, Any] | None) -> dict[str, Any] | None:
    """The units that follow each property best, for the page's buttons."""
    if record is None:
        return None
    properties = []
    for each in record["properties"]:
        if each["scores"] is None:
            continue
        chance = 0.5 if each["measure"] == "auc" else 0.0
        ranked = sorted(enumerate(each["scores"]), key=lambda pair: -abs(pair[1] - chance))
        best = [{"unit": unit, "score": score} for unit, score in ranked[:BEST_UNITS]]
        properties.append({"name": each["property"], "best": best})
    return {"names": record["units"], "properties": properties}
