"""charlm next: the likeliest next characters, as bars, tab-separated lines or JSON."""

import pytest

import charlm
from charlm.cli.display.candidates import print_candidates


def test_a_pipe_gets_tab_separated_lines_of_the_models_own_probabilities(inside, call):
    shown = call("next", "fox-1", "the quick", "--top", "4").out
    heading, *rows = [line.split("\t") for line in shown.splitlines()]
    assert heading == ["character", "probability"]
    expected = charlm.load("fox-1").next("the quick", k=4)
    assert [float(probability) for _, probability in rows] == pytest.approx([p for _, p in expected], abs=1e-6)
    assert [name.replace("space", " ").replace("\\n", "\n") for name, _ in rows] == [name for name, _ in expected]


def test_json_is_an_object_each(inside, call):
    records = call("next", "fox-1", "the", "--json").records
    assert [record["rank"] for record in records] == list(range(1, 11))
    assert {"run", "rank", "character", "probability"} <= records[0].keys() and records[0]["run"] == "fox-1"


def test_one_argument_is_a_run_or_a_text_for_the_newest(inside, call):
    assert call("next", "fox-1").out == call("next", "fox-1", "").out == call("next").out
    text = call("next", "quick")
    assert text.out == call("next", "fox-1", "quick").out
    assert text.newest == "fox-1"
    skipped = call("next", "fox-1", "qu3ick", "--skip-unknown")
    assert (skipped.out, skipped.err) == (text.out, "left out of the prompt: '3' (U+0033)\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nope", "the"], 1, "there is no run 'nope'"),
        (["fox-1", "THE"], 1, "try 'the': the model reads lower case"),
        (["fox-1", "é"], 1, "; --skip-unknown leaves out such characters"),
        (["fox-1", "the", "--top", "0"], 2, "--top"),
    ],
)
def test_what_cannot_be_is_refused(inside, call, arguments, code, message):
    refused = call("next", *arguments)
    assert refused.code == code and message in refused.complaint


def test_a_terminal_gets_bars_as_long_as_the_probabilities(inside, on_terminal):
    shown = on_terminal("next", "fox-1", "the", "--top", "3", environment={"NO_COLOR": "1"}).decode()
    bars = [line.count("█") for line in shown.splitlines()]
    expected = [40 * probability for _, probability in charlm.load("fox-1").next("the", k=3)]
    assert bars == [int(length) for length in expected] and bars[0] > 0
    assert "\x1b[3" not in shown


def test_a_hostile_character_moves_no_cursor(capsys):
    print_candidates([("\x1b[2J", 0.5), ("\t", 0.25), ("\n", 0.25)])
    assert capsys.readouterr().out == "character\tprobability\n\\x1b[2J\t0.500000\n\\t\t0.250000\n\\n\t0.250000\n"
