"""Make a text from a source whose entropy is known exactly.

Every source of ``charlm.data.synthetic`` is a subcommand, with options made from its own settings.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from charlm.base.plural import counted
from charlm.cli.base import Group, command_of
from charlm.cli.display.progress import progress_bar
from charlm.cli.options import with_settings
from charlm.cli.output import print_json
from charlm.data.synthetic import SOURCES
from charlm.data.synthetic_source import Source, write_text


class _Sources(Group):
    """The group of all sources."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every source's name."""
        return list(SOURCES.names())

    def get_command(self, ctx: Any, name: str) -> Any:
        """The command of a source; None where there is none of this name."""
        return _command(name, SOURCES.find(name)) if name in SOURCES.names() else None


app = typer.Typer(cls=_Sources, no_args_is_help=True, add_completion=False)


@app.callback()
def make() -> None:
    """Make a text from a source whose entropy is known exactly.

    No model can cost less than the entropy rate in the long run; what one costs more is its own doing. The same
    settings and the same seed make the same file.
    """


def _command(name: str, kind: type[Source]) -> Any:
    @with_settings({"Source": [kind]})
    def draw(
        settings: dict[str, Any],
        out: Annotated[
            Path | None, typer.Option(metavar="FILE", help="The new file.", show_default="SOURCE.txt")
        ] = None,
        length: Annotated[int, typer.Option(min=1, help="Its length in characters.")] = 1_000_000,
        seed: Annotated[int, typer.Option(min=0, help="Of all that is random in the text.")] = 0,
        json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        source, path = kind(**settings), out or Path(f"{name}.txt")
        with progress_bar(name, quiet=json) as progress:
            made = write_text(source, length, np.random.default_rng(seed), path, progress)
        rate = source.bits_per_char
        if json:
            known = {"source": name, **source.to_json(), "seed": seed, "file": str(path)}
            print_json(known | asdict(made) | {"entropy_rate_bits_per_char": rate})
        else:
            sys.stdout.write(
                f"{path}: {counted(made.characters, 'characters')}\n"
                f"entropy rate of the source  {rate:.6f} bits/char\n"
                f"cost of this text to it     {made.bits_per_char:.6f} bits/char\n"
            )

    single = typer.Typer(add_completion=False)
    single.command(help=(kind.__doc__ or "").partition("\n")[0])(draw)
    return command_of(single, name)
