"""The model: encoding, a stack of recurrent layers, readout; forward, backward and one step.

A model is its settings, a vocabulary size and one flat vector of parameters. It keeps nothing of a pass: state
is passed in and handed back, and what backward needs lies in a workspace that the caller owns and reuses.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from charlm.arrays import Codes, FlatVector, Floats, empty_steps
from charlm.cells import CELLS, Cell, State, rows
from charlm.config import ModelConfig, flag
from charlm.dropout import draw_mask
from charlm.encoding import encoding_of, gather_rows, sum_by_symbol
from charlm.errors import UsageError
from charlm.initialise import xavier
from charlm.profiling import Laps
from charlm.readout import logits, loss_and_gradient, readout_shapes
from charlm.states import States


def parameter_shapes(config: ModelConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """The name and shape of every parameter, with nothing allocated."""
    cell = CELLS.find(config.cell).from_config(config)
    width = len(cell.gates) * config.hidden
    shapes = encoding_of(config).shapes(vocabulary_size, width)
    for layer in range(config.layers):
        if layer > 0:
            shapes[f"layers.{layer}.W_xh"] = (config.hidden, width)
        shapes[f"layers.{layer}.b_h"] = (width,)
        for name, shape in cell.shapes(config.hidden).items():
            shapes[f"layers.{layer}.{name}"] = shape
    return shapes | readout_shapes(config.hidden, vocabulary_size)


def check_settings(config: ModelConfig) -> None:
    """Refuse a setting that only other cells would use.

    Raises:
        UsageError: naming the setting and the cell that has it.
    """
    defaults = ModelConfig()
    if config.encoding == "one-hot" and config.embedding_size != defaults.embedding_size:
        raise UsageError("--embedding-size belongs to --encoding embedding: leave it out with one-hot input")
    for name in CELLS.names():
        for setting in CELLS.find(name).settings:
            foreign = setting not in CELLS.find(config.cell).settings
            if foreign and getattr(config, setting) != getattr(defaults, setting):
                raise UsageError(
                    f"{flag(setting)} belongs to --cell {name}: leave it out with --cell {config.cell}"
                )


class Workspace:
    """Buffers for chunks of up to ``seq_len`` steps of ``batch_size`` streams; dropout at ``dropout``."""

    def __init__(self, model: Model, seq_len: int, batch_size: int, dropout: float = 0.0) -> None:
        hidden, dtype = model.config.hidden, model.dtype
        layers = range(model.config.layers)
        width = len(model.cell.gates) * hidden
        self.dropout = dropout
        self.laps = Laps()
        self.a = [empty_steps(seq_len, batch_size, width, dtype=dtype) for _ in layers]
        rows_TBG: Floats = np.empty((seq_len, batch_size, width), dtype)
        self.tapes = [model.cell.tape(seq_len, batch_size, hidden, dtype, rows_TBG, self.laps) for _ in layers]
        self.dh_TBH: Floats = np.empty((seq_len, batch_size, hidden), dtype)
        self.masks: list[Floats] = [np.empty_like(self.dh_TBH) for _ in layers if dropout]
        self.dropped: list[Floats] = [np.empty_like(self.dh_TBH) for _ in layers if dropout]
        self.outputs: list[Floats] = []
        self.has_dropped = False


class Model:
    """A character-level recurrent network.

    Attributes:
        config: what it is.
        vocabulary_size: V.
        cell: the recurrence of every layer.
        params: every parameter, in one flat vector.
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int, params: FlatVector | None = None) -> None:
        self.config = config
        self.vocabulary_size = vocabulary_size
        self.dtype: np.dtype[np.floating[npt.NBitBase]] = np.dtype(config.dtype)
        self.cell: Cell = CELLS.find(config.cell).from_config(config)
        self.shapes = parameter_shapes(config, vocabulary_size)
        self.params = FlatVector(self.shapes, self.dtype) if params is None else params
        self._encoding = encoding_of(config)
        self._layers = [self.params.part(f"layers.{layer}.") for layer in range(config.layers)]

    def move_to(self, flat: Floats) -> None:
        """Have this memory (P,) hold the parameters from now on."""
        flat[:] = self.params.flat
        self.params = FlatVector(self.shapes, self.dtype, flat)
        self._layers = [self.params.part(f"layers.{layer}.") for layer in range(self.config.layers)]

    def initialise(self, rng: np.random.Generator) -> None:
        """Draw every parameter anew, in place."""
        self._encoding.initialise(self.params, rng)
        for layer, params in enumerate(self._layers):
            if layer > 0:
                xavier(params["W_xh"], rng)
            self.cell.initialise(params, rng)
        xavier(self.params["readout.W_hy"], rng)
        self.params["readout.b_y"][:] = 0

    def zero_state(self, batch_size: int) -> States:
        """The state before any character: for each layer its variables (B, H), all zero."""
        shape = (batch_size, self.config.hidden)
        return tuple(tuple(np.zeros(shape, self.dtype) for _ in self.cell.state_names) for _ in self._layers)

    def forward(
        self,
        x_TB: Codes,
        state: States,
        workspace: Workspace,
        keep_TB: Floats | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[Floats, States]:
        """Run the encoding and the layers over a chunk.

        Args:
            x_TB: the characters read.
            state: the state before them.
            workspace: buffers; its last use's results are overwritten.
            keep_TB: None, or 0 where a stream starts afresh before a step and 1 elsewhere.
            rng: draws the dropout masks; None, as in evaluation, drops nothing.

        Returns:
            What the readout sees, a view (T, B, H) of the workspace, and the state after the chunk.
        """
        seq_len = len(x_TB)
        after: list[State] = []
        workspace.outputs = []
        workspace.has_dropped = rng is not None and workspace.dropout > 0
        for layer, params in enumerate(self._layers):
            a_TBG = workspace.a[layer][:seq_len]
            if layer == 0:
                gather_rows(self._encoding.table(self.params), x_TB, out=a_TBG)
            else:
                np.matmul(workspace.outputs[-1], params["W_xh"], out=a_TBG)
                a_TBG += params["b_h"]
            workspace.laps.end("projection")
            h_TBH, layer_state = self.cell.forward(params, a_TBG, state[layer], keep_TB, workspace.tapes[layer])
            if rng is not None and workspace.has_dropped:
                mask_TBH = workspace.masks[layer][:seq_len]
                draw_mask(mask_TBH, workspace.dropout, rng)
                h_TBH = np.multiply(h_TBH, mask_TBH, out=workspace.dropped[layer][:seq_len])
            workspace.outputs.append(h_TBH)
            workspace.laps.end("recurrence forward")
            after.append(layer_state)
        return workspace.outputs[-1], tuple(after)

    def backward(
        self, x_TB: Codes, dh_TBH: Floats, dstate: States, workspace: Workspace, grads: FlatVector
    ) -> States:
        """Run the derivative of forward, which left the workspace as it is.

        Args:
            x_TB: the characters read.
            dh_TBH: gradient with respect to what the readout saw; overwritten.
            dstate: gradient with respect to the state after the chunk; zero in truncated training.
            workspace: as forward left it; used up.
            grads: where the parameters' gradients are written (the readout's are not touched).

        Returns:
            The gradient with respect to the state before the chunk.
        """
        seq_len = len(x_TB)
        before: list[State] = []
        for layer in reversed(range(len(self._layers))):
            own = grads.part(f"layers.{layer}.")
            if workspace.has_dropped:
                dh_TBH *= workspace.masks[layer][:seq_len]
            da_TBG, dlayer = self.cell.backward(
                self._layers[layer], dh_TBH, dstate[layer], workspace.tapes[layer], own
            )
            before.append(dlayer)
            workspace.laps.end("weight gradients")
            if layer > 0:
                np.matmul(rows(workspace.outputs[layer - 1]).T, rows(da_TBG), out=own["W_xh"])
                rows(da_TBG).sum(axis=0, out=own["b_h"])
                workspace.laps.end("weight gradients")
                dh_TBH = workspace.dh_TBH[:seq_len]
                np.matmul(rows(da_TBG), self._layers[layer]["W_xh"].T, out=rows(dh_TBH))
                workspace.laps.end("projection")
            else:
                dtable_VG = np.empty((self.vocabulary_size, da_TBG.shape[-1]), self.dtype)
                sum_by_symbol(x_TB.reshape(-1), rows(da_TBG), out=dtable_VG)
                self._encoding.backward(self.params, dtable_VG, grads)
                workspace.laps.end("weight gradients")
        return tuple(reversed(before))

    def loss_and_gradient(
        self,
        x_TB: Codes,
        y_TB: Codes,
        real_TB: npt.NDArray[np.bool_] | None,
        targets: int,
        state: States,
        workspace: Workspace,
        grads: FlatVector,
        rng: np.random.Generator | None = None,
        keep_TB: Floats | None = None,
    ) -> tuple[float, States]:
        """One chunk of truncated back-propagation through time (Werbos 1990; Williams & Peng 1990).

        Args:
            x_TB: the characters read.
            y_TB: the characters to predict.
            real_TB: which targets count; None where all do.
            targets: how many targets the mean loss is over, in all workers together.
            state: the state before the chunk; no gradient goes back through it.
            workspace: buffers.
            grads: where the gradient of the mean loss is written.
            rng: draws the dropout masks.
            keep_TB: None, or 0 where a stream starts afresh before a step and 1 elsewhere.

        Returns:
            The sum of the targets' costs in nats, and the state after the chunk.
        """
        workspace.laps.begin()
        h_TBH, after = self.forward(x_TB, state, workspace, keep_TB, rng)
        dh_TBH = workspace.dh_TBH[: len(x_TB)]
        real_N = None if real_TB is None else real_TB.reshape(-1)
        nll_sum = loss_and_gradient(
            self.params, rows(h_TBH), y_TB.reshape(-1), real_N, targets, rows(dh_TBH), grads
        )
        workspace.laps.end("readout")
        self.backward(x_TB, dh_TBH, self.zero_state(x_TB.shape[1]), workspace, grads)
        return nll_sum, after

    def input_table(self) -> Floats:
        """The first layer's pre-activations of every symbol (V, G), for ``step``."""
        return self._encoding.table(self.params)

    def step(self, x_B: Codes, state: States, table_VG: Floats | None = None) -> tuple[Floats, States]:
        """Read one character a stream.

        Args:
            x_B: the characters.
            state: the state before them.
            table_VG: ``input_table()``, for callers that take many steps.

        Returns:
            The logits of the next characters (B, V), and the state after.
        """
        after: list[State] = []
        table_VG = self.input_table() if table_VG is None else table_VG
        h_BH: Floats = np.empty(0)
        for layer, params in enumerate(self._layers):
            a_BG = table_VG[x_B] if layer == 0 else h_BH @ params["W_xh"] + params["b_h"]
            layer_state = self.cell.step(params, a_BG, state[layer])
            h_BH = layer_state[0]
            after.append(layer_state)
        return logits(self.params, h_BH), tuple(after)
