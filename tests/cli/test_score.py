"""Lines scored in parallel streams against the same lines scored one by one as texts of their own."""

import io
import json
import math
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.cli.app import main
from charlm.config import TrainingConfig
from charlm.data.vocabulary import Vocabulary
from charlm.engines.threads import ThreadPool
from charlm.inference import lines as lines_module
from charlm.inference.language_model import LanguageModel
from charlm.inference.lines import posteriors, score_lines
from charlm.runs.checkpoint import Checkpoint, save_checkpoint
from charlm.runs.corpus_record import CorpusIdentity
from charlm.runs.run import Run

TRAINED_ON = 1000
LINES = st.lists(st.text(st.sampled_from("abcé\t\r"), max_size=9), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def make_language_model(make_model):
    """A function that makes an untrained model of a text's characters."""

    def make(text="abc\n", **model):
        vocabulary = Vocabulary.of(text)
        return LanguageModel(make_model(len(vocabulary), **model), vocabulary, TRAINED_ON)

    return make


@pytest.fixture
def small_streams(monkeypatch):
    """Streams and chunks so small that short lines fill several."""
    monkeypatch.setattr(lines_module, "STEPS", 3)
    monkeypatch.setattr(lines_module, "SEQUENCES", 5)


@pytest.fixture
def keep_run(make_language_model, tmp_path, monkeypatch):
    """A function that keeps an untrained run under ``runs/``, and gives its model."""
    monkeypatch.chdir(tmp_path)

    def keep(name, text="abc\n", uniform=False, seed=0):
        model = make_language_model(text, cell="lstm", seed=seed)
        if uniform:
            model.network.params.flat[:] = 0
        identity = CorpusIdentity("letters", "file", ("/letters.txt",), "0" * 64, TRAINED_ON, TRAINED_ON)
        config = TrainingConfig.from_settings(**model.network.config.to_json())
        run = Run.create(tmp_path / "runs" / name, config, model.vocabulary, identity)
        save_checkpoint(run.best_path, Checkpoint(model.network.params), config.model)
        return model

    return keep


@pytest.fixture
def charlm(monkeypatch, capsys):
    """A function that runs the program on bytes of standard input: its exit code, output and errors."""

    def run(*arguments, given=b""):
        monkeypatch.setattr(sys, "argv", ["charlm", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code or 0, *capsys.readouterr())

    return run


def one_by_one(model, line):
    """What a line costs as a text of its own, whose first character is never scored."""
    line = line.removesuffix("\r")  # which is part of the line's end
    start = model.vocabulary.symbols[model.vocabulary.start]
    with ThreadPool(1) as pool:
        return float(model.score_with(pool, start + line + "\n").costs_nats.sum())


@pytest.mark.usefixtures("small_streams")
@pytest.mark.parametrize("text", ["abc\n", "abccb"], ids=["newline", "no newline"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_lines_cost_what_they_cost_alone(make_language_model, cell, text):
    model = make_language_model(text, cell=cell, layers=2)
    with ThreadPool(2) as pool:

        @given(LINES)
        def check(lines):
            scores = score_lines(model, lines, pool)
            assert scores.nats == pytest.approx([one_by_one(model, line) for line in lines], rel=1e-9)
            assert scores.characters.tolist() == [len(line.removesuffix("\r")) + 1 for line in lines]
            strange = [sum(c not in text for c in line.removesuffix("\r") + "\n") for line in lines]
            assert scores.unknown.tolist() == strange

        check()


@pytest.mark.usefixtures("small_streams")
def test_one_long_line_among_short_ones(make_language_model):
    model = make_language_model()
    lines = ["a", "", "abcab" * 30, "cc", *["b"] * 200]
    with ThreadPool(2) as pool:
        scores = score_lines(model, lines, pool)
    assert scores.nats == pytest.approx([one_by_one(model, line) for line in lines], rel=1e-9)


def test_the_probabilities_of_all_lines_sum_to_one(make_language_model):
    """All lines of up to four known characters, and the chance that a line is longer than that."""
    model = make_language_model("ab\n")
    lines = ["".join(letters) for length in range(5) for letters in product("ab", repeat=length)]
    with ThreadPool(1) as pool:
        probability = np.exp(-score_lines(model, lines, pool).nats).sum()
    longer = ["".join(letters) for letters in product("ab", repeat=5)]
    rest = sum(math.exp(-model.score("\n" + line).costs_nats.sum()) for line in longer)
    assert probability + rest == pytest.approx(1)


def test_posteriors_are_bayes_rule_and_never_overflow():
    costs = np.array([[1.0, 1e6, 0.0], [2.0, 1e6, 1e6], [3.0, 1e6, 2e6]])
    weights = np.exp(-costs[:, 0])
    found = posteriors(costs)
    assert found[:, 0] == pytest.approx(weights / weights.sum())
    assert found[:, 1].tolist() == pytest.approx([1 / 3] * 3)
    assert found[:, 2].tolist() == [1, 0, 0]


def test_a_line_out_for_every_line_in(keep_run, charlm, monkeypatch):
    monkeypatch.setattr(lines_module, "GROUP", 4)
    model = keep_run("one")
    code, out, _ = charlm("score", given="abc\n\nb\r\n\tc\nlast é".encode())
    assert code == 0
    lines = ["abc", "", "b", "\tc", "last é"]
    costs = [one_by_one(model, line) / (len(line) + 1) / math.log(2) for line in lines]
    assert out == "".join(f"{bits:.4f}\t{line}\n" for bits, line in zip(costs, lines, strict=True))


def test_json_has_the_figures_of_a_line(keep_run, charlm):
    keep_run("one", uniform=True)
    _, out, _ = charlm("score", "--json", given="aé".encode())
    unknown = math.log(TRAINED_ON + 1) + math.log(1_112_064 - 4)
    nats = 2 * math.log(4) + unknown
    assert json.loads(out) == {
        "run": "one",
        "mix": False,
        "bits_per_char": pytest.approx(nats / 3 / math.log(2)),
        "nats": pytest.approx(nats),
        "characters": 3,
        "unknown": 1,
        "line": "aé",
    }


def test_several_runs_are_told_apart_by_their_posterior(keep_run, charlm):
    keep_run("four", "abc\n", uniform=True)
    keep_run("two", "a\n", uniform=True)
    two = ("score", "--run", "four", "--run", "runs/two")
    code, out, _ = charlm(*two, given=b"aaa\nab\n")
    assert code == 0
    first, second = out.splitlines()
    # Four characters with the newline: 4^-4 against 2^-4.
    assert first == f"two\t{16 / 17:.4f}\t1.0000\taaa"
    assert second == "four\t1.0000\t2.0000\tab"
    _, out, _ = charlm(*two, "--json", given=b"aaa\n")
    record = json.loads(out)
    assert record["run"] == "two" and list(record["runs"]) == ["four", "two"]
    assert record["runs"]["four"]["posterior"] == pytest.approx(1 / 17)
    assert record["runs"]["four"]["bits_per_char"] == pytest.approx(2)


def test_no_lines_give_none(keep_run, charlm):
    keep_run("one")
    assert charlm("score", "--run", "one") == (0, "", "")
    assert charlm("score") == (0, "", "newest run: one\n")


def test_wrong_encodings_are_named_by_line_and_byte(keep_run, charlm):
    keep_run("one")
    code, _, error = charlm("score", given=b"abc\na\xe9b\n")
    assert code == 1
    assert "line 2 of standard input" in error and "byte 1 " in error and "0xE9" in error


def test_a_run_given_twice_is_refused(keep_run, charlm):
    keep_run("one")
    code, _, error = charlm("score", "--run", "one", "--run", "runs/one", given=b"a\n")
    assert code == 2 and "two runs are called one" in error
