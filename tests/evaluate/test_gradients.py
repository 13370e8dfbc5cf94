"""Jacobians through time against finite differences of the forward pass, and against closed forms."""

import json
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from charlm.base.errors import CorpusError
from charlm.data.vocabulary import Vocabulary
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import EvalCase
from charlm.evaluate.jacobians import components_of, jacobians, read_passages
from charlm.evaluate.measures.gradients import WARM_UP, Gradients, spectral_radii
from charlm.inference.language_model import LanguageModel
from charlm.nn.cells import CELLS
from charlm.nn.readout import log_softmax_

STEP = 1e-5
SYMBOLS = "\nabc"
NETWORKS = [
    {"cell": "rnn"},
    {"cell": "rnn", "nonlinearity": "relu"},
    {"cell": "gru"},
    {"cell": "gru", "reset_after": True},
    {"cell": "lstm"},
    {"cell": "lstm", "layers": 2, "encoding": "embedding"},
    {"cell": "mingru", "layers": 2},
    {"cell": "mlstm"},
    {"cell": "lnlstm"},
    {"cell": "gru", "layers": 3},
    {"cell": "gru", "layers": 3, "residual": True, "learned_state": True},
]


def flat(state):
    return np.concatenate([variable[0] for layer in state for variable in layer])


def unflat(values, like):
    parts = iter(np.split(values, sum(len(layer) for layer in like)))
    return tuple(tuple(next(parts)[None] for _ in layer) for layer in like)


def run_on(model, state, ids):
    """The state after these characters, step by step, and the cost of each next one from it."""
    logits = None
    for code in ids:
        logits, state = model.step(np.array([code], np.uint8), state)
    return flat(state), logits


def differences(function, values):
    """The Jacobian of a function of a vector by central differences, a column each component."""
    columns = [
        (function(values + STEP * unit) - function(values - STEP * unit)) / (2 * STEP)
        for unit in np.eye(len(values))
    ]
    return np.stack(columns, axis=-1)


def state_after(model, ids):
    state = model.initial_state(1)
    for code in ids:
        _, state = model.step(np.array([code], np.uint8), state)
    return state


def by_differences(model, ids, distance):
    """ds_t/ds_k and dL_t/ds_k of a text whose last character is predicted from s_t, with t - k = distance."""
    k = len(ids) - 1 - distance
    before = state_after(model, ids[:k])

    def state(values):
        return run_on(model, unflat(values, before), ids[k:-1])[0]

    def loss(values):
        logits = run_on(model, unflat(values, before), ids[k:-1])[1]
        return -log_softmax_(logits)[0, ids[-1]]

    return differences(state, flat(before)), differences(loss, flat(before))


@pytest.fixture
def make_subject(make_model):
    """A function that makes a subject, with a text of its own or a random one."""

    def make(text=None, **model):
        network = make_model(len(SYMBOLS), **model)
        text = text or "".join(np.random.default_rng(2).choice(list(SYMBOLS), 40))
        language_model = LanguageModel(network, Vocabulary.of(SYMBOLS), 40)
        return EvalCase("r", language_model, "t", language_model.part_of(text), None)

    return make


def measure(subject, **settings):
    with ThreadPool(2) as pool:
        return Gradients(**settings).measure([subject], pool, lambda done, total: None)


def trained_record(subject, **settings):
    (record,) = measure(subject, **settings).records
    return record["networks"][0], record["distances"]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: "-".join(map(str, network.values())))
def test_jacobians_are_the_forward_passes_finite_differences(make_model, network):
    model = make_model(len(SYMBOLS), seed=3, **network)
    rng = np.random.default_rng(4)
    model.params.flat[:] += 0.3 * rng.standard_normal(model.params.flat.size)
    ids_TP = rng.integers(len(SYMBOLS), size=(12, 2)).astype(np.uint8)
    for p, passage in enumerate(read_passages(model, ids_TP, 6)):
        found = list(jacobians(model, passage))
        assert len(found) == 6
        for distance, jacobian in enumerate(found, start=1):
            ds, dloss = by_differences(model, ids_TP[:, p], distance)
            np.testing.assert_allclose(jacobian, ds, atol=1e-8)
            np.testing.assert_allclose(passage.dloss_S @ jacobian, dloss, atol=1e-8)


