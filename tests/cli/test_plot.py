import json
import math
import shutil
import sys
from os import terminal_size

import pytest

from charlm.base.tables import Curve
from charlm.cli.app import main
from charlm.cli.commands import plot
from charlm.cli.display import curves
from charlm.cli.display.findings import print_findings
from charlm.cli.table_options import TableOptions
from charlm.config import ModelConfig, TrainingConfig
from charlm.data.vocabulary import Vocabulary
from charlm.evaluate.base import EvalResult
from charlm.report.figures import make_figure
from charlm.report.learning_curve import learning_curve
from charlm.runs.checkpoint import Checkpoint, save_checkpoint
from charlm.runs.corpus_record import CorpusIdentity
from charlm.runs.run import Run

CURVE = Curve("A title", "time", "height", {"up": ([0, 1, 2], [0, 1, 4]), "down": ([0, 1, 2], [4, 1, 0])})
TINY = {"cell": "gru", "hidden": 3, "dtype": "float32"}
TRAIN, VAL = [None, 1.5, 1.2], [2.0, 1.8, 1.1]


@pytest.fixture
def keep_run(tmp_path, monkeypatch):
    """A function that keeps a run with three records under ``runs/``."""
    monkeypatch.chdir(tmp_path)

    def keep(name, train=TRAIN, val=VAL):
        identity = CorpusIdentity("letters", "file", ("/letters.txt",), "0" * 64, 20, 18)
        run = Run.create(
            tmp_path / "runs" / name, TrainingConfig(ModelConfig(**TINY)), Vocabulary.of("abc\n"), identity
        )
        for number, (train_nats, val_nats) in enumerate(zip(train, val, strict=True)):
            costs = {"train_nats_per_char": train_nats, "val_nats_per_char": val_nats}
            run.append_metrics({"step": 10 * number, "epoch": 0.5 * number, "seconds": 1.5 * number, **costs})
        return run

    return keep


@pytest.fixture
def charlm(monkeypatch, capsys):
    """A function that runs the program: its exit code, output and errors."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["charlm", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def terminal(monkeypatch):
    """Standard output that says it is a terminal of 60 columns."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: terminal_size((60, 24)))

    def pretend():
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    return pretend


@pytest.mark.parametrize(
    ("x", "places"), [("steps", [0, 10, 20]), ("seconds", [0, 1.5, 3]), ("epochs", [0, 0.5, 1])]
)
@pytest.mark.parametrize(("unit", "nats"), [("nats", 1), ("bits", math.log(2))])
def test_a_run_s_curve_is_its_metrics(keep_run, x, places, unit, nats):
    curve = learning_curve({"one": keep_run("one").read_metrics()}, x, unit)
    assert curve.series == {
        "one train": (places[1:], [cost / nats for cost in TRAIN[1:]]),
        "one val": (places, [cost / nats for cost in VAL]),
    }
    assert (curve.x_label, curve.y_label) == (x, f"loss, {unit}/char")


@pytest.mark.parametrize(("unit", "nats"), [("nats", 1), ("bits", math.log(2))])
def test_the_training_losses_of_a_run_are_drawn_where_it_has_them(keep_run, unit, nats):
    run = keep_run("one")
    for step, loss in ((5, 3.0), (15, 1.25), (20, 1.5)):
        run.append_metrics({"step": step, "epoch": step / 20, "seconds": 1.0, "train_nats_per_char": loss})
    curve = learning_curve({"one": run.read_log(), "two": keep_run("two").read_log()}, "steps", unit)
    assert curve.series["one train"] == ([5, 15, 20], [3.0 / nats, 1.25 / nats, 1.5 / nats])
    assert curve.series["one val"] == curve.series["two val"] == ([0, 10, 20], [cost / nats for cost in VAL])
    assert [curve.color(name) for name in curve.series] == [0, 0, 1, 1]
    assert curve.faint == ["one train", "two train"]
    assert curve.marks["one val"] == (20, 1.1 / nats, f"one best {1.1 / nats:.3f}")


def test_the_start_of_a_run_does_not_set_the_axis(keep_run):
    run = keep_run("one", train=[None, 2.5, 1.5], val=[9.0, 2.0, 1.0])
    low, high = learning_curve({"one": run.read_log()}, "steps", "nats").y_limits
    assert low < 1.0 and 2.5 > high > 2.0
    diverged = keep_run("two", train=[None, 2.0, 3.0], val=[1.0, 2.0, 3.0])  # the best point is always seen
    assert learning_curve({"two": diverged.read_log()}, "steps", "nats").y_limits[0] < 1.0


