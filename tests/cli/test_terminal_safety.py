"""Somebody's text and somebody's names on a terminal: they are shown, and drive nothing."""

import io
import re
import subprocess
from contextlib import chdir
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from charlm.base.escape import escape_unprintable
from charlm.base.tables import Column, Curve, Table
from charlm.cli.display.curves import draw_curve
from charlm.cli.display.tables import print_tables
from charlm.cli.table_options import TableOptions
from charlm.evaluate.base import Candidate, ColoredText
from charlm.report.figures import save_curves
from charlm.report.surprisal_page import make_surprisal_page

# A window title, a colour, a cleared screen in 8 bits, backspaces, writing turned round, a separator, markup.
EVIL = "\x1b]0;owned\x07\x1b[31m\x9b2J\x08\x7f\u202e\u2028[bold]é[/bold][link=http://x]y[/link]\r\n"
SHOWN = r"\x1b]0;owned\x07\x1b[31m\x9b2J\x08\x7f\u202e\u2028[bold]é[/bold][link=http://x]y[/link]\r"
DRIVING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]")
NAME = "a\x1b[31m[bold]b"


@pytest.fixture(scope="module")
def evil(tmp_path_factory, call, tiny):
    """A folder with a text that would drive a terminal, and a run of it whose name would too."""
    folder = tmp_path_factory.mktemp("evil")
    (folder / f"{NAME}.txt").write_text(EVIL * 60, encoding="utf-8", newline="")
    with chdir(folder):
        assert call("train", f"{NAME}.txt", "--quiet", "--out", f"runs/{NAME}", *tiny).code == 0
    return folder


@pytest.fixture
def on_evil_terminal(evil, on_terminal):
    """A function that runs a command line there on a terminal, and gives what is shown as text."""

    def run(*arguments, **settings):
        return on_terminal(*arguments, folder=evil, **settings).decode().replace("\r\n", "\n")

    return run


@pytest.mark.parametrize("how", [["--stream"], ["--no-stream"], ["--num", "2"]])
def test_a_sample_is_escaped_on_a_terminal(on_evil_terminal, how):
    shown = on_evil_terminal("sample", NAME, "--prompt", EVIL, "--len", "200", *how)
    assert shown.startswith(SHOWN + "\n")
    assert not DRIVING.search(shown)


def test_a_sample_is_as_it_is_with_raw_and_in_a_pipe(evil, on_evil_terminal, monkeypatch, call):
    line = ["sample", NAME, "--prompt", EVIL, "--len", "0"]
    assert EVIL.strip() in on_evil_terminal(*line, "--raw")
    monkeypatch.chdir(evil)
    assert call(*line).out == call(*line, "--raw").out == EVIL + "\n"


def test_json_is_escaped_everywhere_and_means_the_same(evil, monkeypatch, call):
    monkeypatch.chdir(evil)
    ended = call("sample", "--prompt", EVIL, "--len", "0", "--json")
    assert ended.records[0]["text"] == EVIL and ended.records[0]["run"] == NAME
    assert not DRIVING.search(ended.out)
    for command in ("sample", "score"):
        refused = call(command, "--json", "--raw")
        assert refused.code == 2 and refused.complaint.startswith(
            "--raw writes text unescaped, and --json escapes"
        )


@pytest.mark.parametrize("line", [["runs"], ["info"], ["eval", "perplexity"], ["eval", "surprisal"], ["plot"]])
def test_names_and_texts_in_tables_and_curves_are_escaped(on_evil_terminal, line):
    shown = on_evil_terminal(*line)
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert r"a\x1b[31m[bold]b" in without_colours.replace("\n", "")
    assert not DRIVING.search(without_colours)


def test_a_scored_line_is_escaped(evil, on_evil_terminal, tmp_path):
    (tmp_path / "lines").write_text(EVIL, encoding="utf-8", newline="")
    with (tmp_path / "lines").open("rb") as lines:
        shown = SHOWN.removesuffix(r"\r")  # which belongs to the line end
        assert on_evil_terminal("score", stdin=lines).endswith(f"\t{shown}\n")
    with (tmp_path / "lines").open("rb") as lines:
        assert "\x1b]0;owned\x07" in on_evil_terminal("score", "--raw", stdin=lines)


def test_samples_and_names_during_training_are_escaped(evil, on_evil_terminal, tiny):
    line = ["train", f"{NAME}.txt", *tiny, "--steps", "8", "--sample-every", "4", "--out", f"runs/{NAME}-2"]
    shown = on_evil_terminal(*line, stdout=subprocess.DEVNULL)
    assert r"Saved to runs/a\x1b[31m[bold]b-2" in shown and "sample at step" in shown
    assert not re.search(r"\x1b[^\[]|\x1b\[31m|[\x07\x08\x7f-\x9f\u2028\u202e]", shown)


@pytest.mark.parametrize("stream", ["terminal", "pipe"])
def test_an_error_line_is_escaped_on_a_terminal_and_off_it(evil, on_evil_terminal, monkeypatch, call, stream):
    line = ["train", "--out", f"runs/{NAME}", f"{NAME}.txt"]
    monkeypatch.chdir(evil)
    said = on_evil_terminal(*line, code=1) if stream == "terminal" else call(*line).err
    assert r"runs/a\x1b[31m[bold]b holds a run" in said and "\x1b" not in said


@pytest.mark.parametrize("text", ["[bold]x[/bold]", "[link=http://x]y[/link]", "[/]", "[red]", ":smile:", "[[x]"])
def test_markup_in_a_table_means_nothing(monkeypatch, text):
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    print_tables([Table(text, [Column(text)], [[text]])], TableOptions())
    assert out.getvalue().count(text) == 2


class Elements(HTMLParser):
    """The elements and the attributes of a page."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attributes):
        self.found |= {tag} | {f"{tag}.{name}" for name, _ in attributes}


def elements_of(page):
    elements = Elements()
    elements.feed(page)
    return elements.found


@pytest.mark.parametrize(
    "text", ['<script>alert("x")</script>', "\"'><img src=x onerror=y>", "</pre></body>&lt;", EVIL, "\x00\ufffe"]
)
def test_a_page_has_no_element_of_a_texts_making(text):
    pages = []
    for content in ("x" * len(text), text):
        guesses = [[], *([Candidate(character, 0.5)] for character in content[1:])]
        bits = [None, *(1.0 for _ in content[1:])]
        pages.append(make_surprisal_page([ColoredText(content, content, bits, guesses, 0)]))
    plain, hostile = map(elements_of, pages)
    assert hostile == plain and not DRIVING.search(pages[1])
    assert pages[1].count("<") == pages[0].count("<")
    markup = pages[1].partition("<script")[0]
    assert all(re.match("&(lt|gt|amp|quot|#x27);", markup[at.start() :]) for at in re.finditer("&", markup))


@pytest.mark.parametrize("name", [r"a$\bad{$b", "<script>&", "\x1b[31m", "\udcff", "\ufffe"], ids=ascii)
def test_a_picture_of_any_name_is_drawn_and_is_xml(tmp_path, name):
    pytest.importorskip("matplotlib")
    curve = Curve(name, "x", "y", {name: ([0, 1], [1, 2])})
    save_curves([curve], tmp_path / "curve.svg")
    texts = [
        element.text
        for element in ElementTree.parse(tmp_path / "curve.svg").iter()
        if element.tag.endswith("text")
    ]
    assert texts.count(escape_unprintable(name)) == 2
    assert escape_unprintable(name) in draw_curve(curve, 100, in_color=False)
