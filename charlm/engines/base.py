"""Engines: what runs networks, in inference and in training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.data.batches import Batch
from charlm.engines.numpy.predictor import Predictor
from charlm.models.base import BaseModel
from charlm.nn.state import States

Meanwhile: TypeAlias = Callable[[], None]


def do_nothing() -> None:
    """Do nothing while a device computes."""


class Outputs(ABC):
    """A window's predictions, valid until the next read."""

    @abstractmethod
    def nll(self, y_TB: TokenIds) -> npt.NDArray[np.float64]:
        """The loss of each target (T, B), in nats."""

    @abstractmethod
    def log_probs(self) -> Floats:
        """Log-probabilities of the next character (T, B, V), in nats."""

    @abstractmethod
    def logits(self) -> Floats:
        """The unnormalized log-probabilities (T, B, V)."""

    @abstractmethod
    def __getitem__(self, times: slice) -> Outputs:
        """The predictions of some of the steps."""


class Network(ABC):
    """A network that predicts and carries its state.

    Attributes:
        plans: for a long text, how many sequences to read at once and how much before each, tried before others.
    """

    plans: tuple[tuple[int, int], ...] = ()

    @property
    @abstractmethod
    def state(self) -> States:
        """For each layer its variables (B, H); may be set, to another B too."""

    @state.setter
    @abstractmethod
    def state(self, state: States) -> None: ...

    @abstractmethod
    def begin(self, batch_size: int) -> None:
        """Start ``batch_size`` sequences from the initial state."""

    @abstractmethod
    def read(self, x_TB: TokenIds, carry_TB: Floats | None = None) -> Outputs:
        """Read a window; ``carry_TB`` is 0 where a sequence restarts before a step, else 1."""

    @abstractmethod
    def step(self, x_B: TokenIds) -> Floats:
        """Read one character of each sequence; logits (B, V), which may be overwritten."""


@dataclass(frozen=True)
class Snapshot:
    """Copies of what training has made of a model."""

    weights_P: Floats
    slots: Mapping[str, Floats]
    states: States


class Engine(ABC):
    """Runs the steps of one training."""

    @property
    def pids(self) -> list[int]:
        """The worker processes, without this one."""
        return []

    @property
    @abstractmethod
    def gradient(self) -> Floats:
        """The gradient of the last mean loss (P,), a buffer that may be changed."""

    @abstractmethod
    def step(self, batch: Batch, rng: np.random.Generator, meanwhile: Meanwhile = do_nothing) -> float:
        """Run forward and backward on a batch; return the sum of its losses in nats.

        The gradient is summed over ranks, the loss is not. An engine calls ``meanwhile`` before it
        waits for a device; on a CPU it need not.

        Raises:
            WorkerError: a worker failed or has ended.
        """

    def losses(self, batch: Batch, candidates_KP: Floats, seed: int) -> npt.NDArray[np.float64]:
        """The summed loss of a batch under each parameter vector (K,), all with the same dropout.

        The state that the first one ends in is carried to the next batch. The bits are the same for any number of
        workers.
        """
        raise NotImplementedError("this engine follows gradients only")

    @abstractmethod
    def clip(self, value: float, norm: float) -> float:
        """Clip the gradient in place, first values, then the norm (0: off); give the norm between."""

    @abstractmethod
    def update(self, lr: float, t: int) -> None:
        """Update the weights by the gradient, which is used up.

        Raises:
            WorkerError: a worker failed or has ended.
        """

    @abstractmethod
    def snapshot(self) -> Snapshot:
        """Copies of all that a resumed training needs."""

    @abstractmethod
    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot."""

    @abstractmethod
    def model(self) -> BaseModel:
        """The model to validate and save, with any average."""

    @abstractmethod
    def network(self) -> Network:
        """That model as a network for inference."""

    @abstractmethod
    def predictor(self) -> Predictor:
        """That model as a function of whole batches."""

    @abstractmethod
    def profile(self) -> dict[str, float]:
        """Seconds by activity, in the order of a step."""

    @abstractmethod
    def close(self) -> None:
        """End the workers; may be called again."""
