"""Engines: what runs networks, in inference and in training.

A trainer tells an engine what to do and never reads its live memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.data.batches import Batch
from charlm.models.char_rnn import Model
from charlm.nn.state import States


class Outputs(ABC):
    """The predictions after each character of a window, valid until the network reads again."""

    @abstractmethod
    def nll(self, y_TB: TokenIds) -> npt.NDArray[np.float64]:
        """The negative log-likelihood of each target (T, B), in nats."""

    @abstractmethod
    def log_probs(self) -> Floats:
        """The log-probabilities of the next character (T, B, V), in nats."""

    @abstractmethod
    def logits(self) -> Floats:
        """The unnormalized log-probabilities (T, B, V)."""

    @abstractmethod
    def __getitem__(self, times: slice) -> Outputs:
        """The predictions of some of the steps."""


class Network(ABC):
    """A network that reads and predicts, and carries its state; it does not learn."""

    @property
    @abstractmethod
    def state(self) -> States:
        """For each layer its variables (B, H), as NumPy arrays; may be set, to another B too."""

    @state.setter
    @abstractmethod
    def state(self, state: States) -> None: ...

    @abstractmethod
    def begin(self, batch_size: int) -> None:
        """Start ``batch_size`` sequences from the initial state."""

    @abstractmethod
    def read(self, x_TB: TokenIds, carry_TB: Floats | None = None) -> Outputs:
        """Read a window.

        Args:
            x_TB: the characters.
            carry_TB: 0 where a sequence returns to the initial state before a step, 1 elsewhere; None for 1.
        """

    @abstractmethod
    def step(self, x_B: TokenIds) -> Floats:
        """Read one character of each sequence: the logits of the next ones (B, V), which may be overwritten."""


@dataclass(frozen=True)
class Snapshot:
    """What training has made of a model, as copies in charlm's own order and layout.

    Attributes:
        weights_P: the weights that learn (P,).
        slots: what the optimizer keeps for each of them, by name (P,), their average among it.
        states: each sequence's state after the last step, for each layer its variables (B, H).
    """

    weights_P: Floats
    slots: Mapping[str, Floats]
    states: States


class Engine(ABC):
    """Runs the steps of one training: one model, one optimizer, one size of batch.

    A context manager: its workers end with its block.
    """

    @property
    def pids(self) -> list[int]:
        """The processes that run steps, this one not among them."""
        return []

    @property
    @abstractmethod
    def gradient(self) -> Floats:
        """The gradient of the last step's mean loss (P,), a buffer that can be changed in place."""

    @abstractmethod
    def step(self, batch: Batch, rng: np.random.Generator) -> float:
        """Forward and backward on a batch, from the carried state, which moves on.

        Args:
            batch: the window of every sequence.
            rng: source of the generators that draw dropout's masks.

        Returns:
            The sum of the targets' losses, in nats.

        Raises:
            WorkerError: a worker failed or has ended.
        """

    @abstractmethod
    def clip(self, value: float, norm: float) -> float:
        """Clip the gradient in place, first each value, then the norm; 0 turns either off.

        Returns:
            The norm between the two.
        """

    @abstractmethod
    def update(self, lr: float, t: int) -> None:
        """Update the weights by the gradient, which is used up; see ``Optimizer.update``.

        Raises:
            WorkerError: a worker failed or has ended.
        """

    @abstractmethod
    def snapshot(self) -> Snapshot:
        """Copies of everything that a resumed training needs."""

    @abstractmethod
    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot."""

    @abstractmethod
    def model(self) -> Model:
        """The model that is validated, sampled from and saved: with averaged weights, where there is an average.

        Its weights change with the next update.
        """

    @abstractmethod
    def network(self) -> Network:
        """That model as a network for inference, which runs where the engine does."""

    @abstractmethod
    def profile(self) -> dict[str, float]:
        """Seconds by activity since the start, in the order of a step."""

    @abstractmethod
    def close(self) -> None:
        """End the workers, if there are any; once is enough."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
