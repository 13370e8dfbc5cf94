"""Dynamic evaluation: the model learns from each window after scoring it.

w + decay * (w_0 - w) * RMS / mean(RMS) - rate * g / RMS, with trained weights w_0 and RMS of training gradients
(Krause, Kahembwe, Murray & Renals 2018, section 4; epsilon is here a share of the mean RMS).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from charlm.base.errors import DivergenceError
from charlm.base.plural import counted
from charlm.base.progress import Progress

if TYPE_CHECKING:
    from charlm.base.arrays import Floats, TokenIds
    from charlm.data.encoded import EncodedText
    from charlm.inference.language_model import LanguageModel
    from charlm.inference.scoring import Costs, KnownCosts, Scores
    from charlm.inference.unroll import Window
    from charlm.models.char_rnn import Model

STRETCH = 100_000  # characters of the training split that give the root mean squares
SEQUENCES = 64  # of it in a batch
FLOOR = 0.1  # of the mean RMS, added to each


@dataclass(frozen=True)
class Adaptation:
    """How a model learns from what it has scored.

    Attributes:
        chunk: characters of a window.
        rate: learning rate.
        decay: share of the way back to w_0.
        clip: largest global gradient norm; 0 is off.
    """

    chunk: int = 20
    rate: float = 1e-3
    decay: float = 1e-3
    clip: float = 3.0

    @property
    def note(self) -> str:
        """A note for readers of the figures."""
        return (
            f"dynamic: a copy of the model learns from each {counted(self.chunk, 'characters')} once they are "
            f"scored (Krause et al. 2018; rate {self.rate:g}, decay {self.decay:g}, clip {self.clip:g})"
        )


@np.errstate(over="ignore", invalid="ignore")  # overflow is not announced: a cost that is no number tells
def dynamic_scores(
    model: LanguageModel, part: EncodedText, training: EncodedText, adaptation: Adaptation, progress: Progress
) -> Iterator[Scores]:
    """The loss of each character after the first, while the model learns.

    Raises:
        CorpusError: the text has fewer than two characters.
        DivergenceError: a loss is not finite.
    """
    from charlm.inference.scoring import score_stretches

    network, end = model.network, model.vocabulary.end
    ids, _ = model.read(training[:STRETCH])
    rms_P = gradient_rms(network, ids, adaptation.chunk, end)
    costs = dynamic_costs(network, rms_P, adaptation, progress, end, len(part) - 1)
    return score_stretches(part, model.vocabulary, model.training_characters, costs)


def gradient_rms(model: Model, ids_N: TokenIds, chunk: int, end: int | None = None) -> Floats:
    """The root mean square of each parameter's gradient over windows (P,), with a floor."""
    from charlm.data.batches import Batch
    from charlm.inference.unroll import reset_marks, windows

    chunk = min(chunk, len(ids_N) - 1)
    sequences = min(SEQUENCES, (len(ids_N) - 1) // chunk)
    length = (len(ids_N) - 1) // sequences
    starts_B = np.arange(sequences) * length
    buffers = model.buffers(chunk, sequences)
    state, grads = model.initial_state(sequences), model.params.zeros_like()
    square_P = np.zeros_like(grads.flat)
    count = length // chunk
    for window in windows(ids_N, reset_marks(ids_N, end, starts_B), starts_B, 0, count * chunk, size=chunk):
        fields: dict[str, npt.NDArray[Any]] = {"x_TB": window.x_TB, "y_TB": ids_N[window.places_TB + 1]}
        fields |= {} if window.carry_TB is None else {"carry_TB": window.carry_TB}
        _, state = model.loss_and_gradient(Batch(fields, window.x_TB.size, False), state, buffers, grads)
        grads.flat[:] *= grads.flat
        square_P += grads.flat
    square_P *= sequences / count
    rms_P: Floats = np.sqrt(square_P, out=square_P)
    rms_P += max(FLOOR * float(rms_P.mean()), float(np.finfo(rms_P.dtype).tiny))
    return rms_P


def dynamic_costs(
    model: Model,
    rms_P: Floats,
    adaptation: Adaptation,
    progress: Progress,
    end: int | None = None,
    characters: int | None = None,
) -> KnownCosts:
    """A network's losses as it learns from a text."""
    from charlm.inference.unroll import ONE, reset_marks, windows

    learner = _Learner(model, rms_P, adaptation)
    done = 0

    def known_costs(x_N: TokenIds, y_N: TokenIds) -> Costs:
        nonlocal done
        costs_N = np.empty(len(y_N))
        with np.errstate(over="ignore", invalid="ignore"):
            marks_N = reset_marks(x_N, end, ONE if done == 0 else None)
            for window in windows(x_N, marks_N, ONE, 0, len(x_N), size=adaptation.chunk):
                costs_T1 = learner.score_and_learn(window, y_N[window.places_TB])
                window.store(costs_N, costs_T1)
                if not math.isfinite(costs_T1.sum()):
                    raise DivergenceError(
                        f"dynamic evaluation diverged at character {done + 1:,} of the text: lower its rate, "
                        f"{adaptation.rate:g}"
                    )
                done += len(costs_T1)
                progress(done, characters or len(y_N))
        return costs_N

    return known_costs


class _Learner:
    """A network that learns as it reads."""

    def __init__(self, model: Model, rms_P: Floats, adaptation: Adaptation) -> None:
        from charlm.base.arrays import FlatVector
        from charlm.models.char_rnn import Model

        flat = FlatVector(model.shapes, model.dtype, model.params.flat.copy())
        self._model = Model(model.config, model.vocab_size, flat)
        self._trained_P = model.params.flat
        self._rate_P: Floats = adaptation.rate / rms_P
        # No parameter moves past its trained value.
        self._decay_P: Floats = np.minimum(adaptation.decay * rms_P / rms_P.mean(), 1).astype(rms_P.dtype)
        self._clip = adaptation.clip
        self._state = model.initial_state(1)
        self._buffers = model.buffers(adaptation.chunk, 1)
        self._grads = flat.zeros_like()
        self._pull_P = np.empty_like(flat.flat)

    def score_and_learn(self, window: Window, y_T1: TokenIds) -> Costs:
        """Return a window's losses (T, 1), then learn from it."""
        from charlm.nn.buffers import flatten_time
        from charlm.nn.readout import loss_and_gradient, nll_nats
        from charlm.optim.clipping import clip_norm_

        model, buffers, grads, y_T = self._model, self._buffers, self._grads, y_T1[:, 0]
        h_T1H, self._state = model.forward(window.x_TB, self._state, buffers, window.carry_TB)
        costs_T = nll_nats(model.params, flatten_time(h_T1H), y_T)
        dh_T1H = buffers.dh_TBH[: len(y_T)]
        loss_and_gradient(model.params, flatten_time(h_T1H), y_T, None, len(y_T), flatten_time(dh_T1H), grads)
        model.backward(dh_T1H, model.zero_state(1), buffers, grads)
        clip_norm_(grads.flat, self._clip)
        self._step()
        return costs_T[:, None]

    def _step(self) -> None:
        w_P, g_P, pull_P = self._model.params.flat, self._grads.flat, self._pull_P
        np.subtract(self._trained_P, w_P, out=pull_P)
        pull_P *= self._decay_P
        g_P *= self._rate_P
        w_P += pull_P
        w_P -= g_P
