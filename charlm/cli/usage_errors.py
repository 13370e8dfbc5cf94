"""What is wrong with a command line, in one line, from the exceptions of typer."""

from __future__ import annotations

from typing import Any

import typer

from charlm.base.suggest import closest, did_you_mean
from charlm.cli.help_text import name_value
from charlm.config.base import flag

EXTRA = "Got unexpected extra argument(s) ("


def explain_usage(error: Any) -> str:
    """Explain a usage error, with the nearest name or where to look."""
    context: Any = getattr(error, "ctx", None)
    if hasattr(error, "possibilities") and context is not None:
        message, meant = f"no option is called {error.option_name}", _suggest_option(error.option_name, context)
    elif hasattr(error, "option_name") and context is not None:
        message, meant = _explain_value(error, context), ""
    elif isinstance(error, typer.BadParameter):
        message, meant = _explain_parameter(error)
    else:
        message, meant = error.format_message().rstrip("."), ""
        if message.startswith(EXTRA):
            message = f"too many arguments: {message.removeprefix(EXTRA)[:-1]}"
    return f"{message}{meant or f'; see {context.command_path} --help'}" if message and context else message


def _suggest_option(wrong: str, context: Any) -> str:
    shown = _shown_names(context)
    name = closest(wrong.strip("-"), shown)
    return "" if name is None else f"; did you mean --{shown[name]}?"


def _explain_value(error: Any, context: Any) -> str:
    """An option without its value, or a flag with one."""
    name = error.option_name
    options = {each: option for option in context.command.get_params(context) for each in option.opts}
    option = options.get(name)
    if option is None or option.is_flag:
        return f"{name} takes no value"
    return f"{name} needs a value: {name} {name_value(option)}"


def _explain_parameter(error: Any) -> tuple[str, str]:
    """A missing argument, or a wrong value: what it must be, and the nearest choice."""
    # pydantic's: the value, and what is wrong with it.
    faults: list[Any] = getattr(error.__cause__, "errors", list)()
    if error.param is None:
        return error.format_message().rstrip("."), ""
    if not faults:
        is_missing = hasattr(error, "param_type")
        name = error.param.display_name_raw if error.param.param_type_name == "argument" else error.param.opts[0]
        return (f"{name} is missing" if is_missing else error.format_message().rstrip(".")), ""
    value, choices = faults[0]["input"], error.param.type_descriptor.choices
    reason = faults[0]["msg"].removeprefix("Value error, ").replace("Input should", "it must").rstrip(".")
    if choices:
        reason = f"it must be one of {', '.join(choices)}"
    name = flag(error.param.name)
    return f"{name} is {value!r}: {reason}", did_you_mean(str(value), choices) if choices else ""


def _shown_names(context: Any) -> dict[str, str]:
    """The long names of a command's options without dashes; of an alias, the name that help shows."""
    shown: dict[str, str] = {}
    for option in context.command.get_params(context):
        for names in (option.opts, option.secondary_opts):
            long = [name[2:] for name in names if name.startswith("--")]
            shown |= dict.fromkeys(long, long[0] if long else "")
    return shown
