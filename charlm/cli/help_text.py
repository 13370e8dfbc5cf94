"""The layout of help: plain text, wrapped at words."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

NARROWEST, WIDEST = 40, 100  # columns of help
INDENT = 2
MOST_NAMES = 24  # columns of names; a longer one has a line of its own
TYPES = {"bool": "", "int": "INT", "float": "FLOAT", "str": "TEXT", "Path": "PATH", "list[str]": "TEXT"}
NO_BREAK = "\N{NO-BREAK SPACE}"  # keeps a default on one line
PRESET = "preset"
"""The default of an option that a preset decides."""


def write_help(usage: str, prose: str, sections: Sequence[str], examples: str, closing: str) -> str:
    """The help of a command, from its parts; empty ones are left out."""
    parts = [usage, *(_wrap(" ".join(each.split())) for each in prose.split("\n\n")), *sections]
    if examples:
        parts.append("Examples:\n" + textwrap.indent(textwrap.dedent(examples).strip("\n"), INDENT * " "))
    return "\n\n".join(part for part in (*parts, _wrap(closing)) if part)


def write_options(title: str, parameters: Iterable[Any], brief: bool) -> str:
    """A section of options or arguments."""
    return write_list(title, [(_names(each), _explain(each, brief)) for each in parameters if not each.hidden])


def write_list(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """A titled list of names and their meanings, in two columns."""
    if not rows:
        return ""
    widths = [len(name) for name, _ in rows]
    column = max((width for width in widths if width <= MOST_NAMES), default=0) + 2 * INDENT
    lines = [f"{title}:"] if title else []
    for name, meaning in rows:
        start = " " * INDENT + name
        if len(start) > column - INDENT:
            lines.append(start)
            start = ""
        lines.append(_wrap(meaning, start.ljust(column), column * " "))
    return "\n".join(lines)


def write_usage(path: str, pieces: Sequence[str]) -> str:
    """The usage line."""
    start = f"Usage: {path} "
    return _wrap(" ".join(pieces), start, len(start) * " ")


def _wrap(text: str, first: str = "", rest: str = "") -> str:
    width = max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))
    lines = textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace(NO_BREAK, " ") or first.rstrip()


def name_argument(parameter: Any) -> str:
    """An argument in the usage line."""
    name = str(parameter.display_name_raw)
    shown = name if parameter.required or name.startswith("[") else f"[{name}]"
    return shown if parameter.nargs == 1 else f"{shown}..."


def shown_names(parameter: Any) -> list[str]:
    """The names of an option that help shows: the short ones, then the first long one.

    Other long names are aliases. A negative form shows unless the option is off by default.
    """
    short = [name for name in parameter.opts if not name.startswith("--")]
    long = [name for name in parameter.opts if name.startswith("--")][:1]
    return short + long + (parameter.secondary_opts[:1] if parameter.default is not False else [])


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.display_name_raw)
    names = ", ".join(shown_names(parameter))
    return names if parameter.is_flag else f"{names} {name_value(parameter)}"


def name_value(parameter: Any) -> str:
    """What stands for the value of an option."""
    if parameter.metavar is not None:
        return str(parameter.metavar)
    if parameter.type_descriptor.is_choice:
        return str(parameter.name).upper()
    return TYPES[parameter.bare_type()]


def _explain(parameter: Any, brief: bool) -> str:
    """What an option does, its choices and its default."""
    descriptor = parameter.type_descriptor
    text = add_choices(parameter.help or "", descriptor.choices if descriptor.is_choice else ())
    default = parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
    if default is True and parameter.secondary_opts:
        default = "on"
    if not parameter.show_default or default is None or default == "" or isinstance(default, bool):
        return text
    note = f"(default: {default})"
    if default == PRESET:
        note = "(preset)" if brief or parameter.default is None else f"(preset, or {parameter.default})"
    return f"{text} {note.replace(' ', NO_BREAK)}"


def add_choices(text: str, choices: Sequence[Any]) -> str:
    """A sentence with the choices at its end, unless it names them.

    >>> add_choices("Number type.", ["float32", "float64"]), add_choices("Bits or nats.", ["its", "nats"])
    ('Number type: float32, float64.', 'Bits or nats.')
    """
    names = [str(choice) for choice in choices]
    return text if all(name in text for name in names) else f"{text.rstrip('.')}: {', '.join(names)}."
