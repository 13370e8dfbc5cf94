"""The engine of PyTorch beside NumPy's: losses, gradients, states, weights and slots, step by step."""

import numpy as np
import pytest

from charlm.nn.cells import CELLS
from charlm.optim.rules import OPTIMIZERS

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from charlm.engines.torch.optimizer import RULES  # noqa: E402

VARIANTS = [
    *({"cell": cell} for cell in CELLS.names()),
    {"cell": "gru", "reset_after": True},
    {"cell": "rnn", "nonlinearity": "relu"},
]
NETWORKS = [
    {},
    {"layers": 2, "residual": True, "learned_state": True},
    {"layers": 2, "encoding": "embedding", "embedding_size": 4, "tied": True, "adaptive_softmax": True},
]
EVERY_VARIANT = pytest.mark.parametrize("variant", VARIANTS, ids=str)


def differences(ours, theirs):
    """The largest differences of two snapshots: of the weights, the slots and the states."""
    yield np.abs(ours.weights_P - theirs.weights_P).max()
    for name, slot in ours.slots.items():
        yield np.abs(slot - theirs.slots[name]).max()
    for pair in zip(ours.states, theirs.states, strict=True):
        yield from (np.abs(one - other).max() for one, other in zip(*pair, strict=True))


def step_both(engines, batch, t, config=(0.0, 0.5), lr=0.02):
    """A step of both; how far apart they are, and the loss of a target."""
    losses, norms = [], []
    for engine in engines:
        losses.append(engine.step(batch, np.random.default_rng(t)) / batch.num_targets)
        norms.append(engine.clip(*config))
        engine.update(lr, t)
    worst = max(*differences(*(engine.snapshot() for engine in engines)), abs(norms[0] - norms[1]))
    return worst, abs(losses[0] - losses[1])


@EVERY_VARIANT
@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("restarts", [0.0, 0.03, 0.5])
def test_steps_are_those_of_numpy(make_engines, draw_batches, monkeypatch, variant, network, restarts):
    from charlm.engines.torch.resets import PACKED_SHARE

    monkeypatch.setitem(PACKED_SHARE, "cpu", 0.6)  # which only 0.5 exceeds, in most steps
    engines = make_engines(variant | network)
    for t, batch in enumerate(draw_batches(3, restarts), 1):
        assert max(step_both(engines, batch, t)) < 1e-9


@pytest.mark.parametrize("settings", [{"optimizer": name} for name in RULES] + [
    {"optimizer": "adamw", "weight_decay": 0.1, "average": 5}, {"optimizer": "sgd", "weight_decay": 0.1},
    {"optimizer": "rmsprop", "average": 3, "weight_decay": 0.01},
], ids=str)  # fmt: skip
def test_fifty_steps_of_each_optimizer_are_those_of_numpy(make_engines, draw_batches, settings):
    engines = make_engines({"cell": "lstm"}, settings)
    for t, batch in enumerate(draw_batches(50), 1):
        clip = (0.01, 0.0) if t % 2 else (0.0, 0.05)
        assert max(step_both(engines, batch, t, clip, lr=0.02 * t / 50)) < 1e-9


@EVERY_VARIANT
def test_fifty_steps_in_single_precision_have_the_losses_of_numpy(make_engines, draw_batches, variant):
    engines = make_engines(variant | {"dtype": "float32"})
    assert max(step_both(engines, batch, t)[1] for t, batch in enumerate(draw_batches(50), 1)) < 1e-4


@EVERY_VARIANT
@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-10), ("float32", 1e-5)])
def test_logits_are_those_of_numpy(make_engines, draw_batches, variant, network, dtype, bound):
    networks = [engine.network() for engine in make_engines(variant | network | {"dtype": dtype})]
    carry_TB = np.random.default_rng(0).random((9, 4)) < 0.7
    for batch, carry in zip(draw_batches(3), (None, carry_TB, None), strict=True):
        found = []
        for each in networks:
            if batch.resets_state:
                each.begin(4)
            outputs = each.read(
                batch["x_TB"], None if carry is None else carry[: len(batch["x_TB"])].astype(dtype)
            )
            nll, log_probs = outputs.nll(batch["y_TB"]), outputs.log_probs()
            found.append((outputs.logits(), outputs[2:4].logits(), nll, log_probs, each.step(batch["x_TB"][0])))
        for ours, theirs in zip(*found, strict=True):
            assert ours.dtype == theirs.dtype
            assert np.abs(ours - theirs).max() < bound * max(1, np.abs(ours).max())
    for ours, theirs in zip(*(each.state for each in networks), strict=True):
        assert max(np.abs(one - other).max() for one, other in zip(ours, theirs, strict=True)) < bound


