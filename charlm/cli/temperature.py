"""The temperature that ``charlm sample --temperature auto`` takes: what ``charlm eval calibration`` finds."""

from __future__ import annotations

import sys

from charlm.base.errors import MissingCorpusError, UsageError, hinting
from charlm.cli.display.progress import progress_bar
from charlm.cli.output import for_stream
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import beginnings
from charlm.evaluate.measures.calibration import CHARACTERS, best_temperature, outcomes_of
from charlm.evaluate.subjects import subjects_of

HINT = "put the run's corpus back, or give --temperature a number"


def fitted_temperature(run: str | None, weights: str | None) -> float:
    """The temperature that minimises the loss on a run's own validation part, which is said on standard error.

    Args:
        run: a run's folder or name; None means the newest.
        weights: which of its weights, as ``--weights`` has it.

    Raises:
        CorpusError: the run's corpus has moved or changed.
        UsageError: the run holds no validation part out.
    """
    with hinting(HINT, MissingCorpusError, UsageError):
        subjects, cuts = beginnings(subjects_of([] if run is None else [run], "val", weights), CHARACTERS)
    (subject,) = subjects
    with ThreadPool() as pool, progress_bar("temperature", quiet=False) as progress:
        best = best_temperature(outcomes_of(subject.model, subject.part, pool, progress))
    text = (
        f"the first {CHARACTERS:,} {subject.model.corpus.units} of {subject.text_name}"
        if cuts
        else subject.text_name
    )
    said = f"temperature {best:.3f} minimises the loss on {text}\n"
    sys.stderr.write(for_stream(said, sys.stderr))
    return best
