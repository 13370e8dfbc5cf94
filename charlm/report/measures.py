"""What a page shows of a run, measured: figures, curves and colored text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from charlm.base.errors import CorpusError, UsageError
from charlm.base.progress import Progress
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import EvalCase, EvalResult, Measurement
from charlm.evaluate.measures.baselines import Baselines
from charlm.evaluate.measures.calibration import Calibration
from charlm.evaluate.measures.context import Context
from charlm.evaluate.measures.gradients import Gradients
from charlm.evaluate.measures.memorization import Memorization
from charlm.evaluate.measures.perplexity import Perplexity
from charlm.evaluate.measures.surprisal import Surprisal
from charlm.evaluate.measures.units import Units
from charlm.inference.language_model import LanguageModel
from charlm.runs.run import Run

PASSAGE = 3_000  # characters of held-out text that are shown in color, with those before its first line

MEASURES: Mapping[str, Callable[[], Measurement]] = {
    "perplexity": Perplexity,
    "surprisal": lambda: Surprisal(characters=PASSAGE, worst=0),
    "units": lambda: Units(characters=20_000),
    "baselines": lambda: Baselines(max_order=6),
    "context": lambda: Context(longest=256, places=500),
    "calibration": lambda: Calibration(characters=30_000),
    "gradients": lambda: Gradients(distance=64, positions=1),
    "memorization": lambda: Memorization(characters=20_000),
}
"""Every measurement of a page, in the order in which they are made; settings keep a page to a minute or so."""


@dataclass(frozen=True)
class Measured:
    """A run's measurements by name, and why others are missing."""

    results: Mapping[str, EvalResult]
    missing: Mapping[str, str]

    def record(self, name: str) -> dict[str, Any] | None:
        """A measurement's figures, or None."""
        return self.results[name].records[0] if name in self.results else None


@dataclass(frozen=True)
class ReportedRun:
    """A run with all that a page says of it.

    ``model`` is None where it is no language model; ``obstacle`` says why none runs in the page, or is None.
    """

    run: Run
    parameters: int
    model: LanguageModel | None
    case: EvalCase | None
    measured: Measured
    obstacle: str | None


def measure_run(case: EvalCase, characters: int, pool: ThreadPool, progress: Progress) -> Measured:
    """Measure a run on the first characters of a text; what cannot be measured is left out with the reason."""
    case = replace(case, part=case.part[:characters])
    results, missing = {}, {}
    for number, (name, make) in enumerate(MEASURES.items()):

        def advance(done: int, total: int, number: int = number) -> None:
            progress(1000 * number + 1000 * done // max(total, 1), 1000 * len(MEASURES))

        advance(0, 1)
        try:
            results[name] = make().measure([case], pool, advance)
        except (CorpusError, UsageError) as error:
            missing[name] = str(error)
    return Measured(results, missing)
