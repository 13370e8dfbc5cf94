"""Vanishing and exploding gradients, measured (Bengio et al. 1994; Pascanu et al. 2013).

Means over positions: the spectral norm of ds_t/ds_k, and the norm of dL_t/ds_k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from charlm.base.errors import CorpusError
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.base.tables import Column, Curve, Table
from charlm.config import setting
from charlm.evaluate.base import EvalCase, EvalResult, Measurement, beginnings, characters_taken

if TYPE_CHECKING:
    from charlm.base.arrays import Floats, TokenIds
    from charlm.engines.threads import ThreadPool
    from charlm.evaluate.jacobians import Passage
    from charlm.models.char_rnn import Model

WARM_UP = 256  # characters read before the passage that gradients are followed through
VANISHED = 0.01
SHOWN = 4  # tables show distances that are powers of this
LOSS, STATE = "dL_t/ds_k", "ds_t/ds_k"
Norms = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Gradients(Measurement):
    """How gradients vanish or explode with distance."""

    distance: int = setting(128, "Longest distance, in characters.", low=1, high=100_000)
    positions: int = setting(4, "Positions in the text to average over.", low=1, high=10_000)
    seed: int = setting(1, "Seed of the untrained networks' weights.", low=0, high=2**63 - 1)
    characters: int = characters_taken(1_000_000)
    all: bool = setting(False, "Draw every norm, not only how much a character still matters.")

    def measure(self, subjects: Sequence[EvalCase], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Follow gradients back through each subject's text."""
        from charlm.evaluate.jacobians import read_passages

        records: list[dict[str, Any]] = []
        tables: list[Table] = []
        curves: list[Curve] = []
        influences: dict[str, npt.NDArray[np.float64]] = {}
        distances = grid(self.distance)
        subjects, cuts = beginnings(subjects, self.characters)
        for number, subject in enumerate(subjects):
            ids_TP = self._texts(subject)
            norms: dict[str, Norms] = {}
            networks = _networks(subject, self.seed)
            for done, (name, network) in enumerate(networks.items()):
                progress(number * len(networks) + done, len(subjects) * len(networks))
                with np.errstate(over="ignore", invalid="ignore"):  # a network may be unstable
                    passages = read_passages(network, ids_TP, self.distance, subject.model.vocabulary.end)
                norms[name] = _mean_norms(network, passages, distances, pool)
            radii = {name: spectral_radii(network) for name, network in networks.items()}
            records.append(
                {
                    "run": subject.run,
                    "text": subject.text_name,
                    "positions": self.positions,
                    "distances": distances,
                    "networks": [_record(name, distances, norms[name], radii[name]) for name in networks],
                }
            )
            tables += [*_norms_tables(subject, distances, norms), _radii_table(subject, radii)]
            curves += _curves(subject, distances, norms)
            drawn = list(networks)[: 1 if len(subjects) > 1 else None]  # of several runs, the trained networks
            with np.errstate(divide="ignore", invalid="ignore"):  # what is not finite is not drawn
                influences |= {name: norms[name][LOSS] / norms[name][LOSS][0] for name in drawn}
        tables.sort(key=lambda table: bool(table.adds))
        chart = _influence_chart(distances, influences)
        return EvalResult(
            records,
            tables,
            cuts,
            [chart, *(curves if self.all else [])],
            explanation=[self._rule()],
            draws_curves=True,
        )

    def _texts(self, subject: EvalCase) -> TokenIds:
        """Evenly spaced passages and their surroundings (T, P)."""
        ids, _ = subject.model.read(subject.part)
        needed = self.distance + 1
        if len(ids) < needed:
            raise CorpusError(
                f"{subject.text_name} has {counted(len(ids), 'characters')} that {subject.run} knows, and "
                f"--distance {self.distance} needs {needed:,}: give a longer text or a smaller distance"
            )
        length = min(needed + WARM_UP, len(ids))
        starts_P = np.linspace(0, len(ids) - length, self.positions).astype(int)
        texts_TP: TokenIds = ids[starts_P + np.arange(length)[:, None]]
        return texts_TP

    def _rule(self) -> str:
        return (
            f"means over {counted(self.positions, 'places')} in the text; {LOSS} says how much the state k "
            f"characters back still matters to the loss (Euclidean norm); {STATE} and its blocks: spectral norm; "
            f"vanished at: the first distance measured where it is under {VANISHED:.0%} of its value at 0; where "
            "s = (h, c), dh and dc are the blocks of ds"
        )


