"""Calibration against closed forms of a hand-built Markov model, and a slow reliability diagram."""

import math

import numpy as np
import pytest

from charlm.base.errors import CorpusError
from charlm.cli.commands.sample import fit_temperature
from charlm.data.vocabulary import Vocabulary
from charlm.evaluate.base import EvalCase
from charlm.evaluate.measures.calibration import (
    HIGHEST,
    LOWEST,
    Calibration,
    Outcomes,
    best_temperature,
    calibration_error,
    outcomes_of,
    reliability,
)
from charlm.inference.language_model import LanguageModel


def nothing(done, total):
    """No progress is shown."""


@pytest.fixture
def markov(make_model):
    """A function that makes a network which is a Markov chain: its logits are a row for the last character."""

    def make(symbols, logits_VV):
        network = make_model(len(symbols), cell="rnn", encoding="one-hot", hidden=len(symbols))
        network.params.flat[:] = 0
        network.params["layers.0.W_xh"][:] = 30 * np.eye(len(symbols))  # tanh(30) is 1 in double precision
        network.params["readout.W_hy"][:] = logits_VV
        return LanguageModel(network, Vocabulary.of(symbols), 100)

    return make


def test_a_chain_that_is_right_seven_times_in_ten(markov, pool):
    # Sure of a repetition with logit 3, right 7 times in 10: the best temperature makes the odds 7 to 3.
    model = markov("ab", [[3.0, 0.0], [0.0, 3.0]])
    changes = ([0] * 7 + [1] * 3) * 500
    text = "".join("ab"[code] for code in np.concatenate([[0], np.cumsum(changes) % 2]))
    findings = Calibration(bins=10).measure(
        [EvalCase("run", model, "text", model.part_of(text), None)], pool, nothing
    )
    (record,) = findings.records
    sure = 1 / (1 + math.exp(-3))
    assert record["characters"] == 5000
    assert record["nats_per_char"] == pytest.approx(-0.7 * math.log(sure) - 0.3 * math.log(1 - sure), rel=1e-9)
    assert record["expected_calibration_error"] == pytest.approx(sure - 0.7, rel=1e-9)
    assert record["best_temperature"] == pytest.approx(3 / math.log(7 / 3), rel=1e-4)
    assert record["best_nats_per_char"] == pytest.approx(-0.7 * math.log(0.7) - 0.3 * math.log(0.3), abs=1e-7)
    assert record["best_expected_calibration_error"] == pytest.approx(0, abs=1e-4)
    assert [each["characters"] for each in record["bins"]] == [0] * 9 + [5000]
    assert record["bins"][9]["share_right"] == pytest.approx(0.7, rel=1e-12)


def test_the_temperature_is_the_lowest_of_a_fine_grid(markov, pool):
    rng = np.random.default_rng(2)
    logits_VV = rng.normal(0, 4, (4, 4))
    text = "".join(rng.choice(list("abcd"), 600))
    ids = np.array(["abcd".index(character) for character in text])

    def loss(temperature):
        z_NV = logits_VV[ids[:-1]] / temperature
        return np.mean(np.log(np.exp(z_NV).sum(axis=1)) - z_NV[np.arange(len(z_NV)), ids[1:]])

    grid = np.geomspace(LOWEST * 5, HIGHEST, 20_000)
    wanted = grid[np.argmin([loss(temperature) for temperature in grid])]
    model = markov("abcd", logits_VV)
    found = best_temperature(outcomes_of(model, model.part_of(text), pool, nothing))
    assert found == pytest.approx(wanted, rel=2e-3)


def test_a_model_that_is_always_right_is_sharpened_as_far_as_is_tried(markov, pool):
    model = markov("ab", [[0.0, 0.1], [0.1, 0.0]])
    subject = EvalCase("run", model, "text", model.part_of("ab" * 50), None)
    findings = Calibration().measure([subject], pool, nothing)
    assert findings.records[0]["best_temperature"] == pytest.approx(LOWEST, rel=0.01)
    assert any("still falls" in note for note in findings.notes)


def test_reliability_is_the_slow_one():
    rng = np.random.default_rng(4)
    confidences = np.concatenate([rng.random(300), [0.25, 0.5, 1.0, 0.0]])
    right = rng.random(304) < confidences
    bins = reliability(Outcomes(*(np.zeros(304),) * 3, confidences, right), 4)
    gaps = 0.0
    for number, found in enumerate(bins):
        inside = [
            i for i in range(304) if (0 if confidences[i] == 0 else math.ceil(confidences[i] * 4) - 1) == number
        ]
        assert found.characters == len(inside)
        assert found.mean_probability == pytest.approx(sum(confidences[inside]) / len(inside), rel=1e-12)
        assert found.share_right == pytest.approx(sum(right[inside]) / len(inside), rel=1e-12)
        gaps += abs(sum(right[inside]) - sum(confidences[inside]))
    assert calibration_error(bins) == pytest.approx(gaps / 304, rel=1e-12)


def test_the_pass_is_scoring_s_own(model, pool):
    text = "abcab\nca?bc" * 900  # long enough for several streams, with unknown characters in it
    outcomes = outcomes_of(model, model.part_of(text), pool, nothing)(1.0)
    scores = model.score(text)
    np.testing.assert_allclose(outcomes.costs_nats, scores.costs_nats[scores.known], atol=1e-6)


def test_a_state_that_never_forgets_is_still_that_of_one_pass(markov, pool):
    # The first character, b, latches its unit, whose logit then makes every a as likely as it will ever be.
    model = markov("ab", [[0.0, 0.0], [3.0, 0.0]])
    model.network.params["layers.0.W_hh"][:] = 30 * np.eye(2)
    model.network.params["layers.0.W_xh"][0] = 0
    outcomes = outcomes_of(model, model.part_of("b" + "a" * 5000), pool, nothing)(1.0)
    np.testing.assert_allclose(outcomes.costs_nats, math.log(1 + math.exp(-3)), rtol=1e-9)


def test_a_text_without_two_known_characters_is_refused(model, pool):
    with pytest.raises(CorpusError, match="two characters"):
        outcomes_of(model, model.part_of("a???"), pool, nothing)


def test_sample_s_automatic_temperature_is_that_of_the_run_s_own_validation_part(keep, pool, capsys):
    run = keep("run-1", steps=30)
    held_out = (run.folder.parent.parent / "corpus.txt").read_text()[450:]
    model = LanguageModel(run.load_model(), run.vocabulary, run.corpus.training_characters)
    wanted = best_temperature(outcomes_of(model, model.part_of(held_out), pool, nothing))
    assert fit_temperature("run-1", None, model) == wanted
    assert "minimizes the loss on corpus, val" in capsys.readouterr().err


def test_the_automatic_temperature_takes_no_more_of_a_long_text_than_calibration(keep, pool, capsys, monkeypatch):
    run = keep("run-1", steps=30)
    monkeypatch.setattr("charlm.evaluate.measures.calibration.CHARACTERS", 20)
    model = LanguageModel(run.load_model(), run.vocabulary, run.corpus.training_characters)
    held_out = (run.folder.parent.parent / "corpus.txt").read_text()[450:470]
    wanted = best_temperature(outcomes_of(model, model.part_of(held_out), pool, nothing))
    assert fit_temperature("run-1", None, model) == wanted
    assert "minimizes the loss on the first 20 characters of corpus, val" in capsys.readouterr().err
