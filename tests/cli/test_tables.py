"""Tables on terminals wide and narrow, with numbers too long to read; notes, for people and for programs."""

import json
import sys

import pytest

from charlm.base.tables import Column, Table
from charlm.cli.display.tables import print_findings, print_table
from charlm.evaluate.base import EvalResult

HEADINGS = ["model", "nats/char", "characters", "perplexity", "bits/char", "bits/byte"]
TABLE = Table(
    "T", [Column(name, "" if name == "model" else ",.3f") for name in HEADINGS], [["one", *[1.5] * 5]] * 2
)


@pytest.fixture
def shown(monkeypatch, capsys):
    """A function that draws a table on a terminal of so many columns."""

    def draw(table, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        print_table(table)
        return capsys.readouterr().out

    return draw


def test_a_table_that_fits_is_drawn_as_it_is(shown):
    (line,) = [line for line in shown(TABLE, 120).splitlines() if "model" in line]
    assert all(name in line for name in HEADINGS)


def test_on_a_narrow_terminal_each_value_has_a_line_and_no_heading_breaks(shown):
    lines = shown(TABLE, 40).splitlines()
    assert max(map(len, lines)) <= 40
    for name in HEADINGS:
        assert sum(name in line for line in lines) == 2


def test_programs_are_told_the_notes_that_people_are(capsys):
    findings = EvalResult([{"run": "a"}, {"run": "b"}], [TABLE], ["b is short"])
    print_findings(findings, as_json=False)
    assert capsys.readouterr().out.endswith("note: b is short\n")
    print_findings(findings, as_json=True)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [{"run": name, "notes": ["b is short"]} for name in "ab"]


def test_a_huge_number_is_told_by_its_size(capsys):
    print_table(Table("T", [Column("a word", ",.1f")], [[1.5e75], [1234567.8]]))
    out = capsys.readouterr().out
    assert "1.5000e+75" in out and "1,234,567.8" in out
