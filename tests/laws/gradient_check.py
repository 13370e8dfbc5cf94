"""The check of gradients: random projections against central differences, in float64."""

import dataclasses

import numpy as np

from charlm.config import ModelConfig
from charlm.data.batches import Batch
from charlm.models.char_rnn import Model
from charlm.nn.buffers import flatten_time
from charlm.nn.cells import CELLS
from charlm.nn.dropout import NO_REGULARIZATION
from charlm.nn.embedding import make_encoding, sum_by_symbol
from charlm.nn.readout import nll_nats

STEP = 5e-3  # the error is of its sixth power: far below the tolerance, as rounding's is
SEVEN_POINTS = {1: 45 / 60, 2: -9 / 60, 3: 1 / 60}


def relative_errors(function, arrays, gradients, rng):
    """The error of each array's gradient, projected on a random direction, as a share of its norm.

    The measure is the seven-point central difference of ``function()``, which reads the arrays and returns the
    terms of a sum; terms are subtracted before they are summed, so that rounding does not drown a small slope.
    The share is of this array's own gradient alone, so a small gradient has to be as right as a large one. What
    rounding alone can do to the slope is taken off: a gradient of 1e-9 stands in the last digits of the terms.
    """
    errors = {}
    for name, array in arrays.items():
        direction = rng.standard_normal(array.shape)
        direction /= np.linalg.norm(direction)
        original = array.copy()

        def along(step, array=array, original=original, direction=direction):
            array[...] = original + step * direction
            return function()

        slope = rounding = 0.0
        for k, c in SEVEN_POINTS.items():
            ahead, behind = along(k * STEP), along(-k * STEP)
            slope += np.sum(c * (ahead - behind)) / STEP
            rounding += np.finfo(float).eps * abs(c) * np.sum(abs(ahead) + abs(behind)) / STEP
        array[...] = original
        distance = abs(slope - float(np.sum(gradients[name] * direction)))
        error = distance if np.isnan(distance) else max(0.0, distance - rounding)
        norm = np.linalg.norm(gradients[name])
        errors[name] = 0.0 if error == 0 else float(error / norm) if norm else np.inf
    return errors


def between(rng, low, high, *shape):
    """Values of a size between ``low`` and ``high``, of either sign: none so small that a gradient vanishes."""
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(low, high, shape)


def fill(params, rng, config):
    """Fill parameters in place, for a ReLU such that no pre-activation comes near zero at any size and depth.

    There, biases have a size of 1.4 to 2, a column of W_hh sums to 0.15 at most, a third more with weight-drop,
    and one of W_xh to 0.09, or half that where two layers' outputs may add up. No output is then above 3.23, nor
    above twice that after dropout, so products change a pre-activation by 1.23 at most.
    """
    for name, array in params.items():
        is_gathered = name == "layers.0.W_xh" and config.encoding == "one-hot"
        fan_in = 1 if array.ndim == 1 or is_gathered else len(array)
        array[...] = between(rng, 0.4, 1, *array.shape)
        if getattr(config.own, "nonlinearity", None) != "relu" or name.startswith(("embedding", "readout")):
            array /= fan_in**0.5
        elif array.ndim == 1:
            array += np.sign(array)
        else:
            array *= (0.15 if name.endswith("W_hh") else 0.045 if config.residual else 0.09) / fan_in


def draw_carry(rng, with_carry, *shape):
    """None, or a mask that starts about every third sequence at every step."""
    return (rng.random(shape) > 0.3).astype(float) if with_carry else None


def undefined(params):
    """Gradients of parameters before anything is written: not a number, so that adding to them shows."""
    return {name: np.full_like(array, np.nan) for name, array in params.items()}


def terms(weights, values):
    """The terms of a projection of several arrays, as one vector."""
    return np.concatenate([(w * v).ravel() for w, v in zip(weights, values, strict=True)])


