"""What a shell completes: runs, corpora and files.

Where nothing here begins like the word, the shell completes paths by itself.
"""

from __future__ import annotations

import shlex

from charlm.base.errors import CharlmError
from charlm.data.catalog.builtin import BUILTIN_NAMES
from charlm.data.catalog.catalog import read_catalog
from charlm.data.reading.patterns import text_names
from charlm.runs.find import list_runs


def complete_runs(incomplete: str) -> list[str]:
    """The runs under runs/, the newest first."""
    return _begun(incomplete, _list_names())


def complete_catalog(incomplete: str) -> list[str]:
    """The named corpora."""
    return _begun(incomplete, [*read_catalog()])


def complete_corpora(incomplete: str) -> list[str]:
    """Corpora by name, and the files next to them."""
    named = _begun(incomplete, [*BUILTIN_NAMES, *read_catalog()])
    return _begun(incomplete, text_names(incomplete)) if named else []


def complete_targets(incomplete: str) -> list[str]:
    """Runs, corpora by name, and the files next to them."""
    named = _begun(incomplete, [*_list_names(), *BUILTIN_NAMES, *read_catalog()])
    return _begun(incomplete, [*_list_names(), *text_names(incomplete)]) if named else []


def _list_names() -> list[str]:
    try:
        return [folder.name for folder in reversed(list_runs())]
    except CharlmError:  # a shell shows no message
        return []


def _begun(incomplete: str, names: list[str]) -> list[str]:
    """The names that begin like this, without those that a shell would have to quote."""
    return [name for name in names if name.startswith(incomplete) and shlex.quote(name) == name]