def grid(distance: int) -> list[int]:
    """Distances: 0 and rounded powers of the square root of 2.

    >>> grid(12)
    [0, 1, 2, 3, 4, 6, 8, 11, 12]
    """
    powers = {round(2 ** (half / 2)) for half in range(2 * distance.bit_length())}
    return sorted({0, distance} | {power for power in powers if power <= distance})


def spectral_radii(model: Model) -> dict[str, float]:
    """The largest absolute eigenvalue of W_hh, by layer and gate."""
    radii: dict[str, float] = {}
    if "W_hh" not in model.cell.shapes(model.config.hidden):
        return radii
    for layer in range(model.config.layers):
        blocks = np.split(model.params[f"layers.{layer}.W_hh"], len(model.cell.gates), axis=1)
        for gate, block_HH in zip(model.cell.gates, blocks, strict=True):
            radii[f"{layer}.{gate}"] = float(np.abs(np.linalg.eigvals(block_HH)).max())
    return radii


def _networks(subject: EvalCase, seed: int) -> dict[str, Model]:
    """The trained network, and an untrained one of every kind."""
    from charlm.models.char_rnn import Model
    from charlm.nn.cells import CELLS

    trained = subject.model.network
    networks = {f"{subject.run}, trained": trained}
    for cell in CELLS.names():
        for choice in _choices(cell):
            network = Model(trained.config.with_cell(cell, **choice), trained.vocab_size)
            network.initialize(make_generator(seed, "initialise"))
            networks[" ".join([cell, *choice.values()])] = network
    return networks


def _choices(cell: str) -> list[dict[str, str]]:
    """Every combination of the cell's settings that are words."""
    from charlm.nn.cells import CELLS

    settings = CELLS.find(cell).config_type.settings()
    words = {name: field.metadata["limits"].choices for name, field in settings.items()}
    words = {name: choices() for name, choices in words.items() if choices is not None}
    return [dict(zip(words, values, strict=True)) for values in product(*words.values())]


def _mean_norms(model: Model, passages: list[Passage], distances: list[int], pool: ThreadPool) -> Norms:
    parts = pool.run_columns(len(passages), lambda part: _norms_of(model, passages[part], distances))
    found = [norms for part in parts for norms in part]
    return {name: np.mean([norms[name] for norms in found], axis=0) for name in found[0]}


def _norms_of(model: Model, passages: list[Passage], distances: list[int]) -> list[Norms]:
    with np.errstate(over="ignore", invalid="ignore"):  # an exploded gradient counts as infinite
        return [_norms(model, passage, distances) for passage in passages]


def _norms(model: Model, passage: Passage, distances: list[int]) -> Norms:
    """One passage's norms at every distance."""
    from charlm.evaluate.jacobians import components_of, jacobians

    blocks = {f"d{name}_t/d{name}_k": components_of(model, name) for name in model.cell.state_names}
    norms: dict[str, list[float]] = {STATE: [1.0], **{name: [1.0] for name in blocks}}
    dloss_S = passage.dloss_S.astype(np.float64)  # of a small float32 the square would be zero
    norms[LOSS] = [float(np.linalg.norm(dloss_S))]
    for distance, jacobian_SS in enumerate(jacobians(model, passage), start=1):
        if distance not in distances:
            continue
        norms[STATE].append(_spectral_norm(jacobian_SS))
        for name, own in blocks.items():
            is_all = len(own) == len(jacobian_SS)
            norms[name].append(norms[STATE][-1] if is_all else _spectral_norm(jacobian_SS[np.ix_(own, own)]))
        norms[LOSS].append(float(np.linalg.norm(dloss_S @ jacobian_SS)))
    return {name: np.array(values) for name, values in norms.items()}


