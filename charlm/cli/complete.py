"""What a shell completes: runs, corpora and files.

Where nothing here begins like the word, the shell completes paths by itself. Imports wait until something is
completed, since every command names these functions.
"""

from __future__ import annotations

import shlex

from charlm.base.errors import CharlmError


def complete_runs(incomplete: str) -> list[str]:
    """The runs under runs/, the newest first."""
    return _begun(incomplete, _list_runs())


def complete_catalog(incomplete: str) -> list[str]:
    """The named corpora."""
    from charlm.data.catalog.catalog import read_catalog

    return _begun(incomplete, [*read_catalog()])


def complete_corpora(incomplete: str) -> list[str]:
    """Corpora by name, and the files next to them."""
    return _with_files(incomplete, _list_corpora())


def complete_targets(incomplete: str) -> list[str]:
    """Runs, corpora by name, and the files next to them."""
    return _with_files(incomplete, _list_runs() + _list_corpora())


def _with_files(incomplete: str, names: list[str]) -> list[str]:
    from charlm.data.reading.patterns import file_names

    begun = _begun(incomplete, names)
    return begun and begun + _begun(incomplete, file_names(incomplete))


def _list_corpora() -> list[str]:
    from charlm.data.catalog.builtin import BUILTIN_NAMES

    return [*BUILTIN_NAMES, *complete_catalog("")]


def _list_runs() -> list[str]:
    from charlm.runs.find import list_runs

    try:
        return [folder.name for folder in reversed(list_runs())]
    except CharlmError:  # a shell shows no message
        return []


def _begun(incomplete: str, names: list[str]) -> list[str]:
    """The names that begin like this, without those that a shell would have to quote."""
    return [name for name in names if name.startswith(incomplete) and shlex.quote(name) == name]
