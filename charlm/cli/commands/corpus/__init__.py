"""Look into texts, get those that others publish, make some of known entropy.

Every module of this package is a subcommand.
"""

from __future__ import annotations

import typer

from charlm.cli.discovery import DiscoveredGroup


class _Corpora(DiscoveredGroup):
    """The group of the commands in this package."""

    package = __name__


app = typer.Typer(cls=_Corpora, no_args_is_help=True, add_completion=False)


@app.callback()
def corpus() -> None:
    """Look into texts, get those that others publish, make some of known entropy."""