def _spectral_norm(matrix: Floats) -> float:
    return float(np.linalg.norm(matrix, 2)) if np.isfinite(matrix).all() else np.inf


def _vanished_at(distances: list[int], norms: npt.NDArray[np.float64]) -> int | None:
    """The first distance with a norm under 1% of that at 0, or None."""
    under = np.flatnonzero(norms < VANISHED * norms[0])
    return distances[under[0]] if len(under) else None


def _record(name: str, distances: list[int], norms: Norms, radii: dict[str, float]) -> dict[str, Any]:
    """A network's figures as JSON values; None where not finite."""
    return {
        "network": name,
        "norms": {
            quantity: [float(value) if np.isfinite(value) else None for value in values]
            for quantity, values in norms.items()
        },
        "vanished_at": {quantity: _vanished_at(distances, values) for quantity, values in norms.items()},
        "spectral_radius": radii,
    }


def _norms_tables(subject: EvalCase, distances: list[int], norms: dict[str, Norms]) -> list[Table]:
    """A table for each quantity; all but that of the loss are details."""
    powers = {SHOWN**exponent for exponent in range(distances[-1].bit_length())}
    shown = [place for place, distance in enumerate(distances) if distance in {0, distances[-1]} | powers]
    # The first and the last distance stay where there is no room for all.
    ranks = {place: 0 if place in (shown[0], shown[-1]) else 1 + number for number, place in enumerate(shown)}
    columns = [
        Column("network"),
        *(Column(f"k={distances[place]}", ".2g", rank) for place, rank in ranks.items()),
    ]
    columns.append(Column("vanished at", "d"))
    tables = []
    for quantity in sorted(quantities_of(norms), key=lambda name: name != LOSS):
        rows = [
            [name, *(float(own[quantity][place]) for place in shown), _vanished_at(distances, own[quantity])]
            for name, own in norms.items()
            if quantity in own
        ]
        title, keys = f"{subject.title}: norm of {quantity} by distance k", subject.keys | {"norm of": quantity}
        tables.append(Table(title, columns, rows, keys, adds="" if quantity == LOSS else quantity))
    return tables


def quantities_of(norms: dict[str, Norms]) -> list[str]:
    """What is measured in any network."""
    return list(dict.fromkeys(quantity for own in norms.values() for quantity in own))


def _radii_table(subject: EvalCase, radii: dict[str, dict[str, float]]) -> Table:
    columns = [Column("network"), Column("layer"), Column("gate"), Column("spectral radius", ".4f")]
    rows = [[name, *key.split("."), radius] for name, own in radii.items() for key, radius in own.items()]
    title = f"Spectral radius of the recurrent weights of {subject.run}, by gate"
    return Table(title, columns, rows, subject.keys, adds="spectral radii")


def _influence_chart(distances: list[int], influences: dict[str, npt.NDArray[np.float64]]) -> Curve:
    """The loss's gradient by distance, as a share of that at distance 0: a line for each network."""
    series = {
        name: ([float(distance) for distance in distances], values.tolist())
        for name, values in influences.items()
    }
    title = "How much a character k steps back still matters"
    return Curve(title, "k, characters", f"norm of {LOSS}, 1 at k = 0", series, is_log=True)


def _curves(subject: EvalCase, distances: list[int], norms: dict[str, Norms]) -> list[Curve]:
    """One curve per quantity, over all networks."""
    curves = []
    for quantity in quantities_of(norms):
        series = {}
        for name, own in norms.items():
            values = own.get(quantity, np.zeros(len(distances)))
            drawn = np.flatnonzero((values > 0) & np.isfinite(values))
            if len(drawn):
                series[name] = ([float(distances[place]) for place in drawn], np.log10(values[drawn]).tolist())
        title = f"Norm of {quantity}: {subject.run} on {subject.text_name}"
        curves.append(Curve(title, "distance k, characters", "log10 of the norm", series))
    return curves
