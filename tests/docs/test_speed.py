"""The tables of speed show what was measured."""

from tests.docs.speed_section import entry, measured, summary


def test_medians_are_of_enough_rounds():
    assert all(found["rounds"] >= 9 for found in measured()["results"])


def test_an_entry_has_both_speeds_and_their_ratio():
    found = {"chars_per_second": {"charlm": 21_400.0, "torch": 9_510.0}, "ratio": 2.2503}
    assert entry(found) == "21k / 9.5k = **2.25**"


def test_the_summary_has_four_rows():
    rows = [line.split("|")[1].strip() for line in summary().splitlines() if line.startswith("| ")]
    assert rows == ["", "---", "train, LSTM", "train, GRU", "train, RNN", "sample, one sequence"]
