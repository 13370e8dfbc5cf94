"""Draw the pictures of the pages, with charlm: ``python -m tests.docs.pictures tinyshakespeare.txt PAIRS``.

PAIRS is the folder of the three files of ``corpora/sigmorphon-g2p-english.toml``. It trains five models for some
minutes each.
"""

import csv
import subprocess
import sys
import tempfile
from contextlib import chdir
from pathlib import Path
from xml.sax.saxutils import escape

from charlm.report.colors import LEVELS, choose_colors, choose_level, format_level
from tests.docs.section import ROOT

CURVE = ROOT / "charlm" / "training" / "curve.svg"
SAMPLE = ROOT / "charlm" / "evaluate" / "sample.svg"
ATTENTION = ROOT / "charlm" / "tasks" / "attention.svg"
CELLS = ("rnn", "gru", "lstm")
WIDTH, HEIGHT = 9, 20  # of a character, in pixels


def charlm(*arguments):
    """Run a command, and give back what it writes to standard output."""
    done = subprocess.run(["charlm", *arguments], check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return done.stdout


def draw_curve(text):
    """Learning curves of three cells."""
    for cell in CELLS:
        charlm("train", text, "--cell", cell, "--hidden", "128", "--steps", "1000", "--out", f"runs/{cell}")
    charlm("plot", *CELLS, "--out", str(CURVE))


def draw_sample(text):
    """A sample, each character in the color of its bits."""
    charlm("train", text, "--preset", "small", "--steps", "2900", "--out", "runs/play")
    sample = charlm("sample", "play", "--temperature", "0.7", "--len", "600")
    Path("sample.txt").write_text(sample, encoding="utf-8", newline="")
    charlm("eval", "surprisal", "play", "sample.txt", "--tsv", "bits.tsv")
    with Path("bits.tsv").open(encoding="utf-8", newline="") as table:
        bits = {int(row["position"]): float(row["bits"]) for row in csv.DictReader(table, delimiter="\t")}
    SAMPLE.write_text(svg_of(sample, [bits.get(place) for place in range(len(sample))]), encoding="utf-8")


def draw_attention(pairs):
    """Which letters of a word each of its phonemes attends to."""
    train, held_out = f"{pairs}/eng_us_train.tsv", f"{pairs}/eng_us_dev.tsv"
    task = ("--task", "translate", "--target-units", "words")
    charlm("train", train, "--val-file", held_out, *task, "--minutes", "10", "--out", "runs/phonemes")
    charlm("translate", "phonemes", "--show", "phonology", "--plot", str(ATTENTION))


def svg_of(text, bits):
    """A text as an SVG picture, one row a line, with the key to its colors below.

    Args:
        text: what is shown.
        bits: of each character; None is left without color.
    """
    cells = [(character, choose_level(own)) for character, own in zip(text.rstrip("\n"), bits, strict=False)]
    cells += [(character, None) for character in "\n\nbits "]
    cells += [(character, level) for level in range(LEVELS) for character in f" {format_level(level)} "]
    placed, row, column = [], 0, 0
    for character, level in cells:
        placed.append((row, column, character, level))
        row, column = (row + 1, 0) if character == "\n" else (row, column + 1)
    width = WIDTH * (1 + max(column for _, column, _, _ in placed))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT * (row + 1)}">'
    parts = [head, '<rect width="100%" height="100%" fill="#ffffff"/>']
    parts.append(f'<g transform="scale({WIDTH} {HEIGHT})" shape-rendering="crispEdges">')
    for level in range(LEVELS):
        squares = "".join(f"M{column} {row}h1v1h-1z" for row, column, _, own in placed if own == level)
        parts.append(f'<path fill="{choose_colors(level)[1]}" d="{squares}"/>')
    parts.append(f'</g><g font-family="monospace" font-size="{0.7 * HEIGHT:g}">')
    for line in range(row + 1):
        for color in ("#000000", "#ffffff"):
            shown = {column: letter for row, column, letter, own in placed if row == line and _ink(own) == color}
            parts += _letters(line, color, {x: letter for x, letter in shown.items() if not letter.isspace()})
    return "\n".join([*parts, "</g></svg>\n"])


def _ink(level):
    return choose_colors(level or 0)[0]


def _letters(line, color, letters):
    """The letters of a line in one color, each at its own place, whatever the font."""
    if letters:
        places = " ".join(str(WIDTH * column) for column in letters)
        shown = escape("".join(letters.values()))
        yield f'<text x="{places}" y="{HEIGHT * line + 0.72 * HEIGHT:g}" fill="{color}">{shown}</text>'


if __name__ == "__main__":
    source, pairs = (str(Path(each).resolve()) for each in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as scratch, chdir(scratch):
        draw_curve(source)
        draw_sample(source)
        draw_attention(pairs)
