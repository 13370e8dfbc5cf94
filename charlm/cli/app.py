"""Commands, exit codes and error messages."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated, Any

import typer
from typer.exceptions import Abort, TyperException

from charlm.base.errors import CharlmError, CharlmWarning, WorkerError
from charlm.base.escape import escape_controls
from charlm.base.torchrun import own_rank
from charlm.base.version import __version__
from charlm.cli.groups import discover
from charlm.cli.output import prepare_streams, write_note
from charlm.cli.usage_errors import explain_usage

INTERRUPTED = 130  # 128 plus SIGINT, as in shells

_shown = warnings.showwarning

EXAMPLES = """
charlm train novel.txt --minutes 2
charlm sample --prompt "It was" --temperature 0.7
"""

app = typer.Typer(
    cls=discover("charlm.cli.commands", EXAMPLES),
    name="charlm",
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
        typer.Option(
            "-V", "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Train, sample and measure character-level language models."""


def main() -> None:
    """Run charlm; errors become one line."""
    prepare_streams()
    if own_rank() > 0:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - until the end
    warnings.showwarning = _show_warning
    sys.exit(_run())


def _show_warning(message: Warning | str, category: type[Warning], *where: Any, **how: Any) -> None:
    """Print charlm's own warnings in one line."""
    if issubclass(category, CharlmWarning):
        _print_error(str(message))
    else:
        _shown(message, category, *where, **how)


def _run() -> int:
    """Run, and return the exit code."""
    try:
        code: int | None = app(prog_name="charlm", standalone_mode=False)
        sys.stdout.flush()
    except CharlmError as error:
        is_shared = own_rank() > 0 and not isinstance(error, WorkerError)  # rank 0 says it
        return _fail("" if is_shared else str(error), error.exit_code)
    except TyperException as error:
        return _fail("" if own_rank() else explain_usage(error), error.exit_code)
    except (KeyboardInterrupt, Abort):
        return INTERRUPTED
    except MemoryError as error:
        activities: list[str] = getattr(error, "__notes__", ["reading the command line"])
        return _fail(f"out of memory while {activities[0]}", 1)
    except OSError as error:
        # The interpreter must not try at its end to write what standard output still holds.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        # A reader of the output that has ended, such as `head`, is no error.
        return 1 if isinstance(error, BrokenPipeError) else _fail(f"system error: {error}", 1)
    return code or 0


def _fail(message: str, code: int) -> int:
    if message:
        _print_error(message)
    return code


def _print_error(message: str) -> None:
    line = escape_controls(" ".join(message.splitlines()))
    write_note(f"charlm: {line}")
