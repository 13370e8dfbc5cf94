"""Typical errors of encoders, decoders, attention and beam search, planted one by one: a check finds each."""

import numpy as np
import pytest

from charlm.inference import decoding
from charlm.models.seq2seq import Seq2Seq
from charlm.nn import attention_layer
from charlm.nn.attention.dot import Dot
from charlm.nn.attention_layer import AttentionLayer
from charlm.nn.bridge import Bridge
from charlm.nn.dropout import Regularization
from charlm.tasks.error_counts import ErrorCounts
from tests.inference import test_decoding as decodings
from tests.laws import test_pairs as laws
from tests.laws.pairs import END, SOURCES, make, pack
from tests.nn import test_attention as attention
from tests.tasks.test_error_counts import test_edits_are_summed_over_examples_and_an_unfinished_answer_is_wrong

SOFTMAX, ATTENTION_BACKWARD = attention_layer.masked_softmax_, AttentionLayer.backward
BRIDGE_FORWARD, ADD = Bridge.forward, decoding._Search._set_aside


def gradients():
    errors = laws.errors_of(make(), pack(), Regularization())
    assert max(errors.values()) < 1e-6


def invariance():
    laws.test_a_pair_is_the_same_alone_and_in_any_batch("dot", "lstm")


def parity():
    attention.test_outputs_weights_and_all_gradients_are_those_of_pytorch("dot")


def bridging():
    """The decoder's first c is a map of the encoder's last one."""
    model = make("none")
    batch, changed = pack(), pack()
    changed["x_SB"][-1] = (changed["x_SB"][-1] + 1) % 4
    states = [
        model.encode(each["x_SB"], each["length_B"], model.buffers(12, len(SOURCES))).state
        for each in (batch, changed)
    ]
    assert (states[0][0][1] != states[1][0][1]).all()


def deterministic():
    """Decoding gives the same twice from buffers that training uses."""
    model, batch = make(), pack(targets=[[]] * len(SOURCES))
    buffers = model.buffers(12, len(SOURCES), Regularization(dropout=0.5))
    answers = [decoding.decode(model, batch, buffers, 2) for _ in range(2)]
    assert answers[0] == answers[1]


def scores():
    decodings.test_every_score_is_the_teacher_forced_log_probability_of_its_sequence("dot")


def ends():
    """No answer has an end inside, also where the network likes to end."""
    model = make()
    model.params["readout.b_y"][END] += 3
    found = decodings.answer(model, beam=4, count=4)
    assert not any(END in each.ids for own in found for each in own)


def batches():
    decodings.test_beams_and_scores_are_the_same_alone_and_in_any_batch()


def brute_force():
    decodings.test_a_beam_as_wide_as_all_sequences_finds_what_brute_force_finds()


def backward_without_the_sum(self, dout_TBH, cache, grads):
    """The softmax's derivative as if its outputs did not depend on each other."""
    dq_TBH, dk_SBD = ATTENTION_BACKWARD(self, dout_TBH, cache, grads)
    width = dout_TBH.shape[-1]
    dz_TBH = dout_TBH * (1 - np.square(cache.output_TBH))
    dc_BTD = (dz_TBH @ self.params["W_c"].T)[..., width:].transpose(1, 0, 2)
    dalpha_BTS = dc_BTD @ cache.k_BSD.transpose(0, 2, 1)
    extra_BTS = cache.alpha_BTS * np.sum(cache.alpha_BTS * dalpha_BTS, axis=-1, keepdims=True)
    return dq_TBH + (extra_BTS @ cache.k_BSD).transpose(1, 0, 2), dk_SBD


def keys_without_scores(self, params, q_BTH, k_BSD, ds_BTS, grads):
    return ds_BTS @ k_BSD, np.zeros_like(k_BSD)


def bridge_of_h(self, finals):
    """The memory cell is left at zero."""
    return tuple((h_BH, np.zeros_like(c_BH)) for h_BH, c_BH in BRIDGE_FORWARD(self, finals))


def bridge_without_gradient(self, finals, dstate, grads):
    return [tuple(np.zeros_like(each) for each in final) for final in finals]


