"""Groups of runs, such as the seeds of one setting: mean and deviation of the loss, and which is better."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from charlm.base.progress import Progress
from charlm.base.tables import Column, Table
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import EvalResult
from charlm.evaluate.bootstrap import MeanSeries
from charlm.evaluate.paired import INCLUDES_0, RULE, Difference, difference, score_case, text_digest, verdict
from charlm.evaluate.subjects import subjects_of

COLUMNS = (
    Column("runs", "d", rank=2),
    Column("val loss", ".3f", lowest_is_best=True),
    Column("deviation", ".3f"),
    Column("val bits/char", ".3f", rank=3),
    Column("to best, 95% CI", ".3f", rank=1, is_interval=True),
)
Scored: TypeAlias = dict[int, tuple[bytes, MeanSeries]]
"""By seed, the digest of the text that a run was validated on, and its losses."""
WHAT = (
    "val loss is the mean over the seeds, each with its best weights; deviation is their standard deviation "
    "(n - 1). With several seeds, a clear difference is also more than twice its standard error over them"
)


def compare_groups(
    groups: Mapping[str, Mapping[int, str]],
    settings: Mapping[str, Mapping[str, Any]],
    pool: ThreadPool,
    progress: Progress,
) -> EvalResult:
    """Measure every run on its validation split, and compare the groups' means.

    Args:
        groups: the runs of each by their seeds, all of one corpus.
        settings: of each group, what tells it from the others.
        pool: threads.
        progress: is told how far it is, in runs.

    Raises:
        RunError: a run is missing or damaged.
        CorpusError: the text has moved or changed.
    """
    found: dict[str, Scored] = {name: {} for name in groups}
    runs = [(name, seed, run) for name, members in groups.items() for seed, run in members.items()]
    for done, (name, seed, run) in enumerate(runs):
        progress(done, len(runs))
        (case,) = subjects_of([run], "val")
        _, series = score_case(case, pool, lambda done, total: None)
        found[name][seed] = text_digest(case.part), series
    losses = {name: [series.mean for _, series in own.values()] for name, own in found.items()}
    best = min(groups, key=lambda name: statistics.fmean(losses[name]))
    gaps = {name: difference(_pairs(own, found[best])) for name, own in found.items() if name != best}
    doubts = {name: _doubt(gap, losses[name], losses[best]) for name, gap in gaps.items()}
    records = []
    for name, own in losses.items():
        gap = gaps.get(name)
        records.append(
            {
                "settings": dict(settings[name]),
                "runs": list(groups[name].values()),
                "val_nats_per_char": statistics.fmean(own),
                "deviation_nats": statistics.stdev(own) if len(own) > 1 else None,
                "difference_nats": None if gap is None else gap.nats,
                "difference_low": None if gap is None else gap.low,
                "difference_high": None if gap is None else gap.high,
            }
        )
    varied = next(iter(settings.values()), {})
    columns = [*(Column(name.replace("_", " "), name=name) for name in varied), *COLUMNS]
    return EvalResult(
        records,
        [Table("", columns, [_row(record) for record in records])],
        [f"{_name_compared(losses)}: {verdict(best, doubts)}"] if gaps else [],
        explanation=[WHAT, *([RULE] if gaps else [])],
        legend="loss in nats/char",
    )


def _name_compared(losses: Mapping[str, Sequence[float]]) -> str:
    """What the verdict compares.

    >>> _name_compared({"gru": [1.5, 1.6], "rnn": [1.7]}), _name_compared({"gru": [1.5], "rnn": [1.7]})
    ('mean val loss over 1 to 2 seeds', 'val loss of one seed each, and other seeds may differ')
    """
    counts = sorted({len(each) for each in losses.values()})
    if counts == [1]:
        return "val loss of one seed each, and other seeds may differ"
    return f"mean val loss over {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} seeds"


def _doubt(gap: Difference, ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Why a difference to the best is not clear; nothing where it is."""
    noise = _noise(ours, theirs)
    if not gap.is_clear:
        return INCLUDES_0
    if gap.nats > noise:
        return ""
    return (
        f"the interval leaves out 0, but {gap.nats:.3f} is not more than {noise:.3f}, twice the standard error "
        "over the seeds"
    )


def _noise(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """What two means over seeds may differ by chance: twice the standard error; 0 with one seed."""
    return 2 * math.sqrt(sum(statistics.variance(each) / len(each) for each in (ours, theirs) if len(each) > 1))


def _pairs(ours: Scored, theirs: Scored) -> list[tuple[list[MeanSeries], list[MeanSeries]]]:
    """For each text, the losses of both, of the seeds that both have.

    Lines are split at random, so that each seed validates on others; other texts are the same for all seeds.
    """
    texts: dict[bytes, tuple[list[MeanSeries], list[MeanSeries]]] = {}
    for seed in ours.keys() & theirs.keys():
        for side, (digest, series) in enumerate((ours[seed], theirs[seed])):
            texts.setdefault(digest, ([], []))[side].append(series)
    return list(texts.values())


def _row(record: dict[str, Any]) -> list[Any]:
    nats, low, high = (record[name] for name in ("val_nats_per_char", "difference_low", "difference_high"))
    gap = None if low is None else (low, high)
    values = [len(record["runs"]), nats, record["deviation_nats"], nats / math.log(2), gap]
    return [*record["settings"].values(), *values]