def test_a_snapshot_is_a_copy_and_brings_everything_back(make_engines, draw_batches):
    settings = {"optimizer": "adam", "average": 5, "dropout": 0.3, "weight_drop": 0.2, "input_dropout": 0.1}
    _, engine = make_engines({"cell": "lstm", "layers": 2}, settings)
    batches = list(draw_batches(4, 0.2))

    def go(numbers):
        for t in numbers:
            engine.step(batches[t], np.random.default_rng(t))
            engine.clip(0, 1)
            engine.update(0.1, t + 1)
        return engine.snapshot()

    before = go([0, 1])
    whole = go([2, 3])
    engine.restore(before)
    assert max(differences(go([2, 3]), whole)) == 0
    assert max(differences(before, whole)) > 1e-3


@pytest.mark.parametrize("name", ["dropout", "weight_drop", "input_dropout"])
def test_masks_follow_from_the_generator_and_keep_the_mean(make_engines, draw_batches, name):
    _, engine = make_engines({"cell": "gru"}, {name: 0.5})
    (batch,) = draw_batches(1)
    losses = [engine.step(batch, np.random.default_rng(seed)) for seed in (1, 1, *range(2, 40))]
    assert losses[0] == losses[1] != losses[2]
    _, plain = make_engines({"cell": "gru"})
    assert np.mean(losses) == pytest.approx(plain.step(batch, np.random.default_rng(0)), rel=0.1)


def test_a_locked_mask_serves_all_steps():
    from charlm.config import ModelConfig
    from charlm.engines.torch.functions import Functions, Noise
    from charlm.models.char_rnn import Model
    from charlm.nn.dropout import Regularization

    model = Model(ModelConfig(cell="rnn", hidden=32), 5)
    model.initialize(np.random.default_rng(0))
    functions, generator = Functions(model.spec), torch.Generator().manual_seed(0)
    weights_P = torch.from_numpy(model.params.flat)
    for locked in (True, False):
        noise = Noise(Regularization(0.5, locked), generator)
        x_TB, state = torch.ones(6, 3, dtype=torch.long), functions.zero_state(3, weights_P)
        h_TBH, _ = functions.forward(functions.split(weights_P), x_TB, state, None, noise)
        zero_TBH = h_TBH == 0
        assert bool((zero_TBH == zero_TBH[0]).all()) is locked and 0.2 < zero_TBH.float().mean() < 0.8


def test_every_optimizer_with_a_gradient_has_its_counterpart():
    assert set(RULES) <= set(OPTIMIZERS.names())


def second_bias_learns(monkeypatch):
    from charlm.engines.torch.native import NativeLayers

    own = NativeLayers._second_bias
    monkeypatch.setattr(NativeLayers, "_second_bias", lambda self, params: own(self, params) + params["b_h"])


def gates_stay_in_charlms_order(monkeypatch):
    from charlm.engines.torch.native import NativeLayers

    monkeypatch.setattr(NativeLayers, "_by_gate", lambda self, tensor: tensor)


def the_reset_comes_after(monkeypatch):
    from charlm.engines.torch.cells.gru import GRUSteps

    def step(self, t, state):
        r, z = (self._a_rz[t] + state[0] @ self._W_rz).sigmoid().chunk(2, 1)
        n = (self._a_n[t] + r * (state[0] @ self._W_n)).tanh()
        self.saved.append((state[0], torch.cat((r, z), 1), r * state[0], n))
        return (torch.lerp(n, state[0], z),)

    monkeypatch.setattr(GRUSteps, "step", step)


def the_state_is_not_carried(monkeypatch):
    from charlm.engines.torch.functions import Functions

    own = Functions.forward
    forget = lambda states: tuple(tuple(each * 0 for each in layer) for layer in states)  # noqa: E731
    monkeypatch.setattr(
        Functions, "forward", lambda self, params, x, states, *rest: own(self, params, x, forget(states), *rest)
    )


def a_restart_is_missed(monkeypatch):
    from charlm.engines.torch import engine

    monkeypatch.setattr(engine, "Resets", lambda carry_TB, device: None)


@pytest.mark.parametrize(("bug", "cell"), [
    (second_bias_learns, "lstm"), (gates_stay_in_charlms_order, "lstm"), (the_reset_comes_after, "gru"),
    (the_state_is_not_carried, "gru"), (a_restart_is_missed, "lstm"),
])  # fmt: skip
def test_a_planted_error_is_seen(make_engines, draw_batches, monkeypatch, bug, cell):
    bug(monkeypatch)
    engines = make_engines({"cell": cell})
    assert max(max(step_both(engines, batch, t)) for t, batch in enumerate(draw_batches(3, 0.1), 1)) > 1e-6
