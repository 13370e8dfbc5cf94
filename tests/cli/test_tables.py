"""Tables on terminals wide and narrow, in a pipe, as CSV and as Markdown; notes, for people and for programs."""

import csv
import json
import sys
from dataclasses import replace

import pytest

from charlm.base.errors import UsageError
from charlm.base.tables import PROGRAMS, WIDE, Column, Table
from charlm.cli.display.findings import print_findings
from charlm.cli.display.tables import print_tables
from charlm.cli.table_options import TableOptions
from charlm.evaluate.base import EvalResult

COLUMNS = [
    Column("model"),
    Column("loss", ".3f", lowest_is_best=True),
    Column("95% CI", ".2f", rank=2, is_interval=True),
    Column("parameters", ",d", rank=1),
    Column("time", lambda seconds: f"{seconds:.0f} s", name="seconds"),
    Column("unknown", ",d", WIDE, adds="unknown characters"),
    Column("text", rank=PROGRAMS),
]
ROWS = [
    ["first | one", 1.50049, (2.125, 2.25), 1234567, 6.25, 0, "play"],
    ["two", 1.6, None, 12, 75.0, 3, "play"],
    ["\x1b[31mthree\n", None, (1.0, 2.0), None, 1.0, 0, "play"],
]
TABLE = Table("T", COLUMNS, ROWS, {"split": "val"})
REMARKED = [COLUMNS[0], replace(COLUMNS[1], remark="in nats"), *COLUMNS[2:]]
IN_COLUMNS = Table("", REMARKED, ROWS, rows_as_columns=True)


@pytest.fixture
def shown(monkeypatch, capsys):
    """A function that draws tables on a terminal of so many columns; its lines."""

    def draw(tables, columns, how=None, **said):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        print_tables(tables if isinstance(tables, list) else [tables], how or TableOptions(), **said)
        return capsys.readouterr().out.splitlines()

    return draw


@pytest.fixture
def printed(capsys):
    """A function that prints tables into a pipe; what came out there, and on standard error."""

    def draw(tables, **how):
        print_tables(tables, TableOptions(**how), explanation=["measured so"], notes=["beware"])
        return capsys.readouterr()

    return draw


def test_a_table_is_drawn_without_lines(shown):
    assert shown(TABLE, 80) == [
        "T",
        "",
        "  model             loss        95% CI  parameters  time",
        "  first | one      1.500*  2.12 - 2.25   1,234,567   6 s",
        "  two              1.600             -          12  75 s",
        r"  \x1b[31mthree\n      -   1.00 - 2.00           -   1 s",
        "",
        "* best. --wide adds unknown characters",
    ]


@pytest.mark.parametrize(
    ("width", "heads", "left_out"),
    [
        (58, "model loss 95% CI parameters time", "unknown characters"),
        (55, "model loss parameters time", "95% CI, unknown characters"),
        (40, "model loss time", "95% CI, parameters, unknown characters"),
        (20, "model loss time", "95% CI, parameters, unknown characters"),
    ],
)
def test_the_least_important_columns_are_left_out_and_named(shown, width, heads, left_out):
    lines = shown(TABLE, width)
    table = lines[2:6]
    assert table[0].replace("95% CI", "95%CI").split() == heads.replace("95% CI", "95%CI").split()
    assert max(map(len, table)) <= max(width, 25) and len(table) == len(ROWS) + 1
    assert " ".join(lines[7:]) == f"* best. --wide adds {left_out}"


def test_text_is_cut_off_only_where_no_column_is_left_to_leave_out(shown):
    table = Table("", [Column("name"), Column("n", "d")], [["x" * 30 + "end", 1], ["y", 22]])
    assert shown(table, 20) == ["  name             n", "  xxxxxxxxxxxx..   1", "  y               22"]
    assert shown(table, 40)[1].endswith("end   1")


def test_text_fills_the_room_that_is_left(shown):
    table = Table("", [Column("name"), Column("title", rank=1), Column("n", "d", rank=2)], [["a", "x" * 40, 1]])
    assert shown(table, 30) == ["  name  title", "  a     xxxxxxxxxxxxxxxxxxxx..", "", "--wide adds n"]
    assert shown(table, 20) == ["  name  n", "  a     1", "", "--wide adds title"]


def test_wide_shows_all_columns_in_blocks_that_fit(shown):
    lines = shown(TABLE, 40, TableOptions(wide=True))
    assert max(map(len, lines)) <= 40
    heads = [line.split() for line in lines if line.startswith("  model")]
    assert heads == [["model", "loss", "95%", "CI"], ["model", "parameters", "time"], ["model", "unknown"]]
    assert "--wide" not in "".join(lines)


