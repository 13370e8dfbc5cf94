"""One web page: its frame, its styles, its scripts, and what is allowed to run in it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from string import Template
from typing import Any

from charlm.base.escape import escape_json, escape_unprintable
from charlm.base.version import __version__
from charlm.report.assets import read_asset
from charlm.report.colors import LEVELS, choose_colors, format_level

WHAT_A_BIT_IS = (
    "A character's surprisal is -log2 of the probability that the model gave it before it came. 0 bits: it was "
    "sure; 1 bit: one chance in two; 8 bits: one in 256. The mean over a text is the loss on it, in bits/char."
)


def make_page(title: str, body: str, data: Mapping[str, Any], scripts: Sequence[str]) -> str:
    """Make a page.

    Args:
        title: any text.
        body: HTML.
        data: what the scripts read, as JSON values; any texts.
        scripts: JavaScript files by their path in this folder.
    """
    script = "\n".join(["'use strict';", *(read_asset(path) for path in scripts)])
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(read_asset("page.html")).substitute(
        policy=f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        title=show(title),
        style=read_asset("page.css") + _color_styles(),
        body=body,
        version=__version__,
        data=script_json(data),
        script=script,
    )


def show(text: str) -> str:
    r"""A name or another short text as HTML.

    >>> show("<b>\n\u202e")
    '&lt;b&gt;\\n\\u202e'
    """
    return escape(escape_unprintable(text))


def script_json(data: Mapping[str, Any]) -> str:
    r"""JSON values for a script element: no text ends the element or starts a comment in it.

    >>> script_json({"text": "</script><!--\u2028"})
    '{"text":"\\u003c/script>\\u003c!--\\u2028"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return escape_json(text).replace("<", "\\u003c")


def legend() -> str:
    """The colors of surprisal."""
    levels = "".join(f'<b class="l{level}">{format_level(level)}</b>' for level in range(LEVELS))
    return f'<p class="legend"><span>Bits of surprisal:</span> {levels}</p>'


def _color_styles() -> str:
    rules = [
        _color_rules(dark=False),
        "@media screen and (prefers-color-scheme: dark) {",
        _color_rules(dark=True),
        "}",
    ]
    return "\n".join(rules)


def _color_rules(dark: bool) -> str:
    pairs = (choose_colors(level, dark) for level in range(LEVELS))
    return "\n".join(
        f".l{level} {{ color: {letters}; background: {ground}; }}"
        for level, (letters, ground) in enumerate(pairs)
    )
