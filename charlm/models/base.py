"""What every trainable network offers to engines and run folders, and how one is built by its file's name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import FlatVector, Floats, Shapes
from charlm.base.registry import Registry
from charlm.base.timing import Stopwatch
from charlm.config import Configurable, ModelConfig, TrainingConfig
from charlm.data.batches import Batch, BatchSpec
from charlm.data.vocabulary import Vocabulary
from charlm.nn.cell import Cell
from charlm.nn.cells import CELLS
from charlm.nn.dropout import NO_REGULARIZATION, Regularization
from charlm.nn.state import States
from charlm.nn.units import Units


class Buffers(Protocol):
    """A network's buffers, for batches up to one size."""

    @property
    def stopwatch(self) -> Stopwatch: ...  # noqa: D102


@dataclass(frozen=True)
class NetworkSpec:
    """What a network is built from, in this process or in a worker.

    Attributes:
        network: the name of its file in ``charlm/models``, with hyphens.
        config: the cell and its sizes.
        inputs: symbols that it reads.
        outputs: symbols, labels or numbers that it predicts.
        options: its own settings, by name.
    """

    network: str
    config: ModelConfig
    inputs: int
    outputs: int
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, params: FlatVector | None = None) -> BaseModel:
        """The network on these parameters, or on zeros.

        >>> NetworkSpec("char-rnn", ModelConfig(hidden=4), 5, 5).build().params["readout.b_y"].shape
        (5,)
        """
        return NETWORKS.find(self.network).from_spec(self, params)

    @property
    def shapes(self) -> Shapes:
        """Every parameter's shape."""
        return NETWORKS.find(self.network).parameter_shapes(self)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self) | {"config": self.config.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of ``to_json``, of trusted values."""
        return cls(**{**values, "config": ModelConfig(**values["config"])})


def describe_network(config: TrainingConfig, vocabulary: Vocabulary) -> NetworkSpec:
    """What the network of these settings and this vocabulary is built from."""
    return size_network(config, len(vocabulary), len(vocabulary.labels or vocabulary.target))


def size_network(config: TrainingConfig, vocab_size: int, labels: int = 0) -> NetworkSpec:
    """The same for a number of symbols, and of labels or of target symbols."""
    kind, own = config.task.kind, config.task.own.to_json()
    names = NETWORKS.find(kind.network).config_type.settings()
    options = {name: value for name, value in own.items() if name in names}
    inputs, outputs = kind.sizes(vocab_size, labels)
    return NetworkSpec(kind.network, config.model, inputs, outputs, options)


class BaseModel(Configurable, ABC):
    """A network on one flat vector of parameters; ``config_type`` are its own settings."""

    spec: NetworkSpec
    shapes: Shapes
    params: FlatVector

    def __init__(self, spec: NetworkSpec, params: FlatVector | None = None) -> None:
        self.spec = spec
        self.config = spec.config
        self.dtype: np.dtype[np.floating[npt.NBitBase]] = np.dtype(spec.config.dtype)
        self.cell: Cell = CELLS.find(spec.config.cell).from_config(spec.config)
        self.shapes = spec.shapes
        self._use(FlatVector(self.shapes, self.dtype) if params is None else params)

    @classmethod
    @abstractmethod
    def from_spec(cls, spec: NetworkSpec, params: FlatVector | None = None) -> Self:
        """The network on these parameters, or on zeros."""

    @classmethod
    @abstractmethod
    def parameter_shapes(cls, spec: NetworkSpec) -> Shapes:
        """Every parameter's shape."""

    def with_params(self, params: FlatVector) -> Self:
        """The same network on other parameters."""
        return type(self).from_spec(self.spec, params)

    def use_storage(self, flat: Floats) -> None:
        """Move the parameters to this memory (P,)."""
        flat[:] = self.params.flat
        self._use(FlatVector(self.shapes, self.dtype, flat))

    @abstractmethod
    def _use(self, params: FlatVector) -> None:
        """Build the layers on these parameters."""

    @abstractmethod
    def initialize(self, rng: np.random.Generator) -> None:
        """Draw every parameter."""

    @abstractmethod
    def zero_state(self, batch_size: int) -> States:
        """The zero state (B, H) of what is carried from one batch to the next; empty if nothing is."""

    @abstractmethod
    def buffers(
        self, seq_len: int, batch_size: int, regularization: Regularization = NO_REGULARIZATION
    ) -> Buffers:
        """Buffers for up to ``seq_len`` steps."""

    @classmethod
    def splits_by_rows(cls, config: ModelConfig) -> bool:
        """Whether such a network can be split by rows."""
        return False

    @property
    def own_parameters(self) -> tuple[str, ...]:
        """Parameters whose gradients belong to one worker's units each; the others are summed over workers."""
        return ()

    def shared_buffers(
        self, seq_len: int, batch_size: int, regularization: Regularization, units: Units
    ) -> Buffers:
        """Buffers of a worker's share of the units, if it splits by rows."""
        raise NotImplementedError(f"{type(self).__name__} is split by columns alone")

    @abstractmethod
    def batch_spec(self, seq_len: int, batch_size: int) -> BatchSpec:
        """The fields that ``loss_and_gradient`` reads."""

    @abstractmethod
    def loss_and_gradient(
        self, batch: Batch, state: States, buffers: Any, grads: FlatVector, rng: np.random.Generator | None = None
    ) -> tuple[float, States]:
        """The summed loss of a batch, and the state after; ``grads`` receives the mean's gradient."""

    def loss(
        self, batch: Batch, state: States, buffers: Any, rng: np.random.Generator | None = None
    ) -> tuple[float, States]:
        """The summed loss of a batch, and the state after."""
        return self.loss_and_gradient(batch, state, buffers, self.params.zeros_like(), rng)

    def outputs(self, batch: Batch, buffers: Any) -> Floats:
        """The outputs of whole examples (B, ...), without a gradient; of networks that have such."""
        raise NotImplementedError(f"{type(self).__name__} predicts steps, not whole examples")


NETWORKS: Registry[BaseModel] = Registry("charlm.models", BaseModel)  # type: ignore[type-abstract]
"""The networks by file name; other files of the folder hold none."""
