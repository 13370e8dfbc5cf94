"""What is measured: every run with every text, the newest run, a run's own corpus, and what is refused."""

import io
import os
from types import SimpleNamespace

import pytest

from charlm.base.errors import CorpusError, RunError, UsageError
from charlm.evaluate.subjects import subjects_of


def named(subjects):
    return [(subject.run, subject.text_name) for subject in subjects]


@pytest.fixture
def two_runs(keep):
    first, second = keep("first"), keep("second", seed=2)
    os.utime(first.folder / "config.json", (1, 1))
    os.utime(first.folder / "last.safetensors", (1, 1))
    return first, second


def test_nothing_named_is_the_newest_run_on_its_held_out_part(here, two_runs):
    (subject,) = subjects_of([], None)
    text = (here / "corpus.txt").read_text()
    assert named([subject]) == [("second", "corpus, val")]
    assert subject.part.text == text[450:]
    assert subject.training.text == text[:450]
    assert subject.model.training_characters == 450


def test_the_training_part_on_demand(here, two_runs):
    (subject,) = subjects_of(["first"], "train")
    assert named([subject]) == [("first", "corpus, train")]
    assert subject.part.text == (here / "corpus.txt").read_text()[:450]


def test_every_run_is_paired_with_every_text(here, two_runs):
    (here / "one.txt").write_text("abc")
    (here / "two.txt").write_text("cab")
    found = subjects_of(["one.txt", "second", "two.txt", "runs/first"], None)
    assert named(found) == [("second", "one"), ("second", "two"), ("first", "one"), ("first", "two")]
    assert [subject.part.text for subject in found] == ["abc", "cab"] * 2
    assert all(len(subject.training) == 450 for subject in found)


def test_a_text_alone_is_measured_on_the_newest_run(here, two_runs):
    (here / "one.txt").write_text("abc")
    assert named(subjects_of(["one.txt"], None)) == [("second", "one")]


def test_a_hyphen_is_standard_input(two_runs, monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO("né".encode())))
    (subject,) = subjects_of(["first", "-"], None)
    assert (subject.run, subject.text_name, subject.part.text) == ("first", "stdin", "né")


def test_the_best_weights_are_measured(keep):
    run = keep("run", steps=3)
    (subject,) = subjects_of(["run"], None)
    assert subject.model.network.params.flat.tobytes() == run.load_model("best").params.flat.tobytes()


def test_a_part_is_not_asked_of_a_text(here, two_runs):
    (here / "one.txt").write_text("abc")
    with pytest.raises(UsageError, match="--split val is a split of a run's own corpus"):
        subjects_of(["first", "one.txt"], "val")


def test_a_run_that_holds_nothing_out_says_what_to_do(keep):
    keep("run", val_fraction=0.0)
    with pytest.raises(
        UsageError, match="run has no validation split: give a text file as TARGET, or --split train"
    ):
        subjects_of(["run"], None)
    assert len(subjects_of(["run"], "train")[0].part) == 500


@pytest.mark.parametrize("lost", [lambda corpus: corpus.unlink(), lambda corpus: corpus.write_text("other")])
def test_a_corpus_that_moved_or_changed_is_an_error_where_it_is_measured(here, keep, lost):
    keep("run")
    lost(here / "corpus.txt")
    with pytest.raises(CorpusError):
        subjects_of(["run"], None)
    # Another text can still be measured, if without a baseline.
    (here / "one.txt").write_text("abc")
    (subject,) = subjects_of(["run", "one.txt"], None)
    assert subject.training is None


def test_what_is_both_a_run_and_a_file_is_ambiguous(here, keep):
    keep("both")
    (here / "both").write_text("abc")
    with pytest.raises(UsageError, match=r"both may be \./both or runs/both"):
        subjects_of(["both"], None)
    assert named(subjects_of(["./both"], None)) == [("both", "both")]
    assert named(subjects_of(["runs/both"], None)) == [("both", "corpus, val")]


def test_a_missing_run_or_text_is_named(here, keep):
    with pytest.raises(RunError, match="there is no run under runs/"):
        subjects_of([], None)
    keep("run")
    with pytest.raises(CorpusError, match="'nothing'"):
        subjects_of(["nothing"], None)
