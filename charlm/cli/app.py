"""The program ``charlm``: its commands, its exit codes, and how it says that something went wrong."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated, Any

import typer
from typer.exceptions import Abort, TyperException

from charlm.base.errors import CharlmError, CharlmWarning
from charlm.base.escape import escape_controls
from charlm.base.version import __version__
from charlm.cli.discovery import DiscoveredGroup
from charlm.cli.streams import prepare_streams

INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it

_shown = warnings.showwarning

app = typer.Typer(
    cls=DiscoveredGroup,
    name="charlm",
    help="Train, sample and measure character-level recurrent language models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"charlm {__version__}")
        raise typer.Exit


@app.callback()
def charlm(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Train, sample and measure character-level recurrent language models."""


def main() -> None:
    """Run the command line; every failure that is not a bug ends in one line on standard error."""
    prepare_streams()
    warnings.showwarning = _show_warning
    sys.exit(_run())


def _show_warning(message: Warning | str, category: type[Warning], *where: Any, **how: Any) -> None:
    """Say what charlm says without failing in one line; of all other warnings the interpreter tells the place."""
    if issubclass(category, CharlmWarning):
        _say(str(message))
    else:
        _shown(message, category, *where, **how)


def _run() -> int:
    """Run the command line; the exit code."""
    try:
        code: int | None = app(prog_name="charlm", standalone_mode=False)
        sys.stdout.flush()
    except CharlmError as error:
        return _fail(str(error), error.exit_code)
    except TyperException as error:
        return _fail(_usage(error), error.exit_code)
    except (KeyboardInterrupt, Abort):
        return INTERRUPTED
    except MemoryError as error:
        activities: list[str] = getattr(error, "__notes__", ["reading the command line"])
        return _fail(f"out of memory while {activities[0]}", 1)
    except OSError as error:
        # What standard output still holds cannot be written: the interpreter must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        # Whoever read our output may have gone, as `head` does: no failure to speak of.
        return 1 if isinstance(error, BrokenPipeError) else _fail(f"the system refuses: {error}", 1)
    return code or 0


def _usage(error: TyperException) -> str:
    """What is wrong with a command line, and where to look; nothing where the help has been shown instead."""
    _drop_unlike(error)
    message = error.format_message().rstrip(".")
    # pydantic's: what was typed, and what is wrong with it.
    faults: list[Any] = getattr(error.__cause__, "errors", list)()
    if isinstance(error, typer.BadParameter) and error.param is not None and faults:
        reason = faults[0]["msg"].removeprefix("Value error, ").replace("Input should", "it must").rstrip(".")
        message = f"{error.param.opts[0]} is {faults[0]['input']!r}: {reason}"
    context = getattr(error, "ctx", None)
    return f"{message}; see {context.command_path} --help" if message and context else message


def _drop_unlike(error: Any) -> None:
    """Keep of the options that are offered for an unknown one those alike beside their dashes, which all have."""
    if getattr(error, "possibilities", None):
        from difflib import get_close_matches

        name = error.option_name.strip("-")
        alike = get_close_matches(name, [each.strip("-") for each in error.possibilities])
        error.possibilities = [each for each in error.possibilities if each.strip("-") in alike]


def _fail(message: str, code: int) -> int:
    if message:
        _say(message)
    return code


def _say(message: str) -> None:
    line = escape_controls(" ".join(message.splitlines()))
    print(f"charlm: {line}", file=sys.stderr)  # noqa: T201
