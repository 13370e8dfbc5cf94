"""Particle swarm optimization (Kennedy & Eberhart 1995), with constriction (Clerc & Kennedy 2002)."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.optim.base import Optimizer

PARTICLES = 40
NEIGHBORS = 3  # on each side of a ring, whose best place a particle is drawn to
CONSTRICTION, ATTRACTION = 0.7298, 2.05
SPREAD = 0.3  # of the first particles around the initial weights
AGING = 1.02  # of the loss of a best place, at each step: it is of an earlier batch
NO_LOSS = np.finfo(np.float32).max


class PSO(Optimizer):
    """v = 0.7298 (v + 2.05 r1 (b - x) + 2.05 r2 (n - x)), then x = x + v, for each of 40 particles.

    b is the best place of the particle, n that of its neighbors, r1 and r2 uniform from 0 to 1. The model is the
    best place of all, whose loss is measured anew in each batch.
    """

    population = PARTICLES
    moves_weights = True
    default_lr = 1.0
    slot_names = ("positions", "velocities", "best_positions", "best_losses")

    def slot_shapes(self, parameters: int) -> dict[str, tuple[int, ...]]:
        """A row for each particle."""
        rows = dict.fromkeys(self.slot_names[:-1], (PARTICLES, parameters))
        return {**rows, "best_losses": (PARTICLES,)}

    def init(self, w_P: Floats) -> dict[str, Floats]:
        """Slots of a swarm that is still to be spread around the weights."""
        slots = super().init(w_P)
        slots["best_losses"][:] = NO_LOSS
        return slots

    def candidates(self, w_P: Floats, slots: dict[str, Floats], rng: np.random.Generator) -> Floats:
        """The particles after their next move (K, P)."""
        x, v, best, losses = (slots[name] for name in self.slot_names)
        if (losses == NO_LOSS).all():
            x[:] = w_P + SPREAD * rng.standard_normal(x.shape)
            return x.copy()
        around_KR = (np.arange(PARTICLES)[:, None] + np.arange(-NEIGHBORS, NEIGHBORS + 1)) % PARTICLES
        leaders_K = around_KR[np.arange(PARTICLES), losses[around_KR].argmin(axis=1)]
        v += ATTRACTION * rng.random(x.shape) * (best - x)
        v += ATTRACTION * rng.random(x.shape) * (best[leaders_K] - x)
        v *= CONSTRICTION
        x += v
        return x.copy()

    def learn(
        self,
        w_P: Floats,
        candidates_KP: Floats,
        loss: float,
        losses_K: Floats,
        slots: dict[str, Floats],
        g_P: Floats,
    ) -> None:
        """Note the particles' best places, and move the weights to the best of all."""
        best, losses = slots["best_positions"], slots["best_losses"]
        leader = int(losses.argmin())
        if losses[leader] < NO_LOSS and np.isfinite(loss):
            losses[leader] = loss
        is_better_K = losses_K < losses  # what is not finite is not
        best[is_better_K] = candidates_KP[is_better_K]
        losses[is_better_K] = losses_K[is_better_K]
        if (losses < NO_LOSS).any():
            w_P[:] = best[losses.argmin()]
        losses[losses < NO_LOSS] *= AGING
        g_P[:] = 0

    def update(self, w_P: Floats, g_P: Floats, slots: dict[str, Floats], lr: float, t: int) -> None:
        """Nothing is left to do: the weights have moved."""

    def _update(self, w: Floats, g: Floats, slots: list[Floats], scratch: Floats, lr: float, t: int) -> None:
        raise NotImplementedError
