"""Model settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from charlm.base.errors import UsageError
from charlm.base.registry import Registry
from charlm.config.base import Config, Configurable, setting
from charlm.config.own import find_config_type, find_owners, list_config_types, make_own_settings

CELLS = Registry("charlm.nn.cells", Configurable)
"""The cells, as far as settings go: each brings its own."""
STORED_BY_EVERY_CELL = ("nonlinearity", "reset_after", "forget_bias")
"""Settings of cells that every stored run has, whatever its cell: a fact of the formats up to 4."""


@dataclass(frozen=True, init=False)
class ModelConfig(Config):
    """The settings of a model; ``own`` are the cell's.

    >>> ModelConfig(cell="gru", hidden=128).layers
    1
    """

    cell: str = setting("lstm", "Recurrent cell.", choices=CELLS.names)
    layers: int = setting(1, "Recurrent layers.", low=1, high=64, aliases=("num_layers",))
    hidden: int = setting(256, "Hidden units per layer.", low=1, high=65_536, aliases=("hidden_size",))
    encoding: str = setting("one-hot", "Input encoding.", choices=("one-hot", "embedding"))
    embedding_size: int = setting(64, "Embedding size (with --encoding embedding).", low=1, high=65_536)
    tied: bool = setting(False, "Tie input and output embeddings (with --encoding embedding).", since=2)
    adaptive_softmax: bool = setting(
        False, "Adaptive softmax with clusters of rare characters, for vocabularies of thousands.", since=15
    )
    residual: bool = setting(False, "Residual connections around every layer but the first.", since=2)
    learned_state: bool = setting(False, "Learn the initial hidden state.", since=2)
    dtype: str = setting("float32", "Number type.", choices=("float32", "float64"))

    own: Config = dataclasses.field(default=Config())

    def __init__(self, *, own: Config | None = None, **values: Any) -> None:
        """Take settings by name, the cell's among them."""
        common = self.settings()
        given = own.to_json() if isinstance(own, Config) else {} if own is None else {"own": own}
        given |= {name: values.pop(name) for name in values.keys() - common.keys()}
        for name, field in common.items():
            object.__setattr__(self, name, values.get(name, field.default))
        self.__post_init__()
        object.__setattr__(self, "own", _own_settings(self.cell, given))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tied and self.encoding != "embedding":
            raise UsageError("--tied shares the embedding with the output layer: it needs --encoding embedding")

    @property
    def output_width(self) -> int:
        """The input width of the output layer: the embedding size if tied, else the hidden size."""
        return self.embedding_size if self.tied else self.hidden

    def with_cell(self, cell: str, **own: Any) -> Self:
        """The same model with another cell."""
        names = find_config_type(CELLS, cell).settings()
        kept = {name: value for name, value in self.own.to_json().items() if name in names}
        return type(self)(**super().to_json() | {"cell": cell} | kept | own)

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values, the cell's included."""
        others = {name: find_owners(CELLS, name) for name in STORED_BY_EVERY_CELL}
        firsts = {name: next(iter(kinds.values())).settings()[name] for name, kinds in others.items()}
        defaults = {name: field.default for name, field in firsts.items()}
        return super().to_json() | defaults | self.own.to_json()

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str, version: int) -> Self:
        """Read stored settings."""
        cell = values.get("cell")
        own = find_config_type(CELLS, cell).names_in(version) if cell in CELLS.names() else set()
        # In format 1 another cell's setting could be given, and had no effect.
        foreign = {name: values[name] for name in STORED_BY_EVERY_CELL if name in values and name not in own}
        for name, value in foreign.items():
            next(iter(find_owners(CELLS, name).values()))._of_stored({name: value}, {name}, where)
        kept = {name: value for name, value in values.items() if name not in foreign}
        return cls._of_stored(
            kept, (cls.names_in(version) | own | {*STORED_BY_EVERY_CELL}) - foreign.keys(), where
        )


def cell_config_types() -> list[type[Config]]:
    """The cells' own groups of settings."""
    return list_config_types(CELLS)


def _own_settings(cell: str, given: dict[str, Any]) -> Config:
    """A cell's settings, without others' defaults.

    Raises:
        UsageError: an invalid or another cell's setting.
    """
    unknown = sorted(name for name in given if not find_owners(CELLS, name))
    if unknown:
        raise UsageError(f"no setting is called {', '.join(unknown)}; see charlm train --help")
    return make_own_settings(CELLS, "cell", cell, given)
