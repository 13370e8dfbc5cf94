"""How a gradient becomes a change of the parameters."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.base.registry import module_names
from charlm.config.base import Config, setting


@dataclass(frozen=True)
class OptimizerConfig(Config):
    """The settings of the optimiser, its learning rate, and what tames the gradient."""

    optimizer: str = setting("adam", "The update rule.", choices=lambda: module_names("charlm.optim.rules"))
    lr: float | None = setting(
        None,
        "Peak learning rate; left out, the optimiser's own, or a share of it that suits the cell.",
        above=0,
        high=1e6,
    )
    schedule: str = setting(
        "cosine", "How the rate falls over the run.", choices=("constant", "step", "cosine", "linear")
    )
    warmup: int = setting(50, "Steps over which the rate first rises from zero.", low=0, high=1_000_000_000)
    clip: float = setting(1.0, "Largest global norm of the gradient; 0 turns it off.", low=0)
    clip_value: float = setting(0.0, "Largest size of a single gradient value; 0 turns it off.", low=0)
    weight_decay: float = setting(
        0.0, "Weight decay: decoupled in adamw, added to the gradient elsewhere.", low=0
    )
    average: int = setting(
        0,
        "Steps that an average of the weights looks back on, which is validated, sampled and saved; 0 for none.",
        low=0,
        high=1_000_000_000,
        since=2,
    )
    dropout: float = setting(
        0.1, "Chance that a unit between layers or before the readout is dropped.", low=0, below=1
    )
    locked_dropout: bool = setting(
        False, "A dropout mask is the same at all steps of a chunk, not drawn anew at each.", since=2
    )
    weight_drop: float = setting(
        0.0, "Chance that a recurrent weight is dropped for a chunk.", low=0, below=1, since=2
    )
    input_dropout: float = setting(
        0.0,
        "Chance that a symbol is dropped from a stream's chunk, wherever it occurs there.",
        low=0,
        below=1,
        since=2,
    )
