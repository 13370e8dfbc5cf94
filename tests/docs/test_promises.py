"""The README's page of promises names tests, and every one of them exists."""

import ast
import re

import pytest

from tests.docs.section import README

TITLE = "## What charlm promises"
ROOT = README.parent


def promises(page):
    """The rows of the page's tables: each promise, and what is said to hold it."""
    section = page.partition(TITLE)[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|") and not line.startswith("|-")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return [row for row in rows if row[1] != "held by"]


def named_tests(holder):
    """The tests that a cell names, as a path and a name, which is None where a whole file is meant."""
    path, found = None, []
    for token in re.findall(r"`([^`]+)`", holder):
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
    return promises(README.read_text(encoding="utf-8"))


def test_every_promise_names_what_holds_it(rows):
    assert len(rows) > 20
    for promise, holder in rows:
        assert named_tests(holder), promise


def test_every_test_that_is_named_exists(rows):
    for promise, holder in rows:
        for path, name in named_tests(holder):
            assert (ROOT / path).is_file(), promise
            assert name is None or name in functions(ROOT / path), f"{path}::{name}"


def test_a_test_that_is_gone_would_be_noticed():
    table = "| charlm promises | held by |\n|---|---|\n| Peace. | `tests/a.py::b`, `::c`, `x` |\n"
    page = f"# a\n{TITLE}\n\n{table}\n## b\n| d | `e` |"
    assert promises(page) == [("Peace.", "`tests/a.py::b`, `::c`, `x`")]
    assert named_tests("`tests/a.py::b`, `::c`, `x`, `tests/d.py --count 3`") == [
        ("tests/a.py", "b"),
        ("tests/a.py", "c"),
        ("tests/d.py", None),
    ]