class GradientCheck:
    """Each method builds a small random problem, and gives the relative error of every gradient by name."""

    def cell(self, variant, steps, batch_size, hidden, with_carry=False, seed=0):
        """A cell alone: its parameters, its input, its incoming state."""
        rng = np.random.default_rng(seed)
        config = ModelConfig(**variant)
        cell = CELLS.find(config.cell).from_config(config)
        params = {name: np.empty(shape) for name, shape in cell.shapes(hidden).items()}
        fill(params, rng, config)
        state = {name: rng.uniform(-1, 1, (batch_size, hidden)) for name in cell.state_names}
        a_TBG = between(rng, 1.4, 2, steps, batch_size, len(cell.gates) * hidden)
        carry_TB = draw_carry(rng, with_carry, steps, batch_size)
        dh_TBH = rng.standard_normal((steps, batch_size, hidden))
        dstate = tuple(rng.standard_normal((batch_size, hidden)) for _ in state)
        cache = cell.cache((steps + 1, batch_size, hidden), "float64")

        def projection():
            h_TBH, after = cell.forward(params, a_TBG.copy(), tuple(state.values()), carry_TB, cache)
            return terms((dh_TBH, *dstate), (h_TBH, *after))

        projection()
        grads = undefined(params)
        da_TBG, before = cell.backward(params, dh_TBH.copy(), dstate, cache, grads)
        gradients = {**grads, "a": da_TBG.copy(), **dict(zip(state, before, strict=True))}
        return relative_errors(projection, {**params, "a": a_TBG, **state}, gradients, rng)

    def layers(
        self, config, steps, batch_size, vocab_size, with_carry=False, regularization=NO_REGULARIZATION, seed=0
    ):
        """Encoding and layers: their parameters and every layer's incoming state."""
        rng = np.random.default_rng(seed)
        model, x_TB, state = self._model(config, steps, batch_size, vocab_size, rng)
        carry_TB = draw_carry(rng, with_carry, steps, batch_size)
        dh_TBH = rng.standard_normal((steps, batch_size, config.hidden))
        dstate = tuple(tuple(rng.standard_normal(s.shape) for s in layer) for layer in state)
        buffers = model.buffers(steps + 1, batch_size, regularization)

        def projection():
            h_TBH, after = model.forward(x_TB, state, buffers, carry_TB, np.random.default_rng(seed))
            return terms((dh_TBH, *sum(dstate, ())), (h_TBH, *sum(after, ())))

        projection()
        grads = model.params.zeros_like()
        grads.flat[:] = np.nan
        if config.tied:
            grads["embedding"][:] = 0  # the readout's part
        before = model.backward(dh_TBH.copy(), dstate, buffers, grads)
        arrays = {name: array for name, array in model.params.items() if not name.startswith("readout")}
        gradients = {name: grads[name] for name in arrays}
        for layer, variables in enumerate(zip(state, before, strict=True)):
            for name, array, gradient in zip(model.cell.state_names, *variables, strict=True):
                arrays[f"state.{layer}.{name}"] = array
                gradients[f"state.{layer}.{name}"] = gradient
        return relative_errors(projection, arrays, gradients, rng)

    def loss(self, config, steps, batch_size, vocab_size, masked=False, regularization=NO_REGULARIZATION, seed=0):
        """The whole model: every parameter's gradient of the mean loss."""
        rng = np.random.default_rng(seed)
        model, x_TB, state = self._model(config, steps, batch_size, vocab_size, rng)
        y_TB = rng.integers(vocab_size, size=x_TB.shape).astype(np.uint8)
        mask_TB = rng.random(x_TB.shape) < 0.7 if masked else None
        targets = x_TB.size + 3  # the mean is over other workers' targets too
        buffers = model.buffers(steps + 1, batch_size, regularization)

        def shares_of_the_mean():
            h_TBH, _ = model.forward(x_TB, state, buffers, rng=np.random.default_rng(seed))
            costs_N = nll_nats(model.params, flatten_time(h_TBH), y_TB.reshape(-1))
            return costs_N * (1 if mask_TB is None else mask_TB.reshape(-1)) / targets

        grads = model.params.zeros_like()
        grads.flat[:] = np.nan
        fields = {"x_TB": x_TB, "y_TB": y_TB} | ({"target_mask_TB": mask_TB} if masked else {})
        batch = Batch(fields, targets, resets_state=False)
        model.loss_and_gradient(batch, state, buffers, grads, np.random.default_rng(seed))
        return relative_errors(shares_of_the_mean, dict(model.params), grads, rng)

    def table(self, config, vocab_size, count, seed=0):
        """The encoding alone: the parameters of its table, from gathered rows' gradients."""
        rng = np.random.default_rng(seed)
        model, x_TB, _ = self._model(config, count, 1, vocab_size, rng)
        encoding, params = make_encoding(model.config), model.stack.layers[0].params
        da_NG = rng.standard_normal((count, len(params["b_h"])))
        grads = undefined(params)
        drows_VG = np.full((vocab_size, da_NG.shape[1]), np.nan)
        sum_by_symbol(x_TB[:, 0], da_NG, drows_VG)
        encoding.backward(params, drows_VG, grads)
        arrays = {name: params[name] for name in encoding.shapes(1, 1)}

        def projection():
            return da_NG * encoding.rows(params)[x_TB[:, 0]]

        return relative_errors(projection, arrays, grads, rng)

    def _model(self, config, steps, batch_size, vocab_size, rng):
        model = Model(dataclasses.replace(config, dtype="float64"), vocab_size)
        fill(model.params, rng, config)
        x_TB = rng.integers(vocab_size, size=(steps, batch_size)).astype(np.uint8)
        zero = model.zero_state(batch_size)
        state = tuple(tuple(rng.uniform(-1, 1, s.shape) for s in layer) for layer in zero)
        return model, x_TB, state
