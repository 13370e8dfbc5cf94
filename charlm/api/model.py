"""Load a run: a language model, or the reader of another task."""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from charlm.base.errors import CharlmError, UsageError
from charlm.base.escape import escape_unprintable
from charlm.base.files.atomic import write_atomically
from charlm.base.plural import counted
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import LanguageModel, load_run
from charlm.report.figures import make_figure
from charlm.report.learning_curve import KEYS, NATS_PER_UNIT, learning_curve
from charlm.report.report import ReportOptions, make_report
from charlm.runs.find import find_run
from charlm.runs.metrics import RunSummary, is_training_loss
from charlm.runs.run import Run
from charlm.tasks.text_classifier import TextClassifier, open_classifier
from charlm.tasks.text_filler import TextFiller
from charlm.tasks.text_tagger import TextTagger
from charlm.tasks.translator import Translator
from charlm.tasks.whole_texts import TextReader


@dataclass(frozen=True, repr=False, kw_only=True)
class Model(LanguageModel):
    """A trained model with its run: what ``charlm.train`` and ``charlm.load`` return.

    The run's folder is gone where nothing was kept.
    """

    run: Run

    @classmethod
    def of(cls, run: Run) -> Model:
        """A run's model.

        Raises:
            RunError: the weights are missing or unreadable.
        """
        return cls(**vars(load_run(run, mix=None)), run=run)

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.name if self.run.folder.exists() else "not kept"

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """The validations of the training log, oldest first; the keys are those of ``charlm plot --json``."""
        return [record for record in self._log if not is_training_loss(record)]

    @cached_property
    def _log(self) -> list[dict[str, Any]]:
        """Validations and training losses."""
        return self.run.read_log()

    def plot(self, x: str = "steps", unit: str = "nats") -> Any:
        """The learning curve as a matplotlib Figure, which a notebook shows.

        Args:
            x: "steps", "seconds" or "epochs".
            unit: of the loss, per character: "nats" or "bits".

        Raises:
            UsageError: x or unit is none of these, or there is no matplotlib.
            RunError: there is no training log.
        """
        for name, value, choices in (("x", x, KEYS), ("unit", unit, NATS_PER_UNIT)):
            if value not in choices:
                raise UsageError(f"{name} is {value!r}: it must be one of {', '.join(choices)}")
        return make_figure([learning_curve({self.name: self._log}, x, unit)])

    def report(
        self,
        path: str | PathLike[str],
        *,
        half: bool = False,
        model: bool = True,
        text: bool = True,
        characters: int = 100_000,
    ) -> None:
        """Write a web page about the run, with the model running in it.

        Args:
            path: the page; an existing file is replaced.
            half: weights in float16, half the size.
            model: with the live model.
            text: with text of the corpus.
            characters: of held-out text that are measured.

        Raises:
            UsageError: the run was not kept, or the page becomes too large.
            RunError: a system error.
        """
        if not self.run.folder.exists():
            raise UsageError("a report needs a run that is kept: train with out=FOLDER")
        with ThreadPool() as pool:
            options = ReportOptions(half, model, text, characters)
            page = make_report([self.run], options, pool, lambda done, total: None).html
        write_atomically(Path(path), page.encode())

    def save(self, folder: str | PathLike[str]) -> None:
        """Write weights, vocabulary and settings into a new or empty folder.

        It samples, scores, and a new run can start from it (``init_from``). It cannot be resumed: it has no
        optimizer state.

        Raises:
            RunError: the folder holds files, or a system error.
        """
        self.run.save_model(Path(folder), self.network.params, self.mixture)

    def to_torch(self) -> Any:
        """The network as a new ``torch.nn.Module``: ``embedding``, ``rnn`` or ``cell``, ``readout``.

        Called with ids (T, B) and a state, it gives logits (T, B, V) and the state after. Its state_dict has the
        names and tensors of ``model.safetensors``.

        Raises:
            UsageError: PyTorch is not installed.
        """
        if importlib.util.find_spec("torch") is None:
            raise UsageError("to_torch needs PyTorch: pip install torch")
        from charlm.engines.torch.module import CharRNN

        return CharRNN(self.network.config, self.network.params)

    def __repr__(self) -> str:
        name, *others = self._describe().values()
        return f"<charlm.Model {name}: {', '.join(others)}>"

    def _repr_html_(self) -> str:
        rows = (f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in self._describe().items())
        return f"<table>{''.join(rows)}</table>"

    def _describe(self) -> dict[str, str]:
        """What to know first, by heading; a damaged training log is left out."""
        config = self.network.config
        loss = None
        with suppress(CharlmError):
            loss = RunSummary.of(self.history).best_val_nats_per_char
        return {
            "model": escape_unprintable(self.name),
            "network": f"{config.cell}, {counted(config.layers, 'layers')} x {config.hidden}",
            "size": counted(self.network.params.flat.size, "parameters"),
            "vocabulary": counted(len(self.vocabulary), "symbols"),
            "text": escape_unprintable(self.run.corpus.name),
            "validation": "no loss" if loss is None else f"loss {loss:.3f} nats/char",
        }


def load(run: str | PathLike[str] | None = None, *, weights: str | int | None = None) -> Any:
    """Load a trained model.

    It is a ``Model``; of a run with labels, something with ``classify(texts)``; of ``--task regress``, with
    ``regress(texts)``; of ``fill``, with ``fill(text)``; of ``tag``, with ``tag(texts)``; of ``translate``, with
    ``translate(texts)``.

    Args:
        run: a run's folder, a file of weights in it, or its name under ``runs/``; None is the newest run.
        weights: "best", "last" or the step of a kept checkpoint; None is the best.

    Raises:
        RunError: there is no such run, it has no such weights, or its files are damaged.
        UsageError: the weights are none of these.
    """
    return open_run(find_run(None if run is None else str(run), None if weights is None else str(weights)))


def open_run(run: Run) -> Model | TextClassifier | TextReader | TextFiller | TextTagger | Translator:
    """What a run can do."""
    if "fill" in run.config.task.commands:
        return TextFiller.of(run)
    if "tag" in run.config.task.commands:
        return TextTagger.of(run)
    if "regress" in run.config.task.commands:
        return TextReader.of(run)
    if "translate" in run.config.task.commands:
        return Translator.of(run)
    return open_classifier(run) if "classify" in run.config.task.commands else Model.of(run)