@pytest.mark.parametrize(
    ("records", "why"),
    [(0, "two has no learning curve yet; a line"), (1, "one point of a learning curve, at 0 s")],
)
def test_fewer_than_two_points_are_no_plot(keep_run, charlm, records, why):
    keep_run("one")
    keep_run("two", train=TRAIN[:records], val=VAL[:records])
    code, out, error = charlm("plot", "one", "two")
    assert (code, out) == (1, "") and why in error and "a line needs two: train it longer" in error
    assert charlm("plot", "two", "--json")[0] == 0


def test_watching_draws_until_training_ends(keep_run, charlm, terminal, monkeypatch):
    run = keep_run("one", train=[None], val=[2.0])
    states = [True, True, True, False]
    monkeypatch.setattr(Run, "is_training", property(lambda run: states.pop(0)))
    losses = [None, 1.5, 1.25]  # in the first pause nothing is logged

    def sleep(seconds):
        if loss := losses.pop(0):
            number = 10 * (3 - len(losses))
            run.append_metrics({"step": number, "val_nats_per_char": loss, "train_nats_per_char": 1.0})

    monkeypatch.setattr(plot.time, "sleep", sleep)
    terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    code, out, _ = charlm("plot", "--watch")
    first, *drawn = out.split(plot.CLEAR)[1:]
    assert code == 0 and states == losses == []
    assert first == "waiting for the second point of the curve\n"
    assert ["best 1.500" in each for each in drawn] == [True, False] and "best 1.250" in drawn[1]


def test_watching_needs_a_terminal(keep_run, charlm):
    keep_run("one")
    assert "--watch draws on a terminal" in charlm("plot", "--watch")[2]


def test_a_logarithmic_axis_has_powers_of_ten(tmp_path):
    curve = Curve("Norms", "distance", "norm", {"a": ([0, 1, 2, 3], [1.0, 0.01, 1e-6, 0.0])}, is_log=True)
    lines = curves.draw_curve(curve, 60, False).splitlines()
    assert [line.split("┤")[0].strip() for line in lines if "┤" in line] == [
        *("1", "0.1", "0.01", "0.001", "0.0001", "1e-05", "1e-06")
    ]
    pytest.importorskip("matplotlib")
    (axes,) = make_figure([curve]).axes
    assert axes.get_yscale() == "log"


def test_a_run_that_holds_nothing_out_has_the_training_curve_alone(keep_run):
    records = keep_run("one", val=[None] * 3).read_metrics()
    assert list(learning_curve({"one": records}, "steps", "bits").series) == ["one train"]


def test_several_runs_share_the_axes(keep_run, charlm):
    keep_run("one")
    keep_run("two")
    code, out, _ = charlm("plot", "one", "runs/two")
    assert code == 0
    for words in ("Learning curves", "one train", "one val", "two train", "two val", "nats/char", "steps"):
        assert words in out


