"""Error rates of predicted targets: wrong answers, edits between symbols, and which edits are the commonest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.base.tables import Column, Table
from charlm.config import setting
from charlm.config.encoder import BEAM
from charlm.evaluate.base import EvalResult, Measurement

if TYPE_CHECKING:
    from charlm.data.pairs import PairsPart, TargetCoder
    from charlm.engines.numpy.predictor import Predictor
    from charlm.engines.threads import ThreadPool
    from charlm.evaluate.labelled import LabelledCase
    from charlm.tasks.error_counts import ErrorCounts

COLUMNS = (
    Column("decoding"),
    Column("wrong", ".1%"),
    Column("95% CI", ".1%", is_interval=True),
    Column("symbol errors", ".1%"),
    Column("95% CI", ".1%", rank=1, is_interval=True, name="95% CI of symbol errors"),
    Column("unfinished", ",d", rank=2),
)
LENGTH_COLUMNS = (
    Column("source length"),
    Column("examples", ",d"),
    Column("wrong", ".1%"),
    Column("symbol errors", ".1%"),
    Column("nats/symbol", ".3f"),
)
EDIT_COLUMNS = (Column("edit"), Column("right"), Column("given"), Column("count", ",d"))
GROUPS = 5  # of source lengths
EXPLANATION = (
    "wrong is the share of answers that are not exactly right (of words: the word error rate, WER); symbol "
    "errors are the insertions, deletions and substitutions of all answers over the symbols of all targets (of "
    "phonemes: PER); the intervals are a bootstrap over examples",
    "nats/symbol is the loss of the right targets, ends included, where training knows all of their symbols",
)


@dataclass(frozen=True)
class ErrorRate(Measurement):
    """Wrong answers and symbol errors of translations, greedy and by beam search."""

    cases: ClassVar[Literal["models", "labels", "runs"]] = "labels"

    beam: int = setting(BEAM, "Hypotheses of the beam search, shown next to greedy decoding.", low=1, high=1000)
    resamples: int = setting(1000, "Bootstrap resamples.", low=100, high=1_000_000)
    seed: int = setting(1, "Seed of the bootstrap.", low=0, high=2**63 - 1)
    edits: int = setting(5, "Show this many of the commonest edits of each kind.", low=0, high=10_000)

    def measure(
        self, subjects: Sequence[LabelledCase[PairsPart]], pool: ThreadPool, progress: Progress
    ) -> EvalResult:
        """Answer each case's sources."""
        from charlm.engines.numpy.predictor import Predictor
        from charlm.tasks.translator import Translator

        found = EvalResult([], [], explanation=list(EXPLANATION), legend="nats/symbol of the right targets")
        for case in subjects:
            translator = Translator.of(case.run)
            predictor, coder = Predictor(translator.network, pool), translator.coder
            nats_D = _nats(predictor, case.part, coder)
            counts = {_name(beam): _decode(predictor, case.part, beam) for beam in sorted({1, self.beam})}
            best, edits = counts[_name(self.beam)], self._commonest(counts[_name(self.beam)], coder)
            models = [self._figures(name, each) for name, each in counts.items()]
            lengths = _by_length(case.part, best, nats_D)
            record = {
                **case.keys,
                "examples": len(case.part),
                **models[-1],
                "nats_per_symbol": lengths[0]["nats_per_symbol"],
            }
            record |= {"decodings": models, "by_length": lengths[1:], "edits": edits}
            found.records.append(record)
            found.tables.extend(_tables(case, models, lengths, edits))
            found.notes.extend(_notes(case, best, coder))
        return found

    def _figures(self, name: str, found: ErrorCounts) -> dict[str, Any]:
        """The figures of a way of decoding by JSON name."""
        wrong = self._interval(lambda numbers_D: float(found.is_wrong_D[numbers_D].mean()), len(found.edits))
        symbols = self._interval(
            lambda numbers_D: float(found.edits_D[numbers_D].sum() / found.lengths_D[numbers_D].sum()),
            len(found.edits),
        )
        return {
            "decoding": name,
            "wrong": found.wrong,
            "wrong_low": wrong[0],
            "wrong_high": wrong[1],
            "symbol_error_rate": found.symbol_error_rate,
            "symbol_error_rate_low": symbols[0],
            "symbol_error_rate_high": symbols[1],
            "unfinished": int((~found.is_finished_D).sum()),
        }

    def _interval(self, figure: Callable[[npt.NDArray[np.int64]], float], examples: int) -> tuple[float, float]:
        from charlm.evaluate.bootstrap import COVERAGE

        rng = make_generator(self.seed, "bootstrap")
        drawn = [figure(rng.integers(examples, size=examples)) for _ in range(self.resamples)]
        low, high = np.quantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]).tolist()
        return low, high

    def _commonest(self, found: ErrorCounts, coder: TargetCoder) -> list[dict[str, Any]]:
        """The commonest edits of each kind."""
        counts = Counter(edit for own in found.edits for edit in own)
        rows = [(_kind(*edit), _show(edit[0], coder), _show(edit[1], coder), n) for edit, n in counts.items()]
        ranked = sorted(rows, key=lambda row: (-row[3], row[1], row[2]))
        names = ("edit", "right", "given", "count")
        return [
            dict(zip(names, row, strict=True))
            for kind in ("substitution", "insertion", "deletion")
            for row in [each for each in ranked if each[0] == kind][: self.edits]
        ]


