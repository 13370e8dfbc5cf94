"""The pages of the rooms: what they name exists, and the code that they quote stands there and runs."""

import doctest
import re

import pytest

from tests.docs.pages import blocks, files
from tests.docs.section import ROOT

HELP = ROOT / "charlm" / "cli" / "README.md"
MEASUREMENTS = ROOT / "tests" / "bench" / "README.md"  # its commands have flags of their own
PAGES = [page for page in files(".md") if page not in (HELP, MEASUREMENTS)]
NN = ROOT / "charlm" / "nn"
MOST_LINES = {
    "charlm/tasks/README.md": 270,
    "charlm/engines/README.md": 175,
}  # each task; two engines and clusters
USUAL_LINES = 120
OF_SCRIPTS = {"--count", "--source", "--kills", "--stops"}  # of tests/torture and tests/bench
OF_TORCHRUN = {
    *("--standalone", "--no-python", "--nproc-per-node", "--max-restarts"),
    *("--nnodes", "--node-rank", "--rdzv-backend", "--rdzv-endpoint", "--rdzv-conf", "--local-addr"),
}


def named_files(text):
    """The Python files that stand in backticks, outside of code blocks, but for a name that readers choose."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    paths = re.findall(r"`([\w/.]+\.py)\b[^`]*`", prose)
    return [path for path in paths if "NAME" not in path]


def flags(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def is_in_order(lines, source):
    """Whether the lines stand in the source in this order, others between them."""
    rest = iter(source)
    return all(line in rest for line in lines)


def page_id(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_a_file_that_a_page_names_exists(page):
    for path in named_files(page.read_text(encoding="utf-8")):
        places = (page.parent, ROOT / "charlm", ROOT / "tests", ROOT)
        assert any((place / path).is_file() for place in places), path


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_a_flag_that_a_page_names_exists(page):
    assert (
        flags(page.read_text(encoding="utf-8")) - flags(HELP.read_text(encoding="utf-8"))
        <= OF_SCRIPTS | OF_TORCHRUN
    )


@pytest.mark.parametrize("page", [page for page in PAGES if page.name == "README.md"], ids=page_id)
def test_a_page_is_short(page):
    assert len(page.read_text(encoding="utf-8").splitlines()) <= MOST_LINES.get(page_id(page), USUAL_LINES)


def test_the_derivation_quotes_the_code_as_it_stands():
    quoted = blocks((NN / "derivation.md").read_text(encoding="utf-8"), "python")
    sources = [NN / "cells" / "lstm.py", NN / "lstm_gates.py"]
    stripped = [[line.strip() for line in source.read_text(encoding="utf-8").splitlines()] for source in sources]
    assert len(quoted) > 3
    for block in quoted:
        lines = [line.strip() for line in block.splitlines()]
        assert any(is_in_order(lines, source) for source in stripped), block


def test_the_page_on_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = ROOT / "charlm" / "inference" / "README.md"
    failures, tried = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert tried > 10
    assert failures == 0


def test_what_is_named_is_found():
    page = (
        "see `a/b.py` and `cells/NAME.py`, --lr\n```text\n`c.py` --min-count 1\n```\n`tests/d.py --count 3` x--y"
    )
    assert named_files(page) == ["a/b.py", "tests/d.py"]
    assert flags(page) == {"--lr", "--min-count", "--count"}
    assert is_in_order(["a", "c"], ["a", "b", "c"])
    assert not is_in_order(["c", "a"], ["a", "b", "c"])
