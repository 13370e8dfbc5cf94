"""Greedy decoding and beam search: what is returned is what the network says, alone and in any batch."""

import itertools

import numpy as np
import pytest

from charlm.inference.decoding import decode, most_symbols
from tests.laws.pairs import ATTENTION, END, SOURCES, make, pack

NO_TARGETS = [[]] * len(SOURCES)


def answer(model, sources=SOURCES, beam=1, count=1, padding=0):
    batch = pack(sources, [[]] * len(sources), padding)
    return decode(model, batch, model.buffers(12, len(sources)), beam, count)


def score(model, source, ids):
    """The log-probability of a target and its end, with teacher forcing."""
    return -model.outputs(pack([source], [list(ids)]), model.buffers(12, 1)).sum()


def sharpen(model, scale=3.0):
    """A network that is surer of what it says."""
    model.params["readout.W_hy"][:] *= scale
    return model


def greedily(model, source):
    """The same by a plain loop over the likeliest symbols."""
    ids, limit = [], most_symbols(len(source))
    while len(ids) < limit:
        h_TBH = model.forward(pack([source], [ids]), model.buffers(40, 1))
        logits_V = h_TBH[-1, 0] @ model.params["readout.W_hy"] + model.params["readout.b_y"]
        if (best := int(logits_V.argmax())) == END:
            return tuple(ids), True
        ids.append(best)
    return tuple(ids), False


@pytest.mark.parametrize("attention", ATTENTION)
def test_a_beam_of_1_is_greedy_and_a_source_is_the_same_in_any_batch(attention):
    finished = set()
    for seed in range(4):
        model = sharpen(make(attention, seed=seed, layers=2))
        model.params["readout.b_y"][END] += 1.5
        together = answer(model, [*SOURCES, []], beam=1, padding=2)
        for source, (found,), (alone,) in zip(SOURCES, together, answer(model), strict=False):
            assert found.ids == alone.ids and abs(found.log_prob - alone.log_prob) < 1e-12
            assert (found.ids, found.is_finished) == greedily(model, source)
            finished.add(found.is_finished)
    assert True in finished


def test_beams_and_scores_are_the_same_alone_and_in_any_batch():
    model = sharpen(make(layers=2), 2.0)
    together = answer(model, [[3, 3, 3], *SOURCES], beam=3, count=3, padding=3)[1:]
    for source, found in zip(SOURCES, together, strict=True):
        (alone,) = answer(model, [source], beam=3, count=3)
        assert [each.ids for each in found] == [each.ids for each in alone]
        np.testing.assert_allclose([e.log_prob for e in found], [e.log_prob for e in alone], rtol=0, atol=1e-12)


@pytest.mark.parametrize("attention", ATTENTION)
def test_every_score_is_the_teacher_forced_log_probability_of_its_sequence(attention):
    model = make(attention, seed=2)
    for source, found in zip(SOURCES, answer(model, beam=4, count=4), strict=True):
        assert len({each.ids for each in found}) == 4
        for each in (each for each in found if each.is_finished):
            assert abs(each.log_prob - score(model, source, each.ids)) < 1e-10
        assert [each.log_prob for each in found] == sorted((each.log_prob for each in found), reverse=True)


def test_a_beam_as_wide_as_all_sequences_finds_what_brute_force_finds():
    for seed in range(2):
        model = make(seed=seed, cell="gru")
        model.params["readout.b_y"][END] += 2.5  # so that the best are short
        every = [ids for length in range(5) for ids in itertools.product(range(END), repeat=length)]
        for source in SOURCES[:2]:
            ranked = sorted(every, key=lambda ids: -score(model, source, ids))[:3]
            (found,) = answer(model, [source], beam=len(every), count=3)
            assert [each.ids for each in found] == ranked


def test_what_does_not_end_is_cut_and_marked():
    model = make(seed=1)
    model.params["readout.b_y"][END] = -50
    for source, found in zip(SOURCES, answer(model, beam=2, count=2), strict=True):
        assert [each.is_finished for each in found] == [False, False]
        assert all(len(each.ids) == most_symbols(len(source)) for each in found)


def scripted(monkeypatch, table):
    """A network whose next symbol depends on how many came before: probabilities (T, V)."""
    model = make("none", cell="rnn", hidden=1, bidirectional=False)
    model.params.flat[:] = 0
    calls = iter(range(100))

    def step(y_BK, state, encoded):
        logits_V = np.log(np.array(table[min(next(calls), len(table) - 1)]))
        return np.broadcast_to(logits_V, (*y_BK.shape, len(logits_V))).copy(), state

    monkeypatch.setattr(model, "step", step)
    return model


def test_a_finished_hypothesis_is_set_aside_and_not_extended_or_overwritten(monkeypatch):
    # The end is likely at first, and what goes on gets likelier ends: the first one stays the best.
    table = [[0.25, 0.2, 0.15, 0.4], [0.3, 0.3, 0.3, 0.1], [0.01, 0.01, 0.01, 0.97]]
    (found,) = answer(scripted(monkeypatch, table), [[0]], beam=2, count=3)
    assert [each.ids for each in found] == [(), (0, 0), (0, 1)]
    assert found[0].log_prob == pytest.approx(np.log(0.4))


def test_ties_go_to_the_lower_id(monkeypatch):
    table = [[0.3, 0.3, 0.3, 0.1], [0.05, 0.05, 0.0, 0.9]]
    with np.errstate(divide="ignore"):
        monkeypatch.setattr("charlm.inference.decoding.check_numbers", lambda values: None)
        (found,) = answer(scripted(monkeypatch, table), [[0]], beam=3, count=3)
    assert [each.ids for each in found] == [(0,), (1,), (2,)]


def test_nothing_is_dropped_out_in_decoding():
    model = make()
    answers = [answer(model, beam=2) for _ in range(2)]
    assert answers[0] == answers[1]
