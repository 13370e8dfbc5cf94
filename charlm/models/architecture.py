"""The names and shapes of parameters, and what a network is trained with by default."""

from __future__ import annotations

from math import prod

from charlm.base.arrays import Shapes
from charlm.base.errors import UsageError
from charlm.config import ModelConfig, OptimizerConfig, flag
from charlm.nn.cells import CELLS
from charlm.nn.embedding import make_encoding
from charlm.nn.readout import readout_shapes
from charlm.nn.state import initial_state_shapes
from charlm.optim.rules import OPTIMIZERS

ADAPTIVE_SAVING = 4  # how many times fewer products an adaptive softmax needs, on Chinese poems


def parameter_shapes(
    config: ModelConfig, vocab_size: int, inputs: int | None = None
) -> dict[str, tuple[int, ...]]:
    """Every parameter's shape; ``inputs`` symbols are read, ``vocab_size`` by default."""
    cell = CELLS.find(config.cell).from_config(config)
    width = len(cell.gates) * config.hidden
    encoding = make_encoding(config)
    shapes = {
        encoding.full_name(name): shape for name, shape in encoding.shapes(inputs or vocab_size, width).items()
    }
    for layer in range(config.layers):
        if layer > 0:
            shapes[f"layers.{layer}.W_xh"] = (config.hidden, width)
        shapes[f"layers.{layer}.b_h"] = (width,)
        for name, shape in cell.shapes(config.hidden).items():
            shapes[f"layers.{layer}.{name}"] = shape
        for name, shape in initial_state_shapes(cell, config.hidden).items() if config.learned_state else ():
            shapes[f"layers.{layer}.{name}"] = shape
    tied_to = config.embedding_size if config.tied else None
    return shapes | readout_shapes(config.hidden, vocab_size, tied_to, config.adaptive_softmax)


def flops_per_character(config: ModelConfig, vocab_size: int) -> int:
    """Floating-point operations per character of training: six per weight in a product.

    >>> flops_per_character(ModelConfig(hidden=100), 50) == 6 * (100 * 400 + 100 * 50)
    True
    """
    return count_flops(parameter_shapes(config, vocab_size))


def count_flops(shapes: Shapes) -> int:
    """Floating-point operations per character of training a network of these parameters."""
    sizes = {name: prod(shape) for name, shape in shapes.items() if len(shape) == 2}
    if "readout.W_c" in shapes:
        sizes["readout.W_hy" if "readout.W_hy" in shapes else "embedding"] //= ADAPTIVE_SAVING
    return 6 * sum(size for name, size in sizes.items() if not name.endswith("layers.0.W_xh"))


def default_lr(cell: str, optimizer: str) -> float:
    """The learning rate of a run that sets none.

    >>> default_lr("lstm", "adam"), default_lr("gru", "adam")
    (0.016, 0.008)
    """
    return OPTIMIZERS.find(optimizer).default_lr * CELLS.find(cell).lr_scale


def check_settings(config: ModelConfig, optimisation: OptimizerConfig) -> None:
    """Refuse settings without meaning together.

    Raises:
        UsageError: names the setting.
    """
    defaults = ModelConfig()
    optimizer = optimisation.optimizer
    unset = OptimizerConfig(lr=default_lr(config.cell, optimizer))
    for name in ("lr", "weight_decay", "average") if OPTIMIZERS.find(optimizer).moves_weights else ():
        if getattr(optimisation, name) not in (None, getattr(unset, name)):
            raise UsageError(f"{flag(name)} needs a gradient: leave it out with --optimizer {optimizer}")
    if config.residual and config.layers == 1:
        raise UsageError("--residual joins a layer to the one below: it needs --layers of 2 or more")
    if optimisation.weight_drop and "W_hh" not in CELLS.find(config.cell).from_config(config).shapes(1):
        raise UsageError(f"--weight-drop is of W_hh, and --cell {config.cell} has none: leave it out")
    if config.encoding == "one-hot" and config.embedding_size != defaults.embedding_size:
        raise UsageError("--embedding-size needs --encoding embedding: add it, or leave out --embedding-size")
