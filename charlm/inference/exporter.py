"""Exporting a run: the base of formats, and files that only an export may replace."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from charlm.base.errors import RunError
from charlm.base.files.atomic import write_atomically
from charlm.base.files.plain import open_plain
from charlm.base.registry import Registry
from charlm.inference.language_model import LanguageModel, load_run
from charlm.models.torch_layout import to_torch
from charlm.runs.run import Run
from charlm.runs.tensors import is_stamped, save_tensors

MARK = {"export": True}
"""In the metadata of exported weights, which no run's own file has."""


class Exporter(ABC):
    """One format; ``ending`` is that of its file."""

    ending: ClassVar[str]
    command: ClassVar[str | None] = None
    """What a run's task must offer for it; None is any task."""

    packs_ngram: ClassVar[bool] = False
    """Whether it can hold a run's n-gram model."""

    def __init__(self, with_ngram: bool = False) -> None:
        self.with_ngram = with_ngram

    @abstractmethod
    def export(self, run: Run, path: Path) -> str:
        """Write the file, and what lies beside it; what to tell the user.

        Raises:
            RunError: a file is there that is no export, or a system error.
            UsageError: the format cannot express the model.
        """


class ScriptExporter(Exporter):
    """A script that rebuilds and samples a model, and its weights beside it."""

    ending = ".py"
    command = "sample"

    @abstractmethod
    def write(self, model: LanguageModel) -> str:
        """The script, with {file} and {weights} for the names of both files."""

    def export(self, run: Run, path: Path) -> str:
        """Write the script and the weights."""
        written = self.export_model(load_run(run), path)
        return written + "; the n-gram model is left out" * run.ngram_path.exists()

    def export_model(self, model: LanguageModel, path: Path) -> str:
        """The same of a model without a run."""
        return _write_script(path, self.write(model), model)


EXPORTERS: Registry[Exporter] = Registry("charlm.inference.export", Exporter)  # type: ignore[type-abstract]


def _write_script(path: Path, script: str, model: LanguageModel) -> str:
    """Write a script and the weights beside it.

    Raises:
        RunError: a file is there that is no export, or a system error.
    """
    weights = path.with_suffix(".safetensors")
    script = script.replace("{file}", _plain(path.name), 1).replace("{weights}", _plain(weights.name), 1)
    opening = script.partition("\n")[0].encode()
    check_replaceable(path, _starts_with(path, opening.partition(b", in ")[0]))
    check_replaceable(weights, is_stamped(weights, MARK))
    save_tensors(weights, to_torch(model.network.params, model.network.config), MARK)
    write_atomically(path, script.encode())
    return f"wrote {path} and {weights}"


def check_replaceable(path: Path, is_own: bool) -> None:
    """Refuse to replace a file that no export wrote.

    Raises:
        RunError: it is one.
    """
    if os.path.lexists(path) and not is_own:
        raise RunError(f"{path} is there, and no export of charlm: give another name, or move it away")


def _starts_with(path: Path, opening: bytes) -> bool:
    """Whether a plain file starts with these bytes."""
    try:
        with open_plain(path) as file:
            return file.read(len(opening)) == opening
    except RunError:
        return False


def _plain(name: str) -> str:
    """A file's name for a comment: only letters, digits and marks that end no string."""
    return "".join(letter if letter.isalnum() or letter in "._- " else "_" for letter in name)
