"""Typical errors of networks that read whole texts, planted one by one: a check has to find each."""

import numpy as np
import pytest

from charlm.nn import bidirectional, pooling
from charlm.nn.bidirectional import EncoderBuffers
from charlm.nn.dropout import Regularization
from charlm.nn.pooling import Last, Max, Mean
from tests.laws.test_batch_invariance import TEXTS, make, pack, run
from tests.laws.test_encoder_parity import FIXTURE, part
from tests.laws.test_encoder_parity import (
    test_outputs_final_states_and_all_gradients_of_packed_sequences as compare_with_torch,
)
from tests.laws.test_whole_texts import errors_of, soften

ALL = np.ones((1, 1, 1), bool)


def options(kind):
    return {"bidirectional": True, "pooling": kind}


def check_invariance(kind):
    """A text's outputs are the same alone and among longer ones."""
    model = make(options=options(kind))
    alone, among = run(model, pack(model, TEXTS[:1])), run(model, pack(model, TEXTS))
    np.testing.assert_allclose(among[0][:1], alone[0], rtol=0, atol=1e-12)


def check_gradients(kind):
    model = soften(make(options=options(kind)), seed=0)
    assert max(errors_of(model, pack(model, TEXTS), Regularization()).values()) < 1e-6


def check_torch(kind):
    compare_with_torch("lstm")


def check_last(kind):
    """Pooling the final states is joining PyTorch's h_n."""
    arrays = part(FIXTURE, "lstm/")
    finals = [(h_BH,) for h_BH in arrays["final/h"]]
    own_TBD = np.zeros((6, 3, 6))
    for column, length in enumerate(arrays["lengths"]):
        own_TBD[6 - length :, column] = arrays["out"][:length, column]
    pooled_BD = Last(arrays["lengths"]).forward(own_TBD, finals)
    np.testing.assert_array_equal(pooled_BD, np.concatenate(list(arrays["final/h"]), axis=-1))


def ignore_padding(patch, kind):
    patch.setattr(kind, "is_own_TB1", lambda self, steps: ALL.repeat(steps, 0).repeat(len(self.length_B), 1))


def turn_all(steps, length_B):
    return np.repeat(np.arange(steps)[::-1, None], len(length_B), axis=1)


def forget_to_turn_back(patch):
    turn = EncoderBuffers.turn
    patch.setattr(
        EncoderBuffers, "turn", lambda self, v: v.copy() if v.shape[-1] == 3 and v.ndim == 3 else turn(self, v)
    )


MUTANTS = {
    "padding in the mean": ("mean", check_invariance, lambda p: ignore_padding(p, Mean)),
    "padding in the maximum": ("max", check_invariance, lambda p: ignore_padding(p, Max)),
    "the padded axis reversed": (
        "last",
        check_invariance,
        lambda p: p.setattr(bidirectional, "reversed_within", turn_all),
    ),
    "the backward direction not turned back": ("max", check_torch, forget_to_turn_back),
    "the last output taken for both directions": (
        "last",
        check_last,
        lambda p: p.setattr(Last, "forward", lambda self, h_TBD, finals: h_TBD[-1].copy()),
    ),
    "the gradient of the final state not handed on": (
        "last",
        check_gradients,
        lambda p: p.setattr(Last, "backward", lambda *given: None),
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_error_is_found(monkeypatch, mutant):
    kind, check, plant = MUTANTS[mutant]
    check(kind)
    plant(monkeypatch)
    with pytest.raises((AssertionError, ValueError)):
        check(kind)


def test_mean_pooling_over_a_constant_is_that_constant_whatever_the_length():
    h_TBD = np.broadcast_to(np.array([0.25, -3.0]), (7, 4, 2))
    found = pooling.Mean(np.array([1, 3, 7, 2])).forward(h_TBD, [])
    np.testing.assert_allclose(found, h_TBD[0], rtol=0, atol=1e-15)