def test_a_few_rows_are_drawn_as_columns(shown):
    lines = shown(IN_COLUMNS, 80)
    assert lines[:4] == [
        r"              first | one     two   \x1b[31mthree\n",
        "  loss              1.500*  1.600                 -   in nats",
        "  95% CI      2.12 - 2.25       -       1.00 - 2.00",
        "  parameters    1,234,567      12                 -",
    ]
    narrow = shown(IN_COLUMNS, 60)  # the remark has no room in the table
    assert narrow[1] == "  loss              1.500*  1.600                 -"
    assert " ".join(narrow).endswith("* best. loss in nats. --wide adds unknown characters")
    assert shown(IN_COLUMNS, 40)[0].split() == ["model", "loss", "time"]  # no room: a line a row
    many = Table("", COLUMNS, ROWS * 2, rows_as_columns=True)
    assert shown(many, 80)[0].split()[:2] == ["model", "loss"]


def test_a_table_of_details_waits_for_wide(shown):
    detail = Table("D", [Column("x")], [["y"]], adds="details")
    assert shown([TABLE, detail], 80)[-1] == "* best. --wide adds unknown characters, details"
    assert "D" in shown([TABLE, detail], 80, TableOptions(wide=True))


def test_notes_are_always_said_and_how_it_was_measured_when_asked(shown):
    said = {"legend": "loss in nats/char", "see_also": "More: charlm x", "explanation": ["a b"], "notes": ["c d"]}
    lines = shown(Table("", [Column("x")], [["y"]]), 80, **said)
    assert lines[3:] == [
        "loss in nats/char. --explain says how it is measured. More: charlm x", "", "note: c d",
    ]  # fmt: skip
    assert shown(Table("", [Column("x")], [["y"]]), 80, TableOptions(explain=True), **said)[3:] == [
        "loss in nats/char. More: charlm x", "", "a b", "", "note: c d",
    ]  # fmt: skip


def test_sentences_wrap_between_words(shown):
    lines = shown(Table("", [Column("x")], [["y"]]), 30, notes=["word " * 20])
    assert max(map(len, lines)) <= 30 and " ".join(lines[3:]) == "note: " + "word " * 19 + "word"


def test_in_a_pipe_values_are_full_and_tab_separated(printed):
    told = printed([TABLE])
    assert told.out.splitlines() == [
        "split\tmodel\tloss\t95% CI low\t95% CI high\tparameters\tseconds\tunknown\ttext",
        "val\tfirst | one\t1.50049\t2.125\t2.25\t1234567\t6.25\t0\tplay",
        "val\ttwo\t1.6\t\t\t12\t75.0\t3\tplay",
        "val\t\\x1b[31mthree\\n\t\t1.0\t2.0\t\t1.0\t0\tplay",
    ]
    assert told.err == "note: beware\n"
    assert printed([TABLE], explain=True).err == "note: measured so\nnote: beware\n"


def test_csv_has_the_same_values(printed):
    text = printed([TABLE], csv=True).out
    heads, *rows = csv.reader(text.splitlines(keepends=True))
    assert heads[:3] == ["split", "model", "loss"] and rows[0][1:3] == ["first | one", "1.50049"]
    assert rows[2][1] == "\x1b[31mthree\n" and rows[1][3] == ""


def test_tables_of_the_same_columns_are_one_for_programs(printed):
    other = Table("U", COLUMNS, ROWS[:1], {"split": "test"}, adds="details")
    assert len(printed([TABLE, other]).out.splitlines()) == 5
    apart = printed([TABLE, Table("V", [Column("x")], [["y"]])]).out
    assert apart.endswith("\n\nx\ny\n") and apart.count("\n\n") == 1


def test_markdown_has_what_a_terminal_shows(printed):
    lines = printed([TABLE], markdown=True).out.splitlines()
    assert lines[:3] == [
        "| model | loss | 95% CI | parameters | time |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| first \\| one | 1.500 | 2.12 - 2.25 | 1,234,567 | 6 s |",
    ]
    assert "| unknown |" in printed([TABLE], markdown=True, wide=True).out


def test_two_formats_are_refused():
    with pytest.raises(UsageError, match="--csv and --json exclude each other"):
        TableOptions(csv=True, json=True)


def test_programs_are_told_the_notes_that_people_are(capsys):
    findings = EvalResult([{"run": "a"}, {"run": "b"}], [TABLE], ["b is short"], explanation=["so"])
    print_findings(findings, TableOptions())
    assert capsys.readouterr().err == "note: b is short\n"
    print_findings(findings, TableOptions(json=True))
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [{"run": name, "notes": ["so", "b is short"]} for name in "ab"]


def test_a_huge_number_is_told_by_its_size(shown):
    out = "\n".join(shown(Table("T", [Column("a word", ",.1f")], [[1.5e75], [1234567.8]]), 80))
    assert "1.5000e+75" in out and "1,234,567.8" in out


def test_wide_letters_count_twice(shown):
    lines = shown(Table("", [Column("x"), Column("n", "d")], [["唐诗", 1], ["ab", 2]]), 80)
    assert lines == ["  x     n", "  唐诗  1", "  ab    2"]
