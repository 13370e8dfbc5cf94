"""Divergence: noticing that training has gone wrong, and going back to where it went well.

Training has diverged when a loss or a gradient is no finite number, or when the loss spikes and does not come
down again. It spikes when its mean over the latest steps lies so far above its running mean that neither a hard
passage nor the noise of small batches can be why, and above what blind guessing costs as well. A text that goes
over to another language makes a spike too, so a spike is judged by what comes after: a network that goes well
learns the new text, and is soon no worse than guessing, while one that comes no nearer to that has diverged. The
running mean rests meanwhile. The first steps have no running mean yet, and may overshoot; but from the first on,
the loss may not lie many times above what blind guessing costs. Then the whole state of a moment when it went
well comes back, the learning rate is halved for good, and training goes on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from charlm.base.errors import DivergenceError
from charlm.runs.checkpoint import Checkpoint
from charlm.training.events import RollbackReport
from charlm.training.state import TrainerState
from charlm.training.trainer import Trainer

RECENT = 0.2  # weight of a step of full size in the mean of the latest costs: about five steps
MEMORY = 0.01  # its weight in the running mean: about a hundred
SPIKE_NATS = 1.0  # how far the one may lie above the other,
SPIKE_SPREADS = 3.0  # and how many times the costs' own mean distance from their mean on top of that
REST_NATS = 0.5  # above the running mean and blind guessing: where a spike, which began higher, is over
WAIT = 100  # steps in which it must come down, time and again until it is over,
FALL_NATS = 0.25  # by so much at the least, or it is divergence
FIRST = 50  # steps that may overshoot,
ABSURD_NATS = 30.0  # but not by more above the cost of blind guessing,
ABSURD_TIMES = 10.0  # nor to more than so many times that
EVERY = 100  # steps between the copies of the state
KEPT = (  # counters that going back leaves
    *("seconds", "best_val", "without_best"),
    *("validation_seconds", "saving_seconds", "slowest_validation", "slowest_save"),
)
IN_A_ROW = 3  # rollbacks, none of them followed by a copy: then training stops


def check_loss(position: TrainerState, loss_nats: float, share: float, chance_nats: float) -> None:
    """Follow the loss; the averages are counters of the run, so that a resumed run notices the same.

    Args:
        position: the run's counters, which learn of the loss.
        loss_nats: the mean cost of a step's targets.
        share: how many targets there were, of as many as a step can have.
        chance_nats: what a target costs whoever guesses blindly among all symbols.

    Raises:
        DivergenceError: the loss has spiked and does not come down, or is absurd.
    """
    if position.mean_nats is None:
        position.mean_nats = position.recent_nats = loss_nats
    position.recent_nats += RECENT * share * (loss_nats - position.recent_nats)
    if position.recent_nats > max(ABSURD_TIMES * chance_nats, ABSURD_NATS + chance_nats):
        raise DivergenceError(
            f"the loss at step {position.step} is {loss_nats:.5g} nats, "
            f"where blind guessing costs {chance_nats:.3f}"
        )
    if position.step > FIRST and _is_spike(position, max(chance_nats, position.mean_nats)):
        return
    distance = loss_nats - position.mean_nats
    position.mean_nats += MEMORY * share * distance
    position.spread_nats += MEMORY * share * (abs(distance) - position.spread_nats)


def _is_spike(position: TrainerState, level_nats: float) -> bool:
    """Whether the latest costs lie too far above this level; how long and how high they have is counted.

    Raises:
        DivergenceError: they have been for long, and do not come down.
    """
    height = position.recent_nats - level_nats
    goes_on = height > REST_NATS if position.spike_steps else _rise(position) > 1 and height > SPIKE_NATS
    if not goes_on:
        position.spike_steps, position.spike_nats = 0, 0.0
        return False
    position.spike_steps += 1
    if position.spike_steps <= WAIT:
        position.spike_nats = max(position.spike_nats, position.recent_nats)
    if position.spike_steps % WAIT == 0:
        if position.recent_nats > position.spike_nats - FALL_NATS:
            raise DivergenceError(
                f"the loss is {position.recent_nats:.3f} nats by step {position.step} after "
                f"{position.mean_nats:.3f}, and has not come down for {WAIT} steps"
            )
        position.spike_nats = position.recent_nats
    return True


def _rise(position: TrainerState) -> float:
    """How far the latest costs lie above their running mean, as a share of a spike."""
    if position.mean_nats is None:
        return 0.0
    spike = SPIKE_NATS + SPIKE_SPREADS * position.spread_nats
    return (position.recent_nats - position.mean_nats) / spike


class RollbackPoint:
    """The whole state of a training as it was when it last went well, in memory.

    It is renewed every so many steps, unless the loss is rising; a resumed run begins with the state that it was
    resumed in. So of a resumed run that diverges, what follows can differ from the uninterrupted run's until the
    next copy.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._state = _copy_of(trainer.checkpoint())

    def renew(self) -> None:
        """Copy the state after a step, if it is time and all is well.

        Raises:
            DivergenceError: a parameter is no finite number.
        """
        position = self._trainer.position
        if position.step % EVERY or position.spike_steps or _rise(position) > 0.5:
            return
        if not np.isfinite(self._trainer.model.params.flat).all():
            raise DivergenceError(f"a parameter is no finite number after step {position.step}")
        position.rollbacks_in_a_row = 0
        self._state = _copy_of(self._trainer.checkpoint())

    def roll_back(self, reason: DivergenceError) -> RollbackReport:
        """Bring the state back, with half the learning rate.

        What is known of the run's time and of its best weights stays.
        """
        trainer, now = self._trainer, self._trainer.position
        trainer.restore(self._state, "the copy in memory")
        trainer.position = replace(
            trainer.position,
            **{name: getattr(now, name) for name in KEPT},
            spike_steps=0,
            spike_nats=0.0,
            lr_factor=now.lr_factor / 2,
            rollbacks=now.rollbacks + 1,
            rollbacks_in_a_row=now.rollbacks_in_a_row + 1,
        )
        after = trainer.position
        return RollbackReport(now.step, after.step, str(reason), after.lr_factor, after.rollbacks)


def _copy_of(state: Checkpoint) -> Checkpoint:
    params = state.params.zeros_like()
    params.flat[:] = state.params.flat
    return Checkpoint(params, {name: array.copy() for name, array in state.extras.items()}, dict(state.scalars))
