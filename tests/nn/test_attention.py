"""Attention: properties of its weights, gradients of every score alone, and PyTorch's operations written out."""

import numpy as np
import pytest

from charlm.nn.attention import ATTENTIONS
from charlm.nn.attention_layer import PREFIX, AttentionLayer, attention_shapes, masked_softmax_
from tests.laws.gradient_check import relative_errors
from tests.laws.test_torch_parity import assert_same, load, part

EVERY = pytest.mark.parametrize("name", ATTENTIONS.names())
FIXTURE = load("torch_attention.npz")
T, S, B = 3, 5, 4
LENGTHS = np.array([5, 1, 3, 0])
OWN_SB = np.arange(S)[:, None] >= S - LENGTHS


def make(name, seed=0):
    """A layer with queries and keys."""
    rng, score = np.random.default_rng(seed), ATTENTIONS.find(name)
    query, key = (3, 3) if name == "dot" else (3, 4)
    shapes = attention_shapes(score, query, key)
    params = {each.removeprefix(PREFIX): rng.uniform(-0.8, 0.8, shape) for each, shape in shapes.items()}
    q_TBH, k_SBD = rng.uniform(-1, 1, (T, B, query)), rng.uniform(-1, 1, (S, B, key))
    return AttentionLayer(score(), params), q_TBH, k_SBD


@EVERY
def test_weights_sum_to_one_and_are_zero_on_padding(name):
    layer, q_TBH, k_SBD = make(name)
    _, cache = layer.forward(q_TBH, k_SBD, OWN_SB)
    assert not cache.alpha_BTS[np.broadcast_to(~OWN_SB.T[:, None], (B, T, S))].any()
    np.testing.assert_allclose(cache.alpha_BTS[:3].sum(axis=-1), 1, rtol=0, atol=1e-14)
    context_TD = cache.joined_TBX[..., 3:][:, 1]  # one source step: the context is that step's output
    np.testing.assert_allclose(context_TD, np.tile(k_SBD[-1, 1], (T, 1)), rtol=0, atol=1e-15)
    assert not cache.joined_TBX[:, 3, 3:].any()


@EVERY
def test_equal_keys_have_equal_weights_and_permuted_ones_permuted_weights(name):
    layer, q_TBH, k_SBD = make(name)
    everywhere, order = np.ones((S, B), bool), np.array([3, 0, 4, 1, 2])
    equal = layer.forward(q_TBH, np.broadcast_to(k_SBD[:1], k_SBD.shape), everywhere)[1]
    np.testing.assert_allclose(equal.alpha_BTS, 1 / S, rtol=0, atol=1e-15)
    plain, permuted = (layer.forward(q_TBH, each, everywhere)[1] for each in (k_SBD, k_SBD[order]))
    np.testing.assert_allclose(permuted.alpha_BTS, plain.alpha_BTS[..., order], rtol=0, atol=1e-15)
    np.testing.assert_allclose(permuted.joined_TBX, plain.joined_TBX, rtol=0, atol=1e-15)


@EVERY
@pytest.mark.parametrize("block_values", [1, 10**6])
def test_gradients_of_a_score_alone_and_of_the_layer_through_padding(monkeypatch, name, block_values):
    monkeypatch.setattr("charlm.nn.buffers.BLOCK_VALUES", block_values)
    layer, q_TBH, k_SBD = make(name)
    rng, params = np.random.default_rng(1), dict(layer.params)
    q_BTH, k_BSD = q_TBH.transpose(1, 0, 2), k_SBD.transpose(1, 0, 2)
    ds_BTS, dout_TBH = rng.standard_normal((B, T, S)), rng.standard_normal(q_TBH.shape)
    grads = {each: np.full_like(array, np.nan) for each, array in params.items()}
    own = {each: params[each] for each in params if each != "W_c"}
    dq, dk = layer.score.backward(params, q_BTH, k_BSD, ds_BTS, grads)
    gradients = {**{each: grads[each].copy() for each in own}, "q": dq, "k": dk}
    arrays = {**own, "q": q_BTH, "k": k_BSD}
    errors = relative_errors(lambda: ds_BTS * layer.score.scores(params, q_BTH, k_BSD), arrays, gradients, rng)
    assert max(errors.values()) < 1e-7, errors

    cache = layer.forward(q_TBH, k_SBD, OWN_SB)[1]
    dq, dk = layer.backward(dout_TBH, cache, grads)
    assert not dk[~OWN_SB].any()
    errors = relative_errors(
        lambda: dout_TBH * layer.forward(q_TBH, k_SBD, OWN_SB)[0],
        {**params, "q": q_TBH, "k": k_SBD},
        {**grads, "q": dq, "k": dk},
        rng,
    )
    assert max(errors.values()) < 1e-7, errors


@pytest.mark.parametrize("name", sorted({each.partition("/")[0] for each in FIXTURE}))
def test_outputs_weights_and_all_gradients_are_those_of_pytorch(name):
    arrays = part(FIXTURE, f"{name}/")
    params = {each: array.T for each, array in part(arrays, "weight/").items()}
    layer = AttentionLayer(ATTENTIONS.find(name)(), params)
    own_SB = np.arange(len(arrays["k"]))[:, None] >= len(arrays["k"]) - arrays["lengths"]
    output_TBH, cache = layer.forward(arrays["q"], arrays["k"], own_SB)
    assert_same(output_TBH, arrays["out"])
    assert_same(cache.alpha_BTS, arrays["alpha"])
    grads = {each: np.full_like(array, np.nan) for each, array in params.items()}
    dq_TBH, dk_SBD = layer.backward(arrays["dout"], cache, grads)
    assert_same(dq_TBH, arrays["gradient/q"])
    assert_same(dk_SBD, arrays["gradient/k"])
    for each, gradient in grads.items():
        assert_same(gradient.T, arrays[f"gradient/{each}"])


def test_large_scores_do_not_overflow():
    weights = masked_softmax_(np.array([[[1e4, 0.0, -1e4]]]), np.ones((1, 1, 3), bool))
    assert weights.tolist() == [[[1, 0, 0]]]