def unshifted(self, batch, buffers, rng=None):
    """The decoder reads the symbol that it has to predict."""
    encoded, y_TB = self.encode(batch["x_SB"], batch["length_B"], buffers, rng), batch["y_TB"]
    q_TBH, _ = self.decoder.forward(y_TB, encoded.state, buffers.decoder, rng=rng)
    return self.attention.forward(q_TBH, encoded.k_SBD, encoded.is_source_SB)[0]


def noisy_encode(patch):
    encode = Seq2Seq.encode
    rng = np.random.default_rng(0)
    patch.setattr(Seq2Seq, "encode", lambda self, x, length, buffers: encode(self, x, length, buffers, rng))


def overwrite(self, sources_A, scores_AX, parents_AX, is_end_AX):
    """Only the latest of the ended hypotheses is kept."""
    for source in sources_A[is_end_AX[:, : self._beam].any(axis=1)].tolist():
        self.answers[source].clear()
    ADD(self, sources_A, scores_AX, parents_AX, is_end_AX)


def without_the_end(self, sources_A, scores_AX, parents_AX, is_end_AX):
    """A score is that of the hypothesis before its end."""
    before_AX = np.take_along_axis(self._scores_BK[sources_A], parents_AX, axis=1)
    ADD(self, sources_A, np.where(np.isfinite(scores_AX), before_AX, scores_AX), parents_AX, is_end_AX)


def extend_ended(patch):
    """The end is a symbol like others: a hypothesis goes on after it."""
    add = decoding._Search._set_aside

    def keep(self, sources_A, scores_AX, parents_AX, is_end_AX):
        add(self, sources_A, scores_AX, parents_AX, is_end_AX)
        is_end_AX[:] = False

    patch.setattr(decoding._Search, "_set_aside", keep)


def stop_together(patch):
    are_over = decoding._Search._are_over
    patch.setattr(
        decoding._Search,
        "_are_over",
        lambda self, sources_A: np.full(len(sources_A), are_over(self, sources_A).any()),
    )


def softmax_over_targets(scores_BTS, is_source_B1S):
    exps_BTS = np.where(is_source_B1S, np.exp(scores_BTS), 0)
    return exps_BTS / exps_BTS.sum(axis=1, keepdims=True).clip(1e-300)


def mean_of_rates(self):
    return float((self.edits_D / self.lengths_D).mean())


def put(owner, name, value):
    return lambda patch: patch.setattr(owner, name, value)


MUTANTS = {
    "attention weight on padding": (
        invariance,
        put(attention_layer, "masked_softmax_", lambda s, own: SOFTMAX(s, np.ones_like(own))),
    ),
    "softmax over the wrong axis": (parity, put(attention_layer, "masked_softmax_", softmax_over_targets)),
    "ds without its sum": (gradients, put(AttentionLayer, "backward", backward_without_the_sum)),
    "the gradient of k from the context but not the scores": (
        gradients,
        put(Dot, "backward", keys_without_scores),
    ),
    "the gradient not handed to the encoder's state": (
        gradients,
        put(Bridge, "backward", bridge_without_gradient),
    ),
    "c not bridged": (bridging, put(Bridge, "forward", bridge_of_h)),
    "teacher forcing off by one": (
        lambda: laws.test_a_target_changes_no_prediction_at_its_own_step_or_before("dot"),
        put(Seq2Seq, "forward", unshifted),
    ),
    "dropout at decoding": (deterministic, noisy_encode),
    "an ended hypothesis overwritten": (brute_force, put(decoding._Search, "_set_aside", overwrite)),
    "an ended hypothesis extended": (ends, extend_ended),
    "the end's loss left out of a score": (scores, put(decoding._Search, "_set_aside", without_the_end)),
    "one source's end stopping the batch": (batches, stop_together),
    "edits averaged by example": (
        test_edits_are_summed_over_examples_and_an_unfinished_answer_is_wrong,
        put(ErrorCounts, "symbol_error_rate", property(mean_of_rates)),
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_error_is_found(monkeypatch, mutant):
    check, plant = MUTANTS[mutant]
    check()
    plant(monkeypatch)
    with pytest.raises((AssertionError, ValueError, IndexError)):
        check()