def test_figures_are_means_of_norms_over_evenly_spaced_places(make_subject):
    subject = make_subject()  # an LSTM; the text is shorter than the warm-up, so all of it is read
    found, distances = trained_record(subject, distance=3, positions=2)
    model = subject.model.network
    ids = subject.model.vocabulary.encode(subject.part.text, "the text")
    ds, dloss = by_differences(model, ids, 3)
    blocks = {"dh_t/dh_k": np.r_[0:4], "dc_t/dc_k": np.r_[4:8]}
    expected = {name: np.linalg.svd(ds[np.ix_(own, own)])[1][0] for name, own in blocks.items()}
    expected |= {"ds_t/ds_k": np.linalg.svd(ds)[1][0], "dL_t/ds_k": np.sqrt(np.sum(dloss**2))}
    assert distances == [0, 1, 2, 3]
    assert {name: values[-1] for name, values in found["norms"].items()} == pytest.approx(expected, rel=1e-6)


def test_places_reach_from_the_texts_start_to_its_end(make_subject):
    text = "".join(np.random.default_rng(5).choice(list(SYMBOLS), 2 * WARM_UP))
    subject = make_subject(text)
    found, _ = trained_record(subject, distance=2, positions=2)
    ids = subject.model.vocabulary.encode(text, "the text")
    length = WARM_UP + 3
    norms = [
        np.linalg.norm(by_differences(subject.model.network, part, 2)[1])
        for part in (ids[:length], ids[-length:])
    ]
    assert found["norms"]["dL_t/ds_k"][-1] == pytest.approx(np.mean(norms), rel=1e-6)


def test_components_of_a_variable_lie_in_every_layer(make_model):
    model = make_model(len(SYMBOLS), cell="lstm", layers=2, hidden=2)
    assert components_of(model, "h").tolist() == [0, 1, 4, 5]
    assert components_of(model, "c").tolist() == [2, 3, 6, 7]


def test_a_contraction_shrinks_by_its_factor_at_every_step_in_single_precision(make_subject):
    subject = make_subject("a" * 400, cell="rnn", dtype="float32")
    params = subject.model.network.params
    for name in ("layers.0.W_xh", "layers.0.b_h"):
        params[name][:] = 0
    params["readout.W_hy"][:] *= 10  # so that the loss's gradient starts far from 1
    params["layers.0.W_hh"][:] = 0.5 * np.eye(4)  # at the state 0, where tanh' = 1
    found, distances = trained_record(subject, distance=90, positions=3)
    powers = 0.5 ** np.array(distances)
    assert found["norms"]["ds_t/ds_k"] == pytest.approx(powers, rel=1e-5, abs=0)
    loss = np.array(found["norms"]["dL_t/ds_k"])
    assert loss == pytest.approx(loss[0] * powers, rel=1e-5, abs=0)
    assert found["vanished_at"] == dict.fromkeys(["ds_t/ds_k", "dh_t/dh_k", "dL_t/ds_k"], 8)  # 0.5^6 > 1% > 0.5^7
    assert found["spectral_radius"] == {"0.h": pytest.approx(0.5)}


def test_the_irnn_carries_gradients_unchanged(make_subject):
    subject = make_subject("a" * 400, cell="rnn", nonlinearity="relu")
    subject.model.network.params["layers.0.W_xh"][:] = 0.1
    found, distances = trained_record(subject, distance=40)
    assert found["norms"]["ds_t/ds_k"] == [1.0] * len(distances)
    assert found["vanished_at"]["ds_t/ds_k"] is None


def test_an_lstm_without_recurrent_weights_forgets_by_its_forget_gate_alone(make_subject):
    subject = make_subject("a" * 400)
    params = subject.model.network.params
    params.flat[:] = 0
    params["layers.0.b_h"][8:12] = np.log(9)  # f = 0.9
    found, distances = trained_record(subject, distance=64)
    assert found["norms"]["dc_t/dc_k"] == pytest.approx(0.9 ** np.array(distances))
    assert found["norms"]["dh_t/dh_k"] == [1.0] + [0.0] * (len(distances) - 1)
    assert found["vanished_at"]["dc_t/dc_k"] == 45  # 0.9^32 > 1% > 0.9^45
    assert found["vanished_at"]["dh_t/dh_k"] == 1


