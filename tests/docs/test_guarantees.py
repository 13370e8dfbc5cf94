"""The table of guarantees in tests/README.md names tests, and every one of them exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TITLE = "## What is guaranteed, and which test checks it"


def guarantees(page):
    """The rows of the page's table: each guarantee, and what is said to test it."""
    section = page.partition(TITLE)[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|") and not line.startswith("| -")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return [row for row in rows if row[1] != "tested by"]


def named_tests(cell):
    """The tests that a cell names, as a path and a name, which is None where a whole file is meant."""
    path, found = None, []
    for token in re.findall(r"`([^`]+)`", cell):
        file, _, name = token.partition("::")
        if file.startswith("tests/"):
            path = file.split()[0]
        if file.startswith("tests/") or not file:
            found.append((path, name or None))
    return found


def functions(path):
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.fixture(scope="module")
def rows():
    return guarantees((ROOT / "tests" / "README.md").read_text(encoding="utf-8"))


def test_every_guarantee_names_its_tests(rows):
    assert len(rows) > 20
    for guarantee, cell in rows:
        assert named_tests(cell), guarantee


def test_every_test_that_is_named_exists(rows):
    for guarantee, cell in rows:
        for path, name in named_tests(cell):
            assert (ROOT / path).is_file(), guarantee
            assert name is None or name in functions(ROOT / path), f"{path}::{name}"


def test_a_test_that_is_gone_would_be_noticed():
    table = "| guarantee | tested by |\n| --- | --- |\n| Peace. | `tests/a.py::b`, `::c`, `x` |\n"
    page = f"# a\n{TITLE}\n\n{table}\n## b\n| d | `e` |"
    assert guarantees(page) == [("Peace.", "`tests/a.py::b`, `::c`, `x`")]
    assert named_tests("`tests/a.py::b`, `::c`, `x`, `tests/d.py --count 3`") == [
        ("tests/a.py", "b"),
        ("tests/a.py", "c"),
        ("tests/d.py", None),
    ]
