"""Notice divergence, and roll training back with half the learning rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from charlm.base.errors import DivergenceError
from charlm.training.events import RollbackReport
from charlm.training.state import TrainerState
from charlm.training.trainer import Trainer

RECENT = 0.2  # weight of a full step in the mean of the latest losses: about five steps
MEMORY = 0.01  # its weight in the running mean: about a hundred steps
SPIKE_NATS = 1.0  # allowed between the two,
SPIKE_SPREADS = 3.0  # and this many mean absolute deviations on top
REST_NATS = 0.5  # above the running mean and blind guessing: there a spike ends
WAIT = 100  # steps in which a spike must fall, again and again until it ends,
FALL_NATS = 0.25  # by at least this
FIRST = 50  # steps that may overshoot,
ABSURD_NATS = 30.0  # by at most this above the loss of blind guessing,
ABSURD_TIMES = 10.0  # or to at most this many times it
EVERY = 100  # steps between copies of the state
KEPT = (  # counters that a rollback keeps
    *("seconds", "best_val", "best_errors", "without_best"),
    *("validation_seconds", "saving_seconds", "slowest_validation", "slowest_save"),
)
IN_A_ROW = 3  # rollbacks, none of them followed by a copy: then training stops


def check_loss(state: TrainerState, loss_nats: float, share: float, chance_nats: float) -> TrainerState:
    """Follow the loss; ``share`` is of the most targets of a step.

    Raises:
        DivergenceError: the loss stays high after a spike, or is absurd.
    """
    mean = loss_nats if state.mean_nats is None else state.mean_nats
    recent = loss_nats if state.mean_nats is None else state.recent_nats
    recent += RECENT * share * (loss_nats - recent)
    if recent > max(ABSURD_TIMES * chance_nats, ABSURD_NATS + chance_nats):
        raise DivergenceError(
            f"the loss at step {state.step} is {loss_nats:.5g} nats, where blind guessing costs {chance_nats:.3f}"
        )
    state = replace(state, mean_nats=mean, recent_nats=recent)
    if state.step > FIRST:
        state = _with_spike(state, max(chance_nats, mean))
        if state.spike_steps:
            return state
    distance = loss_nats - mean
    return replace(
        state,
        mean_nats=mean + MEMORY * share * distance,
        spread_nats=state.spread_nats + MEMORY * share * (abs(distance) - state.spread_nats),
    )


def _with_spike(state: TrainerState, level_nats: float) -> TrainerState:
    """Record how long and high the loss has been above this level.

    Raises:
        DivergenceError: it does not come down.
    """
    height = state.recent_nats - level_nats
    is_spike = height > REST_NATS if state.spike_steps else _rise(state) > 1 and height > SPIKE_NATS
    if not is_spike:
        return replace(state, spike_steps=0, spike_nats=0.0)
    steps, nats = state.spike_steps + 1, state.spike_nats
    if steps <= WAIT:
        nats = max(nats, state.recent_nats)
    if steps % WAIT == 0:
        if state.recent_nats > nats - FALL_NATS:
            raise DivergenceError(
                f"the loss is {state.recent_nats:.3f} nats by step {state.step} after "
                f"{state.mean_nats:.3f}, and has not come down for {WAIT} steps"
            )
        nats = state.recent_nats
    return replace(state, spike_steps=steps, spike_nats=nats)


def _rise(state: TrainerState) -> float:
    """The latest losses' height above their running mean, as a share of a spike."""
    if state.mean_nats is None:
        return 0.0
    spike = SPIKE_NATS + SPIKE_SPREADS * state.spread_nats
    return (state.recent_nats - state.mean_nats) / spike


class RollbackPoint:
    """A copy in memory of training when it last went well."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._snapshot, self._state = trainer.engine.snapshot(), trainer.state

    def renew(self, state: TrainerState) -> TrainerState:
        """Copy training after a step, if it is time and all is well.

        Raises:
            DivergenceError: a parameter is not finite.
        """
        if state.step % EVERY or state.spike_steps or _rise(state) > 0.5:
            return state
        snapshot = self._trainer.engine.snapshot()
        if not np.isfinite(snapshot.weights_P).all():
            raise DivergenceError(f"a parameter is no finite number after step {state.step}")
        self._snapshot, self._state = snapshot, replace(state, rollbacks_in_a_row=0)
        return self._state

    def roll_back(self, now: TrainerState, reason: DivergenceError) -> tuple[TrainerState, RollbackReport]:
        """Take training back, with half the learning rate; give the state and a report."""
        self._trainer.rewind(self._snapshot)
        state = replace(
            self._state,
            **{name: getattr(now, name) for name in KEPT},
            spike_steps=0,
            spike_nats=0.0,
            lr_factor=now.lr_factor / 2,
            rollbacks=now.rollbacks + 1,
            rollbacks_in_a_row=now.rollbacks_in_a_row + 1,
        )
        return state, RollbackReport(now.step, state.step, str(reason), state.lr_factor, state.rollbacks)
