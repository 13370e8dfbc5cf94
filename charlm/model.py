"""The model: encoding, a stack of recurrent layers, readout; forward, backward and one step.

A model is its settings, a vocabulary size and one flat vector of parameters. It keeps nothing of a pass: state
is passed in and handed back, and what backward needs lies in a workspace that the caller owns and reuses.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from charlm.architecture import Architecture
from charlm.arrays import Codes, FlatVector, Floats
from charlm.cells import State, rows
from charlm.config import ModelConfig
from charlm.encoding import encoding_of, gather_rows, sum_by_symbol
from charlm.initialise import xavier
from charlm.readout import initialise_readout, logits, loss_and_gradient
from charlm.states import States, start_from, write_gradients, write_initial_state
from charlm.workspace import Workspace


class Model(Architecture):
    """A character-level recurrent network.

    Attributes:
        params: every parameter, in one flat vector.
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int, params: FlatVector | None = None) -> None:
        super().__init__(config, vocabulary_size)
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
        initialise_readout(self.params, rng)

    def initial_state(self, batch_size: int) -> States:
        """The state before any character: for each layer its variables (B, H), learned or zero."""
        state = self.zero_state(batch_size)
        for params, layer_state in zip(self._layers, state, strict=True):
            write_initial_state(self.cell, params, layer_state)
        return state

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
            rng: draws the workspace's noise; None, as in evaluation, for none.

        Returns:
            What the readout sees, a view (T, B, H) of the workspace, and the state after the chunk.
        """
        seq_len = len(x_TB)
        after: list[State] = []
        workspace.outputs = []
        for layer, params in enumerate(workspace.weight_drop.forward(self._layers, rng)):
            a_TBG = workspace.a[layer][:seq_len]
            if layer == 0:
                rows_VG = workspace.symbol_dropout.forward(self._encoding.rows(self.params), x_TB, rng)
                gather_rows(rows_VG + params["b_h"], workspace.symbol_dropout.x_TB, out=a_TBG)
            else:
                np.matmul(workspace.outputs[-1], params["W_xh"], out=a_TBG)
                a_TBG += params["b_h"]
            workspace.laps.end("projection")
            start_from(self.cell, params, workspace.tapes[layer])
            h_TBH, layer_state = self.cell.forward(params, a_TBG, state[layer], keep_TB, workspace.tapes[layer])
            h_TBH = workspace.dropout.forward(layer, h_TBH, rng)
            workspace.outputs.append(workspace.residual.forward(h_TBH, workspace.outputs))
            workspace.laps.end("recurrence forward")
            after.append(layer_state)
        return workspace.outputs[-1], tuple(after)

    def backward(self, dh_TBH: Floats, dstate: States, workspace: Workspace, grads: FlatVector) -> States:
        """Run the derivative of forward, which left the workspace as it is.

        Args:
            dh_TBH: gradient with respect to what the readout saw; overwritten.
            dstate: gradient with respect to the state after the chunk; zero in truncated training.
            workspace: as forward left it; used up.
            grads: where the parameters' gradients are written; the readout's are not touched, and to a tied
                embedding's, which the readout has written, this pass adds its own.

        Returns:
            The gradient with respect to the state before the chunk.
        """
        seq_len = len(dh_TBH)
        before: list[State] = []
        for layer, params in reversed(list(enumerate(workspace.weight_drop.layers))):
            own = grads.part(f"layers.{layer}.")
            workspace.residual.keep(dh_TBH)
            workspace.dropout.backward(layer, dh_TBH)
            da_TBG, dlayer = self.cell.backward(params, dh_TBH, dstate[layer], workspace.tapes[layer], own)
            workspace.weight_drop.backward(layer, own)
            write_gradients(self.cell, workspace.tapes[layer], own)
            before.append(dlayer)
            workspace.laps.end("weight gradients")
            if layer > 0:
                np.matmul(rows(workspace.outputs[layer - 1]).T, rows(da_TBG), out=own["W_xh"])
                rows(da_TBG).sum(axis=0, out=own["b_h"])
                workspace.laps.end("weight gradients")
                dh_TBH = workspace.dh_TBH[:seq_len]
                np.matmul(rows(da_TBG), params["W_xh"].T, out=rows(dh_TBH))
                workspace.residual.backward(dh_TBH)
                workspace.laps.end("projection")
            else:
                self._backward_from_input(rows(da_TBG), workspace, grads)
                workspace.laps.end("weight gradients")
        return tuple(reversed(before))

    def _backward_from_input(self, da_NG: Floats, workspace: Workspace, grads: FlatVector) -> None:
        """Write the gradients of the encoding and of the first layer's bias."""
        symbols = workspace.symbol_dropout
        drows_VG = np.empty((self.vocabulary_size + 1, da_NG.shape[1]), self.dtype)
        sum_by_symbol(symbols.x_TB.reshape(-1), da_NG, out=drows_VG)
        drows_VG.sum(axis=0, out=grads["layers.0.b_h"])
        self._encoding.backward(self.params, symbols.backward(drows_VG), grads)

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
            rng: draws the workspace's noise.
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
        self.backward(dh_TBH, self.zero_state(x_TB.shape[1]), workspace, grads)
        return nll_sum, after

    def output(self, state: States) -> Floats:
        """What the readout sees after a state (B, H): the last layer's h, or with residuals every layer's sum."""
        if not self.config.residual:
            return state[-1][0]
        total_BH: Floats = np.sum([h_BH for h_BH, *_ in state], axis=0)
        return total_BH

    def input_table(self) -> Floats:
        """The first layer's pre-activations of every symbol (V, G), for ``step``."""
        return self._encoding.rows(self.params) + self.params["layers.0.b_h"]

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
            h_BH = layer_state[0] + h_BH if self.config.residual and layer > 0 else layer_state[0]
            after.append(layer_state)
        return logits(self.params, h_BH), tuple(after)
