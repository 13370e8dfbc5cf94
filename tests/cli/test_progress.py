import io
import sys
from contextlib import closing, contextmanager
from unittest import mock

import pytest

from charlm.cli.display import progress as progress_module
from charlm.cli.display.progress import TrainingDisplay, progress_bar
from charlm.training.events import (
    CountingReport,
    NgramReport,
    OverfittingReport,
    StepReport,
    SummaryReport,
    ValidationReport,
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@contextmanager
def display_on(terminal):
    """A display that takes this for a terminal; pytest's own capturing starts too late for a fixture."""
    with mock.patch.object(sys, "stderr", terminal), closing(TrainingDisplay(quiet=False)) as display:
        yield display


def step(number, progress, loss_nats=1.0):
    return StepReport(number, progress, loss_nats, 100, float(number), 2500.0)


def test_a_resumed_run_reckons_the_time_left_from_where_it_was():
    with display_on(Terminal()) as display:
        bar = display._bar
        bar.mininterval = 0  # so that every step counts
        display.show(step(501, 0.5))
        assert bar.n == bar.initial == 0.5
        display.show(step(502, 0.6))
        assert bar._ema_dn() <= 0.1 + 1e-9  # tqdm's mean of what a step adds, from which it reckons


def test_the_loss_shown_follows_the_steps_slowly():
    with display_on(Terminal()) as display:
        for number, loss_nats in enumerate([2.0, 1.0]):
            display.show(step(number, number / 10, loss_nats))
        assert display._bar.desc == "step 1 · loss 1.950 · 2k chars/s"


def test_a_loss_that_rises_names_the_weights_that_are_kept():
    terminal = io.StringIO()
    with display_on(terminal) as display:
        display.show(OverfittingReport(90, 30, 1.5, 1.75))
        display.show(OverfittingReport(90, None, 1.5, 1.75))
    first, second = " ".join(terminal.getvalue().split()).split("The validation loss ")[1:]
    assert "risen for a third of the run, from 1.500 to 1.750" in first and "weights of step 30 are kept" in first
    assert "weights of the best are kept" in second


def test_lines_stand_above_the_bar_and_the_bar_is_taken_away():
    terminal = Terminal()
    with display_on(terminal) as display:
        display.show(step(1, 0.1))
        display.show(ValidationReport(1, 0.5, None, 1.25, True, 0.1, 3.0))
        display.show(ValidationReport(2, 1.0, 1.5, None, False, 0.1, 125.0))
    lines = terminal.getvalue().replace("\r", "\n").split("\n")
    assert [line for line in lines if "loss  " in line or line.endswith(("*", "  -"))] == [
        "   step   epoch        time  train loss  val loss  val bits/char",
        "      1     0.5       3.0 s           -     1.250           1.80  *",
        "      2     1.0   2 min 5 s       1.500         -              -",
    ]
    assert terminal.getvalue().endswith("\r")


@pytest.mark.parametrize(
    ("stopped", "early", "said"),
    [
        (True, False, ["Saved to my runs/a. Continue with:", "  charlm train --resume 'my runs/a'"]),
        (
            False,
            False,
            [
                "Saved to my runs/a. Next:",
                "  charlm sample 'my runs/a' --temperature 0.7",
                "  charlm plot 'my runs/a'",
            ],
        ),
        (
            False,
            True,
            [
                "Stopped early: no new best within --patience. Continue with:",
                "  charlm train --resume 'my runs/a' --patience 0",
                "Saved to my runs/a. Next:",
                "  charlm sample 'my runs/a' --temperature 0.7",
                "  charlm plot 'my runs/a'",
            ],
        ),
    ],
)
def test_the_end_says_what_to_type_next(capsys, stopped, early, said):
    display = TrainingDisplay(quiet=False)
    display.show(SummaryReport("my runs/a", 10, 2.0, 50.0, 0.1, 0.01, None, None, None, 7, stopped, early))
    assert capsys.readouterr().err.splitlines()[2:] == said


def test_the_best_loss_is_told_with_its_step(capsys):
    display = TrainingDisplay(quiet=False, is_bytes=True, best_step=4)
    display.show(SummaryReport("runs/a", 10, 2.0, 50.0, 0.1, 0.01, None, 1.7, 1.5, 7, False, False))
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "Done: 10 steps in 2.0 s. Best val loss 1.500 (2.16 bits/byte) at step 4."
    assert lines[3] == "  charlm sample a --temperature 0.7"


def test_the_end_proposes_an_ngram_model_where_there_is_none(capsys):
    display = TrainingDisplay(quiet=False)
    for ngram, can_mix in ((None, True), (8, False), (None, False)):
        display.show(
            SummaryReport("r", 10, 2.0, 50.0, 0.1, 0.01, None, 1.5, 1.5, 7, False, False, ngram, can_mix)
        )
    hint = "  charlm train --resume r --ngram 8    (a lower loss, with an n-gram model)"
    assert [line for line in capsys.readouterr().err.splitlines() if "n-gram" in line] == [hint]


@pytest.mark.parametrize(
    ("counted", "pruned", "said"),
    [
        (900, False, "N-gram model: context 8, 5,000 n-grams."),
        (
            400,
            True,
            "8, 5,000 n-grams of the last 400 characters of the training split, without the rarest.",
        ),
    ],
)
def test_an_ngram_model_is_told_with_what_it_gains_and_what_it_holds(capsys, counted, pruned, said):
    display = TrainingDisplay(quiet=False)
    display.show(CountingReport(counted))
    display.show(NgramReport("r/ngram.safetensors", 8, 5000, 1_234_567, counted, 900, pruned, 1.5, 1.4375))
    begun, gain, warning = capsys.readouterr().err.splitlines()
    assert begun == f"Counting n-grams of {counted} characters ..."
    assert said in gain and "Val loss with it 1.438 (2.07 bits/char), without 1.500 (2.16 bits/char)." in gain
    assert warning.startswith("r/ngram.safetensors (1.2 MB) contains long passages of the training text")


@pytest.mark.parametrize(
    ("kind", "quiet", "shows"), [(Terminal, False, True), (Terminal, True, False), (io.StringIO, False, False)]
)
def test_a_bar_is_for_terminals_that_want_one(monkeypatch, kind, quiet, shows):
    screen = kind()
    monkeypatch.setattr(progress_module, "DELAY", 0)
    with mock.patch.object(sys, "stderr", screen), progress_bar("measuring", quiet) as progress:
        progress(1, 4)
        progress(4, 4)
    assert ("measuring" in screen.getvalue()) == shows


def test_a_label_that_is_somebodys_text_drives_no_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(progress_module, "DELAY", 0)
    with mock.patch.object(sys, "stderr", screen), progress_bar("a\x1b[31mb\n", False) as progress:
        progress(1, 4)
    assert "\x1b[31m" not in screen.getvalue() and r"a\x1b[31mb\n" in screen.getvalue()