def test_an_explosion_is_told_apart_in_json(make_subject):
    subject = make_subject("a" * 100, cell="rnn", nonlinearity="relu", dtype="float32")
    params = subject.model.network.params
    params["layers.0.W_xh"][:] = 1e-30  # so that the state is finite where its derivative is not
    params["layers.0.W_hh"][:] = 4 * np.eye(4)
    found, _ = trained_record(subject, distance=90, positions=1)
    assert found["norms"]["ds_t/ds_k"][1] == pytest.approx(4)
    assert found["norms"]["ds_t/ds_k"][-1] is None
    json.dumps(found, allow_nan=False)


def test_a_state_that_overflowed_has_no_gradient_rather_than_none_left(make_subject):
    subject = make_subject("a" * 400, cell="rnn", nonlinearity="relu", dtype="float32")
    subject.model.network.params["layers.0.W_hh"][:] = 4
    found, _ = trained_record(subject, distance=4, positions=1)
    assert found["norms"]["ds_t/ds_k"][1:] == [None] * 4
    assert found["norms"]["dL_t/ds_k"] == [None] * 5


def test_spectral_radii_are_the_blocks_own(make_model):
    model = make_model(len(SYMBOLS), cell="gru", hidden=2)
    turn = 0.7 * np.array([[0.0, -1], [1, 0]])
    triangle, lone = np.array([[0.3, 100], [0, -0.4]]), np.diag([2.0, 1.0])
    model.params["layers.0.W_hh"][:] = np.concatenate([turn, triangle, lone], axis=1)
    assert spectral_radii(model) == pytest.approx({"0.r": 0.7, "0.z": 0.4, "0.n": 2.0})


def test_every_cell_is_measured_untrained_and_drawn(make_subject):
    findings = measure(make_subject(), distance=4, positions=1, all=True)
    (record,) = findings.records
    names = [network["network"] for network in record["networks"]]
    cells = [["rnn tanh", "rnn relu"] if cell == "rnn" else [cell] for cell in CELLS.names()]
    assert names == ["r, trained", *chain(*cells)]
    titles = [curve.title.split(":")[0] for curve in findings.curves[1:]]
    assert titles == [f"Norm of {quantity}" for quantity in ("ds_t/ds_k", "dh_t/dh_k", "dc_t/dc_k", "dL_t/ds_k")]
    of_c = findings.curves[3]
    with_c = [cell for cell in CELLS.names() if "c" in CELLS.find(cell).state_names]
    assert list(of_c.series) == ["r, trained", *with_c]
    x, y = of_c.series["lstm"]
    assert x == record["distances"]
    assert y == pytest.approx(np.log10(record["networks"][names.index("lstm")]["norms"]["dc_t/dc_k"]))
    for table in findings.tables:
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_one_chart_shows_how_much_a_character_still_matters(make_subject):
    findings = measure(make_subject(), distance=4, positions=1)
    (chart,), (record,) = findings.curves, findings.records
    assert chart.title == "How much a character k steps back still matters" and chart.is_log
    assert list(chart.series) == [network["network"] for network in record["networks"]]
    norms = record["networks"][0]["norms"]["dL_t/ds_k"]
    assert chart.series["r, trained"] == (record["distances"], pytest.approx([norm / norms[0] for norm in norms]))


def test_of_several_runs_the_chart_has_the_trained_networks(make_subject):
    subjects = [replace(make_subject(), run=name) for name in ("a", "b")]
    with ThreadPool(1) as pool:
        findings = Gradients(distance=4, positions=1).measure(subjects, pool, lambda done, total: None)
    (chart,) = findings.curves
    assert list(chart.series) == ["a, trained", "b, trained"]


def test_a_text_that_is_too_short_is_refused(make_subject):
    assert trained_record(make_subject("abc"), distance=2, positions=2)[1] == [0, 1, 2]
    with pytest.raises(CorpusError, match="has 3 characters that r knows, and --distance 3 needs 4"):
        measure(make_subject("aébéc"), distance=3)