def _name(beam: int) -> str:
    return "greedy" if beam == 1 else f"beam {beam}"


def _kind(right: int | None, given: int | None) -> str:
    return "insertion" if right is None else "deletion" if given is None else "substitution"


def _show(symbol: int | None, coder: TargetCoder) -> str:
    """A symbol as text; one that training never saw as such."""
    if symbol is None:
        return ""
    return "(unseen)" if symbol == coder.unseen else coder.symbols[symbol]


def _decode(predictor: Predictor, part: PairsPart, beam: int) -> ErrorCounts:
    from charlm.tasks.error_counts import count_errors
    from charlm.tasks.translator import decode_part

    best = [hypotheses[0] for hypotheses in decode_part(predictor, part, beam)]
    return count_errors([each.ids for each in best], part.target_ids, [each.is_finished for each in best])


def _nats(predictor: Predictor, part: PairsPart, coder: TargetCoder) -> npt.NDArray[np.float64]:
    """The loss of every target (D,); NaN where a symbol is unseen."""
    from charlm.tasks.translator import nats_of_part

    nats_D = np.full(len(part), np.nan)
    known = np.flatnonzero(part.is_known_D(coder.unseen))
    nats_D[known] = nats_of_part(predictor, part.take(known), coder.end)
    return nats_D


def _by_length(part: PairsPart, found: ErrorCounts, nats_D: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    """The figures of all examples, then of groups of about equal size by source length."""
    lengths_D = part.sequences.lengths_D
    edges = np.unique(np.quantile(lengths_D, np.linspace(0, 1, GROUPS + 1)[1:], method="higher"))
    bounds = [(int(lengths_D.min()), int(lengths_D.max()))]
    bounds += zip([int(lengths_D.min()), *(edges[:-1] + 1).tolist()], edges.tolist(), strict=True)
    rows = []
    for low, high in bounds:
        own = np.flatnonzero((lengths_D >= low) & (lengths_D <= high))
        known = own[~np.isnan(nats_D[own])]
        counts, symbols = found.take(own), int((found.lengths_D[known] + 1).sum())
        nats = float(nats_D[known].sum()) / symbols if symbols else None
        length = str(low) if low == high else f"{low}-{high}"
        rows.append({"length": length, "examples": len(own), "wrong": counts.wrong,
                     "symbol_error_rate": counts.symbol_error_rate, "nats_per_symbol": nats})  # fmt: skip
    return rows


def _tables(
    case: LabelledCase[PairsPart],
    models: Sequence[dict[str, Any]],
    lengths: Sequence[dict[str, Any]],
    edits: Sequence[dict[str, Any]],
) -> Iterator[Table]:
    rows = [
        (each["decoding"], each["wrong"], (each["wrong_low"], each["wrong_high"]), each["symbol_error_rate"],
         (each["symbol_error_rate_low"], each["symbol_error_rate_high"]), each["unfinished"])
        for each in models
    ]  # fmt: skip
    yield Table(case.title, COLUMNS, rows, case.keys)
    named = [{**lengths[0], "length": "all"}, *lengths[1:]]
    title = f"By source length, {models[-1]['decoding']}"
    yield Table(title, LENGTH_COLUMNS, [tuple(each.values()) for each in named], case.keys)
    if edits:
        yield Table("Commonest edits", EDIT_COLUMNS, [tuple(each.values()) for each in edits], case.keys)


def _notes(case: LabelledCase[PairsPart], found: ErrorCounts, coder: TargetCoder) -> Iterator[str]:
    if unseen := int((~case.part.is_known_D(coder.unseen)).sum()):
        targets = counted(unseen, "targets")
        yield f"counted as wrong, and not in the nats: {targets} with a symbol that training never saw"
    if case.training is None:
        yield f"which sources training has seen is not known: the corpus of {case.run.name} was not found"
    is_new_D = case.is_new_D
    if case.part is not case.training and not is_new_D.all() and is_new_D.any():
        others = found.take(np.flatnonzero(is_new_D))
        yield (
            f"also in the training split: {counted(int((~is_new_D).sum()), 'sources')}; on the others "
            f"{others.wrong:.1%} are wrong, with {others.symbol_error_rate:.1%} symbol errors"
        )