def test_a_curve_s_records_are_told_to_programs(keep_run, charlm):
    kept = [keep_run("one"), keep_run("two")]
    code, out, error = charlm("plot", "one", "two", "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert (code, error) == (0, "")
    assert records == [{"run": run.name} | record for run in kept for record in run.read_metrics()]
    assert len(records) == 6 and records[0]["val_nats_per_char"] == VAL[0]


def test_a_text_drawing_has_no_escapes_and_fits(capsys):
    curves.print_curves([CURVE, CURVE])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.count("A title") == 2
    assert max(map(len, out.splitlines())) <= curves.WIDTH
    *_, top, bottom = (line for line in out.splitlines() if line.startswith(("4┤", "0┤")))
    assert top.startswith("4┤×") and top.endswith("•│")  # "up" ends high, and "down" begins there
    assert bottom.startswith("0┤•") and bottom.endswith("×│")
    assert out.splitlines()[-1] == " • up   × down"


@pytest.mark.parametrize("no_colour", [False, True])
def test_a_terminal_gets_its_width_and_colours_unless_it_wants_none(terminal, monkeypatch, capsys, no_colour):
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    terminal()
    curves.print_curves([CURVE])
    out = capsys.readouterr().out
    assert ("\x1b" in out) is not no_colour
    if no_colour:
        assert 50 < max(map(len, out.splitlines())) <= 60


def test_findings_with_curves_are_drawn_for_people_alone(capsys):
    findings = EvalResult([{"a": 1}], [], [], [CURVE])
    print_findings(findings, TableOptions())
    assert "A title" not in capsys.readouterr().out
    print_findings(findings, TableOptions(json=True))
    assert capsys.readouterr().out == '{"a": 1, "notes": []}\n'


def test_a_picture_s_ending_gives_its_format(keep_run, charlm, tmp_path):
    pytest.importorskip("matplotlib")
    keep_run("one")
    assert charlm("plot", "one", "--out", "curve.svg") == (0, "", "wrote curve.svg\n")
    assert charlm("plot", "one", "--out", "curve.PNG") == (0, "", "wrote curve.PNG\n")
    svg = (tmp_path / "curve.svg").read_text()
    for words in ("Learning curves", "one train", "one val", "steps", "loss, nats/char"):
        assert f">{words}</text>" in svg
    assert (tmp_path / "curve.PNG").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize("name", ["curve.pdf", "curve"])
def test_other_formats_are_refused(keep_run, charlm, name):
    keep_run("one")
    code, _, error = charlm("plot", "--out", name)
    assert code == 2 and name in error and ".png or .svg" in error


def test_a_picture_that_cannot_be_written_is_one_line(keep_run, charlm):
    pytest.importorskip("matplotlib")
    keep_run("one")
    code, _, error = charlm("plot", "one", "--out", "nowhere/curve.svg")
    assert code == 1 and error.count("\n") == 1 and "nowhere/curve.svg cannot be written" in error


def test_a_run_without_a_curve_is_named(keep_run, charlm):
    keep_run("one", train=[], val=[])
    code, _, error = charlm("plot")
    assert code == 1 and "one has no learning curve yet" in error


def test_two_runs_of_one_name_are_refused(keep_run, charlm):
    keep_run("one")
    code, _, error = charlm("plot", "one", "runs/one")
    assert code == 2 and "two runs are called one" in error


@pytest.fixture
def measured(keep_run, make_model, tmp_path):
    """A run with weights, and a text beside it."""
    run = keep_run("one")
    model = make_model(4, **TINY, embedding_size=run.config.model.embedding_size)
    save_checkpoint(run.best_path, Checkpoint(model.params), run.config.model)
    (tmp_path / "text.txt").write_text("abc\ncab\n")


def test_a_measurement_s_curves_go_into_a_picture(measured, charlm, tmp_path):
    pytest.importorskip("matplotlib")
    options = ("--distance", "2", "--positions", "1", "--table", "1", "--plot", "curves.svg")
    code, _, error = charlm("eval", "gradients", "one", "text.txt", *options)
    assert (code, error) == (0, "wrote curves.svg\n")
    svg = (tmp_path / "curves.svg").read_text()
    for words in ("How much a character k steps back still matters", "one, trained", "lstm"):
        assert f">{words}</text>" in svg
    assert "Norm of" not in svg
    assert charlm("eval", "gradients", "one", "text.txt", *options, "--all")[0] == 0
    svg = (tmp_path / "curves.svg").read_text()
    for words in ("Norm of ds_t/ds_k: one on text", "Norm of dL_t/ds_k: one on text", "one, trained"):
        assert f">{words}</text>" in svg


def test_a_measurement_without_curves_says_so(measured, charlm):
    pytest.importorskip("matplotlib")
    code, _, error = charlm("eval", "perplexity", "one", "text.txt", "--plot", "curves.svg")
    assert code == 2 and "charlm eval perplexity has no curve" in error


def test_what_is_not_finite_is_left_out_of_a_curve():
    series = {"a": ([1, 2, 3], [1.0, math.nan, math.inf]), "b": ([1, 2], [math.nan, math.inf])}
    shown = curves.draw_curve(Curve("Costs", "steps", "bits/char", series), 60, False)
    assert "Costs" in shown and "nan" not in shown and "inf" not in shown
    assert "Costs" in curves.draw_curve(Curve("Costs", "steps", "bits/char", {"b": series["b"]}), 60, False)
