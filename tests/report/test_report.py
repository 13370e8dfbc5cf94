"""Reports of small runs: their parts, their limits, and the command."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import charlm
from charlm.base.errors import UsageError
from charlm.data.reading.sources import find_text
from charlm.engines.threads import ThreadPool
from charlm.report import report as report_module
from charlm.report.live_model import find_obstacle, make_live_model
from charlm.report.report import ReportOptions, make_report
from charlm.training.loop import train
from charlm.training.presets import resolve_settings
from charlm.training.start import new_run, new_trainer
from tests.cli.conftest import call_main

TEXT = 'She said "it was the best of times" (and the WORST of times), in 1859, and was gone.\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    (folder / "tale.txt").write_text(TEXT * 60)
    return folder


@pytest.fixture(scope="module")
def run(folder):
    settings = {"hidden": 8, "seq_len": 16, "batch_size": 4, "steps": 2, "sample_every": 0}
    trainer = new_trainer(find_text(str(folder / "tale.txt")), resolve_settings(settings))
    with new_run(trainer, folder / "runs" / "tale-1") as run:
        list(train(trainer, run))
    trainer.close()
    return run


def reported(run, **options):
    with ThreadPool(1) as pool:
        return make_report([run], ReportOptions(**options), pool, lambda done, total: None)


@pytest.fixture(scope="module")
def whole(run):
    return reported(run)


def test_a_page_says_what_was_measured(whole):
    (record,) = whole.records
    figures = record["perplexity"]
    assert f"{figures['bits_per_char']:.2f}</b> bits/char on held-out text" in whole.html
    assert set(record) >= {"run", "parameters", "units", "baselines", "context", "calibration", "gradients"}
    for heading in (
        "Try it",
        "What tale-1 writes",
        "What surprises it",
        "How it learned",
        "Next to simpler models",
    ):
        assert f"<h2>{heading}</h2>" in whole.html
    assert whole.html.count("<svg") == 4 and "nats/char" not in whole.html
    assert any("--no-text" in note for note in whole.notes)


def test_without_text_no_text_of_the_corpus_is_there(run):
    page = reported(run, has_text=False)
    assert "best of times" not in page.html and "best of times" in reported(run).html
    assert page.notes == []


def test_without_matplotlib_the_page_says_what_is_missing(run, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    page = reported(run).html
    assert "<svg" not in page and page.count("charlm-rnn[plot]") == 4


def test_without_its_corpus_a_run_is_shown_unmeasured(run, folder):
    (folder / "tale.txt").rename(folder / "away.txt")
    try:
        page = reported(run)
    finally:
        (folder / "away.txt").rename(folder / "tale.txt")
    assert "is not measured" in page.notes[0]
    assert 'id="prompt"' in page.html and "What tale-1 writes" in page.html and "bits/char on" not in page.html


def test_a_page_that_becomes_too_large_is_refused(run, monkeypatch):
    monkeypatch.setattr(report_module, "LARGEST", 50_000)
    with pytest.raises(UsageError, match="--half or --no-model"):
        reported(run)
    with pytest.raises(UsageError, match="give --no-model"):
        reported(run, half=True)


def test_a_weight_too_large_for_float16_is_refused(run):
    model = report_module.load_run(run)
    model.network.params["readout.b_y"][0] = 1e5
    assert make_live_model(model, half=False)["half"] is False
    with pytest.raises(UsageError, match="--half"):
        make_live_model(model, half=True)


def test_parameters_that_the_page_does_not_know_are_an_obstacle(run):
    network = report_module.load_run(run).network
    assert find_obstacle(network) is None
    network.shapes = network.shapes | {"readout.tail": (3,)}
    assert "readout.tail" in find_obstacle(network)


def test_every_cell_has_its_script():
    cells = {path.stem for path in Path("charlm/nn/cells").glob("[a-z]*.py")}
    assert {path.stem for path in Path("charlm/report/js/cells").glob("*.js")} == cells


def test_the_command_writes_a_page_and_replaces_only_pages(run, folder, monkeypatch):
    monkeypatch.chdir(folder)
    ended = call_main("report", "tale-1", "--no-text", "--json")
    assert (ended.code, ended.err.splitlines()[-1].startswith("wrote tale-1.html, ")) == (0, True)
    (record,) = ended.records
    assert record["run"] == "tale-1" and json.dumps(record)
    assert re.search(r"default-src 'none'; script-src 'sha256-[\w+/]+='", Path("tale-1.html").read_text())
    assert call_main("report", "--no-text", "--no-model").code == 0
    Path("tale-1.html").write_text("<p>my own")
    refused = call_main("report", "tale-1")
    assert (refused.code, "--out" in refused.complaint) == (2, True)
    assert Path("tale-1.html").read_text() == "<p>my own"
    assert call_main("report", "a", "b", "c").code in (1, 2)


def test_a_loaded_model_writes_its_page(run, tmp_path):
    model = charlm.load(run.folder)
    model.report(tmp_path / "page.html", text=False, half=True)
    page = (tmp_path / "page.html").read_text()
    assert '"half":true' in page and "best of times" not in page
    lost = replace(model, run=replace(run, folder=tmp_path / "gone"))
    with pytest.raises(UsageError, match="out=FOLDER"):
        lost.report(tmp_path / "other.html")


def test_a_run_of_another_task_is_shown_without_a_live_model(folder):
    (folder / "labels.tsv").write_text("a\taab\nb\tbba\n" * 40)
    settings = {"task": "classify", "hidden": 8, "steps": 2, "batch_size": 4, "seq_len": 8}
    trainer = new_trainer(find_text(str(folder / "labels.tsv")), resolve_settings(settings))
    with new_run(trainer, folder / "runs" / "labels-1") as run:
        list(train(trainer, run))
    trainer.close()
    page = reported(run)
    assert "Its task is classify" in page.html and "this one is classifier" in page.html
    assert 'id="prompt"' not in page.html and page.records[0]["live"] is False


def test_a_mixed_run_says_that_the_network_is_alone(run):
    run.ngram_path.touch()
    try:
        assert "mixed with an n-gram model" in reported(run, has_text=False).html
    finally:
        run.ngram_path.unlink()
