"""The terminal of the command line's tests, for the drawings in the pages."""

from tests.cli.conftest import on_terminal

__all__ = ["on_terminal"]
